package runner

import (
	"context"
	"path/filepath"
	"time"

	"github.com/org/gorun-action/container"
)

// privateCaches gives a build caches of its own, filled from a shared store
// where that pays. unmount, never nil, ends that one of them stands in for the
// module cache of this machine.
func (r *run) privateCaches(ctx context.Context, p Plan, site container.Site, dir string) (c PackCaches, unmount func(), err error) {
	begin := r.Now()
	overlay, err := r.moduleOverlay(ctx, p, site)
	if err != nil || !r.packs(p) {
		return c, overlay.unmount, err
	}
	c, err = r.Packs.Restore(ctx, PackQuery{
		Key: p.closure.BuildKey(), Prefixes: packPrefixes(p), Imports: p.closure.Imports(), Sums: r.sums(p),
		GoCache: r.buildCache(site), Dir: filepath.Join(dir, "pack"), Modules: overlay.possible,
	})
	if err != nil {
		return c, overlay.unmount, siteFault(err)
	}
	if c.ModCache != "" && !overlay.mount(c.ModCache) {
		c.ModCache = ""
	}
	r.result.Saving = c.Saving
	r.result.Timings.Restore += r.Now().Sub(begin).Milliseconds()
	return c, overlay.unmount, nil
}

// packPrefixes are what the keys of packs that help begin with: the same
// toolchain, target and flags. Under other flags nothing was compiled that is of
// use, so that there a pack of -race, other tags or another GOOS would cost
// and not save.
func packPrefixes(p Plan) []string { return p.closure.BuildPrefixes()[:2] }

// packs reports whether this build may use what other builds left, and leave
// something itself. A build that is to prove something does not.
func (r *run) packs(p Plan) bool {
	return r.Packs != nil && r.caches(p) && p.Key != "" && p.closure != nil && !p.DryRun &&
		!versioned(p.Package) && !r.spec.VerifyCache && !r.spec.VerifyBuild && r.spec.Env.Get("GOCACHEPROG") == ""
}

// privateEnv is the go command's environment on the host for private caches.
func (r *run) privateEnv(c PackCaches) (env []string) {
	if c.GoCache != "" {
		env = append(env, "GOCACHE="+c.GoCache)
	}
	if c.ModCache != "" && r.trimmed() {
		env = append(env, "GOMODCACHE="+c.ModCache)
	}
	return env
}

// trimmed reports whether executables do not tell where the module cache is.
func (r *run) trimmed() bool {
	trim, _ := r.spec.Build.Value("trimpath")
	return trim == "true"
}

// collect notes what a build used of its caches, right after it. Where its own
// could not be used, nothing is known of that.
func (r *run) collect(p Plan, k *pendingSave, c PackCaches, begin time.Time) {
	took := r.Now().Sub(begin)
	r.buildCost = took
	if c.Saving != nil {
		r.buildCost = max(c.Cold, took)
		c.Saving.SavedMS = max(0, (c.Cold-took).Milliseconds()-r.result.Timings.Restore)
	}
	if k == nil || k.built == nil || c.GoCache == "" && (c.Own == "" || r.unsure != "") {
		return
	}
	r.cacheBytes, k.pack = r.Packs.Collect(PackBuild{
		Key: p.closure.BuildKey(), Prefixes: packPrefixes(p), Caches: c,
		ModCache: r.modCache(), Packages: k.built, Sums: r.sums(p),
		Since: begin, Took: took, Toolchain: p.identity.Version,
	})
}

// sums lists the go.sum files that count for a build.
func (r *run) sums(p Plan) []string {
	if sum := r.modfileSum(p.Dir); sum != "" {
		return []string{sum}
	}
	var files []string
	if p.workspace.GoWork != "" {
		files = append(files, p.workspace.GoWork+".sum")
	}
	for _, m := range p.workspace.Modules {
		if !m.Replacement {
			files = append(files, filepath.Join(m.Dir, "go.sum"))
		}
	}
	return files
}
