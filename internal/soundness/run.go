package soundness

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

// Config says what to try.
type Config struct {
	Keyer Keyer
	// Dir is a directory for private copies, gigabytes of them in a long run.
	Dir string
	// Seed and Trials say which trials there are; Trials is for all subjects
	// together.
	Seed   uint64
	Trials int
	// Workers is how many subjects are tried at the same time.
	Workers int
	// Shared takes the go command's own build cache; else each worker makes one,
	// and compiles the standard library first.
	Shared bool
	// Subjects are the names of those to try, nil for all.
	Subjects []string
	// Only, when it is not negative, is the one trial of each subject to do.
	Only int
	// Fresh asks a go command without a cache before a hit is called false, and
	// makes the edits that only such a one sees. It compiles the standard
	// library once more.
	Fresh bool
	// Limit ends each subject's part early; 0 does not.
	Limit time.Duration
	// Parts is into how many each subject is cut, so that the workers end at
	// about the same time.
	Parts int
	// FileSystems are what the parts lie on, in turns; see the function of that
	// name. nil: all lie in Dir.
	FileSystems []string
	// Gorun is the program of that name, "" when only keys are tried; Builder is
	// where it compiles, and Within the time in which edits are made while it does.
	Gorun   string
	Builder string
	Within  time.Duration
	// Log is told of each false hit when it is found, and of the progress.
	Log func(string)
}

// Run does the trials. An error says that it could not: what it found is in the
// report.
func Run(ctx context.Context, c Config) (*Report, error) {
	hasher, err := newHasher(ctx, c.Dir)
	if err != nil {
		return nil, err
	}
	jobs := make(chan job)
	go func() {
		defer close(jobs)
		for _, j := range c.jobs() {
			jobs <- j
		}
	}()
	r := &running{config: c, hasher: hasher, report: newReport()}
	var wg sync.WaitGroup
	for i := range c.Workers {
		wg.Go(func() { r.worker(ctx, i, jobs) })
	}
	wg.Wait()
	return r.report, r.err
}

// job is a shard to be.
type job struct {
	sub         *subject
	part, until int
}

func (c Config) jobs() []job {
	var list []*subject
	for _, s := range subjects() {
		if c.Subjects == nil || slices.Contains(c.Subjects, s.name) {
			list = append(list, s)
		}
	}
	var jobs []job
	for part := range c.Parts {
		for _, s := range list {
			fresh := *s
			jobs = append(jobs, job{&fresh, part, s.share(c.Trials, len(list))})
		}
	}
	return jobs
}

// share is the number of trials of a subject. Few ways lead from the files
// here to a program of the module cache.
func (s *subject) share(trials, subjects int) int {
	n := (trials + subjects - 1) / subjects
	if s.name == "versioned" {
		return n/10 + 1
	}
	return n
}

type running struct {
	config Config
	hasher string

	mu     sync.Mutex
	report *Report
	err    error
}

func (r *running) worker(ctx context.Context, i int, jobs <-chan job) {
	dir := filepath.Join(r.config.Dir, fmt.Sprint("worker", i))
	gocache := filepath.Join(dir, "gocache")
	if own, err := goEnv(ctx, "GOCACHE"); err == nil && r.config.Shared {
		gocache = own
	}
	for j := range jobs {
		report, err := r.shard(ctx, j, dir, gocache)
		r.mu.Lock()
		r.report.add(report)
		if r.err == nil {
			r.err = err
		}
		r.mu.Unlock()
	}
}

// shard prepares and does one job.
func (r *running) shard(ctx context.Context, j job, dir, gocache string) (*Report, error) {
	home := filepath.Join(dir, fmt.Sprintf("%s%d", j.sub.name, j.part))
	defer os.RemoveAll(home)
	w := &shard{
		ctx: ctx, config: r.config, sub: j.sub, part: j.part, report: newReport(),
		cacheDir: filepath.Join(home, "cache"), oracle: &oracle{hasher: r.hasher, scratch: filepath.Join(home, "scratch"), std: filepath.Join(dir, "std")},
	}
	started := time.Now()
	fs := r.config.fileSystem(j.part)
	err := w.on(fs, home, func() error {
		if err := w.prepare(home, gocache); err != nil {
			return err
		}
		return w.trials(j)
	})
	w.report.Oracle = w.oracle.runs
	r.config.Log(fmt.Sprintf("%s/%d %s: %d trials, %d builds, %d false hits, %v, key %v, build %v, error: %v", j.sub.name, j.part, fs, w.report.Trials, w.oracle.runs, w.report.False(),
		time.Since(started).Round(time.Second), w.keyTime.Round(time.Millisecond), w.oracle.time.Round(time.Millisecond), err))
	return w.report, err
}

func (c Config) fileSystem(part int) string {
	if len(c.FileSystems) == 0 {
		return ""
	}
	return c.FileSystems[part%len(c.FileSystems)]
}

// on does something while there is an empty file system at home.
func (w *shard) on(fs, home string, do func() error) error {
	if err := os.RemoveAll(home); err != nil { // a run that was killed left it
		return err
	}
	scratch := home + ".fs"
	defer os.RemoveAll(scratch)
	if err := os.MkdirAll(home, 0o755); err != nil {
		return err
	}
	unmount, err := mountAt(fs, home, scratch)
	if err != nil {
		return fmt.Errorf("making a file system: %w", err)
	}
	return errors.Join(do(), unmount())
}

func (w *shard) trials(j job) error {
	if w.config.Only >= 0 {
		if w.config.Only%w.config.Parts != j.part {
			return nil
		}
		return w.run(w.config.Only, w.config.Parts, w.config.Only+1)
	}
	return w.run(j.part, w.config.Parts, j.until)
}

func (w *shard) prepare(home, gocache string) error {
	for _, d := range []string{w.cacheDir, w.oracle.scratch} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			return err
		}
	}
	modcache, err := goEnv(w.ctx, "GOMODCACHE")
	if err != nil {
		return err
	}
	goroot, err := goEnv(w.ctx, "GOROOT")
	if err != nil {
		return err
	}
	w.tree, err = w.sub.ready(w.ctx, home, modcache, gocache, goroot)
	return err
}

func goEnv(ctx context.Context, name string) (string, error) {
	out, err := exec.CommandContext(ctx, "go", "env", name).Output()
	if err != nil {
		return "", fmt.Errorf("asking for %s: %w", name, err)
	}
	return strings.TrimSpace(string(out)), nil
}
