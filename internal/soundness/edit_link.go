package soundness

import (
	"path"
	"strconv"
)

// linkEdits put symbolic links in the place of files and directories: input 8.
func linkEdits() []edit {
	e := func(name string, weight int, apply func(*state) bool) edit {
		return edit{kind: "symlink", inputs: "8", name: name, weight: weight, apply: apply}
	}
	return []edit{
		e("a source file, same content", 3, func(s *state) bool { return s.linked(s.file(sources()...)) }),
		e("an embedded file, same content", 3, func(s *state) bool { return s.linked(s.embedded()) }),
		e("a package, same content", 3, func(s *state) bool { return s.linked(s.packageDir()) }),
		e("an embedded directory, same content", 4, func(s *state) bool { return s.linked(s.probe(s.pick("static", "tree", "tree/x"))) }),
		e("a file to another", 3, func(s *state) bool {
			rel := s.pick(s.file(sources()...), s.embedded())
			return s.remove(rel) && s.symlink(s.abs(live(s)), rel)
		}),
		e("to nothing", 2, func(s *state) bool {
			rel := s.pick(s.file(sources()...), s.embedded())
			return s.remove(rel) && s.symlink("nowhere", rel)
		}),
		e("to itself", 1, func(s *state) bool { rel := s.file(".go"); return s.remove(rel) && s.symlink(path.Base(rel), rel) }),
		e("a new link to a source file", 2, func(s *state) bool {
			return s.symlink(s.abs(s.file(sources()...)), path.Join(s.packageDir(), s.pick("zz.go", "zz_test.go", "zz.s")))
		}),
		e("a new link to a directory", 2, func(s *state) bool {
			return s.symlink(s.abs(s.packageDir()), path.Join(s.packageDir(), s.pick("zz.go", "zz", "vendor")))
		}),
		e("go.mod", 2, func(s *state) bool { return s.linked(s.mod(s.pick("go.mod", "go.sum"))) }),
		e("the linked directory to a copy", 40, relink),
	}
}

// linked moves a file or directory away and puts a link in its place.
func (s *state) linked(rel string) bool {
	s.count++
	away := "out/moved" + strconv.Itoa(s.count)
	return rel != "" && s.rename(rel, away) && s.symlink(s.abs(away), rel)
}

// embedded picks a file that the probe embeds.
func (s *state) embedded() string {
	return s.probe(s.pick("one.txt", "static/a.txt", "static/b.txt", "tree/x/.hidden", "tree/x/y.txt", "tree/z.txt"))
}

// relink makes the working directory's link lead to the same files at another
// place, which the executable shows without -trimpath.
func relink(s *state) bool {
	if s.dir != s.out("link") || len(s.sub.replaced) > 0 {
		return false
	}
	return s.rename(s.sub.module, "out/elsewhere") && s.remove("out/link") && s.symlink(s.abs("out/elsewhere"), "out/link")
}

// embedEdits change patterns and what they find: input 3.
func embedEdits() []edit {
	e := func(name string, weight int, apply func(*state) bool) edit {
		return edit{kind: "embed", inputs: "3", name: name, weight: weight, apply: apply}
	}
	at := func(s *state) string {
		return s.probe(s.pick("static", "tree", "tree/x", "static/sub", "tree/sub", "."))
	}
	return []edit{
		e("another pattern", 6, rewrite(func(s *state) string { return s.probe("main.go") }, otherPattern)),
		e("another file", 5, func(s *state) bool {
			return s.write(path.Join(at(s), s.pick("zz.txt", ".zz", "_zz", "zz.go", "zz", "zz:", "zz\"")), s.pick("new 10\n", ""))
		}),
		e("one file less", 3, func(s *state) bool { return s.remove(s.embedded()) }),
		e("another name", 3, func(s *state) bool {
			rel := s.embedded()
			return s.rename(rel, path.Join(path.Dir(rel), s.pick("zz.txt", ".zz", "_zz.txt")))
		}),
		e("another module", 3, func(s *state) bool { return s.write(path.Join(at(s), "go.mod"), "module zz\n") }),
		e("an empty directory", 2, func(s *state) bool { return s.mkdir(path.Join(at(s), s.pick("zz", "zz.txt", ".git", "go.mod"))) }),
		e("a directory instead of a file", 2, func(s *state) bool { rel := s.embedded(); return s.remove(rel) && s.write(rel+"/zz.txt", "new 10\n") }),
		e("a file instead of a directory", 2, func(s *state) bool {
			rel := s.probe(s.pick("static", "tree", "tree/x"))
			return s.remove(rel) && s.write(rel, "new 10\n")
		}),
		e("content", 4, func(s *state) bool { rel := s.embedded(); text, ok := s.flip(rel); return ok && s.write(rel, text) }),
		e("a repository", 2, func(s *state) bool { return s.write(path.Join(at(s), s.pick(".git", ".hg", ".bzr"), "HEAD"), "10\n") }),
	}
}

func otherPattern(s *state, rel string) (string, bool) {
	text, ok := s.read(rel)
	from := s.pick("static/*.txt", "all:tree", "one.txt")
	to := s.pick("static/*", "static/a.txt", "tree", "all:static", "*.txt", "two.txt", "lib/testdata", "tree/x", "all:tree/*", "static/[ab].txt", `"static/a.txt" two.txt`, "none*", "../README.md", ".", "static/", "lib/lib.go")
	return replaceOnce(text, "//go:embed "+from, "//go:embed "+to), ok
}
