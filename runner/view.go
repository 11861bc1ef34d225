package runner

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/org/gorun-action/cachekeys"
	"github.com/org/gorun-action/container"
	"github.com/org/gorun-action/internal/buildflags"
	"github.com/org/gorun-action/internal/capture"
)

// view is what the go command sees of this machine.
type view struct {
	env      []string
	mounts   []container.Mount
	searched []string // for sockets
}

// view returns everything on the host, and in a container what design.md
// section 9 lists: the sources, the caches, the work directory, the roots of
// trust, the go command's configuration, and no other secrets.
func (r *run) view(ctx context.Context, plan Plan, site container.Site, dir string, caches PackCaches) (view, error) {
	if !site.Contained() {
		env, err := r.hostEnv(dir, caches)
		return view{env: r.indexed(plan, caches, env)}, err
	}
	if r.spec.Env.Get("GOCACHEPROG") != "" {
		r.Report.Event(Noticed{"GOCACHEPROG is not used in the toolchain container, which does not have that program"})
	}
	v := view{env: containerEnv(r.spec.Env)}
	v.set("HOME", dir)
	v.set("GOTMPDIR", dir)
	v.set("PWD", plan.Dir)
	v.mount(dir, true)
	if site.Helper != "" && site.Sees(site.Helper) == nil {
		v.mounts = append(v.mounts, container.Mount{Source: site.Helper, Target: filepath.Join(dir, capture.Name)})
	}
	if err := r.mountCaches(&v, site, dir, caches); err != nil {
		return view{}, err
	}
	if err := r.mountSources(ctx, &v, plan, dir); err != nil {
		return view{}, err
	}
	if err := r.trust(&v, site, dir); err != nil {
		return view{}, err
	}
	v.mounts = tidy(v.mounts)
	v.env = r.indexed(plan, caches, v.env)
	return v, nil
}

// hostEnv is the caller's environment. The go command's temporary files go
// into the work directory, which is removed even when gorun is killed; unless
// the user wants to look at them.
func (r *run) hostEnv(dir string, caches PackCaches) ([]string, error) {
	frozen, err := r.spec.Env.Frozen(dir) // the key is of what it was
	if err != nil {
		return nil, fmt.Errorf("passing on the go command's configuration: %w", err)
	}
	env := r.neutralized(frozen.Environ(), dir)
	if work, _ := r.spec.Build.Value("work"); work != "true" && r.spec.Env.Get("GOTMPDIR") == "" {
		env = append(env, "GOTMPDIR="+dir)
	}
	if r.spec.Build.Dir != "" {
		env = append(env, "PWD="+r.spec.Dir) // as the go command does for -C
	}
	return append(append(env, r.spec.Build.Env...), r.privateEnv(caches)...), nil
}

func (v *view) set(name, value string) { v.env = append(v.env, name+"="+value) }

func (v *view) mount(path string, writable bool) {
	v.mounts = append(v.mounts, container.Mount{Source: path, Target: path, Writable: writable})
}

// mountCaches gives the go command its caches. The module cache is the
// caller's. The build cache is the caller's where one is named; else it is
// gorun's own, one for each image, since a C compiler of another image may
// have the same version and other headers, which the go command does not see
// (golang/go#24355).
//
// Private caches are in dir, which is mounted anyway; the one of modules stands
// where the caller's is, since that path is in executables.
func (r *run) mountCaches(v *view, site container.Site, dir string, caches PackCaches) error {
	modcache, buildcache := r.modCache(), r.buildCache(site)
	if err := cmp.Or(absolute(modcache, buildcache), noSocketIn(modcache), noSocketIn(buildcache)); err != nil {
		return err
	}
	if caches.ModCache != "" {
		v.mounts = append(v.mounts, container.Mount{Source: caches.ModCache, Target: modcache, Writable: true})
		v.set("GOMODCACHE", modcache)
	} else { // one that cannot be written may still have all that is needed
		v.set("GOMODCACHE", r.mountModCache(v, modcache, filepath.Join(dir, "mod"), cmp.Or(os.MkdirAll(modcache, 0o755), site.Sees(modcache))))
	}
	if caches.GoCache != "" {
		v.set("GOCACHE", caches.GoCache)
		return nil
	}
	v.mount(buildcache, true)
	v.set("GOCACHE", buildcache)
	return nil
}

// absolute refuses caches that an engine cannot mount, nor a go command use.
func absolute(caches ...string) error {
	for _, cache := range caches {
		if !filepath.IsAbs(cache) {
			return &fault{outcome: Usage, err: fmt.Errorf("the cache %s is not an absolute path", cache), hint: "name an absolute one with GOCACHE, GOMODCACHE, GOPATH or --cache-dir"}
		}
	}
	return nil
}

