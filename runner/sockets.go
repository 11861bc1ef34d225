package runner

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/org/gorun-action/cachekeys"
	"github.com/org/gorun-action/container"
)

// mountReadable mounts what sources and flags name. A build reads files and
// directories: who listens at a socket in them may be the engine itself, so they
// are refused. In the workspace, where a file watcher may listen, a socket is
// covered with an empty file in dir.
func (r *run) mountReadable(ctx context.Context, v *view, plan Plan, dir, path string, writable bool) error {
	if path == os.DevNull {
		return nil // each container has it
	}
	v.mount(path, writable)
	if slices.ContainsFunc(v.searched, func(dir string) bool { return cachekeys.Within(dir, path) }) {
		return nil
	}
	v.searched = append(v.searched, path)
	sockets, err := socketsIn(ctx, path)
	if err != nil {
		return err
	}
	for _, socket := range sockets {
		if !r.inWorkspace(plan, socket) {
			return socketFault(path, socket)
		}
		empty := filepath.Join(dir, "empty")
		if err := os.WriteFile(empty, nil, 0o444); err != nil {
			return fmt.Errorf("covering the socket %s: %w", socket, err)
		}
		v.mounts = append(v.mounts, container.Mount{Source: empty, Target: socket})
	}
	return nil
}

func socketFault(path, socket string) error {
	return &fault{
		outcome: Usage,
		err:     fmt.Errorf("%s is not mounted in the build's container: the build could talk to who listens at the socket %s", path, socket),
		hint:    "name files, and directories without sockets, or build with --builder=host",
	}
}

// inWorkspace reports whether a path lies where the user's own sources are.
func (r *run) inWorkspace(plan Plan, path string) bool {
	return slices.ContainsFunc([]string{plan.Dir, plan.workspace.Root(), plan.workspace.VCS}, func(dir string) bool {
		return dir != "" && cachekeys.Within(dir, path)
	})
}

// socketsIn lists the sockets in a directory. What is itself neither a directory
// nor a regular file is refused.
func socketsIn(ctx context.Context, path string) (sockets []string, err error) {
	info, err := os.Stat(path)
	if err != nil || info.Mode().IsRegular() {
		return nil, nil // what is not there is not mounted, or for the engine to say
	}
	if !info.IsDir() {
		return nil, &fault{outcome: Usage, err: fmt.Errorf("%s is neither a file nor a directory", path), hint: "name a regular file, or build with --builder=host"}
	}
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		return nil, nil
	}
	err = filepath.WalkDir(real, func(name string, e fs.DirEntry, err error) error {
		if err == nil && e.Type() == fs.ModeSocket {
			rel, _ := filepath.Rel(real, name)
			sockets = append(sockets, filepath.Join(path, rel))
		}
		return context.Cause(ctx) // what cannot be read has nothing to show
	})
	return sockets, err
}

// noSocketIn refuses a cache that was named in the place of somebody's sockets.
// The go command makes none, and a cache is too large to be searched.
func noSocketIn(cache string) error {
	list, _ := os.ReadDir(cache)
	for _, e := range list {
		if e.Type() == fs.ModeSocket {
			return socketFault(cache, filepath.Join(cache, e.Name()))
		}
	}
	return nil
}
