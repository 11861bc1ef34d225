package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/org/gorun-action/internal/testenv"
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
		{"a source is a socket", fails, func(dir string) error {
			fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
			if err == nil {
				err = errors.Join(unix.Bind(fd, &unix.SockaddrUnix{Name: filepath.Join(dir, "x.go")}), unix.Close(fd))
			}
			return err
		}},
		{"a source is nothing", fails, link("/dev/null", "x.go")},
		{"go.work is nothing", fails, link("/dev/null", "go.work")},
		{"go.mod is a circle", fails, func(dir string) error {
			return errors.Join(os.Remove(filepath.Join(dir, "go.mod")), os.Symlink("go.mod", filepath.Join(dir, "go.mod")))
		}},
		{"many entries", runs, func(dir string) (err error) {
			for i := range testenv.Times(20_000, 100_000) {
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

// What its user may not read is to gorun what it is to the go command.
func TestUnreadableSources(t *testing.T) {
	t.Parallel()
	uid := os.Getuid()
	builds := testenv.GoEnv(t, "GOCACHE")
	if uid == 0 {
		uid = 54322 // root may read everything
		builds = warmFor(t, uid)
	}
	for name, make := range map[string]func(dir string) error{
		"a source": func(dir string) error { return os.WriteFile(filepath.Join(dir, "x.go"), []byte("package main\n"), 0) },
		"a test": func(dir string) error {
			return os.WriteFile(filepath.Join(dir, "x_test.go"), []byte("package main\n"), 0)
		},
		"a text":              func(dir string) error { return os.WriteFile(filepath.Join(dir, "x.txt"), nil, 0) },
		"go.sum":              func(dir string) error { return os.WriteFile(filepath.Join(dir, "go.sum"), nil, 0) },
		"go.mod":              func(dir string) error { return os.Chmod(filepath.Join(dir, "go.mod"), 0) },
		"go.work":             func(dir string) error { return os.WriteFile(filepath.Join(dir, "go.work"), []byte("go 1.26\n"), 0) },
		"a directory beside":  func(dir string) error { return os.Mkdir(filepath.Join(dir, "sub"), 0) },
		"a directory's names": func(dir string) error { return os.Chmod(dir, 0o311) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCacheTest(t, "host")
			c.program(".", "hi", 0)
			c.must(make(c.src()))
			t.Cleanup(func() { os.Chmod(c.src(), 0o755) })
			if os.Getuid() == 0 {
				c.as(uid, builds)
			}
			goEnds, goSaid := c.ends("", exec.Command("go", "run", "."))
			for _, mode := range []string{"off", "readwrite", "readwrite"} {
				c.mode = mode
				if ends, said := c.ends("", c.command(t, "--log-format=text", ".")); ends != goEnds {
					t.Errorf("with the cache %s it %s; under go run it %s\n%s\n%s", mode, ends, goEnds, said, goSaid)
				}
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
		cmd.Env = append(slices.Clip(c.env), "GOENV=off", "GOFLAGS=")
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // go run leaves its children alone
	if c.user != nil {
		cmd.SysProcAttr.Credential = c.user.Credential
	}
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
