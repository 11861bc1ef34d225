package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

// bench is the place where everything happens.
type bench struct {
	options
	tmp    string // removed at the end
	keep   string // the programs and the go command's cache: tmp, or -dir
	env    []string
	report report
}

// newBench makes the directories and builds gorun.
func newBench(ctx context.Context, o options) (*bench, error) {
	tmp, err := os.MkdirTemp("", "gorun-bench-")
	if err != nil {
		return nil, err
	}
	b := &bench{options: o, tmp: tmp, keep: tmp}
	if err := b.setUp(ctx); err != nil {
		b.remove()
		return nil, err
	}
	return b, nil
}

func (b *bench) remove() { os.RemoveAll(b.tmp) }

func (b *bench) setUp(ctx context.Context) (err error) {
	if b.dir != "" {
		if b.keep, err = filepath.Abs(b.dir); err != nil {
			return err
		}
		if err := os.MkdirAll(b.keep, 0o755); err != nil {
			return err
		}
	}
	if err := b.takeGorun(ctx); err != nil {
		return err
	}
	b.env = b.environ(os.Environ())
	version, err := b.output(ctx, b.keep, "go", "env", "GOVERSION")
	b.report.Go, b.report.CPUs = strings.TrimSpace(version), runtime.NumCPU()
	return err
}

// takeGorun builds gorun without cgo, unless -gorun names one.
func (b *bench) takeGorun(ctx context.Context) (err error) {
	if b.gorun != "" {
		b.gorun, err = filepath.Abs(b.gorun)
		return err
	}
	say("building gorun")
	b.gorun = filepath.Join(b.tmp, "gorun")
	build := exec.CommandContext(ctx, "go", "build", "-o", b.gorun, "./cmd/gorun")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("building gorun: %w\n%s", err, out)
	}
	return nil
}

// environ is what all processes get: no setting of the caller's for gorun, and
// none for the go command that changes what is measured.
func (b *bench) environ(caller []string) []string {
	var env []string
	for _, kv := range caller {
		if !strings.HasPrefix(kv, "GORUN_") {
			env = append(env, kv)
		}
	}
	cgo := "CGO_ENABLED=0"
	if b.cgo {
		cgo = "CGO_ENABLED=1"
	}
	return append(env, cgo, "GOFLAGS=", "GOWORK=off", "GOENV=off", "GOCACHE="+filepath.Join(b.keep, "go-build"),
		"GORUN_CACHE_DIR="+filepath.Join(b.tmp, "gorun-cache"))
}

// output runs a command and returns its standard output.
func (b *bench) output(ctx context.Context, dir string, args ...string) (string, error) {
	stdout, stderr, err := b.both(ctx, dir, b.env, args...)
	if err != nil {
		return "", fmt.Errorf("%s: %w\n%s", strings.Join(args, " "), err, stderr)
	}
	return stdout, nil
}

func (b *bench) both(ctx context.Context, dir string, env []string, args ...string) (stdout, stderr string, err error) {
	var out, errs bytes.Buffer
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = dir, env, &out, &errs
	err = cmd.Run()
	return out.String(), errs.String(), err
}

// clock runs a command for a contestant: how long its process took from its
// start until it was waited for, and the processor time that it and its
// children used.
func (b *bench) clock(ctx context.Context, dir string, c *contestant) error {
	cmd := exec.CommandContext(ctx, c.args[0], c.args[1:]...)
	cmd.Dir, cmd.Env = dir, b.env
	begin := time.Now()
	err := cmd.Run()
	took := time.Since(begin)
	if err != nil {
		return fmt.Errorf("%s: %w", c.name, err)
	}
	c.took = append(c.took, took)
	c.cpu = append(c.cpu, cmd.ProcessState.UserTime()+cmd.ProcessState.SystemTime())
	return nil
}

// load is the load average of the last minute, or 0 where the system has none.
func load() (average float64) {
	data, err := os.ReadFile("/proc/loadavg")
	if err == nil {
		fmt.Sscan(string(data), &average)
	}
	return average
}

// say tells the one who waits what is going on.
func say(format string, args ...any) { fmt.Fprintf(os.Stderr, format+"\n", args...) }
