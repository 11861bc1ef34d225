package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/org/gorun-action/cachekeys"
	"github.com/org/gorun-action/container/provision"
	"github.com/org/gorun-action/internal/buildflags"
	"github.com/org/gorun-action/internal/goenv"
	"github.com/org/gorun-action/internal/report"
	"github.com/org/gorun-action/internal/runas"
	"github.com/org/gorun-action/runner"
)

// command is gorun with everything that it takes from its process.
type command struct {
	args                  []string
	environ               []string // what builds and programs get is made of it
	inherited             []string // what this process got: the runner's credentials, too
	stdin, stdout, stderr *os.File
	signals               chan os.Signal // nil receives none
	now                   func() time.Time
	action                *action       // not nil in the GitHub Action
	uncached              runner.Warned // why there is no cache directory
}

// run is the whole of gorun: inputs → Spec → Result → exit status.
func (c *command) run(ctx context.Context) int {
	o, spec, err := c.inputs()
	if err == nil && (o.help || o.version) {
		return c.inform(o)
	}
	if err == nil {
		err = c.settle(o, &spec)
	}
	log, logErr := c.openLog(o)
	if err == nil {
		err = logErr
	}
	if err != nil {
		return c.conclude(o, log, c.refuse(log, o, err))
	}
	spec.Stdout, spec.Stderr = log.output(c.stdout, c.stderr)
	host := &supervision{}
	defer host.close()
	events := &oneCacheWarning{Reporter: log.reporter}
	forget, err := c.ownCache(&spec, host, events)
	if err != nil {
		return c.conclude(o, log, c.refuse(log, o, err))
	}
	defer forget()
	if !spec.Replace {
		host.start() // beside the plan
	}
	r := &runner.Runner{
		Builder: c.provider(o, spec, host, log),
		Host:    host,
		Report:  events,
		Now:     c.now,
		Keys:    c.keyring(spec),
		Store:   executables{c.store(spec), limits(o), indexes(spec), c.scope()},
		History: history{c.store(spec)},
		Replace: c.become,
		Track:   host.dir,
	}
	share, err := c.share(o, spec, r)
	if err != nil {
		return c.conclude(o, log, c.refuse(log, o, err))
	}
	result := r.Run(ctx, spec)
	share.Close()
	return c.conclude(o, log, result)
}

// inputs turns arguments and environment into a Spec: the only place that
// reads them.
func (c *command) inputs() (options, runner.Spec, error) {
	o := defaults()
	env := goenv.Load(withoutSecrets(c.environ), goroot())
	if err := env.Err(); err != nil {
		return o, runner.Spec{}, &buildflags.UsageError{Message: err.Error(), Hint: "name a file with GOENV, or GOENV=off"}
	}
	if err := o.fromEnvironment(env.Get, c.notVariables()...); err != nil {
		return o, runner.Spec{}, err
	}
	parsed, err := buildflags.Parse(c.args, o.own())
	if err == nil {
		err = o.check()
	}
	if c.action != nil {
		err = cmp.Or(c.action.check(o), err)
		o.cacheTo = c.action.stores(o.cacheTo)
	}
	if err != nil || o.help || o.version {
		return o, runner.Spec{}, err
	}
	spec, err := c.spec(o, env, parsed)
	return o, spec, err
}

// notVariables are the flags that have no variable in the action, where an
// earlier step, or its program, can have set it: who the program is, which ends
// are failures, and what is trusted.
func (c *command) notVariables() []string {
	if c.action == nil {
		return nil
	}
	names := []string{"run-as", "fail-on", "cache-mode", "cache-strict", "toolchain-image", "toolchain-repository"}
	if runas.InImage() {
		names = append(names, "builder")
	}
	return names
}

func (c *command) spec(o options, env goenv.Env, parsed buildflags.Parsed) (runner.Spec, error) {
	build, err := parsed.Build(buildflags.Options{
		Strict: o.strict, Compat: o.compat, Reproducible: o.reproducible || o.verifyBuild,
		GOFLAGS: env.Get("GOFLAGS"), CgoCFlags: env.Get("CGO_CFLAGS"),
		GOOS: env.GOOS(), GOARCH: env.GOARCH(),
	})
	if err != nil {
		return runner.Spec{}, err
	}
	pkg, args, err := parsed.Package(o.compat)
	if err != nil {
		return runner.Spec{}, err
	}
	dir, err := workingDir(build.Dir)
	if err != nil {
		return runner.Spec{}, err
	}
	return runner.Spec{
		Dir: dir, Env: env, Build: build, Package: pkg, Args: args,
		Builder: o.builder, ToolchainImage: o.image, GoVersion: o.goVersion,
		Timeout: o.timeout, Grace: o.grace, CancelGrace: o.cancelGrace, Tolerate: o.failOn.tolerates, Compat: o.compat, CacheDir: cacheDir(o, env),
		Cache: o.cache(), ReadAll: o.readAll, VerifyCache: o.verifyCache, Explain: o.explain, Replace: o.replaceable(), Alone: os.Getpid() == 1,
		Reproducible: o.reproducible || o.verifyBuild, VerifyBuild: o.verifyBuild,
		Stdin: c.stdin, Signals: c.signals,
	}, nil
}

// workingDir is where the go command and the program run.
func workingDir(chdir string) (string, error) {
	wd, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("finding the working directory: %w", err)
	}
	if chdir == "" {
		return wd, nil
	}
	chdir = cachekeys.Resolve(wd, chdir)
	// After -C the go command calls its directory by its real name
	// (cmd/go/main.go handleChdirFlag, os.Getwd).
	if real, err := filepath.EvalSymlinks(chdir); err == nil {
		return real, nil
	}
	return chdir, nil
}

func (c *command) provider(o options, spec runner.Spec, host *supervision, log *log) *provision.Provider {
	return &provision.Provider{
		Mode: o.builder, Env: spec.Env, DefaultProxy: defaultProxy, CacheDir: spec.CacheDir, Repository: o.repository,
		Self: self(), Host: host, Track: host.container, TrackDir: host.dir,
		Notice: func(s string) { log.reporter.Event(runner.Noticed{Message: s}) },
	}
}

// refuse reports a command line that could not be understood.
func (c *command) refuse(log *log, o options, err error) runner.Result {
	r := runner.Refuse(err)
	if o.compat {
		r.ExitStatus = 2
		if strings.HasPrefix(r.Error, "go: ") { // cmd/go's base.Fatalf, not the flag package
			r.ExitStatus = 1
		}
	}
	log.reporter.Event(runner.Finished{Result: r})
	return r
}

// conclude writes the verdict and returns the exit status. A verdict file that
// cannot be written is a warning, except in the action.
func (c *command) conclude(o options, log *log, r runner.Result) int {
	errs := []error{log.close()}
	if c.action != nil {
		r = c.action.conclude(r)
	}
	if o.verdictFile != "" {
		errs = append(errs, report.WriteVerdict(o.verdictFile, r))
	}
	if err := errors.Join(errs...); err != nil {
		fmt.Fprintf(c.stderr, "gorun: warning: %v\n", err)
	}
	if r.Tolerated {
		return 0
	}
	return r.ExitStatus
}

// inform answers -h and --version.
func (c *command) inform(o options) int {
	err := printVersion(c.stdout)
	if o.help {
		err = buildflags.Help(c.stdout, o.own())
	}
	if err != nil {
		return 1
	}
	return 0
}
