package runner

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/org/gorun-action/cachekeys"
	"github.com/org/gorun-action/container"
)

// Plan is a Spec with every question answered that can be answered without the
// go command.
type Plan struct {
	// Package is what is built: the package argument, or the file list.
	Package []string
	// Dir is the working directory.
	Dir string
	// Module is the root of the main module, "" outside one.
	Module string
	// GoVersion is the Go release asked for, and GoVersionFrom who asks:
	// "--go-version", "go.mod", …; both are "" when nobody does.
	GoVersion, GoVersionFrom string
	// Target is "os/arch" of the executable.
	Target string
	// Exec are the words of the program that runs the executable, nil when it
	// runs by itself.
	Exec []string
	// Command is the effective go command line.
	Command []string
	// DryRun reports -n: the go command prints, and nothing runs.
	DryRun bool

	// Key is the executable key, "" where there is none.
	Key string

	workspace cachekeys.Workspace
	want      container.Want
	identity  container.Identity
	index     *cachekeys.Index
	request   cachekeys.Request
	closure   *cachekeys.Closure // nil when no key was looked for, or it was recalled
}

// Plan is the first step of Run by itself: it reports the same Events, and
// learns the same for the next time.
func (r *Runner) Plan(spec Spec) (Plan, error) {
	return r.begin(spec).plan(context.Background())
}

// Closure returns what the key was made of, nil when it was recalled or not
// looked for.
func (p Plan) Closure() *cachekeys.Closure { return p.closure }

// until has the sources read for as long as ctx is not done.
func (p Plan) until(ctx context.Context) {
	if p.index != nil {
		p.index.Until(ctx)
	}
}

func (r *run) plan(ctx context.Context) (Plan, error) {
	s := r.spec
	p := Plan{
		Package: s.Package,
		Dir:     s.Dir,
		Target:  s.Env.GOOS() + "/" + s.Env.GOARCH(),
		Exec:    s.Build.Exec,
		DryRun:  s.Build.DryRun,
	}
	p.workspace = cachekeys.FindWorkspace(s.Dir, r.workspaceOptions())
	p.Module = p.workspace.Root()
	p.want = r.want(p.workspace)
	p.GoVersion, p.GoVersionFrom = p.want.Version, p.want.From
	p.Command = append(append([]string{"go", "run"}, s.Build.Args...), s.Package...)
	r.result.Package = strings.Join(s.Package, " ")
	r.result.Dir, r.result.Command = p.Dir, p.Command
	err := dirFault(s.Dir)
	if err == nil && r.looksForKey(p) {
		r.findKey(ctx, &p)
	}
	r.Report.Event(Planned{p})
	for _, notice := range s.Build.Notices {
		r.Report.Event(Noticed{notice})
	}
	return p, err
}

// looksForKey reports whether the local sources have to be read.
func (r *run) looksForKey(p Plan) bool {
	return r.Keys != nil && !p.DryRun && (r.spec.Cache.on() || r.spec.Explain || r.spec.VerifyBuild)
}

// dirFault says that the working directory is none, which the go command, and
// even more so an engine, would say in a roundabout way.
func dirFault(dir string) error {
	info, err := os.Stat(dir)
	if err == nil && !info.IsDir() {
		err = fmt.Errorf("%s is not a directory", dir)
	}
	if err != nil {
		return &fault{outcome: Usage, err: fmt.Errorf("working directory: %w", err), hint: "name an existing directory with -C"}
	}
	return nil
}

func (r *run) workspaceOptions() cachekeys.Options {
	modfile, _ := r.spec.Build.Value("modfile")
	return cachekeys.Options{
		GOWORK:    r.spec.Env.Get("GOWORK"),
		ModFile:   modfile,
		GOPATH:    r.spec.Env.Get("GO111MODULE") == "off",
		Versioned: versioned(r.spec.Package),
	}
}

// versioned reports whether the package argument is pkg@version, by the rule
// of cmd/go/internal/run.shouldUseOutsideModuleMode.
func versioned(pkg []string) bool {
	return len(pkg) == 1 && !strings.HasSuffix(pkg[0], ".go") && strings.Contains(pkg[0], "@") &&
		!strings.HasPrefix(pkg[0], ".") && !filepath.IsAbs(pkg[0])
}

// want returns the toolchain that is asked for: by --toolchain-image, by
// --go-version, by GOTOOLCHAIN where it names one, by the toolchain or go line
// that counts, in this order.
func (r *run) want(w cachekeys.Workspace) container.Want {
	s := r.spec
	want := container.Want{Image: s.ToolchainImage}
	switch name := toolchainName(s.Env.Get("GOTOOLCHAIN")); {
	case s.GoVersion != "":
		want.Version, want.Exact, want.From = strings.TrimPrefix(s.GoVersion, "go"), true, "--go-version"
	case name != "":
		want.Version, want.Exact, want.From = name, true, "GOTOOLCHAIN"
	case w.Toolchain != "" && w.Toolchain != "default":
		want.Version, want.From = w.Toolchain, "toolchain line of "+w.File()
	case w.Go != "":
		want.Version, want.From = w.Go, "go line of "+w.File()
	}
	return want
}

// toolchainName returns the release that GOTOOLCHAIN demands, "1.26.8", or ""
// for "auto", "local", "path" and the minimum forms "go1.26.8+auto".
func toolchainName(variable string) string {
	name, isGo := strings.CutPrefix(variable, "go")
	if !isGo || strings.Contains(name, "+") {
		return ""
	}
	return name
}

// execFor finds the program that runs executables of another system, as
// cmd/go/internal/work.FindExecCmd does: go_GOOS_GOARCH_exec on the PATH.
func (r *run) execFor(plan Plan, path string) []string {
	if r.spec.Build.ExecGiven {
		return slices.Clone(plan.Exec)
	}
	goos, goarch, _ := strings.Cut(plan.Target, "/")
	if goos == runtime.GOOS && goarch == runtime.GOARCH {
		return nil
	}
	name := fmt.Sprintf("go_%s_%s_exec", goos, goarch)
	for _, dir := range filepath.SplitList(path) {
		file := filepath.Join(dir, name)
		if info, err := os.Stat(file); err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0 {
			return []string{file}
		}
	}
	return nil
}
