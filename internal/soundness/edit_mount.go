package soundness

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// mountEdits put another file system in the place of sources: stamps of one say
// nothing of another. They have no meaning for who may not mount.
func mountEdits() []edit {
	e := func(name string, weight int, apply func(*state) bool) edit {
		return edit{kind: "mount", inputs: "1", name: name, weight: weight, apply: apply}
	}
	return []edit{
		e("a directory", 3, func(s *state) bool {
			return s.copyOut("out/mnt", s.probe("lib")) && s.bumpIn("out/mnt/lib.go") && s.mount(s.probe("lib"), "--bind", s.out("mnt"))
		}),
		e("a file", 3, func(s *state) bool {
			text, ok := s.bump(s.probe("lib/deep/deep.go"))
			return ok && s.write("out/file.go", text) && s.mount(s.probe("lib/deep/deep.go"), "--bind", s.out("file.go"))
		}),
		e("memory", 2, func(s *state) bool {
			return s.copyOut("out/mnt", s.probe("lib/deep")) && s.mount(s.probe("lib/deep"), "-t", "tmpfs", "tmpfs") &&
				s.command1("cp", "-a", s.out("mnt")+"/.", s.abs(s.probe("lib/deep"))) && s.bumpIn(s.probe("lib/deep/deep.go"))
		}),
		e("an overlay", 2, func(s *state) bool {
			return s.mkdir("out/up") && s.mkdir("out/work") &&
				s.mount(s.probe("lib"), "-t", "overlay", "-o", "lowerdir="+s.abs(s.probe("lib"))+",upperdir="+s.out("up")+",workdir="+s.out("work"), "overlay") &&
				s.bumpIn(s.probe("lib/lib.go"))
		}),
		e("an image", 4, func(s *state) bool {
			return s.image(s.pick("10", "21", "32")) && s.mount(s.probe("lib"), "-o", "loop,ro", s.out("lib.image"))
		}),
	}
}

// mount mounts over a path until the changes are undone.
func (s *state) mount(rel string, args ...string) bool {
	at := s.abs(rel)
	return os.Geteuid() == 0 && exec.Command("mount", append(args, at)...).Run() == nil && s.later(func() error {
		if out, err := exec.Command("umount", at).CombinedOutput(); err != nil {
			return fmt.Errorf("unmounting %s: %w: %s", at, err, out)
		}
		return nil
	})
}

// command1 runs a program, whose changes go with what was mounted before.
func (s *state) command1(name string, args ...string) bool {
	return exec.Command(name, args...).Run() == nil
}

// copyOut copies a directory with all times to where nothing is.
func (s *state) copyOut(to, from string) bool {
	return !s.exists(to) && s.command1("cp", "-a", s.abs(from), s.abs(to)) && s.later(func() error { return os.RemoveAll(s.abs(to)) })
}

// bumpIn bumps a file of a copy, with the modification time that it had.
func (s *state) bumpIn(rel string) bool {
	text, ok := s.bump(rel)
	return ok && s.frozen(rel, text)
}

// image is a file system of probe/lib that cannot be written, in which lib.go
// has another number; sizes, times and inodes are the same in all of a kind.
func (s *state) image(number string) bool {
	from := filepath.Join(s.tree.trash, "lib"+number)
	squash, erofs := from+".squashfs", from+".erofs"
	if _, err := os.Stat(erofs); err != nil {
		text, ok := s.read(s.probe("lib/lib.go"))
		if !ok || !s.command1("cp", "-a", s.abs(s.probe("lib")), from) ||
			os.WriteFile(filepath.Join(from, "lib.go"), []byte(replaceOnce(text, "10", number)), 0o644) != nil ||
			!s.command1("mksquashfs", from, squash, "-quiet", "-no-progress", "-all-time", "1577836800", "-mkfs-time", "1577836800", "-no-compression") ||
			!s.command1("mkfs.erofs", "-T1577836800", "-Enosbcrc", erofs, from) {
			return false
		}
	}
	image := s.out("lib.image")
	return !s.exists("out/lib.image") && os.Link(s.pick(squash, erofs), image) == nil && s.later(func() error { return os.Remove(image) })
}

// spellingEdits name files through a link and back: the text of such a path
// names another file than the kernel finds, and tomorrow's link a third one.
func spellingEdits() []edit {
	e := func(name string, apply func(*state) bool) edit {
		return edit{kind: "spelling", inputs: "19", name: name, weight: 3, apply: func(s *state) bool { return s.forked() && apply(s) }}
	}
	fork := func(s *state) string { return s.out("ln") + "/../" }
	return []edit{
		e("-C", func(s *state) bool { s.dir = fork(s) + "mod"; return true }),
		e("-modfile", func(s *state) bool { return s.flag("-modfile=" + fork(s) + "alt.mod") }),
		e("-overlay", func(s *state) bool { return s.flag("-overlay=" + fork(s) + "overlay.json") }),
		e("-pgo", func(s *state) bool { return s.flag("-pgo=" + fork(s) + "zz.pgo") }),
		e("GOENV", func(s *state) bool { return s.set("GOENV=" + fork(s) + "env") }),
		e("GOWORK", func(s *state) bool { return s.set("GOWORK=" + fork(s) + "go.work") }),
		e("files", func(s *state) bool {
			s.pkg = []string{fork(s) + "mod/" + s.probe("main.go")[len(s.sub.module)+1:], fork(s) + "mod/" + s.probe("use.go")[len(s.sub.module)+1:]}
			return true
		}),
	}
}

