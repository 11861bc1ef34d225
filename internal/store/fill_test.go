package store

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// pour has a store filled with a program.
func pour(s *shelf, key string, data []byte, sha256 string) (Entry, func(), error) {
	return s.Fill(key, "hello", sha256, []byte("about "+key), func(w io.Writer) error {
		_, err := w.Write(data)
		return err
	})
}

func TestFill(t *testing.T) {
	s := newShelf(t)
	data := content("k", 10000)
	e, release, err := pour(s, "k", data, digest(data))
	must(t, err)
	if err := s.Remove("k"); !errors.Is(err, ErrInUse) {
		t.Errorf("removing what is in use: %v", err)
	}
	release()
	got := s.get("k")
	if got.Path != e.Path || got.SHA256 != digest(data) || got.Size != 10000 || got.Bytes != e.Bytes || got.Name != "hello" {
		t.Errorf("filled %+v\ngot %+v", e, got)
	}
	if read, err := os.ReadFile(e.Path); err != nil || string(read) != string(data) {
		t.Errorf("the program is another one (%v)", err)
	}
	if about, err := s.About("k"); err != nil || string(about) != "about k" {
		t.Errorf("about is %q, %v", about, err)
	}
	if left := s.temporary(); left != nil {
		t.Errorf("left behind: %q", left)
	}
}

// TestFillIsHashedByTheNext: what may not be on the disk has no seal.
func TestFillIsHashedByTheNext(t *testing.T) {
	s := newShelf(t)
	data := content("k", 10000)
	e, release, err := pour(s, "k", data, digest(data))
	must(t, err)
	release()
	if _, err := os.Stat(filepath.Join(s.dir("k"), sealFile)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("there is a seal: %v", err)
	}
	data[5000]++
	must(t, os.WriteFile(e.Path, data, 0o755))
	if _, _, err := s.Get("k"); !errors.Is(err, ErrDamaged) {
		t.Errorf("an edit is not noticed: %v", err)
	}
}

func TestFillRefuses(t *testing.T) {
	s := newShelf(t)
	data := content("k", 100)
	if _, _, err := pour(s, "k", data, digest(nil)); err == nil || !strings.Contains(err.Error(), "its SHA-256 is") {
		t.Errorf("another program: %v", err)
	}
	broken := errors.New("broken")
	_, _, err := s.Fill("k", "hello", digest(data), nil, func(io.Writer) error { return broken })
	if !errors.Is(err, broken) {
		t.Errorf("what write returned is not wrapped: %v", err)
	}
	if left := s.temporary(); left != nil || s.keys("") != "" {
		t.Errorf("left behind: %q, %q", left, s.keys(""))
	}
}

func TestFillWritesNothingInVain(t *testing.T) {
	s := newShelf(t)
	put := s.put("k")
	never := func(io.Writer) error { t.Error("it was written"); return nil }
	if _, _, err := s.Fill("k", "hello", put.SHA256, nil, never); !errors.Is(err, fs.ErrExist) {
		t.Errorf("an entry that is there: %v", err)
	}
	if _, _, err := s.Fill("l", "no/name", put.SHA256, nil, never); err == nil {
		t.Error("a name that is none was taken")
	}
}
