package cachekeys

import (
	"path/filepath"
	"strings"
)

// Absolute returns the path that path names for somebody in the directory
// base, which is absolute.
func Absolute(base, path string) string {
	if filepath.IsAbs(path) {
		return filepath.Clean(path)
	}
	return filepath.Join(base, path)
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
