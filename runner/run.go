package runner

import (
	"cmp"
	"context"
	"errors"
	"os"
	"time"

	"github.com/org/gorun-action/container"
	"github.com/org/gorun-action/internal/buildflags"
	"github.com/org/gorun-action/internal/goenv"
)

// Builder provides the place where the go command runs, and makes its
// toolchain ready first.
type Builder interface {
	// Identity says what Site will come to, in microseconds and without an
	// engine or a go command.
	Identity(want container.Want) container.Identity
	Site(ctx context.Context, want container.Want, report func(container.Progress)) (container.Site, error)
}

// Runner takes Specs to Results. Its fields are set once, before the first
// run.
type Runner struct {
	// Builder finds the toolchain.
	Builder Builder
	// Host runs the program.
	Host container.Executor
	// Report is told the Events.
	Report Reporter
	// Now is the clock.
	Now func() time.Time
	// Keys finds executable keys; nil: nothing is cached.
	Keys *Keyring
	// Store keeps executables, and History knows what they were made of.
	Store   Store
	History History
	// Packs keeps parts of the go command's caches; nil: none are kept.
	Packs Packs
	// Replace, when not nil, makes this process become the program; it returns
	// only when it could not.
	Replace func(container.Command) error
	// Track, when not nil, is told each temporary directory, so that somebody
	// can remove it should this process die.
	Track func(dir string) (release func())
}

// run is one run under way.
type run struct {
	*Runner
	spec   Spec
	result Result
	// caller is the environment that the program gets.
	caller goenv.Env
	// cancelled is the signal that asked for the end of the run, or nil.
	cancelled os.Signal
	// unsure says why what is built may differ from what the key says.
	unsure string
	// temporary says that the executable goes with this process.
	temporary bool
	// buildCost is how long a build takes that nothing helps, as far as this run
	// knows.
	buildCost time.Duration
	// cacheBytes are what this build has of its caches, 0 when that is unknown.
	cacheBytes int64
}

// Run is the whole way of one run. It reports every Event, Finished last, and
// returns the Result, whatever happened: a failure is an Outcome.
func (r *Runner) Run(ctx context.Context, spec Spec) Result {
	run := r.begin(spec)
	begin := r.Now()
	if err := run.steps(ctx); err != nil {
		run.fail(err)
	}
	run.result.Timings.Total = r.Now().Sub(begin).Milliseconds()
	run.conclude()
	r.Report.Event(Finished{run.result})
	return run.result
}

// steps returns an error when the program did not come to run; a program that
// ran is in the result.
func (r *run) steps(ctx context.Context) error {
	plan, err := r.planning(ctx)
	if err != nil {
		return err
	}
	var found Stored
	if r.caches(plan) {
		hit := false
		found, hit, err = r.restoring(ctx, &plan)
		defer found.close()
		if err != nil {
			return err
		}
		if hit && !r.spec.VerifyCache && !r.spec.VerifyBuild {
			err := r.runRestored(ctx, plan, found)
			if !errors.Is(err, errLost) {
				return err
			}
			found = Stored{} // nothing is left to compare a build with
		}
	}
	r.result.Saving = nil // a build follows, whatever was found
	return r.buildAndRun(ctx, plan, found)
}

// planning is the plan phase.
func (r *run) planning(ctx context.Context) (Plan, error) {
	planning, stop := r.cancelOnSignal(ctx)
	plan, err := timed(r, PhasePlan, func() (Plan, error) { return r.plan(planning) })
	cause := stop()
	if plan.until(ctx); cause != nil {
		err = &fault{outcome: Cancelled, err: cause}
	}
	return plan, err
}

// caches reports whether this run has to do with the Store.
func (r *run) caches(p Plan) bool {
	return p.index != nil && r.spec.Cache.on()
}

