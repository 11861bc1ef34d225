package buildflags

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
)

// value is one value of a per-package flag, and where it came from.
type value struct {
	flags toolFlags
	index int // in translation.cli, or -1 for GOFLAGS
}

// effective returns the values of a per-package flag that can count for the
// main package: the last one without a pattern, which surely does, and the
// ones with a pattern after it, which may.
func (t *translation) effective(name string) []value {
	var values []value
	add := func(s setting, index int) {
		if s.name != name {
			return
		}
		v := value{mustToolFlags(s.value), index}
		if v.flags.pattern == "" {
			values = nil
		}
		values = append(values, v)
	}
	for _, s := range t.env {
		add(s, -1)
	}
	for i, s := range t.cli {
		add(s, i)
	}
	return values
}

// linkmode puts -linkmode into -ldflags.
func (t *translation) linkmode() error {
	mode, given := t.page["linkmode"]
	switch {
	case !given:
		return nil
	case mode != "internal" && mode != "external" && mode != "auto":
		return &UsageError{
			Message: fmt.Sprintf("invalid value %q for flag -linkmode: want internal, external or auto", mode),
			Hint:    "-linkmode external links with the C compiler, internal without it, auto as the packages need it",
		}
	case t.gccgo() && mode == "internal":
		return &UsageError{
			Message: "-linkmode internal is not possible with -compiler gccgo, which always links with the C compiler",
			Hint:    "leave -linkmode out, or compile with gc",
		}
	case t.gccgo():
		return nil
	}
	return t.merge("linkmode", "ldflags", "-linkmode="+mode, func(f toolFlags) string { return f.has("linkmode") })
}

// ldlgo names the program's dynamic linker.
func (t *translation) ldlgo() error {
	path, given := t.page["ldlgo"]
	if !given {
		return nil
	}
	if err := t.interpreterExists(path); err != nil {
		return err
	}
	if !isELF(t.GOOS) {
		t.notice("-ldlgo has no effect: programs for " + t.GOOS + " name no dynamic linker")
		return nil
	}
	t.build.Interpreter = path
	name, list := "ldflags", []string{"-I", path}
	own := func(f toolFlags) string { return f.has("I") }
	if t.gccgo() {
		name, list = "gccgoflags", []string{"-Wl,--dynamic-linker=" + path}
		own = func(f toolFlags) string {
			i := slices.IndexFunc(f.words, func(word string) bool { return strings.Contains(word, "-dynamic-linker") })
			if i < 0 {
				return ""
			}
			return f.words[i]
		}
	}
	joined, err := JoinQuoted(list)
	if err != nil {
		return &UsageError{Message: "-ldlgo: " + err.Error(), Hint: "name the dynamic linker by a path without quotes"}
	}
	return t.merge("ldlgo", name, joined, own)
}

// interpreterExists looks for the dynamic linker before the kernel does: it
// would say "no such file or directory" about the program. The program of
// another system runs under an emulator, which may have a root of its own.
func (t *translation) interpreterExists(path string) error {
	hint := "-ldlgo names the dynamic linker of the program, such as /lib64/ld-linux-x86-64.so.2; leave it out for Go's own choice"
	if path == "" {
		return &UsageError{Message: "-ldlgo names no interpreter", Hint: hint}
	}
	if t.GOOS != runtime.GOOS || t.GOARCH != runtime.GOARCH {
		return nil
	}
	file := path
	if !filepath.IsAbs(file) {
		file = filepath.Join(t.parsed.Dir, file)
	}
	info, err := os.Stat(file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return &UsageError{Message: "interpreter " + path + " does not exist", Hint: hint}
	case err == nil && info.IsDir():
		return &UsageError{Message: "interpreter " + path + " is a directory", Hint: hint}
	}
	return nil
}

// isELF reports whether executables for goos are ELF files.
func isELF(goos string) bool {
	return slices.Contains([]string{"android", "dragonfly", "freebsd", "illumos", "linux", "netbsd", "openbsd", "solaris"}, goos)
}

