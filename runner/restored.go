package runner

import (
	"context"
	"errors"
	"os"

	"github.com/org/gorun-action/container"
)

// errLost is wrapped by the error of a restored executable that is gone: then
// the run goes on as after a miss.
var errLost = errors.New("the cached executable is gone")

func (s Stored) close() {
	if s.Release != nil {
		s.Release()
	}
}

// restoring is the restore phase. It may download, so that a signal ends it.
func (r *run) restoring(ctx context.Context, p *Plan) (found Stored, hit bool, err error) {
	ctx, stop := r.cancelOnSignal(ctx)
	found, err = timed(r, PhaseRestore, func() (Stored, error) {
		var f Stored
		f, hit, err = r.restore(ctx, p)
		return f, err
	})
	if cause := stop(); cause != nil {
		return found, false, &fault{outcome: Cancelled, err: cause}
	}
	return found, hit, err
}

// runRestored runs an executable of the Store.
func (r *run) runRestored(ctx context.Context, p Plan, found Stored) error {
	r.result.Builder, r.result.Executable, r.temporary = p.identity.Builder, &found.Executable, found.Temporary
	r.result.Toolchain = &Toolchain{Version: p.identity.Version, Image: p.identity.Image, Digest: p.identity.Digest, Path: p.identity.Go}
	err := r.execute(ctx, p, found.Executable, restoredPath(p.identity, r.spec.Env.Get("PATH")))
	if _, statErr := os.Stat(found.Path); err == nil || statErr == nil || r.result.ProgramStatus != nil {
		return err
	}
	r.Report.Event(Warned{Message: "the cached executable was removed before it could run", Hint: "it is built anew"})
	r.result.Builder, r.result.Executable, r.result.Toolchain, r.result.Cache = "", nil, nil, Miss
	r.result.Saving = nil
	return errors.Join(errLost, err)
}

// becomeProgram lets the program take this process's place, when nothing is
// left to do after it: nobody reads its output on the way, nothing limits or
// follows it, and it needs no file of this run. It returns when that was not
// possible.
func (r *run) becomeProgram(c container.Command, exe Executable) {
	if r.Replace == nil || !r.spec.Replace || r.spec.Timeout > 0 || r.result.Cache != Hit || r.temporary || c.Path != exe.Path {
		return
	}
	if err := r.Replace(c); err != nil {
		r.Report.Event(Warned{Message: "running the program as a child: " + err.Error()})
	}
}

// indexed switches the go command's index of packages off where it may be
// wrong.
func (r *run) indexed(p Plan, caches PackCaches, env []string) []string {
	if !caches.NoIndex && (p.index == nil || !p.index.Suspect()) {
		return env
	}
	return indexOff(env, r.spec.Env.Get("GODEBUG"))
}