// buildAndRun is the way of a program that the Store does not have.
func (r *run) buildAndRun(ctx context.Context, plan Plan, found Stored) error {
	building, stop := r.cancelOnSignal(ctx)
	plan.until(building)
	exe, k, clean, err := r.prepare(building, plan)
	plan.until(ctx)
	defer clean()
	// A signal may have come when the build was just over; and whatever failed
	// after it came, failed because of it.
	if cause := stop(); cause != nil {
		r.result.Diagnostics = nil
		return &fault{outcome: Cancelled, err: cause}
	}
	if err != nil || plan.DryRun {
		return err
	}
	if found.Path != "" {
		if err := r.compare(&plan, found.Executable, exe); err != nil {
			return err
		}
	}
	wait := r.save(ctx, plan, exe, k)
	defer wait()
	return r.execute(ctx, plan, exe, r.capturedPath(exe))
}

// execute is the run phase.
func (r *run) execute(ctx context.Context, plan Plan, exe Executable, path string) error {
	_, err := timed(r, PhaseRun, func() (struct{}, error) { return struct{}{}, r.program(ctx, plan, exe, path) })
	return err
}

// prepare finds the toolchain and builds. The executable is there until clean.
func (r *run) prepare(ctx context.Context, plan Plan) (exe Executable, k *pendingSave, clean func(), err error) {
	clean = func() {}
	site, err := timed(r, PhaseToolchain, func() (container.Site, error) { return r.site(ctx, plan) })
	if err != nil {
		return exe, nil, clean, err
	}
	// The directory of this run: the captured executable, what a container
	// needs besides the sources, the go command's own temporary files.
	dir, remove, err := container.TempDir(cmp.Or(site.Temp, r.spec.Env.Get("GOTMPDIR")), r.Track)
	if err != nil {
		return exe, nil, clean, err
	}
	r.ensureBuildCache(site, dir)
	caches, unmount, err := r.privateCaches(ctx, plan, site, dir)
	defer unmount()
	if err != nil {
		return exe, nil, remove, err
	}
	exe, err = timed(r, PhaseBuild, func() (exe Executable, err error) {
		exe, k, err = r.buildWith(ctx, plan, site, dir, caches, unmount)
		if err == nil && r.spec.VerifyBuild {
			err = r.verifyBuild(ctx, plan, site, exe)
		}
		return exe, err
	})
	return exe, k, remove, err
}

// timed runs one phase and records how long it took.
func timed[T any](r *run, p Phase, step func() (T, error)) (T, error) {
	begin := r.Now()
	r.result.Phase = p
	value, err := step()
	r.result.Timings.set(p, r.Now().Sub(begin))
	return value, err
}

// site finds the toolchain.
func (r *run) site(ctx context.Context, plan Plan) (container.Site, error) {
	site, err := r.Builder.Site(ctx, plan.want, func(p container.Progress) { r.Report.Event(Progressed{p}) })
	if err != nil {
		return container.Site{}, siteFault(err)
	}
	r.result.Builder = site.Builder
	r.result.Toolchain = toolchainOf(site)
	return site, r.checkC(ctx, plan, site)
}

func siteFault(err error) error {
	var usage *buildflags.UsageError
	switch {
	case errors.As(err, &usage):
		return &fault{outcome: Usage, err: err, hint: usage.Hint}
	case errors.Is(err, container.ErrIntegrity):
		return &fault{outcome: Integrity, err: err, hint: container.Hint(err)}
	}
	return &fault{outcome: Infrastructure, err: err, hint: container.Hint(err)}
}

func toolchainOf(site container.Site) *Toolchain {
	t := &Toolchain{Version: site.Version, Image: site.Image, Digest: site.Digest}
	if !site.Contained() {
		t.Path = site.Go
	}
	return t
}

// Refuse is the Result of a command line that could not be understood.
func Refuse(err error) Result {
	r := Result{Outcome: Usage, Phase: PhaseInputs, ExitStatus: statusGorun, Error: err.Error(), Cache: Off}
	var usage *buildflags.UsageError
	if errors.As(err, &usage) {
		r.Hint = usage.Hint
	}
	return r
}

// Untold is the result of a run that has ended, and could not be told to who is
// to know of it.
func (r Result) Untold(err error) Result {
	r.Outcome, r.ExitStatus, r.Tolerated = Infrastructure, statusGorun, false
	r.Error, r.Hint = "what became of the run could not be told to the runner: "+err.Error(), ""
	return r
}
