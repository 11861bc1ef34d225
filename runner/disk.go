package runner

import (
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/org/gorun-action/container"
)

// fullBelow is what is left of a file system that counts as full: less than
// one entry of a build cache needs.
const fullBelow = 64 << 10

// fullDisk explains a build that failed without a finding in the sources: with
// no room for its caches the go command may also say that a package cannot be
// found. It returns nil when there is room everywhere.
func (r *run) fullDisk() *fault {
	env := r.spec.Env
	dirs := []string{env.Get("GOTMPDIR"), os.TempDir(), env.GOMODCACHE(), env.Get("GOCACHE")}
	if r.result.Builder != "host" {
		dirs = append(dirs, r.spec.CacheDir)
	} else if env.Get("GOCACHE") == "" && env.CacheDir() != "" {
		dirs = append(dirs, filepath.Join(env.CacheDir(), "go-build"))
	}
	for _, dir := range dirs {
		var fs unix.Statfs_t
		if dir != "" && unix.Statfs(dir, &fs) == nil && uint64(fs.Bavail)*uint64(fs.Bsize) < fullBelow {
			f := classify(unix.ENOSPC.Error(), container.ExitStatus{})
			f.err = fmt.Errorf("the build failed, and the file system of %s is full: %w", dir, unix.ENOSPC)
			return f
		}
	}
	return nil
}