// modCache is the module cache of the caller, or gorun's own where there is no
// home directory.
func (r *run) modCache() string {
	return cmp.Or(r.spec.Env.GOMODCACHE(), filepath.Join(r.spec.CacheDir, "mod"))
}

// buildCache is the build cache of builds at a site, "" where there is none.
func (r *run) buildCache(site container.Site) string {
	named := r.spec.Env.Get("GOCACHE")
	switch {
	case named != "" && named != "off":
		return named
	case site.Contained():
		return filepath.Join(r.spec.CacheDir, "go-build", strings.TrimPrefix(site.Digest, "sha256:")[:16])
	case named == "off" || r.spec.Env.CacheDir() == "":
		return ""
	}
	return filepath.Join(r.spec.Env.CacheDir(), "go-build")
}

// ensureBuildCache gives a build whose cache cannot be written one that lasts as
// long as the run: a cache is never a reason to fail. The go command writes to
// it even when it has all that is needed.
func (r *run) ensureBuildCache(site container.Site, dir string) {
	cache := r.buildCache(site)
	if !filepath.IsAbs(cache) {
		return // for the go command to say
	}
	if err := cmp.Or(writable(cache), site.Sees(cache)); err != nil {
		r.warnUnusable(err)
		r.spec.Env = r.spec.Env.With("GOCACHE", filepath.Join(dir, "go-build"))
	}
}

func (r *run) warnUnusable(err error) {
	r.warnCache(fmt.Sprintf("the cache cannot be used: %v", err), "name a writable directory with --cache-dir, GOCACHE or GOMODCACHE")
}

// writable makes a build cache, and returns what speaks against writing into
// it. Each of its 256 directories belongs to the user who came first.
func writable(cache string) error {
	if err := os.MkdirAll(cache, 0o755); err != nil {
		return err
	}
	err := mayWrite(cache)
	for i := 0; err == nil && i < 256; i++ {
		err = mayWrite(filepath.Join(cache, fmt.Sprintf("%02x", i)))
		if errors.Is(err, fs.ErrNotExist) {
			err = nil // the go command makes it
		}
	}
	return err
}

func mayWrite(dir string) error {
	if err := unix.Access(dir, unix.W_OK); err != nil {
		return &os.PathError{Op: "writing", Path: dir, Err: err}
	}
	return nil
}

// mountModCache mounts a module cache, or, where err speaks against it, falls
// back on one that lasts as long as the run. Its path may be in executables.
func (r *run) mountModCache(v *view, path, fallback string, err error) string {
	if err == nil {
		v.mount(path, true)
		return path
	}
	r.unsure = "the build ran without its module cache"
	r.warnUnusable(err)
	if err := os.MkdirAll(fallback, 0o755); err != nil {
		return path
	}
	return fallback
}

// mountSources makes the local sources visible at their own paths, so that
// errors, panics and debug information show the paths that the user knows.
func (r *run) mountSources(ctx context.Context, v *view, plan Plan, dir string) error {
	mod, _ := r.spec.Build.Value("mod")
	w := plan.workspace
	dirs := r.sourceDirs(plan)
	for _, source := range dirs {
		if hidesToolchain(source) {
			return &fault{
				outcome: Usage,
				err:     fmt.Errorf("%s cannot be the workspace of a container build: mounted there, it would hide the container's own files", source),
				hint:    "move the sources into a directory of their own, or build with --builder=host",
			}
		}
		_, local := w.Module(source)
		if err := r.mountReadable(ctx, v, plan, dir, source, mod == "mod" && local); err != nil {
			return err
		}
	}
	for _, path := range r.linked(plan, dirs) {
		if err := r.mountReadable(ctx, v, plan, dir, path, false); err != nil {
			return err
		}
	}
	if r.stamps() && w.VCS != "" {
		// In a container git takes another user's tree for suspicious.
		v.env = append(v.env, "GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=safe.directory", "GIT_CONFIG_VALUE_0="+w.VCS)
	}
	for _, path := range r.flagPaths(plan.Dir) {
		if _, err := os.Stat(path); err != nil {
			continue
		}
		if err := r.mountReadable(ctx, v, plan, dir, path, false); err != nil {
			return err
		}
	}
	return nil
}

// stamps reports whether the build asks the version control for its state.
func (r *run) stamps() bool {
	value, _ := r.spec.Build.Value("buildvcs")
	return value == "true"
}

