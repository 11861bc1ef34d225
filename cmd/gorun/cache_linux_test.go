package main

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/org/gorun-action/internal/store"
	"github.com/org/gorun-action/internal/testenv"
)

// damage is done to the entry e of a program. other is that of another one.
type damage struct {
	name     string
	warnings int
	do       func(c *cacheTest, e, other store.Entry)
}

func dirOf(e store.Entry) string { return filepath.Join(e.Path, "../..") }

func damages() []damage {
	overwrite := func(text string) func(*cacheTest, store.Entry, store.Entry) {
		return func(c *cacheTest, e, _ store.Entry) { c.must(os.WriteFile(e.Path, []byte(text), 0o755)) }
	}
	return []damage{
		{"program edited", 1, func(c *cacheTest, e, _ store.Entry) { c.flip(e.Path, e.Size/2) }},
		{"program truncated", 1, func(c *cacheTest, e, _ store.Entry) { c.must(os.Truncate(e.Path, e.Size-1)) }},
		{"program empty", 1, overwrite("")},
		{"program a script", 1, overwrite("#!/bin/sh\necho stranger\n")},
		{"program that of another", 1, func(c *cacheTest, e, other store.Entry) { c.copy(other.Path, e.Path) }},
		{"program a symlink", 1, func(c *cacheTest, e, other store.Entry) {
			c.must(os.Remove(e.Path))
			c.must(os.Symlink(other.Path, e.Path))
		}},
		{"program not executable", 1, func(c *cacheTest, e, _ store.Entry) { c.must(os.Chmod(e.Path, 0)) }},
		{"header edited", 1, func(c *cacheTest, e, _ store.Entry) { c.flip(filepath.Join(dirOf(e), "entry"), 100) }},
		{"header missing", 1, func(c *cacheTest, e, _ store.Entry) { c.must(os.Remove(filepath.Join(dirOf(e), "entry"))) }},
		{"entry that of another", 1, func(c *cacheTest, e, other store.Entry) {
			c.must(os.RemoveAll(dirOf(e)))
			c.must(os.CopyFS(dirOf(e), os.DirFS(dirOf(other))))
		}},
		{"entry empty", 1, func(c *cacheTest, e, _ store.Entry) {
			c.must(os.RemoveAll(dirOf(e)))
			c.must(os.Mkdir(dirOf(e), 0o700))
		}},
		{"seal missing", 0, func(c *cacheTest, e, _ store.Entry) { c.must(os.Remove(filepath.Join(dirOf(e), "seal"))) }},
		{"seal of another", 0, func(c *cacheTest, e, other store.Entry) {
			c.copy(filepath.Join(dirOf(other), "seal"), filepath.Join(dirOf(e), "seal"))
		}},
		{"description edited", 0, func(c *cacheTest, e, _ store.Entry) { c.flip(filepath.Join(dirOf(e), "about"), 3) }},
		{"foreign files", 0, func(c *cacheTest, e, _ store.Entry) {
			for _, name := range []string{"README", "../README", "../x/README", "../../README", "../../tmp/README", "program/README"} {
				put(c.T, filepath.Join(dirOf(e), name), "foreign")
			}
		}},
	}
}

// flip changes a byte of a file and nothing else that can be set.
func (c *cacheTest) flip(file string, at int64) {
	c.Helper()
	info, err := os.Stat(file)
	c.must(err)
	data, err := os.ReadFile(file)
	c.must(err)
	data[at] ^= 0x20
	f, err := os.OpenFile(file, os.O_WRONLY, 0)
	c.must(err)
	_, err = f.WriteAt(data[at:at+1], at)
	c.must(errors.Join(err, f.Close(), os.Chtimes(file, info.ModTime(), info.ModTime())))
}

// Whatever becomes of an entry between two runs, the next one is right and says
// so once, and the one after it finds the entry again.
func TestCacheDamage(t *testing.T) {
	t.Parallel()
	for _, builder := range []string{"host", "docker"} {
		t.Run(builder, func(t *testing.T) {
			t.Parallel()
			if builder == "docker" {
				testenv.Long(t, "the store is the same, and a container starts for each entry")
			}
			c := newCacheTest(t, builder)
			c.program("p", "right", 0)
			c.program("other", "stranger", 0)
			other, r := c.run("./other"), c.run("./p")
			for i, d := range damages() {
				if i%testenv.Times(4, 1) != 0 || builder == "docker" && i%5 != 0 { // a container more for each, and the same store
					continue
				}
				d.do(c, c.entry(r), c.entry(other))
				next := c.run("./p")
				c.warns(d.name, next, "right", d.warnings, []string{"hit", "miss"}[d.warnings])
				c.is(d.name+", afterwards", c.run("./p"), "right", "hit")
			}
			c.is("the other", c.run("./other"), "stranger", "hit")
		})
	}
}

