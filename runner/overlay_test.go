package runner

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/org/gorun-action/container"
	"github.com/org/gorun-action/internal/goenv"
)

var host = container.Site{Builder: "host"}

// loanRun is a run with a module cache in a directory.
func loanRun(root string, alone bool) *run {
	return (&Runner{}).begin(Spec{Env: goenv.Load([]string{"GOMODCACHE=" + root}, ""), Alone: alone})
}

// privateModules is a private module cache where runs have theirs.
func privateModules(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "gorun-1", "pack", "mod")
	write(t, dir, map[string]string{"cache/download/x": "", "example.com/x@v1.0.0/x.go": "package x\n"})
	return dir
}

func TestOverlayIsLinkedAndGoes(t *testing.T) {
	root := filepath.Join(t.TempDir(), "mod")
	s, err := loanRun(root, true).moduleOverlay(t.Context(), Plan{}, host)
	if err != nil || !s.possible {
		t.Fatalf("moduleOverlay: %+v, %v", s, err)
	}
	if !s.mount(privateModules(t)) {
		t.Fatal("nothing was mounted")
	}
	if _, err := os.Stat(filepath.Join(root, "example.com/x@v1.0.0/x.go")); err != nil {
		t.Error(err)
	}
	s.unmount()
	entries, err := os.ReadDir(root)
	if err != nil || len(entries) != 1 || entries[0].Name() != overlayLock {
		t.Errorf("left over: %v, %v", entries, err)
	}
}

// Where others may be building, or modules are, there is none.
func TestOverlayOnlyWhereItIsSafe(t *testing.T) {
	full := t.TempDir()
	write(t, full, map[string]string{"example.com/x@v1.0.0/x.go": "package x\n"})
	for name, r := range map[string]*run{"not alone": loanRun(t.TempDir(), false), "not empty": loanRun(full, true)} {
		if s, err := r.moduleOverlay(t.Context(), Plan{}, host); err != nil || s.possible {
			t.Errorf("%s: %+v, %v", name, s, err)
		}
	}
}

// A toolchain in the module cache must stay to be seen.
func TestOverlayHidesNoToolchain(t *testing.T) {
	root := t.TempDir()
	inside := Plan{identity: container.Identity{Root: filepath.Join(root, "golang.org", "toolchain@v0.0.1-go1.26.8.linux-amd64")}}
	if s, err := loanRun(root, true).moduleOverlay(t.Context(), inside, host); err != nil || s.possible {
		t.Errorf("%+v, %v", s, err)
	}
}

// Another run waits until the modules are whole again.
func TestOverlayIsWaitedFor(t *testing.T) {
	root := t.TempDir()
	first, err := loanRun(root, true).moduleOverlay(t.Context(), Plan{}, host)
	if err != nil {
		t.Fatal(err)
	}
	if !first.mount(privateModules(t)) {
		t.Fatal("nothing was mounted")
	}
	hurried, cancel := context.WithTimeout(t.Context(), 3*overlayPoll)
	defer cancel()
	if _, err := loanRun(root, false).moduleOverlay(hurried, Plan{}, host); err == nil {
		t.Error("the second run did not wait")
	}
	done := make(chan error)
	go func() {
		_, err := loanRun(root, false).moduleOverlay(t.Context(), Plan{}, host)
		done <- err
	}()
	first.unmount()
	select {
	case err := <-done:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(time.Minute):
		t.Error("the second run waits for ever")
	}
}

// A name that is taken leaves the module cache as it is.
func TestOverlayMakesWay(t *testing.T) {
	root := t.TempDir()
	s, err := loanRun(root, true).moduleOverlay(t.Context(), Plan{}, host)
	if err != nil || !s.possible {
		t.Fatalf("moduleOverlay: %+v, %v", s, err)
	}
	write(t, root, map[string]string{"example.com/y@v1.0.0/y.go": "package y\n"})
	if s.mount(privateModules(t)) || len(mounted(root)) != 0 {
		t.Errorf("mounted: %v", mounted(root))
	}
}

// Where no lock can be had, nobody is waited for.
func TestOverlayWithoutALock(t *testing.T) {
	root := t.TempDir()
	if err := os.Symlink("/nowhere/gorun-123/pack/mod/example.com", filepath.Join(root, "example.com")); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(root, overlayLock), 0o755); err != nil { // cannot be opened for writing
		t.Fatal(err)
	}
	hurried, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if _, err := loanRun(root, false).moduleOverlay(hurried, Plan{}, host); err != nil {
		t.Error(err)
	}
}

// What a killed run left is no module cache.
func TestOverlayOfAKilledRunIsRemoved(t *testing.T) {
	root := t.TempDir()
	if err := os.Symlink("/nowhere/gorun-123/pack/mod/example.com", filepath.Join(root, "example.com")); err != nil {
		t.Fatal(err)
	}
	own := filepath.Join(root, "mine")
	if err := os.Symlink("/elsewhere", own); err != nil {
		t.Fatal(err)
	}
	if _, err := loanRun(root, false).moduleOverlay(t.Context(), Plan{}, host); err != nil {
		t.Fatal(err)
	}
	if links := mounted(root); len(links) != 0 {
		t.Errorf("left over: %v", links)
	}
	if _, err := os.Lstat(own); err != nil {
		t.Error("somebody's own link was removed")
	}
	if lock, err := lockOverlay(root, unix.LOCK_EX|unix.LOCK_NB); err != nil {
		t.Errorf("still locked: %v", err)
	} else {
		lock.Close()
	}
}
