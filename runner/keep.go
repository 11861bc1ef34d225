package runner

import (
	"bytes"
	"context"
	"debug/buildinfo"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/org/gorun-action/cachekeys"
	"github.com/org/gorun-action/container"
	"github.com/org/gorun-action/internal/capture"
)

// settleLimit is how long a build waits until every later change of a source
// shows. Only a file system that counts time in seconds needs more.
const settleLimit = 250 * time.Millisecond

// pendingSave is a build whose executable may be kept.
type pendingSave struct {
	reasons []string // why it will not be
	listed  chan listing
	cancel  context.CancelFunc // ends the listing; nil when there is none under way
	built   []BuiltPackage     // what was listed
	pack    func(context.Context)
}

// BuiltPackage is a package of a build, with the module it is of.
type BuiltPackage struct {
	cachekeys.Built
	// Module is the path by which its module was required, "" in the standard
	// library.
	Module string
}

// abandon ends a listing that nobody waits for any more, and returns when
// nothing of it runs.
func (k *pendingSave) abandon() {
	if k != nil && k.cancel != nil {
		k.cancel()
		<-k.listed
	}
}

// packages waits for the listing.
func (k *pendingSave) packages() ([]BuiltPackage, error) {
	defer k.cancel()
	list := <-k.listed
	k.cancel = nil
	return list.packages, list.err
}

// listing is what the go command says that a build consists of.
type listing struct {
	packages []BuiltPackage
	err      error
}

// under names the directories of a private module cache by the one that it
// stands in for.
func (l listing) under(private, real string) listing {
	for i := range l.packages {
		p := &l.packages[i]
		if rest, inside := strings.CutPrefix(p.Dir, private+string(filepath.Separator)); inside && private != "" {
			p.Dir = filepath.Join(real, rest)
		}
	}
	return l
}

// keeps reports whether what is built is to be kept, as far as the user and
// the key go. What is there already has no closure.
func (r *run) keeps(p Plan) bool {
	return p.Key != "" && p.closure != nil && r.spec.Cache == CacheReadWrite
}

// beginSave is called right before the build. The go command lists the
// packages beside it, so that the closure rests on its word, not on our
// reading of its rules.
func (r *run) beginSave(ctx context.Context, p Plan, site container.Site, v view, caches PackCaches) *pendingSave {
	if !r.keeps(p) {
		return nil
	}
	k := &pendingSave{listed: make(chan listing, 1)}
	if err := identityOf(site, p.identity); err != nil {
		k.reasons = append(k.reasons, err.Error())
	}
	if wait := p.index.Settles(r.Now()); wait > settleLimit {
		k.reasons = append(k.reasons, "a source changed just now, and the file system's clock is too coarse to tell another change")
	} else if wait > 0 {
		r.Keys.Sleep(wait)
	}
	if len(k.reasons) > 0 {
		return k
	}
	ctx, k.cancel = context.WithCancel(ctx)
	go func() { k.listed <- r.list(ctx, p, site, v).under(caches.ModCache, r.modCache()) }()
	return k
}

// list runs `go list -deps` as the build's go command runs.
func (r *run) list(ctx context.Context, p Plan, site container.Site, v view) listing {
	if versioned(p.Package) { // its packages are nobody's but the module cache's
		return listing{}
	}
	var out, errs bytes.Buffer
	status, err := site.Executor.Run(ctx, container.Command{
		Path: site.Go, Dir: p.Dir, Env: slices.Concat(v.env, site.Env), Mounts: v.mounts, User: site.User,
		Args:   slices.Concat([]string{"list", "-deps", "-json=" + listFields}, r.buildArgs(p.Dir), p.Package),
		Stdout: &out, Stderr: &errs,
		Stop: []container.StopStep{{Signal: syscall.SIGINT, Wait: interruptWait}},
	})
	if err == nil && status.Shell() != 0 {
		err = fmt.Errorf("go list: %s", firstLine(errs.String()))
	}
	if err != nil {
		return listing{err: err}
	}
	packages, err := parseListing(&out)
	return listing{packages, err}
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(text), "\n")
	return line
}

const listFields = "ImportPath,Dir,Standard,GoFiles,CgoFiles,CFiles,CXXFiles,MFiles,HFiles,FFiles,SFiles,SwigFiles,SwigCXXFiles,SysoFiles,EmbedFiles,Module"

func parseListing(r io.Reader) (packages []BuiltPackage, err error) {
	for dec := json.NewDecoder(r); ; {
		var p struct {
			ImportPath, Dir                                                     string
			Standard                                                            bool
			GoFiles, CgoFiles, CFiles, CXXFiles, MFiles, HFiles, FFiles, SFiles []string
			SwigFiles, SwigCXXFiles, SysoFiles, EmbedFiles                      []string
			Module                                                              cachekeys.ListedModule
		}
		switch err := dec.Decode(&p); {
		case errors.Is(err, io.EOF):
			return packages, nil
		case err != nil:
			return nil, fmt.Errorf("reading the packages of the build: %w", err)
		}
		packages = append(packages, BuiltPackage{Module: p.Module.Path, Built: cachekeys.Built{
			ImportPath: p.ImportPath, Dir: p.Dir, Standard: p.Standard,
			Cgo:    len(p.CgoFiles)+len(p.SwigFiles)+len(p.SwigCXXFiles) > 0,
			Pinned: p.Module.Pins(p.Dir),
			Files:  slices.Concat(p.GoFiles, p.CgoFiles, p.CFiles, p.CXXFiles, p.MFiles, p.HFiles, p.FFiles, p.SFiles, p.SwigFiles, p.SwigCXXFiles, p.SysoFiles, p.EmbedFiles),
		}})
	}
}

