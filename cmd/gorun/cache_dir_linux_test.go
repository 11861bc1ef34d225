package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/org/gorun-action/internal/testenv"
)

// What a cache directory has is run. One that somebody else may have written to
// is not, whatever it is that lies in it, and by root neither; the program is
// built, and one sentence says why.
func TestCacheOfOthers(t *testing.T) {
	t.Parallel()
	const other = 54321
	builds := map[int]string{os.Getuid(): ""} // the build caches of who runs gorun
	if os.Getuid() == 0 {
		builds[54322] = warmFor(t, 54322)
	}
	chmod := func(name string, mode fs.FileMode) func(string) error {
		return func(cache string) error { return os.Chmod(filepath.Join(cache, name), mode) }
	}
	chown := func(name string) func(string) error {
		return func(cache string) error { return os.Lchown(filepath.Join(cache, name), other, other) }
	}
	for name, spoil := range map[string]func(cache string) error{
		"its root is another user's":       chown("."),
		"its root is everybody's":          chmod(".", 0o777),
		"its root is the group's":          chmod(".", 0o770),
		"executables are another user's":   chown("executables"),
		"executables are everybody's":      chmod("executables", 0o777|fs.ModeSticky),
		"an index is another user's":       chown("index"),
		"an index is the group's":          chmod("index", 0o775),
		"a new build cache is everybody's": made("go-build", 0o777),
		"a new helper is the group's":      made("capture", 0o775),
		"what was learned is everybody's":  written("toolchains.json", 0o666),
		"what was measured is the group's": written("transfers.json", 0o664),
		"a link leads to everybody's":      func(cache string) error { return os.Symlink("/var/tmp", filepath.Join(cache, "go-build")) },
		"sticky, with another user's inside": func(cache string) error {
			if err := os.Chmod(cache, 0o777|fs.ModeSticky); err != nil {
				return err
			}
			return os.Lchown(filepath.Join(cache, "executables"), other, other)
		},
	} {
		if os.Getuid() != 0 && strings.Contains(name, "another user's") {
			continue // only root gives files away
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for uid, builds := range builds {
				cacheOfOthers(t, uid, builds, spoil)
			}
		})
	}
}

func made(name string, mode fs.FileMode) func(string) error {
	return func(cache string) error {
		dir := filepath.Join(cache, name)
		if err := os.Mkdir(dir, 0o700); err != nil {
			return err
		}
		return os.Chmod(dir, mode)
	}
}

func written(name string, mode fs.FileMode) func(string) error {
	return func(cache string) error {
		file := filepath.Join(cache, name)
		if err := os.WriteFile(file, []byte("{}"), 0o600); err != nil {
			return err
		}
		return os.Chmod(file, mode)
	}
}

// warmFor is a build cache of another user, in which the program is compiled.
func warmFor(t *testing.T, uid int) string {
	c := newCacheTest(t, "host")
	c.program(".", "mine", 0)
	builds := filepath.Join(c.dir, "go-build")
	c.must(os.Mkdir(builds, 0o755))
	c.as(uid, builds)
	c.is("warming up", c.run("."), "mine", "miss")
	return builds
}

func cacheOfOthers(t *testing.T, uid int, builds string, spoil func(cache string) error) {
	c := newCacheTest(t, "host")
	c.program(".", "mine", 0)
	if builds != "" {
		c.as(uid, builds)
	}
	c.is("alone", c.run("."), "mine", "miss")
	c.is("alone, again", c.run("."), "mine", "hit")
	c.must(spoil(c.cache))
	before := c.names()
	r := c.run(".")
	c.warns("with others", r, "mine", 1, "miss")
	if warning := strings.Join(r.warnings, ""); !strings.Contains(warning, "is not used, and nothing is kept for the next run: somebody else can write to "+c.cache) {
		t.Errorf("uid %d: %q", uid, warning)
	}
	if after := c.names(); !slices.Equal(after, before) {
		t.Errorf("the cache had %q and has %q", before, after)
	}
	if left, _ := filepath.Glob(filepath.Join(c.dir, "tmp", "gorun-*")); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
}

// as has gorun run as another user, who can execute it, reach its directory and
// write there.
func (c *cacheTest) as(uid int, builds string) {
	c.must(os.Chmod(filepath.Dir(c.dir), 0o755))
	c.tool("cp", "-L", testenv.Gorun(c.T), filepath.Join(c.dir, "gorun"))
	c.gorun = filepath.Join(c.dir, "gorun")
	c.env = append(c.env, "HOME="+c.dir, "GOCACHE="+builds)
	c.tool("chown", "-R", strconv.Itoa(uid), c.dir)
	c.user = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(uid)}}
}

func (c *cacheTest) names() (all []string) {
	c.must(filepath.WalkDir(c.cache, func(path string, _ fs.DirEntry, err error) error {
		all = append(all, path)
		return err
	}))
	return all
}

// Without a home directory there is no place that nobody else could have made
// before.
func TestNoHome(t *testing.T) {
	t.Parallel()
	c := newCacheTest(t, "host")
	c.program(".", "hi", 0)
	c.env = append(c.env, "GORUN_CACHE_DIR=", "HOME=", "XDG_CACHE_HOME=", "GOCACHE="+testenv.GoEnv(t, "GOCACHE"))
	r := c.run(".")
	c.warns("no home", r, "hi", 1, "miss")
	if warning := strings.Join(r.warnings, ""); !strings.Contains(warning, "there is no home directory") {
		t.Errorf("%q", warning)
	}
	if left, _ := filepath.Glob(filepath.Join(c.tmp, "gorun-*")); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
}
