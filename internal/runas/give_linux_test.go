package runas

import (
	"os"
	"strings"
	"testing"
)

// A victim is a directory of root's with a file; nobody gets it.
func (x tree) victim() {
	x.dir("victim", 0, 0o755)
	x.file("victim/file", 0)
}

func TestGive(t *testing.T) {
	user := User{them, them}
	for name, c := range map[string]struct {
		make  func(x tree)
		give  string
		whole bool
		gets  []string // what is the user's then
		keeps []string // what is not
		err   string
	}{
		"what is missing": {func(x tree) { x.dir("a", 0, 0o755) }, "a/b/c", false, []string{"a/b", "a/b/c"}, []string{"a"}, ""},
		"what is empty":   {func(x tree) { x.dir("a", 0, 0o755) }, "a", false, []string{"a"}, nil, ""},
		"in a home":       {func(x tree) { x.dir("home", them, 0o700) }, "home/.cache/go-build", false, []string{"home/.cache", "home/.cache/go-build"}, nil, ""},
		"their own, full": {func(x tree) { x.dir("a", them, 0o755); x.file("a/f", 0) }, "a", true, []string{"a"}, []string{"a/f"}, ""},
		"root's own, full": {func(x tree) { x.dir("a", 0, 0o755); x.file("a/f", 0) }, "a", false, nil, []string{"a", "a/f"},
			"it has files and is root's"},
		"root's cache": {func(x tree) {
			x.dir("a/b/c", 0, 0o755)
			x.file("a/b/f", 0)
			x.file("a/b/other", others)
			x.link("/etc/passwd", "a/b/l", 0)
		}, "a", true, []string{"a", "a/b", "a/b/c", "a/b/f", "a/b/l"}, []string{"a/b/other"}, ""},
		"root's link":   {func(x tree) { x.dir("a", 0, 0o755); x.link("a", "l", 0) }, "l/b", false, []string{"a/b"}, []string{"a", "l"}, ""},
		"somebody's":    {func(x tree) { x.dir("a", others, 0o755) }, "a", true, nil, []string{"a"}, "it belongs to uid"},
		"behind a door": {func(x tree) { x.dir("a", 0, 0o700) }, "a/b", false, nil, []string{"a"}, "only others may go"},
		"a file":        {func(x tree) { x.file("a", 0) }, "a", false, nil, []string{"a"}, "not a directory"},

		"their link, at the end":   {func(x tree) { x.dir("home", them, 0o755); x.link(x.path("victim"), "home/cache", them) }, "home/cache", true, nil, nil, "a link"},
		"their link, on the way":   {func(x tree) { x.dir("home", them, 0o755); x.link(x.path("."), "home/x", them) }, "home/x/victim", true, nil, nil, "a link"},
		"a link with dots":         {func(x tree) { x.dir("home", them, 0o755); x.link("../victim", "home/x", them) }, "home/x/new", false, nil, nil, "a link"},
		"a link of root's of them": {func(x tree) { x.dir("home", them, 0o755); x.link("../victim", "home/x", 0) }, "home/x/new", false, nil, nil, "a link"},
		"a link in a shared place": {func(x tree) { x.dir("tmp", 0, 0o777|os.ModeSticky); x.link("../victim", "tmp/x", others) }, "tmp/x/new", false, nil, nil, "a link"},
		"a link in a group's":      {func(x tree) { x.dir("tmp", 0, 0o775); x.link("../victim", "tmp/x", 0) }, "tmp/x", true, nil, nil, "a link"},
		"root's link to theirs": {func(x tree) {
			x.dir("home", them, 0o755)
			x.link("../victim", "home/x", them)
			x.link("home/x", "l", 0)
		}, "l/new", false, nil, nil, "a link"},
		"a circle":      {func(x tree) { x.link("m", "l", 0); x.link("l", "m", 0) }, "l", true, nil, nil, "a link"},
		"a link inside": {func(x tree) { x.dir("a", 0, 0o777); x.link("../victim", "a/l", 0) }, "a", true, []string{"a", "a/l"}, nil, ""},
		"a second name inside": {func(x tree) {
			x.dir("a", 0, 0o777)
			x.must(os.Link(x.path("victim/file"), x.path("a/f")))
		}, "a", true, []string{"a"}, []string{"a/f"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			x := newTree(t)
			x.victim()
			c.make(x)
			err := user.Give(x.path(c.give), c.whole)
			if (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
				t.Errorf("%v, want %q", err, c.err)
			}
			for _, name := range c.gets {
				if got := x.owner(name); got != them {
					t.Errorf("%s belongs to %d", name, got)
				}
			}
			for _, name := range append(c.keeps, "victim", "victim/file") {
				if got := x.owner(name); got == them {
					t.Errorf("%s was given away", name)
				}
			}
			if _, err := os.Lstat(x.path("victim/new")); err == nil {
				t.Error("a directory was made through a link")
			}
		})
	}
}

// Who swaps a directory for a link to another one, and back, all the time, gets
// nothing by it.
func TestGiveWhileLinksCome(t *testing.T) {
	x := newTree(t)
	x.victim()
	x.dir("home", them, 0o777)
	x.dir("home/mine", them, 0o755)
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			select {
			case <-stop:
				return
			default:
			}
			os.Symlink("../victim", x.path("home/cache"))
			os.Remove(x.path("home/cache"))
			os.Rename(x.path("home/mine"), x.path("home/cache"))
			os.Rename(x.path("home/cache"), x.path("home/mine"))
		}
	}()
	for range 5000 {
		_ = (User{them, them}).Give(x.path("home/cache"), true)
		_ = (User{them, them}).Give(x.path("home/cache/new"), false)
	}
	close(stop)
	<-stopped
	if x.owner("victim") != 0 || x.owner("victim/file") != 0 {
		t.Errorf("the victim belongs to %d, its file to %d", x.owner("victim"), x.owner("victim/file"))
	}
	if _, err := os.Lstat(x.path("victim/new")); err == nil {
		t.Error("a directory was made through a link")
	}
}