// merge adds words to the value of the per-package flag name that counts for
// the main package, because Go takes only the last value without a pattern.
// It is a usage error when that value already says the same thing by itself
// (own returns the word), or when a pattern leaves open which value counts.
// from is the page's flag that the words stand for.
func (t *translation) merge(from, name, words string, own func(toolFlags) string) error {
	values := t.effective(name)
	if len(values) == 0 {
		t.cli = append(t.cli, setting{name, words})
		return nil
	}
	for _, v := range values {
		if word := own(v.flags); word != "" {
			return &UsageError{
				Message: fmt.Sprintf("-%s conflicts with %s in %s", from, word, v.place(name)),
				Hint:    "say it once: " + t.parsed.without(from),
			}
		}
	}
	v := values[len(values)-1]
	merged := setting{name, v.flags.after(words)}
	if v.flags.pattern != "" {
		return &UsageError{
			Message: fmt.Sprintf("-%s cannot be added to %s, whose pattern %q may or may not match the program", from, v.place(name), strings.TrimSuffix(v.flags.pattern, "=")),
			Hint:    "write what is meant: " + t.parsed.without(from, merged),
		}
	}
	if v.index < 0 {
		t.cli = append(t.cli, merged)
	} else {
		t.cli[v.index] = merged
	}
	return nil
}

func (v value) place(name string) string {
	if v.index < 0 {
		return "-" + name + " (from $GOFLAGS)"
	}
	return "-" + name
}

// without returns the command line without the flag name, and with the given
// settings in place of the last flag of their name.
func (p Parsed) without(name string, instead ...setting) string {
	index := newIndex()
	kept := slices.DeleteFunc(slices.Clone(p.given), func(g given) bool { return !g.own && g.name == name })
	for _, s := range instead {
		g := given{setting: s, words: []string{s.word(index)}}
		at := -1
		for i, k := range kept {
			if !k.own && k.name == s.name {
				at = i
			}
		}
		if at < 0 {
			kept = append(kept, g)
		} else {
			kept[at] = g
		}
	}
	var flags []string
	for _, g := range kept {
		flags = append(flags, g.words...)
	}
	return p.commandLine(nil, flags)
}

// gldebug keeps debug information. `go run` gives the linker -s -w and the
// compiler -dwarf=false for the main package (cmd/go/internal/work/gc.go,
// OmitDebug), both in front of the user's flags, so ours can take them back.
// Without the compiler's half, the main package has neither types nor
// variables. gccgo always keeps debug information.
func (t *translation) gldebug() error {
	if t.page["gldebug"] != "true" {
		return nil
	}
	if t.GOOS == "plan9" || t.GOARCH == "wasm" {
		t.notice("-gldebug has no effect: the go command makes no debug information for " + t.GOOS + "/" + t.GOARCH)
		return nil
	}
	note := "-gldebug: no Go release has it; debug information is kept in the executable, which go run leaves out"
	if t.gccgo() {
		t.notice(note)
		return nil
	}
	if place := t.strips(); place != "" {
		note = "-gldebug: " + place + " counts, so debug information may be missing"
	}
	t.prepend("ldflags", "-s=0 -w=0")
	t.prepend("gcflags", "-dwarf=true")
	t.notice(note)
	return nil
}

// strips returns the user's own word that leaves debug information out, and
// where it stands; "" when there is none.
func (t *translation) strips() string {
	for _, off := range []struct {
		name, word string
		on         bool
	}{{"ldflags", "s", true}, {"ldflags", "w", true}, {"gcflags", "dwarf", false}} {
		for _, v := range t.effective(off.name) {
			if word := v.flags.switches(off.word, off.on); word != "" {
				return word + " in " + v.place(off.name)
			}
		}
	}
	return ""
}

// prepend adds words in front of every value of the per-package flag name, so
// that they hold whichever value counts for the main package, and what the
// user wrote still has the last word. Values from GOFLAGS are said again.
func (t *translation) prepend(name, words string) {
	var front []setting
	bare := false // some value has no pattern
	add := func(s *setting) {
		flags := mustToolFlags(s.value)
		bare = bare || flags.pattern == ""
		s.value = flags.before(words)
	}
	for _, s := range t.env {
		if s.name == name {
			add(&s)
			front = append(front, s)
		}
	}
	for i := range t.cli {
		if t.cli[i].name == name {
			add(&t.cli[i])
		}
	}
	if !bare {
		front = append([]setting{{name, words}}, front...)
	}
	t.cli = append(front, t.cli...)
}
