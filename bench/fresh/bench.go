package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

// settled is longer than the 2 s for which the go command keeps files out of
// its index of a directory (modindex.modTimeCutoff), and gorun out of its own.
const settled = 3 * time.Second

// bench is the place where everything happens.
type bench struct {
	options
	what    program
	tmp     string // removed at the end
	keep    string // tmp, or -dir
	source  string
	archive string
	machine machine
	store   *store
	list    []*contestant
	report  report
}

// newBench makes the directories and builds gorun.
func newBench(ctx context.Context, o options) (*bench, error) {
	tmp, err := os.MkdirTemp("", "gorun-bench-")
	if err != nil {
		return nil, err
	}
	b := &bench{options: o, what: programs()[o.program], tmp: tmp, keep: tmp}
	if b.store, err = newStore(o.rate*1e6, o.latency); err == nil {
		err = b.setUp(ctx)
	}
	if err != nil {
		b.close()
		return nil, err
	}
	return b, nil
}

func (b *bench) close() {
	if b.store != nil {
		b.store.close()
	}
	if b.machine.dir != "" {
		_ = removeAll(b.machine.dir) // what is left is in the way of nobody
	}
	_ = os.RemoveAll(b.tmp)
}

func (b *bench) setUp(ctx context.Context) (err error) {
	if b.dir != "" {
		if b.keep, err = filepath.Abs(b.dir); err != nil {
			return err
		}
		if err := os.MkdirAll(b.keep, 0o755); err != nil {
			return err
		}
	}
	// Always at the same place, also with -dir: what the go command knows of
	// modules has their directories in its keys.
	b.machine = machine{filepath.Join(b.keep, "machine")}
	b.source, b.archive = filepath.Join(b.keep, b.program), filepath.Join(b.keep, b.program+".tzst")
	if err := need("tar", "zstd"); err != nil {
		return err
	}
	version, err := exec.CommandContext(ctx, "go", "env", "GOVERSION").Output()
	if err != nil {
		return fmt.Errorf("asking for the version of Go: %w", err)
	}
	b.report.Program, b.report.Rounds = b.program, b.rounds
	b.report.Go, b.report.CPUs = strings.TrimSpace(string(version)), runtime.NumCPU()
	return b.takeGorun(ctx)
}

// takeGorun builds gorun without cgo, unless -gorun names one.
func (b *bench) takeGorun(ctx context.Context) (err error) {
	if b.gorun != "" {
		b.gorun, err = filepath.Abs(b.gorun)
		return err
	}
	say("building gorun")
	b.gorun = filepath.Join(b.tmp, "gorun")
	build := exec.CommandContext(ctx, "go", "build", "-o", b.gorun, "github.com/org/gorun-action/cmd/gorun")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("building gorun: %w\n%s", err, out)
	}
	return nil
}

// prepare makes the program, the archive, and what gorun publishes.
func (b *bench) prepare(ctx context.Context) error {
	if _, err := os.Stat(b.source); err != nil {
		say("making the sources of %s", b.program)
		if err := b.what.make(ctx, b.source, os.Environ()); err != nil {
			return err
		}
	}
	if err := b.change(0); err != nil {
		return err
	}
	time.Sleep(settled)
	if err := b.makeArchive(ctx); err != nil {
		return fmt.Errorf("making the archive: %w", err)
	}
	b.list = b.contestants()
	for _, c := range b.list[1:] {
		if err := b.publish(ctx, c); err != nil {
			return fmt.Errorf("publishing: %w", err)
		}
	}
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
