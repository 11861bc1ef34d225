package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/org/gorun-action/cachekeys"
)

// firstTarget is issue 3's: hashing takes at most this times what reading and
// SHA-256 take.
const firstTarget = 1.2

// firstRun is one program's first runs after a checkout.
type firstRun struct {
	plan, read, floor, closure []time.Duration
	files                      []string
	bytes                      int64
	speed                      float64 // of SHA-256, in bytes per second, the last one
}

// first measures the first runs of all programs but hello, whose part is to
// leave in the cache what is remembered for the machine.
func (b *bench) first(ctx context.Context, programs []*program) error {
	runs := make(map[*program]*firstRun)
	for _, p := range programs {
		files, err := b.inputs(ctx, p)
		if err != nil {
			return fmt.Errorf("listing the files of %s: %w", p.name, err)
		}
		runs[p] = &firstRun{files: files}
	}
	rounds := b.times(7)
	say("measuring first runs: %d rounds", rounds)
	for range rounds {
		err := b.firstRound(ctx, programs, runs)
		if errors.Is(err, errNoMiss) {
			b.report.note("first runs are not measured: %v", err)
			return nil
		} else if err != nil {
			return err
		}
	}
	for _, p := range programs {
		b.report.addFirst(p, runs[p])
	}
	return nil
}

// errNoMiss is a first run that cannot have hashed all files: without a cache
// gorun hashes none, and on a hit it has an index.
var errNoMiss = errors.New("the cache was not missed")

func (b *bench) firstRound(ctx context.Context, programs []*program, runs map[*program]*firstRun) error {
	cache, err := os.MkdirTemp(b.tmp, "first-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(cache)
	for _, p := range programs {
		if err := runs[p].measureFloor(); err != nil {
			return err
		}
		runs[p].measureClosure(p)
		args := slices.Concat([]string{b.gorun, "--builder=host", p.pkg, "--"}, p.args)
		_, stderr, err := b.both(ctx, p.dir, slices.Concat(b.env, []string{"GORUN_CACHE_DIR=" + cache}), args...)
		if err != nil {
			return fmt.Errorf("first run of %s: %w\n%s", p.name, err, stderr)
		}
		r, err := lastResult(stderr)
		if err != nil {
			return err
		}
		if r.Cache != "miss" {
			return fmt.Errorf("%w: the last record of %s says cache: %q", errNoMiss, p.name, r.Cache)
		}
		runs[p].plan = append(runs[p].plan, time.Duration(r.Timings.Plan*float64(time.Millisecond)))
	}
	return nil
}

// measureFloor reads the files and measures SHA-256, right before gorun does.
// One reading before it does not count: the page cache shall be warm.
func (f *firstRun) measureFloor() error {
	if _, _, err := readAll(f.files); err != nil {
		return err
	}
	n, took, err := readAll(f.files)
	if err != nil {
		return err
	}
	f.bytes, f.speed = n, hashSpeed()
	f.read = append(f.read, took)
	f.floor = append(f.floor, took+time.Duration(float64(n)/f.speed*float64(time.Second)))
	return nil
}

// measureClosure has the sources read, hashed and followed without an index,
// in this process, which has started. The toolchain is taken for a pinned one:
// the files of the host's are read once for the machine.
func (f *firstRun) measureClosure(p *program) {
	begin := time.Now()
	ix := cachekeys.OpenIndex("", cachekeys.SHA256(), time.Now)
	c := ix.Closure(cachekeys.Request{
		Workspace: cachekeys.FindWorkspace(p.dir, cachekeys.Options{GOWORK: "off"}), Package: []string{p.pkg},
		Target: runtime.GOOS + "/" + runtime.GOARCH, Toolchain: cachekeys.Toolchain{Digest: "sha256:0"}, Getenv: func(string) string { return "" },
	})
	c.ExecutableKey()
	f.closure = append(f.closure, time.Since(begin))
}

// readAll reads files one after the other.
func readAll(files []string) (n int64, took time.Duration, err error) {
	buf := make([]byte, 1<<20) // no file is read in two pieces
	begin := time.Now()
	for _, name := range files {
		size, err := readFile(name, buf)
		if err != nil {
			return 0, 0, err
		}
		n += size
	}
	return n, time.Since(begin), nil
}

func readFile(name string, buf []byte) (n int64, err error) {
	f, err := os.Open(name)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	for {
		k, err := f.Read(buf)
		n += int64(k)
		if errors.Is(err, io.EOF) {
			return n, nil
		} else if err != nil {
			return n, err
		}
	}
}

// hashSpeed is that of SHA-256 on one core, in bytes per second: the best of
// three, because nothing makes it faster than it is.
func hashSpeed() float64 {
	buf := make([]byte, 64<<20)
	best := 0.0
	for range 3 {
		begin := time.Now()
		sha256.Sum256(buf)
		best = max(best, float64(len(buf))/time.Since(begin).Seconds())
	}
	return best
}

// listed is what go list says about a package's files.
type listed struct {
	Dir    string
	Module *struct{ Main bool }

	GoFiles, CgoFiles, IgnoredGoFiles, IgnoredOtherFiles                                 []string
	CFiles, CXXFiles, MFiles, HFiles, FFiles, SFiles, SwigFiles, SwigCXXFiles, SysoFiles []string
	EmbedFiles                                                                           []string
}

func (l listed) files() []string {
	return slices.Concat(l.GoFiles, l.CgoFiles, l.IgnoredGoFiles, l.IgnoredOtherFiles, l.CFiles, l.CXXFiles,
		l.MFiles, l.HFiles, l.FFiles, l.SFiles, l.SwigFiles, l.SwigCXXFiles, l.SysoFiles, l.EmbedFiles)
}

// inputs lists the local files that an executable is made of: those of the
// main module's packages for any system, without tests.
func (b *bench) inputs(ctx context.Context, p *program) ([]string, error) {
	out, err := b.output(ctx, p.dir, "go", "list", "-deps", "-json", p.pkg)
	if err != nil {
		return nil, err
	}
	files := []string{filepath.Join(p.dir, "go.mod")}
	if sum := filepath.Join(p.dir, "go.sum"); exists(sum) {
		files = append(files, sum)
	}
	for dec := json.NewDecoder(bytes.NewReader([]byte(out))); ; {
		var l listed
		if err := dec.Decode(&l); errors.Is(err, io.EOF) {
			slices.Sort(files)
			return slices.Compact(files), nil
		} else if err != nil {
			return nil, err
		}
		for _, name := range l.files() {
			if l.Module != nil && l.Module.Main && !strings.HasSuffix(name, "_test.go") {
				files = append(files, filepath.Join(l.Dir, name))
			}
		}
	}
}

func exists(name string) bool {
	_, err := os.Stat(name)
	return err == nil
}