// sourceDirs lists the directories that the build may read: the working
// directory, the workspace and its modules, what the package argument names
// outside of them, and the version control's root for a build that is stamped.
func (r *run) sourceDirs(plan Plan) []string {
	w := plan.workspace
	dirs := []string{plan.Dir}
	if root := w.Root(); root != "" {
		dirs = append(dirs, root)
	}
	if r.stamps() && w.VCS != "" {
		dirs = append(dirs, w.VCS)
	}
	for _, m := range w.Modules {
		dirs = append(dirs, m.Dir)
	}
	for _, arg := range plan.Package {
		if strings.HasSuffix(arg, ".go") {
			dirs = append(dirs, filepath.Dir(cachekeys.Absolute(plan.Dir, arg)))
		} else if filepath.IsAbs(arg) || strings.HasPrefix(arg, "..") {
			dirs = append(dirs, cachekeys.Absolute(plan.Dir, strings.TrimSuffix(arg, "...")))
		}
	}
	if r.spec.Env.Get("GO111MODULE") == "off" {
		for _, dir := range filepath.SplitList(r.spec.Env.GOPATH()) {
			dirs = append(dirs, filepath.Join(dir, "src"))
		}
	}
	return existing(dirs)
}

// existing leaves out what is not there: the go command says so better than
// the engine.
func existing(dirs []string) []string {
	return slices.DeleteFunc(dirs, func(dir string) bool {
		info, err := os.Stat(dir)
		return err != nil || !info.IsDir()
	})
}

// hidesToolchain reports whether a directory, mounted at its own path, covers
// files that an image needs.
func hidesToolchain(dir string) bool {
	for _, own := range []string{"/usr/local/go", "/bin", "/etc", "/lib", "/usr/bin", "/usr/lib", "/proc", "/sys", "/dev"} {
		if cachekeys.Within(dir, own) {
			return true
		}
	}
	return false
}

// flagPaths lists the files that flags name, with what an overlay puts in
// place of others.
func (r *run) flagPaths(dir string) []string {
	var paths []string
	for _, name := range []string{"modfile", "overlay", "pgo", "pkgdir", "toolexec", "ldlgo"} {
		value, _ := r.spec.Build.Value(name)
		if name == "toolexec" { // a command
			words, _ := buildflags.SplitQuoted(value)
			value = strings.Join(words[:min(1, len(words))], "")
		}
		switch {
		case value == "" || value == "auto" || value == "off":
		case name == "pgo" || name == "pkgdir":
			paths = append(paths, cachekeys.Absolute(dir, value))
		default:
			paths = append(paths, cachekeys.Resolve(dir, value))
		}
	}
	if sum := r.modfileSum(dir); sum != "" {
		paths = append(paths, sum)
	}
	if file, _ := r.spec.Build.Value("overlay"); file != "" {
		paths = append(paths, replacements(dir, cachekeys.Resolve(dir, file))...)
	}
	return append(paths, fileProxies(r.spec.Env.Get("GOPROXY"))...)
}

// modfileSum is the go.sum that -modfile switches to, "" without that flag.
func (r *run) modfileSum(dir string) string {
	file, _ := r.spec.Build.Value("modfile")
	if file == "" {
		return ""
	}
	return strings.TrimSuffix(cachekeys.Resolve(dir, file), ".mod") + ".sum"
}

// replacements lists the files that an overlay names (go help build,
// -overlay). One that cannot be read is the go command's to report.
func replacements(dir, overlay string) []string {
	var o struct{ Replace map[string]string }
	data, err := cachekeys.ReadFile(overlay)
	if err != nil || json.Unmarshal(data, &o) != nil {
		return nil
	}
	var paths []string
	for _, path := range o.Replace {
		if path != "" {
			paths = append(paths, cachekeys.Absolute(dir, path))
		}
	}
	slices.Sort(paths)
	return paths
}

// fileProxies lists the directories that GOPROXY serves modules from.
func fileProxies(goproxy string) []string {
	var dirs []string
	for _, entry := range strings.FieldsFunc(goproxy, func(c rune) bool { return c == ',' || c == '|' }) {
		if u, err := url.Parse(entry); err == nil && u.Scheme == "file" {
			dirs = append(dirs, filepath.FromSlash(u.Path))
		}
	}
	return dirs
}

// tidy sorts mounts, parents first, and drops those that are covered by
// another one with the same access.
func tidy(list []container.Mount) []container.Mount {
	slices.SortStableFunc(list, func(a, b container.Mount) int {
		if c := strings.Compare(a.Target, b.Target); c != 0 || a.Writable == b.Writable {
			return c
		}
		if a.Writable {
			return -1
		}
		return 1
	})
	var out []container.Mount
	for _, m := range list {
		if m.Source != m.Target || !covered(out, m) {
			out = append(out, m)
		}
	}
	return out
}

// covered reports whether the innermost mount around m already shows it, with
// at least its access.
func covered(list []container.Mount, m container.Mount) bool {
	for _, o := range slices.Backward(list) {
		if o.Source == o.Target && cachekeys.Within(o.Target, m.Target) {
			return o.Writable == m.Writable || o.Target == m.Target
		}
	}
	return false
}

// relative shows a path as seen from dir, where it lies below it.
func relative(dir, path string) string {
	if rel, err := filepath.Rel(dir, path); err == nil && cachekeys.Within(dir, path) {
		return filepath.ToSlash(rel)
	}
	return path
}
