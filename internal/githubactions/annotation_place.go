package githubactions

import (
	"path/filepath"
)

// places finds the names of files in the workspace.
type places struct {
	dir   string   // what relative names are relative to
	roots []string // the workspace, and by its real name
}

func newPlaces(workspace, dir string) places {
	p := places{dir: dir}
	if workspace == "" {
		return p
	}
	p.roots = []string{filepath.Clean(workspace)}
	if real, err := filepath.EvalSymlinks(workspace); err == nil && real != p.roots[0] {
		p.roots = append(p.roots, real)
	}
	return p
}

// relative returns the name of a file in the workspace, with slashes.
func (p places) relative(file string) (string, bool) {
	if file == "" {
		return "", false
	}
	path := filepath.FromSlash(file)
	if len(p.roots) == 0 {
		return file, !filepath.IsAbs(path)
	}
	if !filepath.IsAbs(path) {
		path = filepath.Join(p.dir, path)
	}
	for _, root := range p.roots {
		if name, err := filepath.Rel(root, path); err == nil && filepath.IsLocal(name) {
			return filepath.ToSlash(name), true
		}
	}
	return "", false
}
