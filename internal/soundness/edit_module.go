package soundness

import (
	"path"
	"strings"
)

// moduleEdits change the files that choose modules: inputs 4, 7 and 17.
func moduleEdits() []edit {
	e := func(kind, inputs, name string, weight int, apply func(*state) bool) edit {
		return edit{kind: kind, inputs: inputs, name: name, weight: weight, apply: apply}
	}
	return []edit{
		e("go.mod", "4,17", "a line more", 6, func(s *state) bool { return s.appended(s.pick(s.mod("go.mod"), "out/alt.mod"), goModLine(s)) }),
		e("go.mod", "4", "a line less", 5, func(s *state) bool { return s.lineLess(s.pick(s.mod("go.mod"), "out/alt.mod")) }),
		e("go.mod", "4,12", "another language version", 3, func(s *state) bool {
			rel := s.mod("go.mod")
			text, ok := s.read(rel)
			_, rest, found := strings.Cut(text, "\ngo ")
			version, _, _ := strings.Cut(rest, "\n")
			return ok && found && s.write(rel, strings.Replace(text, "\ngo "+version, "\ngo "+s.pick("1.11", "1.16", "1.20", "1.22", "1.25", "1.99"), 1))
		}),
		e("go.mod", "4", "a letter", 3, func(s *state) bool { rel := s.mod("go.mod"); text, ok := s.flip(rel); return ok && s.write(rel, text) }),
		e("go.mod", "4", "gone", 1, func(s *state) bool { return s.remove(s.mod("go.mod")) }),
		e("go.mod", "4,19", "-modfile", 3, func(s *state) bool { return s.flag("-modfile=" + s.out("alt.mod")) }),
		e("go.sum", "4,17", "a line less", 4, func(s *state) bool { return s.lineLess(s.pick(s.mod("go.sum"), "out/alt.sum")) }),
		e("go.sum", "4,17", "a letter", 4, func(s *state) bool {
			rel := s.pick(s.mod("go.sum"), "out/alt.sum")
			text, ok := s.flip(rel)
			return ok && s.write(rel, text)
		}),
		e("go.sum", "4", "gone", 2, func(s *state) bool { return s.remove(s.pick(s.mod("go.sum"), "out/alt.sum")) }),
		e("go.sum", "4", "a line more", 2, func(s *state) bool {
			return s.appended(s.pick(s.mod("go.sum"), "out/alt.sum"), "no.such/module v1.0.0 h1:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n")
		}),
		e("go.work", "4,7", "a line less", 4, func(s *state) bool { return s.lineLess("src/" + s.pick("go.work", "go.work.sum")) }),
		e("go.work", "4,7", "a line more", 3, func(s *state) bool {
			return s.exists("src/go.work") && s.appended("src/go.work", s.pick("toolchain go1.26.1\n", "godebug panicnil=1\n", "// more\n", "replace golang.org/x/text => ./text\n", "use ./none\n"))
		}),
		e("go.work", "4,7", "gone", 2, func(s *state) bool { return s.remove("src/go.work") }),
		e("replace", "7", "in a local module", 8, func(s *state) bool { return s.inReplaced() }),
		e("replace", "7", "go.mod of a local module", 3, func(s *state) bool {
			return len(s.sub.replaced) > 0 && s.appended(path.Join(s.pick(s.sub.replaced...), "go.mod"), goModLine(s))
		}),
		e("replace", "7", "to another directory", 3, func(s *state) bool {
			rel := s.mod("go.mod")
			text, ok := s.read(rel)
			before, _, found := strings.Cut(text, "=> ./")
			return ok && found && s.rename("src/text", "src/text2") && s.write(rel, before+"=> ./text2\n")
		}),
		e("replace", "7", "a local module is gone", 2, func(s *state) bool { return len(s.sub.replaced) > 0 && s.remove(s.pick(s.sub.replaced...)) }),
		e("vendor", "4", "modules.txt", 4, func(s *state) bool { return s.lineLess(s.mod("vendor/modules.txt")) }),
		e("vendor", "4,5", "gone", 3, func(s *state) bool { return s.remove(s.mod("vendor")) }),
		e("vendor", "4,5", "a new one", 3, func(s *state) bool { return s.mkdir(s.mod("vendor")) }),
		e("vendor", "4,5", "a new one with modules.txt", 2, func(s *state) bool {
			return s.write(s.mod("vendor/modules.txt"), s.pick("", "# no.such/module v1.0.0\n"))
		}),
		e("vendor", "4,5", "in the workspace", 2, func(s *state) bool { return s.write("src/vendor/modules.txt", "## workspace\n") }),
		e("vendor", "1", "a file of it", 4, func(s *state) bool { return s.under(s.mod("vendor")) }),
	}
}