// forked makes two directories with other files of the same names, a third set
// where the text of the paths leads, and a link to one of the two.
func (s *state) forked() bool {
	alt, ok := s.read("out/alt.mod")
	if !ok {
		return false
	}
	for i, dir := range []string{"out/one/", "out/two/", "out/"} {
		rel := s.probe("lib/deep/deep.go")
		text := replaceOnce(must(s.read(rel)), "10", fmt.Sprint(21+i))
		if i < 2 && !s.mkdir(dir+"sub") {
			return false
		}
		files := map[string]string{
			dir + "alt.mod": alt + "\ngodebug " + []string{"panicnil=1", "panicnil=0", "gotypesalias=0"}[i] + "\n",
			dir + "deep.go": text, dir + "env": "GOFLAGS=" + []string{"-tags=probe", "", "-tags=zz"}[i] + "\n",
			dir + "overlay.json": overlayFile(map[string]string{s.abs(rel): s.abs(dir + "deep.go")}),
			dir + "zz.pgo":       "none", dir + "go.work": "go 1.26\n\nuse " + s.abs(s.sub.module) + "\n",
		}
		for name, text := range files {
			if !s.write(name, text) {
				return false
			}
		}
	}
	return s.symlink(s.abs(s.sub.module), "out/one/mod") && s.symlink(s.abs(s.sub.module), "out/two/mod") &&
		s.symlink(s.pick("one", "two")+"/sub", "out/ln")
}

// must is a text that is there.
func must(text string, _ bool) string { return text }

// settingsEdits are ways to write the go command's own configuration.
func settingsEdits() []edit {
	texts := []string{
		"GOFLAGS=-tags=probe\n", "GOFLAGS=-tags=probe", "\ufeffGOFLAGS=-tags=probe\n", "GOFLAGS=-tags=probe\r\n", "GOFLAGS=-tags=zz\nGOFLAGS=-tags=probe\n",
		" GOFLAGS=-tags=probe\n", "GOFLAGS=\n", "goflags=-tags=probe\n", "GOFLAGS\n", "CGO_ENABLED=0\n", "GOAMD64=v1\nGOFLAGS=-ldflags=-w\n", "",
	}
	e := func(name string, apply func(*state) bool) edit {
		return edit{kind: "configuration", inputs: "12", name: name, weight: 3, apply: apply}
	}
	return []edit{
		e("a file", func(s *state) bool { return s.write("out/zz.env", s.pick(texts...)) && s.set("GOENV="+s.out("zz.env")) }),
		e("a link", func(s *state) bool {
			return s.write("out/zz.env", s.pick(texts...)) && s.symlink("zz.env", "out/ln.env") && s.set("GOENV="+s.out("ln.env"))
		}),
		e("a directory", func(s *state) bool { return s.mkdir("out/zz.env") && s.set("GOENV="+s.out("zz.env")) }),
		e("missing", func(s *state) bool { return s.set("GOENV=" + s.out("none.env")) }),
		e("of the user", func(s *state) bool { return s.write("home/.config/go/env", s.pick(texts...)) }),
		e("of XDG", func(s *state) bool {
			return s.write("out/xdg/go/env", s.pick(texts...)) && s.set("XDG_CONFIG_HOME="+s.pick(s.out("xdg"), "xdg", "."))
		}),
		e("below GOPATH", func(s *state) bool { return s.set("GOPATH=" + s.tree.root) }),
		e("below GOROOT", belowGOROOT),
		e("below GOMODCACHE", func(s *state) bool { return s.set("GOMODCACHE=" + filepath.Dir(s.tree.root)) }),
	}
}

// belowGOROOT moves the module into another GOROOT, of links to the real one.
// With -trimpath its standard library is the one that is compiled already.
func belowGOROOT(s *state) bool {
	if s.dir != s.abs(s.sub.module) || !s.mkdir("out/goroot/src") {
		return false
	}
	for _, dir := range []string{"", "/src"} {
		list, err := os.ReadDir(s.sub.goroot + dir)
		if err != nil {
			return false
		}
		for _, entry := range list {
			if rel := "out/goroot" + dir + "/" + entry.Name(); !s.exists(rel) && !s.symlink(s.sub.goroot+dir+"/"+entry.Name(), rel) {
				return false
			}
		}
	}
	to := s.pick("out/goroot/src/zz", "out/goroot/zz", "out/goroot/src/cmd_zz")
	s.dir = s.abs(to + strings.TrimPrefix(s.sub.module, "src"))
	return s.rename("src", to) && s.flag("-trimpath") && s.set("GOROOT="+s.out("goroot"))
}
