package store

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestPutAndGet(t *testing.T) {
	s := newShelf(t)
	s.misses("k")
	if _, err := s.About("k"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("about nothing: %v", err)
	}
	now := time.Date(2026, 11, 2, 20, 36, 21, 5, time.UTC)
	s.at(now)
	put := s.put("k")
	want := Entry{
		Key: "k", Name: "hello", Path: filepath.Join(s.Root, "entries/k/program/hello"), SHA256: digest(content("k", 10000)),
		Size: 10000, Bytes: 10000 + int64(len("about k")) + overhead, Created: now, Used: now,
	}
	if put != want {
		t.Errorf("put  %+v\nwant %+v", put, want)
	}
	got := s.get("k")
	if got.Used = got.Used.UTC(); got != want {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	if about, err := s.About("k"); err != nil || string(about) != "about k" {
		t.Errorf("about is %q, %v", about, err)
	}
	if left := s.temporary(); left != nil {
		t.Errorf("left behind: %q", left)
	}
}

func TestModes(t *testing.T) {
	defer unix.Umask(unix.Umask(0o077))
	s := newShelf(t)
	e := s.put("k")
	for path, want := range map[string]fs.FileMode{e.Path: 0o755, s.Root: 0o700, s.dir("k"): 0o700, s.tmp(): 0o700} {
		info, err := os.Stat(path)
		if must(t, err); info.Mode().Perm() != want {
			t.Errorf("%s has the mode %v, want %v", path, info.Mode(), want)
		}
	}
}

func TestPutRefuses(t *testing.T) {
	s := newShelf(t)
	data := content("k", 100)
	good := s.file("hello", data)
	must(t, os.Symlink(good, filepath.Join(s.programs, "li\xffnk")))
	for name, c := range map[string]struct{ key, program, sha256, want string }{
		"other bytes":      {"k", good, digest(nil), "its SHA-256 is " + digest(data) + ", not " + digest(nil)},
		"upper-case hash":  {"k", good, strings.ToUpper(digest(data)), "its SHA-256 is"},
		"no program":       {"k", good + "x", digest(data), "no such file"},
		"a directory":      {"k", s.programs, digest(data), "is not a regular file"},
		"an empty program": {"k", s.file("empty", nil), digest(nil), "it is empty"},
		"no UTF-8":         {"k", filepath.Join(s.programs, "li\xffnk"), digest(data), `"li\xffnk" is not a valid name for a program`},
		"no key":           {"K", good, digest(data), `"K" is not a valid key`},
	} {
		_, err := s.Put(c.key, c.program, c.sha256, nil)
		if err == nil || !strings.Contains(err.Error(), c.want) || errors.Is(err, fs.ErrExist) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
	if left := s.temporary(); left != nil || s.keys("") != "" {
		t.Errorf("left behind: %q, %q", left, s.keys(""))
	}
	s.put("k")
	if _, err := s.Put("k", good, digest(data), nil); !errors.Is(err, fs.ErrExist) {
		t.Errorf("an existing key: %v", err)
	}
	s.get("k")
}

func TestKeys(t *testing.T) {
	s := newShelf(t)
	long := strings.Repeat("go1.26.8-", 80)
	for _, key := range []string{"", ".", "..", ".k", "a..b", "a/b", "/a", "../k", "K", "k_", "k\x00", "k\n", "é", long[:513]} {
		_, _, getErr := s.Get(key)
		_, putErr := s.Put(key, self(t), digest(nil), nil)
		_, aboutErr := s.About(key)
		for what, err := range map[string]error{"get": getErr, "put": putErr, "about": aboutErr, "remove": s.Remove(key)} {
			if err == nil || errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "is not a valid key") {
				t.Errorf("%s %q: %v", what, key, err)
			}
		}
	}
	if _, err := os.Stat(s.Root); err == nil {
		t.Error("a store was made for what is no key")
	}
	keys := []string{"k", "-", "0.0", long[:200], long[:201], long[:202], long[:512]}
	for _, key := range keys {
		s.misses(key)
		s.put(key)
	}
	for _, key := range keys {
		if e := s.get(key); e.Key != key || !isDirName(filepath.Base(s.dir(key))) {
			t.Errorf("%s became %s", key, e.Key)
		}
	}
	for prefix, want := range map[string]int{"": 7, "go": 4, long[:128]: 4, long[:200]: 4, long[:201]: 3, long[:203]: 1, long[:512]: 1, "kk": 0} {
		if got := len(strings.Fields(s.keys(prefix))); got != want {
			t.Errorf("%d keys begin with %.40q (%d), want %d", got, prefix, len(prefix), want)
		}
	}
}

func TestDirNames(t *testing.T) {
	sum := strings.Repeat("0", 64)
	head := strings.Repeat("k", 128)
	for name, want := range map[string]bool{
		"k": true, head + "+" + sum: true, head + "+": false, "k+" + sum: false, head + "+" + sum[1:] + "A": false, "K": false, ".k": false, "lost+found": false,
	} {
		if isDirName(name) != want {
			t.Errorf("%q: %v", name, !want)
		}
	}
}

func TestUse(t *testing.T) {
	s := newShelf(t)
	begin := time.Now().Add(-time.Hour).Truncate(time.Second)
	s.at(begin)
	for _, key := range []string{"a", "b", "c"} {
		s.put(key)
	}
	if got := s.keys(""); got != "a b c" {
		t.Errorf("put in one second: %s", got)
	}
	s.at(begin.Add(59 * time.Second)) // too early to be written
	if e := s.get("b"); !e.Used.Equal(begin) {
		t.Errorf("used at %v", e.Used)
	}
	s.at(begin.Add(61 * time.Second))
	s.get("b")
	s.at(begin.Add(-time.Hour)) // a clock that was set back
	s.get("a")
	if got := s.keys(""); got != "b c a" {
		t.Errorf("by use: %s", got)
	}
	s.at(begin.Add(2 * time.Hour))
	if e := s.get("c"); !e.Used.Equal(begin.Add(2*time.Hour)) || !e.Created.Equal(begin) {
		t.Errorf("used at %v, made at %v", e.Used, e.Created)
	}
}

func TestTrust(t *testing.T) {
	s := newShelf(t)
	s.put("k")
	must(t, os.Chmod(s.Root, 0o777))
	for what, err := range map[string]error{"get": third(s.Get("k")), "entries": second(s.Entries("")), "prune": second(s.Prune(Limits{})), "remove": s.Remove("k")} {
		if err == nil || errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "somebody else can write to ") {
			t.Errorf("%s: %v", what, err)
		}
	}
	must(t, os.Chmod(s.Root, 0o700))
	s.get("k")
}

func second[A any](_ A, err error) error        { return err }
func third[A, B any](_ A, _ B, err error) error { return err }