// What root may read all the same is damage to a user without privileges.
func TestCachePermissions(t *testing.T) {
	t.Parallel()
	c := newCacheTest(t, "host")
	c.user = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWUSER, UidMappings: []syscall.SysProcIDMap{{ContainerID: 1000, HostID: os.Getuid(), Size: 1}}}
	c.program("p", "right", 0)
	r := c.run("./p")
	for _, name := range []string{"program/p", "program", "entry", ".", "seal", "about"} {
		e := c.entry(r)
		file, warnings := filepath.Join(dirOf(e), name), 1
		if name == "seal" || name == "about" {
			warnings = 0
		}
		c.must(os.Chmod(file, 0))
		begin := time.Now()
		c.warns(name+" unreadable", c.run("./p"), "right", warnings, "miss", "hit")
		if took := time.Since(begin); took > 10*time.Second {
			t.Errorf("%s unreadable: the run took %v", name, took)
		}
		c.is(name+" unreadable, afterwards", c.run("./p"), "right", "hit")
		os.Chmod(file, 0o700)
	}
}

// The index is only ever a help: whatever it is, the run is right, it finds the
// executable, and nobody is told.
func TestCacheIndexDamage(t *testing.T) {
	t.Parallel()
	c, stranger := newCacheTest(t, "host"), newCacheTest(t, "host")
	c.program("p", "right", 0)
	stranger.program("p", "stranger", 0)
	stranger.run("./p")
	c.run("./p")
	each := func(do func(file string)) func() {
		return func() {
			files, _ := filepath.Glob(filepath.Join(c.cache, "index/*"))
			if len(files) < 2 {
				t.Fatalf("the indexes are %q", files)
			}
			for _, file := range files {
				do(file)
			}
		}
	}
	foreign := func(file string) {
		kinds := []string{"machine", "*-sha256", "*-sha256-*"} // of the machine, of the workspace, of a program in it
		i := strings.Count(filepath.Base(file), "-")
		from, _ := filepath.Glob(filepath.Join(stranger.cache, "index", kinds[i]))
		if len(from) != 1 {
			t.Fatalf("the indexes of kind %d are %q", i, from)
		}
		c.copy(from[0], file)
	}
	damage := map[string]func(){
		"empty":                each(func(file string) { c.must(os.Truncate(file, 0)) }),
		"truncated":            each(func(file string) { c.must(os.Truncate(file, 99)) }),
		"huge":                 each(func(file string) { c.must(os.Truncate(file, 1<<28)) }),
		"missing":              func() { c.must(os.RemoveAll(filepath.Join(c.cache, "index"))) },
		"of another workspace": each(foreign),
		"a directory":          each(func(file string) { c.must(os.Remove(file)); put(t, filepath.Join(file, "x"), "") }),
	}
	for i := range testenv.Times(1, 30) {
		damage[fmt.Sprint("edited ", i)] = each(func(file string) {
			if info, err := os.Stat(file); err == nil {
				c.flip(file, rand.N(info.Size()))
			}
		})
	}
	for name, do := range damage {
		do()
		c.is("the index "+name, c.run("./p"), "right", "hit")
		c.is("the index "+name+", afterwards", c.run("./p"), "right", "hit")
		index, _ := filepath.Glob(filepath.Join(c.cache, "index/*"))
		for _, file := range index {
			if info, err := os.Stat(file); err != nil || !info.Mode().IsRegular() {
				t.Errorf("the index %s: nothing was written anew: %s, %v", name, file, err)
				c.must(os.RemoveAll(file))
			}
		}
	}
}

// Whichever step finds the disk full: the run is as without a cache, and says
// so once.
func TestCacheFullDisk(t *testing.T) {
	t.Parallel()
	testenv.Long(t, "it fills twenty disks")
	if !mayMount(t) {
		t.Skip("NOT TESTED: it takes root to mount")
	}
	kept := 0
	for inodes := range 20 {
		c := newCacheTest(t, "host")
		c.program("p", "right", 0)
		c.must(os.Mkdir(c.cache, 0o700))
		c.must(unix.Mount("tmpfs", c.cache, "tmpfs", 0, fmt.Sprintf("size=4m,nr_inodes=%d", inodes+2)))
		t.Cleanup(func() { unix.Unmount(c.cache, unix.MNT_DETACH) })
		r := c.run("./p")
		entries, _ := c.store().Entries("")
		what := fmt.Sprint(inodes, " files")
		c.warns(what, r, "right", 1-min(1, len(entries)), "miss")
		kept += len(entries)
		c.must(unix.Mount("", c.cache, "", unix.MS_REMOUNT, "size=4m,nr_inodes=100"))
		c.is(what+", then room", c.run("./p"), "right", []string{"miss", "hit"}[len(entries)])
		c.is(what+", afterwards", c.run("./p"), "right", "hit")
		c.whole(1)
	}
	t.Logf("%d of the disks were large enough", kept)
	if kept == 0 {
		t.Error("the sizes do not meet the save")
	}
}
