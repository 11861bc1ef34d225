package githubactions

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestOpenRegular has a file become something else after it was looked at.
func TestOpenRegular(t *testing.T) {
	for name, make := range map[string]func(path string) error{
		"link": func(path string) error { return os.Symlink(os.DevNull, path) },
		"pipe": func(path string) error { return syscall.Mkfifo(path, 0o600) },
	} {
		path := filepath.Join(t.TempDir(), "file")
		if err := make(path); err != nil {
			t.Fatal(err)
		}
		if file, err := openRegular(path); err == nil {
			t.Errorf("a %s was opened", name)
			file.Close()
		}
	}
}

func TestDelimiter(t *testing.T) {
	a, b := newDelimiter(), newDelimiter()
	if a == b || len(strings.TrimPrefix(a, "ghadelimiter_")) != 32 {
		t.Error(a, b)
	}
	for _, e := range []Entry{{"name", "x\n" + a + "\ny"}, {"name" + a, "x"}, {"name", a}} {
		if got, err := e.append(nil, a); err == nil {
			t.Errorf("%q was written", got)
		}
	}
	got, err := Entry{"name", b}.append([]byte("x\n"), a)
	if want := "x\nname<<" + a + "\n" + b + "\n" + a + "\n"; string(got) != want || err != nil {
		t.Errorf("%q, %v", got, err)
	}
}