func goModLine(s *state) string {
	return s.pick("// more\n", "godebug panicnil=1\n", "toolchain go1.26.1\n", "exclude golang.org/x/text v0.3.0\n", "retract v1.0.0\n",
		"require golang.org/x/mod v0.42.0\n", "replace golang.org/x/mod => ./zz_probe\n", "nonsense\n", "tool fmt\n", "ignore ./zz_probe/lib\n", "ignore ./zz_probe/other\n")
}

func (s *state) appended(rel, line string) bool {
	text, ok := s.read(rel)
	return ok && s.write(rel, text+"\n"+line)
}

func (s *state) lineLess(rel string) bool {
	text, ok := s.read(rel)
	lines := strings.SplitAfter(text, "\n")
	if !ok || len(lines) < 2 {
		return false
	}
	i := s.rnd.IntN(len(lines) - 1)
	return s.write(rel, strings.Join(append(lines[:i:i], lines[i+1:]...), ""))
}

// under changes a letter in a source file below dir.
func (s *state) under(dir string) bool {
	var list []string
	for _, f := range s.sub.files {
		if strings.HasPrefix(f, dir+"/") && path.Ext(f) == ".go" {
			list = append(list, f)
		}
	}
	rel := s.pick(list...)
	text, ok := s.flip(rel)
	return rel != "" && ok && s.write(rel, text)
}

func (s *state) inReplaced() bool {
	return len(s.sub.replaced) > 0 && s.under(s.pick(s.sub.replaced...))
}

// absenceEdits make what was not there: input 5.
func absenceEdits() []edit {
	e := func(name string, weight int, apply func(*state) bool) edit {
		return edit{kind: "absence", inputs: "5", name: name, weight: weight, apply: apply}
	}
	above := func(s *state) string { return s.pick("", "src/", "zz", path.Dir(s.sub.module)+"/", s.sub.module+"/") }
	return []edit{
		e("go.work above", 4, func(s *state) bool {
			use := s.pick("use ./"+s.sub.module+"\n", "use ./src\n", "use .\n", "")
			return s.write(strings.TrimPrefix(above(s), "zz")+"go.work", "go 1.26\n\n"+use)
		}),
		e("go.mod above", 2, func(s *state) bool { return s.write(strings.TrimPrefix(above(s), "zz")+"go.mod", "module above\n") }),
		e("go.mod between", 6, func(s *state) bool {
			return s.write(path.Join(s.packageDir(), "go.mod"), s.pick("module between\n", "", "nonsense\n"))
		}),
		e("a directory go.mod between", 2, func(s *state) bool { return s.mkdir(path.Join(s.packageDir(), s.pick("go.mod", "go.work"))) }),
		e("go.work between", 3, func(s *state) bool { return s.write(path.Join(s.packageDir(), "go.work"), "go 1.26\n\nuse .\n") }),
		e("a GOENV file", 4, func(s *state) bool { return s.write("home/.config/go/env", goEnvLine(s)+"\n") }),
		{kind: "absence", inputs: "5,10", name: "default.pgo", weight: 2, costly: true, apply: func(s *state) bool { return s.write(s.probe("default.pgo"), "nonsense\n") }},
		{kind: "absence", inputs: "5,10", name: "default.pgo elsewhere", weight: 1, apply: func(s *state) bool { return s.write(s.probe("lib/default.pgo"), "nonsense\n") }},
	}
}

func goEnvLine(s *state) string {
	return s.pick("GOFLAGS=-tags=probe", "GOFLAGS=-trimpath", "GODEBUG=panicnil=1", "FOO=bar", "GOWORK=off", "GO111MODULE=off", "GOFLAGS=-mod=vendor", "GOFLAGS=nonsense")
}

// shadowEdits make another directory provide an import: input 6.
func shadowEdits() []edit {
	var list []edit
	for _, name := range []string{"zz.go", "_zz.go", ".zz.go", "zz_test.go", "zz_windows.go", "zz.s"} {
		list = append(list, edit{kind: "shadow", inputs: "6", name: name, apply: func(s *state) bool {
			dir := s.pick(s.sub.shadow...)
			return dir != "" && s.write(path.Join(dir, name), "package "+path.Base(dir)+"\n")
		}})
	}
	return append(list, edit{kind: "shadow", inputs: "6", name: "a directory", apply: func(s *state) bool {
		dir := s.pick(s.sub.shadow...)
		return dir != "" && s.mkdir(path.Join(dir, "zz.go"))
	}})
}
