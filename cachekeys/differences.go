package cachekeys

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Differences says by name what has changed since an earlier build: one short
// phrase for each, the most telling first.
//
//	cmd/api/main.go changed
//	golang.org/x/sys v0.47.0 → v0.48.0
//	-tags: +e2e
func (c *Closure) Differences(was About) []string {
	before, after := byName(was.Inputs), byName(c.Inputs)
	var out []string
	for _, kind := range []string{KindToolchain, KindTarget, KindDir, KindPackage, KindFlag, KindEnv, KindCompiler} {
		out = append(out, settingsDiffer(kind, before[kind], after[kind])...)
	}
	modules := moduleDiffer(was.Modules, c.moduleVersions())
	files := fileDiffer(before[KindModule], after[KindModule])
	if len(modules) > 0 {
		files = slices.DeleteFunc(files, func(s string) bool {
			return strings.HasSuffix(s, "go.mod changed") || strings.HasSuffix(s, "go.sum changed")
		})
	}
	out = append(append(out, files...), modules...)
	for _, kind := range []string{KindProfile, KindFile, KindEmbed} {
		out = append(out, fileDiffer(before[kind], after[kind])...)
	}
	return slices.Compact(out)
}

// Distance counts the inputs that differ: the nearest entry has the fewest.
func (c *Closure) Distance(was About) int {
	n, have := 0, map[Input]bool{}
	for _, in := range was.Inputs {
		have[in] = true
	}
	for _, in := range c.Inputs {
		if !have[in] {
			n++
		}
		delete(have, in)
	}
	return n + len(have)
}

// byName arranges inputs by kind and name.
func byName(inputs []Input) map[string]map[string]string {
	all := map[string]map[string]string{}
	for _, in := range inputs {
		if all[in.Kind] == nil {
			all[in.Kind] = map[string]string{}
		}
		all[in.Kind][in.Name] = in.Value
	}
	return all
}

// changed calls f for each name whose values differ, in order.
func changed(before, after map[string]string, f func(name, was, is string)) {
	names := slices.Sorted(maps.Keys(after))
	for name := range before {
		if _, ok := after[name]; !ok {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		if before[name] != after[name] {
			f(name, before[name], after[name])
		}
	}
}

func settingsDiffer(kind string, before, after map[string]string) (out []string) {
	changed(before, after, func(name, was, is string) {
		label := strings.TrimSpace(kind + " " + name)
		if kind == KindFlag || kind == KindEnv {
			label = name
		}
		out = append(out, label+settingDiffers(name, was, is))
	})
	return out
}

func settingDiffers(name, was, is string) string {
	switch {
	case name == "-tags" && setDiffers(was, is) != "":
		return ": " + setDiffers(was, is)
	case strings.HasPrefix(is, "fingerprint ") || len(is) > 2*shortPart+wholePart || isSum(was) || isSum(is):
		return " changed"
	case was == "":
		return ": +" + is
	case is == "":
		return ": -" + was
	}
	return fmt.Sprintf(": %s → %s", oneLine(was), oneLine(is))
}

// isSum reports whether a value ends with a fingerprint, which tells nobody
// anything.
func isSum(value string) bool {
	words := strings.Fields(value)
	if len(words) == 0 {
		return false
	}
	last := words[len(words)-1]
	return len(last) >= 32 && strings.Trim(last, "0123456789abcdef") == ""
}

func oneLine(s string) string { return strings.ReplaceAll(s, "\n", " ") }

// setDiffers compares two lists of words without their order.
func setDiffers(before, after string) string {
	was, is := strings.Split(before, ","), strings.Split(after, ",")
	var words []string
	for _, w := range is {
		if w != "" && !slices.Contains(was, w) {
			words = append(words, "+"+w)
		}
	}
	for _, w := range was {
		if w != "" && !slices.Contains(is, w) {
			words = append(words, "-"+w)
		}
	}
	return strings.Join(words, " ")
}

func fileDiffer(before, after map[string]string) (out []string) {
	changed(before, after, func(name, was, is string) {
		switch {
		case was == "" || was == "absent":
			out = append(out, name+" is new")
		case is == "" || is == "absent":
			out = append(out, name+" is gone")
		default:
			out = append(out, name+" changed")
		}
	})
	return out
}

func moduleDiffer(before, after map[string]string) (out []string) {
	changed(before, after, func(name, was, is string) {
		switch {
		case was == "":
			out = append(out, name+" "+is+" is new")
		case is == "":
			out = append(out, name+" "+was+" is gone")
		default:
			out = append(out, fmt.Sprintf("%s %s → %s", name, was, is))
		}
	})
	return out
}
