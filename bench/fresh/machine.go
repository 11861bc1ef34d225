package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// machine is a place for all that a machine remembers.
type machine struct{ dir string }

// path is that of something on it.
func (m machine) path(name ...string) string {
	return filepath.Join(append([]string{m.dir}, name...)...)
}

// fresh forgets everything, and waits until the disk has nothing left to do.
func (m machine) fresh() error {
	if err := removeAll(m.dir); err != nil {
		return err
	}
	err := os.MkdirAll(m.path("home"), 0o755)
	syscall.Sync()
	return err
}

// removeAll removes directories that may not be written, too: those of a module
// cache.
func removeAll(dir string) error {
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() {
			err = os.Chmod(name, 0o755)
		}
		return err
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return os.RemoveAll(dir)
}

// env is the environment there: none of the caller's settings for gorun, for an
// action or for builds.
func (m machine) env(caller []string) (env []string) {
	for _, kv := range caller {
		if !strings.HasPrefix(kv, "GORUN_") && !strings.HasPrefix(kv, "ACTIONS_") && !strings.HasPrefix(kv, "GITHUB_") && !strings.HasPrefix(kv, "ACT=") {
			env = append(env, kv)
		}
	}
	return append(env, "CGO_ENABLED=0", "GOFLAGS=", "GOWORK=off", "GOENV=off", "GOTOOLCHAIN=local",
		"HOME="+m.path("home"), "GOCACHE="+m.path("go-build"), "GOMODCACHE="+m.path("mod"))
}

// ran is a command that ended well.
type ran struct {
	stdout, stderr string
	took, cpu      time.Duration
}

// command runs a command in the program's directory.
func (b *bench) command(ctx context.Context, env []string, args ...string) (ran, error) {
	var out, errs bytes.Buffer
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = b.source, append(b.machine.env(os.Environ()), env...), &out, &errs
	begin := time.Now()
	err := cmd.Run()
	r := ran{stdout: out.String(), stderr: errs.String(), took: time.Since(begin)}
	if err != nil {
		return r, fmt.Errorf("%s: %w\n%s", strings.Join(args, " "), err, r.stderr)
	}
	r.cpu = cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	return r, nil
}
