package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

func TestLock(t *testing.T) {
	w := newWorld(t)
	for _, p := range []string{"linux/amd64", "linux/arm64"} {
		w.publish("1.26.97", p, "1")
		w.publish("1.27.0", p, "2")
	}
	out, _ := w.run(0, "lock", "--file", w.lock, "1.27.0", "go1.26.97")
	w.wants(out, "added     go1.26.97 linux/amd64 sha256:", "added     go1.27.0 linux/arm64 sha256:")
	want := "1.26.97 amd64, 1.26.97 arm64, 1.27.0 amd64, 1.27.0 arm64; 1.27.0"
	if got := w.releases(); got != want {
		t.Fatalf("locked %s, want %s", got, want)
	}

	// Without releases: what is there, and the newest patch of each line.
	w.publish("1.26.98", "linux/amd64", "3")
	w.publish("1.26.99", "linux/amd64", "4")
	w.publish("1.26rc1", "linux/amd64", "5")
	w.publish("1.28.0", "linux/amd64", "6")
	before, _ := os.ReadFile(w.lock)
	_, errs := w.run(1, "lock", "--file", w.lock)
	w.wants(errs, "gorunctl: downloading go1.26.99 linux/arm64", "hint: leave it out, or pin what is available with --allow-missing")
	if after, _ := os.ReadFile(w.lock); !bytes.Equal(before, after) {
		t.Error("a failed lock changed the file")
	}
	out, errs = w.run(0, "lock", "--file", w.lock, "--allow-missing", "--default=1.26.99")
	w.wants(errs, "warning: not pinned: downloading go1.26.99 linux/arm64")
	w.wants(out, "unchanged go1.26.97 linux/amd64", "added     go1.26.99 linux/amd64")
	want = "1.26.97 amd64, 1.26.97 arm64, 1.26.99 amd64, 1.27.0 amd64, 1.27.0 arm64; 1.26.99"
	if got := w.releases(); got != want {
		t.Errorf("locked %s, want %s", got, want)
	}

	// A line is its newest patch; what is not named goes, the default with it.
	out, _ = w.run(0, "lock", "--file", w.lock, "--platforms=linux/amd64", "1.26")
	w.wants(out, "removed   go1.27.0 linux/amd64", "removed   go1.26.97 linux/arm64", "unchanged go1.26.99 linux/amd64")
	if got, want := w.releases(), "1.26.99 amd64; 1.26.99"; got != want {
		t.Errorf("locked %s, want %s", got, want)
	}
	_, errs = w.run(1, "lock", "--file", w.lock, "1.30")
	w.wants(errs, "there is no release of the line 1.30 for linux/amd64, linux/arm64")
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(w.lock), ".*")); left != nil {
		t.Errorf("left behind: %q", left)
	}
}

func TestLockKeepsWhatItHas(t *testing.T) {
	w := newWorld(t)
	w.publish("1.26.97", "linux/amd64", "1")
	w.publish("1.27.0", "linux/amd64", "1")
	lock := []string{"lock", "--file", w.lock, "--platforms=linux/amd64"}
	w.run(0, append(lock, "1.26.97", "1.27.0")...)
	before, _ := os.ReadFile(w.lock)

	// A pinned release that is not to be had is not dropped.
	w.environ = append(w.environ, "GOMODCACHE="+t.TempDir())
	if err := os.Remove(w.path("v0.0.1-go1.26.97.linux-amd64.info")); err != nil {
		t.Fatal(err)
	}
	_, errs := w.run(1, append(lock, "--allow-missing")...)
	w.wants(errs, "gorunctl: downloading go1.26.97")

	// A published release that changed is refused.
	w.publish("1.26.97", "linux/amd64", "another")
	w.environ = append(w.environ, "GOMODCACHE="+t.TempDir())
	_, errs = w.run(1, append(lock, "--allow-missing")...)
	w.wants(errs, "the module of go1.26.97 linux/amd64 does not match its pinned digest: pinned "+w.locked().Toolchains[0].Sum+", got h1:")
	if after, _ := os.ReadFile(w.lock); !bytes.Equal(before, after) {
		t.Error("a failed lock changed the file")
	}
}