// endSave is called right after the build, before the program can change
// anything. It adds what speaks against keeping the executable.
func (r *run) endSave(p Plan, k *pendingSave, exe Executable, dir string) {
	if k == nil || len(k.reasons) > 0 {
		return
	}
	packages, err := k.packages()
	if err != nil {
		k.reasons = append(k.reasons, err.Error())
		return
	}
	k.built = packages
	v := p.closure.Check(builts(packages))
	k.reasons = append(k.reasons, v.Reasons...)
	r.learn(p, v.Extra)
	k.reasons = append(k.reasons, r.checkBuilt(p, exe, dir)...)
	if r.unsure != "" {
		k.reasons = append(k.reasons, r.unsure)
	}
	p.index.Again()
	again := p.index.Closure(p.request)
	if p.index.Changed() || again.ExecutableKey() != p.Key {
		k.reasons = append(k.reasons, "the sources changed during the build")
		return
	}
	p.index.Remember(again)
}

func builts(packages []BuiltPackage) []cachekeys.Built {
	list := make([]cachekeys.Built, len(packages))
	for i, p := range packages {
		list[i] = p.Built
	}
	return list
}

// learn keeps the local packages that only other modules lead to for the next
// key.
func (r *run) learn(p Plan, extra []string) {
	if len(extra) == 0 {
		return
	}
	all := slices.Concat(p.request.Extra, extra)
	slices.Sort(all)
	p.index.SetExtras(p.closure.Program(), slices.Compact(all))
	r.saveIndex(&p)
}

// checkBuilt compares the executable with what the key says of it.
func (r *run) checkBuilt(p Plan, exe Executable, dir string) (reasons []string) {
	if !strings.HasSuffix(p.Target, "/wasm") { // debug/buildinfo does not read those
		info, err := buildinfo.ReadFile(exe.Path)
		if err != nil {
			return []string{"the executable does not say which Go built it"}
		}
		release, _, _ := strings.Cut(info.GoVersion, " ")
		if want := "go" + p.identity.Version; p.identity.Version != "" && release != want {
			reasons = append(reasons, "it was built by "+release+", not by "+want)
		}
	}
	if p.identity.Digest == "" {
		path, _ := os.ReadFile(filepath.Join(dir, capture.PathFile))
		if want := restoredPath(p.identity, r.spec.Env.Get("PATH")); string(path) != want {
			reasons = append(reasons, "the go command runs programs with another PATH than gorun expects")
		}
		if versioned(p.Package) && cachekeys.CgoEnabled(&p.request) && usesC(exe.Path) {
			reasons = append(reasons, "it may be compiled with cgo, and nothing pins this machine's C compiler and libraries; set CGO_ENABLED=0")
		}
	}
	return reasons
}

// save keeps the executable, and what the build used, while the program runs.
// wait returns when that is over, and reports it; a signal that would have ended
// the program ends what is left of that.
func (r *run) save(ctx context.Context, p Plan, exe Executable, k *pendingSave) (wait func()) {
	if k == nil {
		return func() {}
	}
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan Event, 1)
	go func() {
		e := Event(Saved{Key: p.Key, Reasons: k.reasons})
		if len(k.reasons) == 0 {
			e = r.put(ctx, p, exe)
		}
		if k.pack != nil {
			k.pack(ctx)
		}
		done <- e
	}()
	return func() {
		defer cancel()
		r.Report.Event(r.awaitSave(done, cancel))
	}
}

func (r *run) awaitSave(done <-chan Event, cancel func()) Event {
	for {
		select {
		case e := <-done:
			return e
		case s := <-r.spec.Signals:
			if endsBuild(s) {
				cancel()
			}
		}
	}
}

// warnCache reports a fault of the cache.
func (r *run) warnCache(message, hint string) {
	r.Report.Event(Warned{Message: message, Hint: hint, Cache: true})
}

func (r *run) put(ctx context.Context, p Plan, exe Executable) Event {
	begin := r.Now()
	err := r.Store.Put(ctx, p.Key, exe, Facts{
		About: p.closure.About().Encode(), Prefix: p.closure.ProgramPrefix(), Toolchain: p.identity.Version, Build: r.buildCost, Caches: r.cacheBytes,
	})
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return Warned{Message: fmt.Sprintf("the executable is not kept for the next run: %v", err), Hint: "make room, or name another directory with --cache-dir", Cache: true}
	}
	return Saved{Key: p.Key, Kept: true, Took: r.Now().Sub(begin)}
}

// compare is --verify-cache: a build must come to what the Store has.
func (r *run) compare(p *Plan, found, built Executable) error {
	if found.SHA256 == built.SHA256 {
		r.result.Cache = Verified
		return nil
	}
	key := p.Key
	p.index.Again()
	if r.follow(p); p.Key != key {
		r.result.Cache = Miss
		r.Report.Event(Noticed{"the sources changed during the build, so that there was nothing to compare it with"})
		return nil
	}
	return &fault{
		outcome: Integrity,
		err:     fmt.Errorf("the cached executable %s and the one built now, %s, differ, though all inputs are the same (key %s)", found.SHA256, built.SHA256, p.Key),
		hint:    "remove it with `gorunctl cache rm --cache-dir=" + r.spec.CacheDir + " " + p.Key + "`; if a build without caches differs again, the build is not reproducible: please report it with the output of --explain",
	}
}

// cutVariable returns the value of "name=value".
func cutVariable(kv, name string) (string, bool) { return strings.CutPrefix(kv, name+"=") }

// indexOff makes the go command read every source (GODEBUG goindex,
// cmd/go/internal/modindex): its own index cannot tell an edit that left size
// and modification time as they were.
func indexOff(env []string, godebug string) []string {
	return append(env, "GODEBUG="+strings.TrimPrefix(godebug+",goindex=0", ","))
}
