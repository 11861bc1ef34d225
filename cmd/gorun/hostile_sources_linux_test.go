package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// What becomes of a tree is what becomes of it under go run.
const (
	runs  = "runs"
	fails = "fails" // with the go command's own words
	hangs = "hangs" // in the go command, until a signal comes
)

func hostileTrees() []struct {
	name, ends string
	make       func(dir string) error
} {
	link := func(to, name string) func(string) error {
		return func(dir string) error { return os.Symlink(to, filepath.Join(dir, name)) }
	}
	pipe := func(name string) func(string) error {
		return func(dir string) error { return syscall.Mkfifo(filepath.Join(dir, name), 0o644) }
	}
	sparse := func(name string) func(string) error {
		return func(dir string) error {
			return errors.Join(os.WriteFile(filepath.Join(dir, name), nil, 0o644), os.Truncate(filepath.Join(dir, name), 20<<30))
		}
	}
	return []struct {
		name, ends string
		make       func(dir string) error
	}{
		{"go.work is a pipe", hangs, pipe("go.work")},
		{"go.work has no end", hangs, link("/dev/zero", "go.work")},
		{"a source is a pipe", hangs, pipe("x.go")},
		{"a header is a pipe", hangs, pipe("x.h")},
		{"a text is a pipe", runs, pipe("x.txt")},
		{"go.sum has no end", runs, link("/dev/zero", "go.sum")},
		{"go.sum is huge", runs, sparse("go.sum")},
		{"go.sum is a pipe", runs, pipe("go.sum")},
		{"a source is huge", fails, sparse("x.go")},
		{"a test is huge", fails, sparse("x_test.go")},
		{"a text is huge", runs, sparse("x.txt")},
		{"a source is a device", fails, link("/dev/zero", "x.go")},
		{"a source leads to itself", fails, link("x.go", "x.go")},
		{"a source leads nowhere", fails, link("none.go", "x.go")},
		{"a source is a directory", runs, func(dir string) error { return os.Mkdir(filepath.Join(dir, "x.go"), 0o755) }},
		{"a directory leads to itself", runs, link(".", "sub")},
		{"names of 255 bytes", runs, func(dir string) error {
			return os.WriteFile(filepath.Join(dir, strings.Repeat("x", 252)+".go"), []byte("package main\n"), 0o644)
		}},
		{"20,000 entries", runs, func(dir string) (err error) {
			for i := range 20000 {
				err = errors.Join(err, os.WriteFile(filepath.Join(dir, fmt.Sprint("x", i, ".txt")), nil, 0o644))
			}
			return err
		}},
	}
}

// A tree that is made to stop gorun does what it does to the go command, in
// little memory, and a signal ends it.
func TestHostileSources(t *testing.T) {
	t.Parallel()
	for _, tree := range hostileTrees() {
		t.Run(tree.name, func(t *testing.T) {
			t.Parallel()
			c := newCacheTest(t, "host")
			c.program(".", "hi", 0)
			c.must(tree.make(c.src()))
			goEnds, _ := c.ends(tree.ends, exec.Command("go", "run", "."))
			ends, said := c.ends(tree.ends, c.command(t, "--log-format=text", "."))
			if goEnds != tree.ends || ends != goEnds {
				t.Errorf("it %s; under go run it %s, and should be: %s\n%s", ends, goEnds, tree.ends, said)
			}
		})
	}
}

// peak waits for the end of a process and returns the most memory it was seen
// to have, in KiB. Its rusage has the peak of what it was forked from as well:
// that of this test.
func peak(pid int) (kib int64) {
	for {
		status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
		_, peak, running := bytes.Cut(status, []byte("VmHWM:"))
		if err != nil || !running {
			return kib
		}
		fmt.Sscan(string(peak), &kib)
		time.Sleep(2 * time.Millisecond)
	}
}

// ends runs a command among the sources. One that hangs gets a signal.
func (c *cacheTest) ends(expected string, cmd *exec.Cmd) (ends, said string) {
	c.Helper()
	ctx, cancel := context.WithTimeout(c.Context(), 3*time.Minute)
	defer cancel()
	var out bytes.Buffer
	cmd.Dir, cmd.Stdout, cmd.Stderr = c.src(), &out, &out
	if cmd.Env == nil {
		cmd.Env = append(os.Environ(), "GOENV=off", "GOFLAGS=")
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // go run leaves its children alone
	c.must(cmd.Start())
	defer context.AfterFunc(ctx, func() { syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) })()
	if expected == hangs {
		time.Sleep(1500 * time.Millisecond)
		told := time.Now()
		syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM)
		defer func() {
			if took := time.Since(told); took > time.Second {
				c.Errorf("it ended %v after the signal", took)
			}
		}()
	}
	took := make(chan int64)
	go func() { took <- peak(cmd.Process.Pid) }()
	err := cmd.Wait()
	if kib := <-took; cmd.Args[0] != "go" && kib > 256<<10 {
		c.Errorf("%q took %d MiB", cmd.Args, kib>>10)
	}
	state := cmd.ProcessState
	switch {
	case err == nil && strings.Contains(out.String(), "hi"):
		return runs, out.String()
	case ctx.Err() == nil && (strings.Contains(out.String(), "cancelled by SIGTERM") || state.Sys().(syscall.WaitStatus).Signal() == syscall.SIGTERM):
		return hangs, out.String()
	case ctx.Err() == nil:
		return fails, out.String()
	}
	return "hangs for ever", out.String()
}
