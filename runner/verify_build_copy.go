package runner

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/org/gorun-action/cachekeys"
)

// mirror is a copy of directories and files under root, each at its own
// absolute path below it, so that relative paths between them hold.
type mirror struct {
	root   string
	copied []string // absolute
	spared []string // directories that are never copied: caches, and the copy itself
}

// path is where the mirror has an absolute path.
func (m *mirror) path(path string) string { return filepath.Join(m.root, path) }

// moved is path in the mirror, or path itself when it was not copied.
func (m *mirror) moved(path string) string {
	if slices.ContainsFunc(m.copied, func(dir string) bool { return cachekeys.Within(dir, path) }) {
		return m.path(path)
	}
	return path
}

// copySources copies what the build reads of this machine and the module cache
// does not hold.
func (r *run) copySources(ctx context.Context, plan Plan, m *mirror, dir string) error {
	if file, _ := r.spec.Build.Value("overlay"); file != "" {
		return &fault{
			outcome: Usage,
			err:     errors.New("--verify-build and -overlay do not go together: the overlay's paths name the original directory"),
			hint:    "drop one of the two flags",
		}
	}
	for _, cache := range []string{dir, r.spec.CacheDir, r.spec.Env.GOMODCACHE(), r.spec.Env.Get("GOCACHE")} {
		if real, err := filepath.EvalSymlinks(cache); err == nil && filepath.IsAbs(real) {
			m.spared = append(m.spared, real)
		}
	}
	m.copied = outermost(existingPaths(r.sourcePaths(plan)))
	for _, path := range m.copied {
		if err := m.copy(ctx, path); err != nil {
			return fmt.Errorf("copying the sources: %w", err)
		}
	}
	return os.MkdirAll(m.path(plan.Dir), 0o755)
}

// sourcePaths lists the directories and files to copy.
func (r *run) sourcePaths(plan Plan) (paths []string) {
	w := plan.workspace
	switch {
	case versioned(plan.Package):
		return nil // its sources are in the module cache
	case w.Root() == "":
		return r.looseSources(plan)
	case w.GoWork != "":
		paths = append(paths, w.GoWork, w.GoWork+".sum", filepath.Join(w.Root(), "vendor"))
	}
	for _, m := range w.Modules {
		paths = append(paths, m.Dir)
	}
	for _, path := range r.flagPaths(plan.Dir) {
		if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() {
			paths = append(paths, path)
		}
	}
	return paths
}

// looseSources are the files of a list outside of any module, with what they
// embed: the directory around them may hold anything.
func (r *run) looseSources(plan Plan) (paths []string) {
	if plan.index == nil {
		return nil
	}
	for _, in := range plan.index.Closure(plan.request).Inputs {
		path := cachekeys.Absolute(plan.Dir, filepath.FromSlash(in.Name))
		if info, err := os.Lstat(path); err == nil && !info.IsDir() && (in.Kind == cachekeys.KindFile || in.Kind == cachekeys.KindEmbed) {
			paths = append(paths, path)
		}
	}
	return paths
}

func existingPaths(paths []string) []string {
	return slices.DeleteFunc(paths, func(path string) bool {
		_, err := os.Lstat(path)
		return err != nil
	})
}

// outermost leaves out what lies in another one.
func outermost(paths []string) (out []string) {
	slices.Sort(paths)
	for _, path := range slices.Compact(paths) {
		if !slices.ContainsFunc(out, func(dir string) bool { return cachekeys.Within(dir, path) }) {
			out = append(out, path)
		}
	}
	return out
}

// copy copies a file or a directory. The version control's own files and what
// is no file are left out, and so is what cannot be read: a build that needs it
// would have failed before.
func (m *mirror) copy(ctx context.Context, path string) error {
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		return err
	}
	return filepath.WalkDir(real, func(at string, d fs.DirEntry, err error) error {
		rest, _ := filepath.Rel(real, at)
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case errors.Is(err, fs.ErrPermission):
			return nil
		case err != nil:
			return err
		case d.IsDir() && (ownedByVCS(d.Name()) || slices.Contains(m.spared, at)):
			return filepath.SkipDir
		}
		return m.entry(filepath.Join(path, rest), at, d)
	})
}

func ownedByVCS(name string) bool {
	return slices.Contains([]string{".git", ".hg", ".svn", ".bzr"}, name)
}

// entry copies one entry: path is its name, at where it really is.
func (m *mirror) entry(path, at string, d fs.DirEntry) error {
	to := m.path(path)
	switch {
	case d.IsDir():
		return os.MkdirAll(to, 0o755)
	case d.Type() == fs.ModeSymlink:
		return m.link(path, at, to)
	case !d.Type().IsRegular():
		return nil
	}
	err := copyFile(at, to)
	if errors.Is(err, fs.ErrPermission) {
		return nil
	}
	return err
}

// link copies a symbolic link: it stays one, since the go command does not
// embed what is behind one. Its target is copied, too, when it is a file.
func (m *mirror) link(path, at, to string) error {
	target, err := os.Readlink(at)
	if err != nil {
		return err
	}
	leads := cachekeys.Absolute(filepath.Dir(path), target)
	moved := m.moved(leads)
	if info, err := os.Stat(leads); moved == leads && err == nil && info.Mode().IsRegular() {
		moved = m.path(leads)
		if err := copyFile(leads, moved); err != nil && !errors.Is(err, fs.ErrExist) && !errors.Is(err, fs.ErrPermission) {
			return err
		}
	}
	if filepath.IsAbs(target) || moved == leads {
		target = moved
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	return os.Symlink(target, to)
}

// copyFile leaves the times alone: they are others in every copy.
func copyFile(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	info, err := in.Stat()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, info.Mode().Perm()|0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}
