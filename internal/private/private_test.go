package private

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestCheck(t *testing.T) {
	for _, c := range []struct {
		owner, me uint32
		mode      uint16
		private   bool
	}{
		{1000, 1000, 0o700, true},
		{1000, 1000, 0o444, true},
		{0, 1000, 0o755, true},
		{0, 0, 0o755, true},
		{1001, 1000, 0o700, false},
		{1001, 0, 0o755, false}, // root as well
		{1000, 1000, 0o775, false},
		{1000, 1000, 0o702, false},
		{0, 1000, 0o757, false},
		{0, 0, 0o1777, false},
		{1000, 1000, 0o1777, false},
	} {
		st := unix.Stat_t{Uid: c.owner}
		setMode(&st, unix.S_IFDIR|c.mode)
		if err := check("dir", st, c.me); (err == nil) != c.private || err != nil && !errors.Is(err, ErrShared) {
			t.Errorf("%+v: %v", c, err)
		}
	}
	link := unix.Stat_t{Uid: 1000}
	setMode(&link, unix.S_IFLNK|0o777)
	if err := check("link", link, 1000); err != nil {
		t.Errorf("the mode of a symlink says nothing, and yet: %v", err)
	}
}

// setMode sets a field whose type is not that of every system.
func setMode(st *unix.Stat_t, mode uint16) {
	for bit := range 16 {
		if mode>>bit&1 == 1 {
			st.Mode |= 1 << bit
		}
	}
}

func TestCheckDir(t *testing.T) {
	for name, c := range map[string]struct {
		make    func(dir string) error
		private bool
	}{
		"an empty one": {func(string) error { return nil }, true},
		"with files and directories": {func(dir string) error {
			return errors.Join(os.Mkdir(filepath.Join(dir, "d"), 0o755), os.WriteFile(filepath.Join(dir, "f"), nil, 0o644))
		}, true},
		"a sticky one":            {func(dir string) error { return os.Chmod(dir, 0o777|fs.ModeSticky) }, true},
		"one of everybody's":      {func(dir string) error { return os.Chmod(dir, 0o777) }, false},
		"one of the group's":      {func(dir string) error { return os.Chmod(dir, 0o770) }, false},
		"with one of everybody's": {func(dir string) error { return directory(filepath.Join(dir, "d"), 0o777) }, false},
		"sticky, with a sticky one": {func(dir string) error {
			return errors.Join(os.Chmod(dir, 0o777|fs.ModeSticky), directory(filepath.Join(dir, "d"), 0o777|fs.ModeSticky))
		}, false},
		"with a file of the group's": {func(dir string) error {
			return errors.Join(os.WriteFile(filepath.Join(dir, "f"), nil, 0o664), os.Chmod(filepath.Join(dir, "f"), 0o664))
		}, false},
		"with a link to everybody's": {func(dir string) error { return os.Symlink("/var/tmp", filepath.Join(dir, "l")) }, false},
		"with a link to one's own":   {func(dir string) error { return os.Symlink("/usr", filepath.Join(dir, "l")) }, true},
		"with a link to nowhere":     {func(dir string) error { return os.Symlink("nowhere", filepath.Join(dir, "l")) }, true},
	} {
		dir := filepath.Join(t.TempDir(), "cache")
		if err := errors.Join(os.Mkdir(dir, 0o700), c.make(dir)); err != nil {
			t.Fatal(err)
		}
		if err := CheckDir(dir); (err == nil) != c.private || err != nil && !errors.Is(err, ErrShared) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := CheckDir(filepath.Join(t.TempDir(), "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a directory that is not there: %v", err)
	}
}

// directory makes one with a mode that the umask does not change.
func directory(name string, mode fs.FileMode) error {
	return errors.Join(os.Mkdir(name, 0o700), os.Chmod(name, mode))
}

func TestOpen(t *testing.T) {
	dir := t.TempDir()
	path := func(name string) string { return filepath.Join(dir, name) }
	if err := errors.Join(
		os.WriteFile(path("file"), []byte("text"), 0o640),
		os.Symlink("file", path("link")), os.Symlink("link", path("loop")),
		syscall.Mkfifo(path("pipe"), 0o600),
		os.Mkdir(path("dir"), 0o700),
	); err != nil {
		t.Fatal(err)
	}
	f, st, err := Open(path("file"), os.O_RDONLY)
	if err != nil || st.Size != 4 {
		t.Fatalf("%d bytes, %v", st.Size, err)
	}
	f.Close()
	for _, name := range []string{"link", "loop", "pipe", "dir", "/dev/zero"} {
		begin := time.Now()
		if !filepath.IsAbs(name) {
			name = path(name)
		}
		if _, _, err := Open(name, os.O_RDONLY); !errors.Is(err, ErrNotRegular) || time.Since(begin) > time.Second {
			t.Errorf("%s: %v after %v", name, err, time.Since(begin))
		}
	}
	if _, _, err := Open(path("none"), os.O_RDONLY); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a file that is not there: %v", err)
	}
}
