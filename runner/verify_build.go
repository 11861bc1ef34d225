package runner

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/org/gorun-action/container"
	"github.com/org/gorun-action/internal/goenv"
)

// verifyBuild is --verify-build: the sources are copied to another directory
// and built there with an empty build cache. It returns an error when that does
// not come to the same bytes. The module cache is shared: go.sum pins it.
func (r *run) verifyBuild(ctx context.Context, plan Plan, site container.Site, first Executable) error {
	if plan.DryRun {
		return nil
	}
	begin := r.Now()
	r.Report.Event(Noticed{"--verify-build: building a second time, in another directory and without a cache"})
	dir, clean, err := container.TempDir(cmp.Or(site.Temp, r.spec.Env.Get("GOTMPDIR")), r.Track)
	if err != nil {
		return err
	}
	defer clean()
	second, err := r.buildElsewhere(ctx, plan, site, dir)
	if err != nil {
		return secondFault(err)
	}
	if second.SHA256 != first.SHA256 {
		return r.unlike(plan, first, second)
	}
	took := r.Now().Sub(begin).Round(time.Millisecond)
	r.Report.Event(Noticed{fmt.Sprintf("--verify-build: the second build came to the same bytes, SHA-256 %s, in %v", second.SHA256, took)})
	return nil
}

// secondFault says that it was the second build that failed.
func secondFault(err error) error {
	var f *fault
	if !errors.As(err, &f) {
		f = &fault{outcome: Infrastructure, err: err, hint: container.Hint(err)}
	}
	said := *f
	said.err = fmt.Errorf("the second build of --verify-build: %w", f.err)
	return &said
}

// buildElsewhere is the way from Spec to Executable once more, in dir.
func (r *run) buildElsewhere(ctx context.Context, plan Plan, site container.Site, dir string) (Executable, error) {
	m := mirror{root: filepath.Join(dir, "sources")}
	if err := r.copySources(ctx, plan, &m, dir); err != nil {
		return Executable{}, err
	}
	quiet := &Runner{Builder: r.Builder, Host: r.Host, Now: r.Now, Track: r.Track, Report: filtered{r.Report}}
	second := quiet.begin(r.specElsewhere(plan, m, dir))
	second.result.Toolchain, second.result.Builder = r.result.Toolchain, r.result.Builder
	moved, err := second.plan(ctx)
	if err != nil {
		return Executable{}, err
	}
	if err := sameWorkspace(plan, moved, m); err != nil {
		return Executable{}, err
	}
	exe, _, err := second.build(ctx, moved, site, dir, PackCaches{})
	if err != nil {
		r.result.Diagnostics = second.result.Diagnostics
	}
	return exe, err
}

// specElsewhere is the Spec of the same build on the copy. Absolute paths that
// lie in what was not copied stay what they are.
func (r *run) specElsewhere(plan Plan, m mirror, dir string) Spec {
	s := r.spec
	s.Dir, s.Cache, s.VerifyBuild, s.Stdout = m.path(plan.Dir), CacheOff, false, io.Discard
	s.Build.Notices = nil
	s.Package = nil
	for _, arg := range plan.Package {
		if filepath.IsAbs(arg) {
			arg = m.moved(arg)
		}
		s.Package = append(s.Package, arg)
	}
	work := "off" // whatever lies above the copy is no part of it
	if plan.workspace.GoWork != "" {
		work = m.path(plan.workspace.GoWork)
	}
	environ := slices.DeleteFunc(s.Env.Environ(), func(kv string) bool { return strings.HasPrefix(kv, "GOCACHEPROG=") })
	s.Env = goenv.Load(append(environ, "GOCACHE="+filepath.Join(dir, "cache"), "GOWORK="+work), "")
	return s
}

// sameWorkspace makes sure that the copy is what was built, not a part of a
// module around it.
func sameWorkspace(plan, moved Plan, m mirror) error {
	for _, file := range [][2]string{{plan.workspace.GoMod, moved.workspace.GoMod}, {plan.workspace.GoWork, moved.workspace.GoWork}} {
		want := ""
		if file[0] != "" {
			want = m.path(file[0])
		}
		if file[1] != want {
			return &fault{
				outcome: Infrastructure,
				err:     fmt.Errorf("the copy of the sources would be built as a part of %s", file[1]),
				hint:    "name a temporary directory outside of every module with TMPDIR",
			}
		}
	}
	return nil
}

// unlike is the fault of two builds that differ, if the sources did not.
func (r *run) unlike(p Plan, first, second Executable) error {
	if changed := r.changedSources(p); changed != "" {
		return &fault{
			outcome: Infrastructure,
			err:     fmt.Errorf("the sources changed while they were built twice (%s), so that there is nothing to compare", changed),
			hint:    "run again",
		}
	}
	return &fault{
		outcome: Integrity,
		err: fmt.Errorf("the build is not reproducible: the first one made %s, and the second one, in another directory and without a cache, %s; %s",
			first.SHA256, second.SHA256, difference(first.Path, second.Path)),
		hint: r.unlikeHint(first.Path),
	}
}

// changedSources says what has changed since the plan was made, "" for nothing.
func (r *run) changedSources(p Plan) string {
	if p.index == nil {
		return ""
	}
	p.index.Again()
	now := p.index.Closure(p.request)
	switch {
	case p.closure != nil:
		return strings.Join(now.Differences(p.closure.About()), ", ")
	case now.ExecutableKey() != p.Key:
		return "the key is another one"
	}
	return ""
}

// unlikeHint names the usual suspects, the most likely one first.
func (r *run) unlikeHint(exe string) string {
	var suspects []string
	if value, _ := r.spec.Build.Value("toolexec"); value != "" {
		suspects = append(suspects, "the program of -toolexec may add the time or a path")
	}
	if usesC(exe) {
		suspects = append(suspects, "C code may use __DATE__, __TIME__ or a header that the go command does not watch", "the C compiler or linker may not be reproducible")
	}
	suspects = append(suspects, "the build cache may be stale or damaged (go clean -cache)")
	return "look for what is not in the sources: " + strings.Join(suspects, "; ")
}

// filtered leaves out what the first build has said already.
type filtered struct{ Reporter }

func (h filtered) Event(e Event) {
	switch e.(type) {
	case Diagnosed, Warned:
		h.Reporter.Event(e)
	}
}
