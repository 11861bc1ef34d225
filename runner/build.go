package runner

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/org/gorun-action/cachekeys"
	"github.com/org/gorun-action/container"
	"github.com/org/gorun-action/internal/buildflags"
	"github.com/org/gorun-action/internal/capture"
)

// interruptWait is how long a cancelled go command gets to remove its
// temporary files and stop its compilers.
const interruptWait = 700 * time.Millisecond

// errSparse says that a build ended before any package was compiled, with a
// module cache that has only parts of modules: it says nothing about the
// sources.
var errSparse = errors.New("no package was found in what was restored of the modules")

// buildWith builds with private caches, and once more with whole modules where
// parts of them were not enough.
func (r *run) buildWith(ctx context.Context, plan Plan, site container.Site, dir string, caches PackCaches, unmount func()) (Executable, *pendingSave, error) {
	exe, k, err := r.build(ctx, plan, site, dir, caches)
	if !errors.Is(err, errSparse) {
		return exe, k, err
	}
	r.Report.Event(Noticed{"the build needs more of its modules than the pack has: fetching them as usual"})
	unmount()
	caches.ModCache, caches.NoIndex = "", true
	return r.build(ctx, plan, site, dir, caches)
}

// build has the go command do everything that `go run` does, except that the
// capture helper takes the executable instead of running it.
func (r *run) build(ctx context.Context, plan Plan, site container.Site, dir string, caches PackCaches) (Executable, *pendingSave, error) {
	r.Report.Event(BuildStarted{Builder: site.Builder, Toolchain: *r.result.Toolchain, Command: plan.Command})
	begin := r.Now()
	view, err := r.view(ctx, plan, site, dir, caches)
	if err != nil {
		return Executable{}, nil, err
	}
	if !plan.DryRun {
		if err := r.placeHelper(ctx, site, view, dir); err != nil {
			return Executable{}, nil, err
		}
	}
	k := r.beginSave(ctx, plan, site, view, caches)
	defer k.abandon()
	log := r.newBuildLog(plan, filepath.Join(dir, capture.Name))
	log.holding = caches.ModCache != ""
	status, err := site.Executor.Run(ctx, r.goCommand(plan, site, view, dir, log))
	log.close()
	if err != nil {
		return Executable{}, nil, fmt.Errorf("running the go command: %w", err)
	}
	if log.holding && status.Code != 0 && context.Cause(ctx) == nil {
		return Executable{}, nil, errSparse
	}
	log.release()
	if status.Code != 0 || status.Signal != 0 {
		return Executable{}, nil, r.buildFault(status, log)
	}
	if plan.DryRun {
		r.result.Outcome = Success
		return Executable{}, nil, nil
	}
	exe, err := captured(dir)
	if err != nil {
		return Executable{}, nil, err
	}
	if log.tools && k != nil {
		k.reasons = append(k.reasons, "the build printed something, and a program that comes out of a cache would not")
	}
	r.endSave(plan, k, exe, dir)
	r.collect(plan, k, caches, begin)
	r.result.Executable = &exe
	r.Report.Event(Built{Executable: exe, Took: r.Now().Sub(begin)})
	return exe, k, nil
}

// goCommand is the `go run` of this build. Both streams go to one writer, so
// that the go command's events and its other text keep their order.
func (r *run) goCommand(plan Plan, site container.Site, view view, dir string, log io.Writer) container.Command {
	return container.Command{
		Path: site.Go, Args: r.goArgs(plan, filepath.Join(dir, capture.Name)), Dir: plan.Dir,
		Env: append(view.env, site.Env...), Mounts: view.mounts, User: site.User,
		Stdout: log, Stderr: log,
		Stop: []container.StopStep{{Signal: syscall.SIGINT, Wait: interruptWait}},
	}
}

// goArgs are the go command's arguments. With -n nothing is built that could be
// captured, and the go command shows the program's own command line. GOFLAGS
// may hold the flags that gorun handles; what counts is said again.
func (r *run) goArgs(plan Plan, helper string) []string {
	args, tail := []string{"run", "-n"}, slices.Concat(plan.Package, r.spec.Args)
	words := plan.Exec
	if !plan.DryRun {
		args, tail, words = []string{"run", "-n=false", "-json"}, plan.Package, []string{helper}
	}
	// A word that cannot be quoted came from no command line: the go command
	// splits -exec by the same rules.
	if exec, err := buildflags.JoinQuoted(words); err == nil && (exec != "" || r.spec.Build.ExecGiven) {
		args = append(args, "-exec="+exec)
	}
	return slices.Concat(args, r.buildArgs(plan.Dir), tail)
}

// buildArgs are the flags. A file that is named through a symbolic link and back
// is named by where that led when the key was found: the link may lead elsewhere
// by now. In a container there may be none of the directories on the way.
func (r *run) buildArgs(dir string) []string {
	args := slices.Clone(r.spec.Build.Args)
	for i, arg := range args {
		name, value, _ := strings.Cut(arg, "=")
		if name != "-modfile" && name != "-overlay" || !strings.Contains(value, "..") {
			continue
		}
		if file := cachekeys.Resolve(dir, value); r.result.Builder == "docker" || file != cachekeys.Absolute(dir, value) {
			args[i] = name + "=" + file
		}
	}
	return args
}

// captured reads what the helper left.
func captured(dir string) (Executable, error) {
	out := filepath.Join(dir, capture.ExecutableDir)
	entries, err := os.ReadDir(out)
	if err == nil && len(entries) != 1 {
		err = fmt.Errorf("%s holds %d files", out, len(entries))
	}
	if err != nil {
		return Executable{}, fmt.Errorf("the go command ended without an error and without an executable: %w", err)
	}
	exe := Executable{Path: filepath.Join(out, entries[0].Name())}
	f, err := os.Open(exe.Path)
	if err != nil {
		return Executable{}, fmt.Errorf("reading the executable: %w", err)
	}
	defer f.Close()
	h := sha256.New()
	if exe.Size, err = io.Copy(h, f); err != nil {
		return Executable{}, fmt.Errorf("reading the executable: %w", err)
	}
	exe.SHA256 = hex.EncodeToString(h.Sum(nil))
	return exe, nil
}

// buildFault is the fault of a go command that failed: what its words say.
func (r *run) buildFault(status container.ExitStatus, log *buildLog) error {
	r.result.Diagnostics = log.diagnostics
	f := classify(log.text(), status)
	if full := r.fullDisk(); full != nil && f.outcome == BuildFailed && len(log.diagnostics) == 0 {
		return full
	}
	f.err = errors.New(log.sentence(f.outcome, status))
	return f
}
