package testenv

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// What is made once works: gorun runs on this machine and in the image.
func TestPrograms(t *testing.T) {
	out, err := exec.Command(Gorun(t), "--version").Output()
	if err != nil || !strings.HasPrefix(string(out), "gorun ") {
		t.Errorf("gorun --version: %q, %v", out, err)
	}
	if got := Docker(t, "run", "--rm", RunnerImage(t), "--version"); got != strings.TrimSpace(string(out)) {
		t.Errorf("in the image it is %q, here %q", got, out)
	}
}

// What could not be made is not there the next time, and what was made stays.
func TestShared(t *testing.T) {
	name := "test-" + strings.ReplaceAll(t.TempDir(), "/", "-")
	t.Cleanup(func() { os.Remove(filepath.Join(Dir(t), name)); os.Remove(filepath.Join(Dir(t), name+".lock")) })
	for range 2 {
		made := 0
		path := Shared(t, name, func(path string) error { made++; return os.WriteFile(path, []byte("whole"), 0o644) })
		if data, err := os.ReadFile(path); err != nil || string(data) != "whole" {
			t.Errorf("%q, %v", data, err)
		}
	}
}
