package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// telling says what it was built from.
var telling = map[string]string{
	"go.mod":     "module example.com/a\n\ngo 1.26\n",
	"main.go":    "package main\n\nimport (\n\t_ \"embed\"\n\t\"os\"\n\t\"runtime/debug\"\n)\n\n//go:embed data.txt\nvar data string\n\nvar more = \"-\"\n\nfunc main() {\n\tinfo, _ := debug.ReadBuildInfo()\n\tos.Stdout.WriteString(word + \" \" + data + \" \" + info.Main.Path[len(\"example.com/\"):] + \" \" + more + \"\\n\")\n}\n",
	"word.go":    "package main\n\nconst word = \"a\"\n",
	"data.txt":   "a",
	"../ge":      "GOFLAGS=\n",
	"special.go": "//go:build special\n\npackage main\n\nfunc init() { more = \"s\" }\n",
}

// change is one input that becomes another one during a build.
type change struct {
	name         string
	a, b         string // what the program says
	become, undo func(c *cacheTest)
	tmpfs        bool // the sources are on a file system that moves no ctime for a mapping
}

func changes() []change {
	edit := func(file, text string, how func(c *cacheTest, path, text string)) (become, undo func(*cacheTest)) {
		return func(c *cacheTest) { how(c, c.src(file), text) }, func(c *cacheTest) { how(c, c.src(file), telling[file]) }
	}
	row := func(name, b, file, text string, how func(c *cacheTest, path, text string), tmpfs bool) change {
		become, undo := edit(file, text, how)
		return change{name, "a a a -", b, become, undo, tmpfs}
	}
	const other = "package main\n\nconst word = \"b\"\n"
	return []change{
		row("in place with the same times", "b a a -", "word.go", other, inPlace, false),
		row("another file in its place", "b a a -", "word.go", other, byRename, false),
		row("an embedded file", "a b a -", "data.txt", "b", inPlace, false),
		row("go.mod", "a a b -", "go.mod", "module example.com/b\n\ngo 1.26\n", inPlace, false),
		row("the GOENV file", "a a a s", "../ge", "GOFLAGS=-tags=special\n", byRename, false),
		row("on tmpfs with the same times", "b a a -", "word.go", other, inPlace, true),
		row("on tmpfs through a mapping", "b a a -", "word.go", other, mapped, true),
		{"a file more", "a a a -", "a a a m", func(c *cacheTest) {
			put(c.T, c.src("more.go"), "package main\n\nfunc init() { more = \"m\" }\n")
		}, func(c *cacheTest) { c.must(os.Remove(c.src("more.go"))) }, false},
		{"another directory mounted", "a a a -", "b a a -", func(c *cacheTest) {
			c.tool("cp", "-a", c.src(), filepath.Join(c.dir, "over"))
			put(c.T, filepath.Join(c.dir, "over", "word.go"), other)
			c.tool("mount", "--bind", filepath.Join(c.dir, "over"), c.src())
		}, func(c *cacheTest) { c.tool("umount", c.src()); c.must(os.RemoveAll(filepath.Join(c.dir, "over"))) }, false},
		{"another file mounted", "a a a -", "b a a -", func(c *cacheTest) {
			put(c.T, filepath.Join(c.dir, "over"), other)
			c.tool("mount", "--bind", filepath.Join(c.dir, "over"), c.src("word.go"))
		}, func(c *cacheTest) { c.tool("umount", c.src("word.go")) }, false},
	}
}

// inPlace leaves the size and the modification time as they were.
func inPlace(c *cacheTest, path, text string) {
	info, err := os.Stat(path)
	c.must(err)
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	c.must(err)
	_, err = f.WriteString(text)
	c.must(err)
	c.must(f.Close())
	c.must(os.Chtimes(path, info.ModTime(), info.ModTime()))
}

func byRename(c *cacheTest, path, text string) {
	next := filepath.Join(c.dir, "next")
	put(c.T, next, text)
	c.must(os.Rename(next, path))
}

// mapped writes through a mapping that was dirty before.
func mapped(c *cacheTest, path, text string) {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	c.must(err)
	defer f.Close()
	data, err := unix.Mmap(int(f.Fd()), 0, len(text), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	c.must(err)
	copy(data, text)
	c.must(unix.Munmap(data))
}

// Whatever becomes another one between the key and the end of the build: what is
// kept under a key is what that key says, here and in a shared store.
func TestKeptIsWhatWasBuilt(t *testing.T) {
	t.Parallel()
	if !mayMount(t) {
		t.Skip("NOT TESTED: it takes root to mount")
	}
	for _, ch := range changes() {
		t.Run(ch.name, func(t *testing.T) {
			t.Parallel()
			m := newMachines(t)
			m.must(os.RemoveAll(m.src("main.go")))
			if ch.tmpfs {
				m.tool("mount", "-t", "tmpfs", "tmpfs", m.src())
				t.Cleanup(func() { exec.Command("umount", "-l", m.src()).Run() })
			}
			for name, text := range telling {
				put(t, m.src(name), text)
			}
			time.Sleep(150 * time.Millisecond) // the stamps are settled
			m.fresh()
			m.env = append(m.env, "GOENV="+m.src("../ge"), "GORUN_CACHE_DIR="+m.cache, "GORUN_CACHE_TO=dir:"+m.share)
			cmd, log := m.started(`"event":"build","builder"`, ".")
			ch.become(m.cacheTest)
			until(log, "no such text")
			if err := cmd.Wait(); err != nil {
				t.Logf("the run whose sources changed: %v", err) // what is half the one and half the other may not build
			}
			for round, want := range []string{ch.b, ch.a, ch.b, ch.a} {
				if round%2 == 1 {
					ch.undo(m.cacheTest)
				} else if round > 0 {
					ch.become(m.cacheTest)
				}
				if r := m.run("."); r.stdout != want+"\n" {
					t.Errorf("round %d: printed %q, want %q\n%s", round, r.stdout, want, r.log)
				}
			}
			m.fresh()
			if r := m.on([]string{"GOENV=" + m.src("../ge")}); r.stdout != fmt.Sprintln(ch.a) {
				t.Errorf("on another machine: printed %q, want %q\n%s", r.stdout, ch.a, r.log)
			}
		})
	}
}
