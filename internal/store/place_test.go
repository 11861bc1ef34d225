package store

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

// in gets an entry and a place for it.
func (s *shelf) in(key string) (path string, leave func()) {
	s.Helper()
	e, release, err := s.Get(key)
	must(s, err)
	path, left, err := s.Place(e)
	must(s, err)
	data, err := os.ReadFile(path)
	if err != nil || !bytes.Equal(data, content(key, 10000)) || filepath.Base(path) != "hello" {
		s.Fatalf("the place of %s has something else: %v", key, err)
	}
	if list, _ := os.ReadDir(filepath.Dir(path)); len(list) != 1 {
		s.Errorf("beside the program there is %v", list)
	}
	return path, func() { left(); release() }
}

// What a program leaves beside itself is gone the next time, and never was in
// the entry; who runs meanwhile has a place of its own.
func TestPlace(t *testing.T) {
	s := newShelf(t)
	e := s.put("k")
	first, leave := s.in("k")
	if first == e.Path {
		t.Fatal("it is the entry itself")
	}
	must(t, os.WriteFile(filepath.Join(filepath.Dir(first), "state"), nil, 0o600))
	must(t, os.MkdirAll(filepath.Join(filepath.Dir(first), "dir", "deep"), 0o700))
	other, leaveOther := s.in("k")
	if other == first {
		t.Error("two have the same place")
	}
	leave()
	leaveOther()
	again, leave := s.in("k")
	leave()
	if again != first && again != other {
		t.Errorf("a third place was made: %s", again)
	}
	if list, _ := os.ReadDir(filepath.Dir(e.Path)); len(list) != 1 {
		t.Errorf("in the entry there is %v", list)
	}
	s.get("k")
}

// A copy that somebody has changed is not run: the entry's is copied anew.
func TestPlaceThatWasEdited(t *testing.T) {
	s := newShelf(t)
	s.put("k")
	for what, edit := range map[string]func(path string) error{
		"another content": func(path string) error {
			return errors.Join(os.Remove(path), os.WriteFile(path, content("other", 10000), 0o755))
		},
		"gone":         os.Remove,
		"a link":       func(path string) error { return errors.Join(os.Remove(path), os.Symlink("/bin/sh", path)) },
		"a directory":  func(path string) error { return errors.Join(os.Remove(path), os.Mkdir(path, 0o755)) },
		"not its mode": func(path string) error { return os.Chmod(path, 0o600) },
	} {
		path, leave := s.in("k")
		leave()
		if err := edit(path); err != nil {
			t.Errorf("%s: %v", what, err)
		}
		_, leave = s.in("k")
		leave()
	}
}

// Prune leaves one place for each entry, and those that somebody runs in.
func TestPrunePlaces(t *testing.T) {
	s := newShelf(t)
	s.put("k")
	s.put("gone")
	one, leaveOne := s.in("k")
	_, leaveTwo := s.in("k")
	_, leaveThree := s.in("k")
	running, leaveRunning := s.in("gone")
	leaveTwo()
	leaveThree()
	id, err := lstat(s.dir("gone"))
	must(t, err)
	must(t, s.discard(s.dir("gone"), id))
	_, err = s.Prune(Limits{})
	must(t, err)
	left, _ := filepath.Glob(filepath.Join(s.Root, placesDir, "*", "*"))
	if len(left) != 3 {
		t.Errorf("left are %q", left)
	}
	for _, path := range []string{one, running} {
		if _, err := os.Stat(path); err != nil {
			t.Errorf("somebody runs there: %v", err)
		}
	}
	leaveOne()
	leaveRunning()
	_, err = s.Prune(Limits{})
	must(t, err)
	left, _ = filepath.Glob(filepath.Join(s.Root, placesDir, "*"))
	if len(left) != 1 || filepath.Base(left[0]) != "k" {
		t.Errorf("left are %q", left)
	}
}

// A store that cannot be written has no places.
func TestNoPlace(t *testing.T) {
	s := newShelf(t)
	e := s.put("k")
	must(t, os.WriteFile(filepath.Join(s.Root, placesDir), nil, 0o600))
	if _, leave, err := s.Place(e); err == nil || leave == nil || errors.Is(err, fs.ErrNotExist) {
		t.Errorf("placed: %v", err)
	}
}
