package cachekeys

import (
	"go/build"
	"go/parser"
	"go/token"
	"path/filepath"
	"strconv"
	"strings"
)

// CgoNeed returns the file of the local packages reached from pkg that cannot
// be built without a C compiler, or "". pkg is what the user named: a
// directory, an import path of a local module, or a list of files.
//
// A package needs cgo when it has files that import "C" for this target and no
// file that stands in for them without it. Packages outside the local modules
// are not looked at.
func (w Workspace) CgoNeed(pkg []string, goos, goarch string, tags []string) string {
	s := cgoSearch{w: w, with: buildContext(goos, goarch, tags, true), without: buildContext(goos, goarch, tags, false), seen: map[string]bool{}}
	if len(pkg) > 0 && strings.HasSuffix(pkg[0], ".go") {
		return s.files(pkg)
	}
	if len(pkg) != 1 {
		return ""
	}
	dir := w.packageDir(pkg[0])
	if dir == "" {
		return ""
	}
	return s.dir(dir)
}

func buildContext(goos, goarch string, tags []string, cgo bool) build.Context {
	c := build.Default
	c.GOOS, c.GOARCH, c.BuildTags, c.CgoEnabled = goos, goarch, tags, cgo
	return c
}

// packageDir returns the local directory of a package argument, or "".
func (w Workspace) packageDir(arg string) string {
	if build.IsLocalImport(arg) || filepath.IsAbs(arg) {
		return Absolute(w.Dir, arg)
	}
	if dirs := w.candidates(arg); len(dirs) > 0 {
		return dirs[0]
	}
	return ""
}

type cgoSearch struct {
	w             Workspace
	with, without build.Context
	seen          map[string]bool
}

// dir searches the package in dir and what it imports. Faults are the go
// command's to report.
func (s *cgoSearch) dir(dir string) string {
	if s.seen[dir] {
		return ""
	}
	s.seen[dir] = true
	p, err := s.with.ImportDir(dir, 0)
	if err != nil && p == nil {
		return ""
	}
	if len(p.CgoFiles) > 0 && !s.hasFallback(dir, p) {
		return filepath.Join(dir, p.CgoFiles[0])
	}
	return s.imports(p.Imports)
}

// hasFallback reports whether the package has a file that is only built
// without cgo.
func (s *cgoSearch) hasFallback(dir string, with *build.Package) bool {
	without, _ := s.without.ImportDir(dir, 0)
	if without == nil {
		return false
	}
	return len(without.GoFiles) > len(with.GoFiles)
}

func (s *cgoSearch) imports(paths []string) string {
	for _, path := range paths {
		if dir := s.w.packageDir(path); dir != "" {
			if file := s.dir(dir); file != "" {
				return file
			}
		}
	}
	return ""
}

// files searches a file list: its files count whatever their constraints.
func (s *cgoSearch) files(list []string) string {
	for _, file := range list {
		imports := fileImports(Absolute(s.w.Dir, file))
		for _, path := range imports {
			if path == "C" {
				return file
			}
		}
		if found := s.imports(imports); found != "" {
			return found
		}
	}
	return ""
}

// fileImports returns the import paths of a Go file, none when it cannot be
// parsed.
func fileImports(file string) []string {
	f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
	if f == nil || err != nil {
		return nil
	}
	var paths []string
	for _, spec := range f.Imports {
		if path, err := strconv.Unquote(spec.Path.Value); err == nil {
			paths = append(paths, path)
		}
	}
	return paths
}
