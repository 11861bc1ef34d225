package main

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/org/gorun-action/internal/buildflags"
	"github.com/org/gorun-action/internal/goenv"
	"github.com/org/gorun-action/runner"
)

// chooseTemp has temporary files made below the cache directory where nothing
// can be written to, or executed from, the system's place for them: `docker
// run --tmpfs /tmp` mounts it noexec. GOTMPDIR and TMPDIR count, if set.
//
// Where neither can be written to, that is an error, unless executables are in
// the cache: running one of those writes nothing.
func (c *command) chooseTemp(spec *runner.Spec) error {
	if spec.Env.Get("GOTMPDIR") != "" || goenv.Lookup(c.environ, "TMPDIR") != "" {
		return nil
	}
	temp := os.TempDir()
	writable := unix.Access(temp, unix.W_OK|unix.X_OK) == nil
	if writable && !noexec(temp) {
		return nil
	}
	dir := filepath.Join(spec.CacheDir, "tmp")
	if spec.CacheDir != "" && os.MkdirAll(dir, 0o755) == nil && unix.Access(dir, unix.W_OK|unix.X_OK) == nil && !noexec(dir) {
		spec.Env = spec.Env.With("GOTMPDIR", dir)
		return nil
	}
	if _, err := os.Stat(filepath.Join(spec.CacheDir, "executables")); err == nil && spec.CacheDir != "" || writable {
		return nil
	}
	return &buildflags.UsageError{
		Message: fmt.Sprintf("nothing can be written to %s and %s, where gorun builds and keeps executables", temp, cmp.Or(spec.CacheDir, "a cache directory")),
		Hint:    "make them writable; in a container: --tmpfs /tmp:exec and -v gorun-cache:/cache",
	}
}
