package soundness

import (
	"path"
	"slices"
	"strings"
	"time"
)

// neutralEdits change nothing for any build: a key that changes is a needless
// miss.
func neutralEdits() []edit {
	e := func(name string, apply func(*state) bool) edit {
		return edit{kind: "neutral", name: name, apply: apply, neutral: true}
	}
	return []edit{
		e("README", func(s *state) bool { return s.write(s.mod("README.md"), s.pick("# more 10\n", "")) }),
		e("a new document", func(s *state) bool { return s.write(path.Join(s.packageDir(), "zz.md"), "text\n") }),
		e("an unrelated directory", func(s *state) bool { return s.write(s.mod("docs/zz/zz.txt"), "text\n") }),
		e("an unrelated package", func(s *state) bool { return s.write(s.mod("zz/zz.go"), "package zz\n") }),
		e("an unrelated package changes", func(s *state) bool { return s.appended(s.probe("other/other.go"), "// more\n") }),
		e("a comment in another package's test", func(s *state) bool { return s.appended(s.probe("other/other_test.go"), "// more\n") }),
		e("a comment in the package's test", func(s *state) bool { return s.appended(s.probe("lib/lib_test.go"), "// more\n") }),
		e("the body of a test", func(s *state) bool {
			rel := s.probe("lib/lib_test.go")
			text, ok := s.read(rel)
			return ok && s.write(rel, strings.Replace(text, "no answer", "none", 1))
		}),
		e("test data", func(s *state) bool { return s.write(s.probe("lib/testdata/"+s.pick("data.txt", "zz.txt")), "11\n") }),
		e("touched", func(s *state) bool { return s.touch(s.file(sources()...), time.Unix(1700000000+s.rnd.Int64N(1e7), 0)) }),
		e("the same content", func(s *state) bool {
			rel := s.pick(s.file(sources()...), s.mod("go.mod"), s.embedded())
			text, ok := s.read(rel)
			return ok && s.write(rel, text)
		}),
		e("the same content, another file", func(s *state) bool {
			rel := s.pick(s.file(sources()...), s.embedded())
			text, ok := s.read(rel)
			return ok && s.replace(rel, text)
		}),
		e("permissions", func(s *state) bool { return s.chmod(s.file(".go"), 0o755) }),
		e("flags in another order", func(s *state) bool { slices.Reverse(s.flags); return len(s.flags) > 1 }),
		e("-v", func(s *state) bool { return s.flag("-v") }),
		e("-p", func(s *state) bool { return s.flag("-p=3") }),
		e("a default", func(s *state) bool {
			return s.flag(s.pick("-buildmode=default", "-race=false", "-compiler=gc", "-a=false"))
		}),
		e("another variable", func(s *state) bool {
			return s.set(s.pick("FOO=bar", "LANG=C", "GOMAXPROCS=2", "PAGER=less", "CI=true"))
		}),
		e("an empty variable", func(s *state) bool { return s.set(s.pick("GOEXPERIMENT=", "GOAMD64=", "GODEBUG=")) }),
		e("beside what is embedded", func(s *state) bool { return s.write(s.probe("static/"+s.pick("c.md", "zz.md")), "11\n") }),
		e("an editor's file", func(s *state) bool {
			return s.write(path.Join(s.packageDir(), s.pick(".zz.go.swp", "zz.go~", "#zz.go#", "zz.orig")), "text\n")
		}),
		e("an empty directory", func(s *state) bool { return s.mkdir(path.Join(s.packageDir(), "zzdir")) }),
		e("outside", func(s *state) bool { return s.write("out/zz.txt", "text\n") && s.write("home/zz.go", "package zz\n") }),
	}
}
