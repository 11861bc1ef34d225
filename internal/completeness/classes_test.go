package completeness

import (
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/org/gorun-action/cachekeys"
)

// touch is one look at a path, by whom: "go", "compile", "cc1", …
type touch struct{ by, path string }

// classifier puts touches into the classes of the package comment.
type classifier struct {
	own     ownDirs
	root    string // of the workspace
	modules []string
	covers  func(path string) bool
	way     map[string]bool // directories that lead to something, and what is covered
}

func newClassifier(p *program, own ownDirs, covers func(string) bool) *classifier {
	c := &classifier{own: own, root: p.root, modules: p.modules(), covers: covers, way: map[string]bool{}}
	for _, dir := range []string{own.GOROOT, own.GOMODCACHE, filepath.Join(own.GOPATH, "src"), own.GOCACHE, own.Tmp, own.GOTELEMETRYDIR} {
		c.leads(dir)
	}
	p.must(filepath.WalkDir(p.root, func(path string, d fs.DirEntry, err error) error {
		if d.IsDir() && d.Name() == ".git" {
			return filepath.SkipDir
		}
		if err == nil && covers(path) {
			c.leads(path)
		}
		return err
	}))
	return c
}

func (c *classifier) leads(to string) {
	for ; !c.way[to]; to = filepath.Dir(to) {
		c.way[to] = true
	}
}

// class returns the class of a touch, "" for what is left over.
func (c *classifier) class(t touch) string {
	switch dir, name := filepath.Split(t.path); {
	case within(t.path, c.own.GOROOT, c.own.GOMODCACHE):
		return "pinned"
	case within(t.path, c.own.GOCACHE, c.own.Tmp, c.own.GOENV, c.own.GOTELEMETRYDIR, "/proc", "/sys", "/dev"):
		return "own"
	case c.covers(t.path):
		return "covered"
	case c.search(filepath.Clean(dir), name):
		return "search"
	case c.listing(t.path):
		return "listing"
	case c.way[t.path] && isDir(t.path):
		return "way"
	case c.system(t):
		return "system"
	}
	return ""
}

// goTools read sources. Every other program belongs to the C compiler.
var goTools = []string{"go", "compile", "asm", "link", "cgo", "preprofile", "buildid"}

func (c *classifier) system(t touch) bool {
	if cachekeys.Within(c.root, t.path) {
		return false
	}
	if !slices.Contains(goTools, t.by) {
		return true
	}
	onPath := slices.Contains(filepath.SplitList(os.Getenv("PATH")), filepath.Dir(t.path)) || filepath.Dir(t.path) == filepath.Join(c.own.GOPATH, "bin")
	return onPath || within(t.path, "/etc", "/lib", "/lib64", "/usr/lib", "/usr/share/zoneinfo") ||
		slices.Contains([]string{filepath.Join(c.own.GOPATH, "go.mod"), filepath.Join(c.own.GOPATH, "src")}, t.path)
}

// search reports whether a path is looked for anew each time, and is not there
// or, as the go.mod of another module below, cuts off what does not count.
func (c *classifier) search(dir, name string) bool {
	path := filepath.Join(dir, name)
	for _, m := range c.modules {
		if at := strings.Index(path, "/vendor/"+m); at >= 0 && !exists(path) {
			return true // a package of a local module is looked for in vendor, too
		}
	}
	if name != "go.mod" && name != "go.work" && name != "vendor" {
		return false
	}
	if exists(path) {
		return name == "go.mod" && !c.way[dir] && c.way[filepath.Dir(dir)]
	}
	return c.way[dir]
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// listing reports whether a path is not there because a name is not in a
// covered listing.
func (c *classifier) listing(path string) bool {
	if exists(path) {
		return false
	}
	up := filepath.Dir(path)
	for !exists(up) {
		up = filepath.Dir(up)
	}
	return c.covers(up)
}

func within(path string, dirs ...string) bool {
	return slices.ContainsFunc(dirs, func(dir string) bool { return dir != "" && cachekeys.Within(dir, path) })
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// judge requires a class of every touch. And it proves that it can fail: with
// any one of the covered files taken out of the closure, that file is left
// over.
func judge(t *testing.T, p *program, own ownDirs, touches []touch, atLeast int) {
	t.Helper()
	closure := p.closure(own.GOMODCACHE)
	whole := newClassifier(p, own, closure.Covers)
	classes, covered := map[string]int{}, map[touch]bool{}
	for touch := range maps.Keys(set(touches)) {
		class := whole.class(touch)
		classes[class]++
		if class == "" {
			t.Errorf("%s touched %s: no input of the closure", touch.by, touch.path)
		}
		if class == "covered" && isFile(touch.path) {
			covered[touch] = true
		}
	}
	files := map[string]bool{}
	for touch := range covered {
		files[touch.path] = true
		without := *whole
		without.covers = func(path string) bool { return path != touch.path && closure.Covers(path) }
		if class := without.class(touch); class != "" {
			t.Errorf("without %s it would be %q", touch.path, class)
		}
	}
	if len(files) < atLeast {
		t.Errorf("only %d covered files were touched: %v", len(files), files)
	}
	t.Logf("%d different touches, %d covered files: %v", len(set(touches)), len(files), classes)
}

func set(touches []touch) map[touch]bool {
	all := map[touch]bool{}
	for _, t := range touches {
		all[t] = true
	}
	return all
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}
