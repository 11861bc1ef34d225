package soundness

import "strings"

// sources are the extensions of files that the go command takes for source.
func sources() []string {
	return []string{".go", ".go", ".go", ".s", ".h", ".c", ".inc"}
}

// live are files of the probe whose "10" shows in the program.
func live(s *state) string {
	return s.probe(s.pick("main.go", "use.go", "one.txt", "static/a.txt", "tree/x/.hidden", "lib/lib.go", "lib/lib_linux.go",
		"lib/local.h", "lib/deep/deep.go", "lib/lib_notag.go", "static/b.txt", "tree/z.txt"))
}

func bumped(s *state, rel string) (string, bool)  { return s.bump(rel) }
func flipped(s *state, rel string) (string, bool) { return s.flip(rel) }

// contentEdits change what is in files: inputs 1, and 2 for test files.
func contentEdits() []edit {
	e := func(name string, apply func(*state) bool) edit {
		return edit{kind: "content", inputs: "1", name: name, apply: apply, weight: 2}
	}
	change := func(f func(string) string) func(*state, string) (string, bool) {
		return func(s *state, rel string) (string, bool) { text, ok := s.read(rel); return f(text), ok }
	}
	return []edit{
		e("another number", rewrite(live, bumped)),
		e("another letter", rewrite(anyOf(sources()...), flipped)),
		e("another letter in a file that is no source", rewrite(anyOf(".txt", ".md", ".mod", ".sum", ".der", "", ".yml"), flipped)),
		e("another number, another file", func(s *state) bool {
			rel := live(s)
			text, ok := s.bump(rel)
			return ok && s.replace(rel, text)
		}),
		{kind: "frozen", inputs: "1", name: "same size and time", weight: 6, apply: func(s *state) bool {
			rel := live(s)
			text, ok := s.bump(rel)
			return ok && s.frozen(rel, text)
		}},
		{kind: "frozen", inputs: "1", name: "a letter, same size and time", weight: 3, apply: func(s *state) bool {
			rel := s.file(sources()...)
			text, ok := s.flip(rel)
			return ok && s.frozen(rel, text)
		}},
		e("a comment at the end", rewrite(anyOf(".go"), change(func(t string) string { return t + "\n// more\n" }))),
		e("a line at the top", rewrite(anyOf(".go"), change(func(t string) string { return "// more\n\n" + t }))),
		e("empty", rewrite(anyOf(sources()...), change(func(string) string { return "" }))),
		e("half", rewrite(anyOf(sources()...), change(func(t string) string { return t[:len(t)/2] }))),
		e("a NUL", rewrite(anyOf(".go"), change(func(t string) string { return strings.Replace(t, "package ", "\x00package ", 1) }))),
		e("a byte order mark", rewrite(anyOf(".go"), change(func(t string) string { return "\xef\xbb\xbf" + t }))),
		e("carriage returns", rewrite(anyOf(".go", ".s", ".h"), change(func(t string) string { return strings.ReplaceAll(t, "\n", "\r\n") }))),
		e("a //go:debug line", rewrite(func(s *state) string { return s.probe("main.go") }, change(func(t string) string { return "//go:debug panicnil=1\n" + t }))),
		e("a //go:linkname", rewrite(anyOf(".go"), change(func(t string) string { return t + "\n//go:noinline\nfunc zz10() {}\n" }))),
		{kind: "content", inputs: "2", name: "a test file's package", apply: testPackage, weight: 2},
		{kind: "content", inputs: "2", name: "a test file's import", apply: testImport, weight: 2},
		{kind: "content", inputs: "1,6", name: "an import", apply: moreImport, weight: 3},
	}
}

// testPackage makes a test file clash with its package, or not.
func testPackage(s *state) bool {
	rel := s.probe("lib/lib_test.go")
	text, ok := s.read(rel)
	return ok && s.write(rel, strings.Replace(text, "package lib", "package "+s.pick("lib_test", "clash", "lib_", "main"), 1))
}

func testImport(s *state) bool {
	rel := s.probe("lib/lib_test.go")
	text, ok := s.read(rel)
	return ok && s.write(rel, strings.Replace(text, `import "testing"`, "import \"testing\"\nimport _ \""+s.pick("C", "no.such/thing", "embed", "")+"\"", 1))
}

func moreImport(s *state) bool {
	rel := s.probe(s.pick("use.go", "lib/lib.go", "lib/deep/deep.go"))
	text, ok := s.read(rel)
	_, rest, found := strings.Cut(text, "\n")
	at := strings.Index(text, "package ")
	if !ok || !found || rest == "" || at < 0 {
		return false
	}
	end := at + strings.Index(text[at:], "\n")
	path := s.pick(s.sub.importPath(s.probe("other")), "os/user", "strings", "no.such/module", s.sub.importPath(s.probe("missing")), "unsafe", "embed")
	return s.write(rel, text[:end]+"\n\nimport _ \""+path+"\"\n"+text[end:])
}
