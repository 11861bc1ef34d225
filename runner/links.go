package runner

import (
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/org/gorun-action/cachekeys"
)

// mostLinks is how many links the kernel follows in one path (path_resolution(7)).
const mostLinks = 40

// linked lists what symbolic links among the sources lead to outside of the
// directories that are mounted: the files and package directories that the build
// reaches, and no more.
func (r *run) linked(plan Plan, mounted []string) (paths []string) {
	within := func(path string) bool {
		return slices.ContainsFunc(slices.Concat(mounted, paths), func(dir string) bool { return cachekeys.Within(dir, path) })
	}
	below := func(path string) bool {
		return slices.ContainsFunc(mounted, func(dir string) bool { return dir != path && cachekeys.Within(dir, path) })
	}
	for _, link := range r.closure(plan).Links() {
		if !below(link) { // the way to the sources is the engine's to follow
			continue
		}
		if path := leadsOut(link, within); path != "" && !hidesToolchain(path) {
			paths = append(paths, path)
		}
	}
	return paths
}

// leadsOut follows a link, and returns the first path on its way that is not
// within what can be seen, or "".
func leadsOut(link string, within func(string) bool) string {
	for range mostLinks {
		target, err := os.Readlink(link)
		if err != nil {
			return ""
		}
		dir, err := filepath.EvalSymlinks(filepath.Dir(link))
		if err != nil {
			return ""
		}
		if link = cachekeys.Resolve(dir, target); !within(link) {
			if _, err := os.Stat(link); err != nil {
				return "" // the go command says so better than the engine
			}
			return link
		}
	}
	return ""
}

// closure is what the build depends on. Without caches nobody has asked yet.
func (r *run) closure(plan Plan) *cachekeys.Closure {
	if plan.closure != nil {
		return plan.closure
	}
	index := plan.index
	if index == nil {
		index = cachekeys.OpenIndex("", cachekeys.SHA256(), time.Now)
	}
	return index.Closure(r.request(plan))
}
