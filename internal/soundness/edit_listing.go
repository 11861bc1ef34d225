package soundness

import (
	"path"
	"strings"
)

// packageName returns the package clause's name of some Go file in dir.
func (s *state) packageName(dir string) string {
	for _, f := range s.sub.files {
		if path.Dir(f) != dir || path.Ext(f) != ".go" || strings.HasSuffix(f, "_test.go") {
			continue
		}
		text, _ := s.read(f)
		for line := range strings.Lines(text) {
			if name, ok := strings.CutPrefix(line, "package "); ok {
				return strings.Fields(name)[0]
			}
		}
	}
	return "main"
}

// listingEdits change which files a package directory has: input 2.
func listingEdits() []edit {
	var list []edit
	for _, name := range []string{
		"zz.go", "zz_linux.go", "zz_windows.go", "zz_amd64.go", "zz_test.go", "_zz.go", ".zz.go", "zz.s", "zz_amd64.s", "zz_arm64.s", "zz.S",
		"zz.c", "zz.h", "zz.syso", "zz_amd64.syso", "zz.cc", "zz.f", "zz.swig", "zz.m", "zz.txt", "zz.inc", "zz.GO", "zz.go.txt", "zz~.go", "zz.sx",
	} {
		list = append(list, edit{kind: "add", inputs: "2", name: name, apply: func(s *state) bool { return s.addFile(name) }})
	}
	return append(list,
		edit{kind: "add", inputs: "2", name: "a directory with a source's name", apply: func(s *state) bool { return s.mkdir(path.Join(s.packageDir(), s.pick("zz.go", "zz.s", "zz.h"))) }},
		edit{kind: "add", inputs: "2,7", name: "a file in a local module that is no main one", weight: 4, apply: addReplaced},
		edit{kind: "delete", inputs: "2", name: "a source file", weight: 8, apply: func(s *state) bool { return s.remove(s.file(sources()...)) }},
		edit{kind: "delete", inputs: "1,2,3", name: "any file", weight: 5, apply: func(s *state) bool { return s.remove(s.pick(s.sub.files...)) }},
		edit{kind: "delete", inputs: "2", name: "a package", weight: 3, apply: func(s *state) bool { return s.remove(s.packageDir()) }},
		edit{kind: "rename", inputs: "2", name: "to another suffix", weight: 8, apply: renameSuffix},
		edit{kind: "rename", inputs: "2", name: "a package", weight: 3, apply: func(s *state) bool { d := s.packageDir(); return s.rename(d, d+"zz") }},
		edit{kind: "rename", inputs: "2", name: "two files exchanged", weight: 3, apply: exchange},
	)
}

func (s *state) addFile(name string) bool {
	dir := s.packageDir()
	return s.write(path.Join(dir, name), s.contentFor(name, s.packageName(dir)))
}

// contentFor returns what may stand in a new file of that name.
func (s *state) contentFor(name, pkg string) string {
	switch path.Ext(name) {
	case ".go":
		return s.pick(
			"package "+pkg+"\n\nvar zz = 10\n", "package "+pkg+"\n\nimport _ \"fmt\"\n", "package clash\n", "//go:build ignore\n\npackage "+pkg+"\n",
			"//go:build ignore\n\npackage clash\n", "", "not Go\n", "package "+pkg+"_test\n", "package documentation\n",
			"package "+pkg+"\n\nimport \"C\"\n", "package "+pkg+"\n\nfunc init() { println(10) }\n", "//go:build (\n\npackage "+pkg+"\n",
			"package "+pkg+"\n\nimport _ \"no.such/module\"\n",
		)
	case ".s", ".S", ".sx":
		return s.pick("", "#include \"textflag.h\"\n", "TEXT ·zz(SB),4,$0\n\tRET\n", "//go:build ignore\n\nnonsense\n", "nonsense\n")
	}
	return s.pick("", "int zz10(void);\n", "text 10\n")
}

func addReplaced(s *state) bool {
	if len(s.sub.replaced) == 0 {
		return false
	}
	dir := s.pick(s.sub.replaced...)
	var dirs []string
	for _, f := range s.sub.files {
		if strings.HasPrefix(f, dir+"/") && path.Ext(f) == ".go" {
			dirs = append(dirs, path.Dir(f))
		}
	}
	at := s.pick(dirs...)
	return s.write(path.Join(at, "zz.go"), s.contentFor("zz.go", s.packageName(at)))
}

func renameSuffix(s *state) bool {
	rel := s.file(sources()...)
	stem, ok := strings.CutSuffix(rel, path.Ext(rel))
	to := s.pick("_windows.go", "_test.go", ".txt", "_zz.go", "_linux.go", ".go", ".s", ".c", ".syso", "_arm64.s", "_amd64.go", "_unix.go")
	return ok && rel != "" && s.rename(rel, stem+to)
}

// exchange gives two files of a directory each other's content by name.
func exchange(s *state) bool {
	a, b := s.file(sources()...), s.file(sources()...)
	if a == b || a == "" || b == "" {
		return false
	}
	return s.rename(a, a+".zz") && s.rename(b, a) && s.rename(a+".zz", b)
}

// constraintEdits change build constraints: input 2.
func constraintEdits() []edit {
	return []edit{
		{kind: "constraint", inputs: "2", name: "a line at the top", weight: 6, apply: rewrite(anyOf(".go", ".go", ".s"), constrained)},
		{kind: "constraint", inputs: "2", name: "another line", weight: 6, apply: rewrite(constrainedFile, otherConstraint)},
		{kind: "constraint", inputs: "2", name: "the old form", weight: 2, apply: rewrite(anyOf(".go"), func(s *state, rel string) (string, bool) {
			text, ok := s.read(rel)
			return "// +build " + s.pick("ignore", "linux", "!linux", "probe") + "\n\n" + text, ok
		})},
	}
}

func constrained(s *state, rel string) (string, bool) {
	text, ok := s.read(rel)
	return "//go:build " + s.pick("ignore", "linux", "!linux", "probe", "cgo", "!cgo", "go1.21", "go1.99", "gc", "amd64.v3", "race", "unix && !probe", "||") + "\n\n" + text, ok
}

func constrainedFile(s *state) string {
	for range 20 {
		rel := s.file(".go")
		if text, ok := s.read(rel); ok && strings.Contains(text, "//go:build ") {
			return rel
		}
	}
	return ""
}

func otherConstraint(s *state, rel string) (string, bool) {
	text, ok := s.read(rel)
	before, rest, found := strings.Cut(text, "//go:build ")
	_, after, _ := strings.Cut(rest, "\n")
	return before + "//go:build " + s.pick("ignore", "linux", "!linux", "probe", "!probe", "windows || linux") + "\n" + after, ok && found
}
