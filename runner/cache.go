package runner

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"time"

	"github.com/org/gorun-action/cachekeys"
	"github.com/org/gorun-action/container"
)

// Store keeps executables under keys.
type Store interface {
	// Get returns the executable of that key. It has been checked against its
	// SHA-256, and stays where it is until it is released. A miss is
	// fs.ErrNotExist; every other error is about an entry that cannot be used,
	// and one that wraps container.ErrIntegrity ends the run.
	Get(ctx context.Context, key string) (Stored, error)
	// Put keeps an executable with what is known of it. fs.ErrExist: it is there.
	Put(ctx context.Context, key string, exe Executable, facts Facts) error
}

// History knows what other entries of a Store were made of.
type History interface {
	// Nearest returns what was kept with the entries whose keys begin with
	// prefix, the most recently used first, n at most.
	Nearest(ctx context.Context, prefix string, n int) [][]byte
}

// Keyring finds keys. It is the part of a run that reads the local sources.
type Keyring struct {
	// Index returns the index of a workspace.
	Index func(root string) *cachekeys.Index
	// Sleep waits.
	Sleep func(time.Duration)
}

// findKey finds the executable key of the plan's build.
func (r *run) findKey(ctx context.Context, p *Plan) {
	// Many small things for a few milliseconds: collecting them costs more than
	// the memory.
	defer debug.SetGCPercent(debug.SetGCPercent(800))
	p.identity = r.Builder.Identity(p.want)
	root := p.workspace.Root()
	if root == "" {
		root = p.Dir
	}
	p.index = r.Keys.Index(root)
	p.until(ctx)
	p.request = r.request(*p)
	if key, ok := p.index.Recall(p.request); ok && !r.spec.Explain {
		p.Key = key
		return
	}
	r.follow(p)
}

// follow finds the closure of the plan's build, and the key of that.
func (r *run) follow(p *Plan) {
	p.closure = p.index.Closure(p.request)
	p.request.Extra = p.index.Extras(p.closure.Program())
	if len(p.request.Extra) > 0 {
		p.closure = p.index.Closure(p.request)
	}
	p.Key = p.closure.ExecutableKey()
	if r.spec.Cache == CacheReadWrite {
		p.index.Remember(p.closure)
		r.saveIndex(p)
	}
}

func (r *run) saveIndex(p *Plan) {
	if err := p.index.Save(); err != nil {
		r.warnCache(fmt.Sprintf("the sources will be read again next time: %v", err), "make room, or name another directory with --cache-dir")
	}
}

func (r *run) request(p Plan) cachekeys.Request {
	q := cachekeys.Request{
		Workspace: p.workspace, Package: p.Package, Target: p.Target,
		Toolchain: cachekeys.Toolchain{
			Version: p.identity.Version, Digest: p.identity.Digest, Root: p.identity.Root, Unknown: p.identity.Unknown,
			Arch: runtime.GOARCH,
		},
		Getenv: r.buildEnv, ModCache: r.spec.Env.GOMODCACHE(),
	}
	for name, value := range r.spec.Build.Settings() {
		q.Flags = append(q.Flags, cachekeys.Flag{Name: name, Value: value})
	}
	return q
}

// buildEnv is a variable as the go command will see it.
func (r *run) buildEnv(name string) string {
	for _, kv := range r.spec.Build.Env {
		if value, ok := cutVariable(kv, name); ok {
			return value
		}
	}
	return r.spec.Env.Get(name)
}

// restore asks the Store for the executable. Whatever goes wrong is a miss,
// unless the user wants to know of it.
func (r *run) restore(ctx context.Context, p *Plan) (found Stored, hit bool, err error) {
	begin := r.Now()
	if r.spec.Explain { // the key was found anew
		r.Report.Event(Explained{Key: p.Key, Inputs: p.closure.Inputs})
	}
	asked := p.Key
	found, hit, err = r.get(ctx, p.Key)
	if !hit && err == nil && p.closure == nil { // a key that was recalled: what would be built has to be known
		if r.follow(p); p.Key != asked {
			found, hit, err = r.get(ctx, p.Key)
		}
	}
	if err != nil {
		return found, false, err
	}
	e := Restored{Key: p.Key, Hit: hit, Saving: found.Saving}
	r.result.Key, r.result.Cache = p.Key, NoKey
	switch {
	case hit:
		r.result.Cache, e.Executable, r.result.Saving = Hit, &found.Executable, found.Saving
	case p.Key != "":
		r.result.Cache, e.Differences = Miss, r.differences(ctx, *p)
	default:
		e.Reasons = p.closure.Reasons
	}
	e.Took = r.Now().Sub(begin)
	r.Report.Event(e)
	return found, hit, nil
}

// get asks the Store for one executable.
func (r *run) get(ctx context.Context, key string) (found Stored, hit bool, err error) {
	if key == "" {
		return found, false, nil
	}
	found, err = r.Store.Get(ctx, key)
	switch {
	case err == nil:
		return found, true, nil
	case errors.Is(err, container.ErrIntegrity):
		return found, false, &fault{outcome: Integrity, err: err, hint: container.Hint(err)}
	case !errors.Is(err, fs.ErrNotExist):
		r.warnCache(fmt.Sprintf("the cached executable cannot be used: %v", err), "it is built anew; see gorunctl cache verify")
	}
	return found, false, nil
}

// nearest bounds how many earlier entries are compared.
const nearest = 8

// differences says what has changed since the most similar entry.
func (r *run) differences(ctx context.Context, p Plan) []string {
	var (
		best  cachekeys.About
		least = -1
	)
	for _, data := range r.History.Nearest(ctx, p.closure.ProgramPrefix(), nearest) {
		about, err := cachekeys.ParseAbout(data)
		if err != nil {
			continue
		}
		if d := p.closure.Distance(about); least < 0 || d < least {
			best, least = about, d
		}
	}
	if least < 0 {
		return nil
	}
	return p.closure.Differences(best)
}

// identityOf is what a Site turned out to be, to be compared with the Identity
// that the key was made for.
func identityOf(site container.Site, planned container.Identity) error {
	switch {
	case site.Builder != planned.Builder:
		return fmt.Errorf("it was built by %s, not by %s", site.Builder, planned.Builder)
	case site.Digest != planned.Digest:
		return fmt.Errorf("it was built in another image, %s", site.Digest)
	case site.Contained():
		return nil
	case site.Go != planned.Go:
		return fmt.Errorf("it was built by another go command, %s", site.Go)
	}
	return nil
}

// restoredPath is the PATH of a program that came from the Store: the one that
// the go command would give it.
func restoredPath(id container.Identity, path string) string {
	if id.Root == "" {
		return path
	}
	return filepath.Join(id.Root, "bin") + string(filepath.ListSeparator) + path
}
