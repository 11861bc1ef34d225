package cachekeys

import (
	"path/filepath"
	"strings"
)

// Resolve returns the path that path names to the kernel for somebody in the
// directory base, which is absolute. After a symbolic link ".." is the parent of
// what the link leads to, so that links before the last ".." are followed; where
// something before it is not there, nobody will find the path.
func Resolve(base, path string) string {
	if !filepath.IsAbs(path) {
		path = base + string(filepath.Separator) + path // not Join, which cleans
	}
	at := strings.LastIndex(path+"/", "/../")
	if at < 0 {
		return filepath.Clean(path)
	}
	at = min(at+len("/.."), len(path))
	real, err := filepath.EvalSymlinks(path[:at])
	if err != nil {
		return filepath.Clean(path)
	}
	return filepath.Join(real, path[at:])
}

// Absolute returns the path that path names for somebody in the directory
// base, which is absolute, by its text alone: so the go command takes package
// arguments, profiles, the directories of go.mod and go.work and what an overlay
// names (path.Clean, filepath.Abs).
func Absolute(base, path string) string {
	if filepath.IsAbs(path) {
		return filepath.Clean(path)
	}
	return filepath.Join(base, path)
}

// crooked reports whether the text of a path and the kernel disagree on what it
// names.
func crooked(base, path string) bool {
	if !strings.Contains(path, "..") {
		return false
	}
	real, err := filepath.EvalSymlinks(Resolve(base, path))
	text, textErr := filepath.EvalSymlinks(Absolute(base, path))
	return real != text || err != nil || textErr != nil
}

// Relative returns path as seen from base, both absolute, with slashes.
func Relative(base, path string) string {
	rel, err := filepath.Rel(base, path)
	if err != nil {
		return filepath.ToSlash(path)
	}
	return filepath.ToSlash(rel)
}

// Within reports whether path is dir or lies below it, by their names alone.
func Within(dir, path string) bool {
	rel, err := filepath.Rel(dir, path)
	return err == nil && rel != ".." && !strings.HasPrefix(rel, ".."+string(filepath.Separator))
}
