package sources

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

func TestHalfAProgramIsNoProgram(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "program")
	broken := errors.New("broken")
	err := Whole(dir, func(tmp string) error {
		return errors.Join(os.WriteFile(filepath.Join(tmp, "main.go"), nil, 0o644), broken)
	})
	if _, gone := os.Stat(dir); !errors.Is(err, broken) || !errors.Is(gone, fs.ErrNotExist) {
		t.Errorf("the error is %v, and that of the directory %v", err, gone)
	}
}

func TestCopyMayBeWritten(t *testing.T) {
	from, to := t.TempDir(), filepath.Join(t.TempDir(), "copy")
	if err := errors.Join(os.Mkdir(filepath.Join(from, "a"), 0o755), os.WriteFile(filepath.Join(from, "a", "b"), []byte("text"), 0o444)); err != nil {
		t.Fatal(err)
	}
	if err := copyTree(to, from); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(to, "a", "b")
	st, err := os.Stat(file)
	if err != nil || st.Mode().Perm()&0o200 == 0 {
		t.Fatalf("%v, %v", st, err)
	}
	if data, err := os.ReadFile(file); string(data) != "text" {
		t.Errorf("%q, %v", data, err)
	}
}
