package runas

import (
	"net"
	"os"
	"path/filepath"
	"testing"

	"github.com/org/gorun-action/internal/testenv"
)

const them, others = 54321, 54322 // users that this machine has no name for

// tree is a directory of root's that everybody may look into.
type tree struct {
	*testing.T
	root string
}

func newTree(t *testing.T) tree {
	t.Helper()
	testenv.NeedRoot(t)
	root, err := os.MkdirTemp("/run", "gorun-runas-") // below /tmp there may be links of anybody's
	x := tree{t, root}
	x.must(err)
	t.Cleanup(func() { os.RemoveAll(root) })
	x.must(os.Chmod(root, 0o755))
	return x
}

func (x tree) must(err error) {
	x.Helper()
	if err != nil {
		x.Fatal(err)
	}
}

func (x tree) path(name string) string { return filepath.Join(x.root, name) }

func (x tree) dir(name string, uid int, mode os.FileMode) {
	x.Helper()
	x.must(os.MkdirAll(x.path(name), 0o755))
	x.must(os.Chown(x.path(name), uid, uid))
	x.must(os.Chmod(x.path(name), mode))
}

func (x tree) file(name string, uid int) {
	x.Helper()
	x.must(os.WriteFile(x.path(name), []byte("text"), 0o644))
	x.must(os.Chown(x.path(name), uid, uid))
}

func (x tree) link(to, name string, uid int) {
	x.Helper()
	x.must(os.Symlink(to, x.path(name)))
	x.must(os.Lchown(x.path(name), uid, uid))
}

func (x tree) owner(name string) int { return ownerOf(x.path(name)).UID }

func TestOwner(t *testing.T) {
	x := newTree(t)
	x.dir("src", them, 0o755)
	x.dir("src/root", 0, 0o755)
	x.dir("src/other", others, 0o755)
	x.link("/etc", "src/etc", them)
	x.dir("image", 0, 0o755)
	x.link(x.path("src"), "image/link", 0)
	x.dir("tmp", 0, 0o777|os.ModeSticky)
	x.link("/etc", "tmp/etc", others)
	for name, c := range map[string]struct {
		paths []string
		want  int
	}{
		"the workspace":                      {[]string{"src"}, them},
		"a directory of root's in it":        {[]string{"src/root"}, them},
		"somebody else's in it":              {[]string{"src/other"}, them},
		"a link out of it":                   {[]string{"src/etc"}, them},
		"what is not there":                  {[]string{"src/none/none"}, them},
		"root's":                             {[]string{"image"}, 0},
		"nothing":                            {[]string{"none"}, 0},
		"root's, with -C to the workspace":   {[]string{"image", "src/root"}, them},
		"root's, with -C to somebody's link": {[]string{"image", "tmp/etc"}, others},
		"root's link, and where it leads":    {[]string{"image", "image/link", "src"}, them},
		"the workspace, with -C elsewhere":   {[]string{"src", "image"}, them},
	} {
		var paths []string
		for _, p := range c.paths {
			paths = append(paths, x.path(p))
		}
		if got := Owner(paths...); got.UID != c.want {
			t.Errorf("%s: %d, want %d", name, got.UID, c.want)
		}
	}
}

func TestEngineGroup(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "s")
	l, err := net.Listen("unix", file)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if gid, ok := EngineGroup("unix://" + file); !ok || gid != ownerOf(file).GID {
		t.Errorf("%d, %t", gid, ok)
	}
	for _, host := range []string{"unix:///nowhere", "unix://" + t.TempDir(), "tcp://engine.example:99"} {
		if gid, ok := EngineGroup(host); ok {
			t.Errorf("%s: %d", host, gid)
		}
	}
}

// A machine that is no image of gorun's keeps its users.
func TestEnrollInImagesOnly(t *testing.T) {
	testenv.NeedRoot(t)
	if InImage() {
		t.Skip("this is an image of gorun's")
	}
	before, err := os.ReadFile("/etc/passwd")
	if err != nil {
		t.Fatal(err)
	}
	User{them, them}.Enroll("/home/them")
	if after, err := os.ReadFile("/etc/passwd"); err != nil || string(after) != string(before) {
		t.Errorf("/etc/passwd was %q and is %q, %v", before, after, err)
	}
}
