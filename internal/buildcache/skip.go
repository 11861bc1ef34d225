package buildcache

import (
	"bytes"
	"slices"
	"strings"
)

// ReadSums reads what go.sum or go.work.sum names: all versions, of which the
// module graph may need the go.mod, and those whose content it knows. Lines
// that it does not understand are left to the go command.
func ReadSums(goSum []byte) (all, content []ModuleVersion) {
	for line := range bytes.Lines(goSum) {
		fields := strings.Fields(string(line))
		if len(fields) != 3 {
			continue
		}
		version, onlyMod := strings.CutSuffix(fields[1], "/go.mod")
		m := ModuleVersion{fields[0], version}
		all = append(all, m)
		if !onlyMod {
			content = append(content, m)
		}
	}
	return all, content
}

// Covers reports whether a package of a module, named by its import path, is in
// the pack.
func (x *Index) Covers(importPath string) bool {
	_, ok := slices.BinarySearch(x.packages, importPath)
	return ok
}

// Skip says which modules must not be restored for a build, because more of
// them may be needed than is there: a sparse module looks complete to the go
// command, and a package that it lacks is an error instead of a download.
//
// imports are the import paths in the sources of the build that are neither
// in the standard library nor in a local module; content are the versions of
// which go.sum knows the content.
//
// With all imports in the pack and the same versions, nothing is skipped. For
// an import that is not, these are skipped: each module whose path is the
// import path or a prefix of it, and all that those require, directly or not.
// Everything is skipped where that does not say enough: a version that the pack
// does not know, a module without a go line in its go.mod, a replaced path, an
// import that nothing in the pack could provide.
//
// What is left is a go.mod that requires less than its packages import. So who
// sees a build fail to load over a sparse GOMODCACHE should try once without.
func (x *Index) Skip(imports []string, content []ModuleVersion) func(ModuleVersion) bool {
	everything := func(ModuleVersion) bool { return true }
	for _, m := range content {
		if _, ok := slices.BinarySearchFunc(x.modules, mod{ModuleVersion: m}, mod.compare); !ok {
			return everything
		}
	}
	skip := map[int]bool{}
	for _, path := range imports {
		if x.Covers(path) {
			continue
		}
		owners := x.owners(path)
		if len(owners) == 0 || x.renamed || !x.reach(owners, skip) {
			return everything
		}
	}
	return x.in(skip)
}

// owners are the modules that could have the package of path.
func (x *Index) owners(path string) (owners []int) {
	for i, m := range x.modules {
		if strings.HasPrefix(path+"/", m.Path+"/") {
			owners = append(owners, i)
		}
	}
	return owners
}

// reach adds modules and what they require to seen. It is false when one does
// not tell what it requires.
func (x *Index) reach(from []int, seen map[int]bool) bool {
	for todo := slices.Clone(from); len(todo) > 0; {
		i := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if seen[i] {
			continue
		}
		if x.modules[i].loose {
			return false
		}
		seen[i] = true
		todo = append(todo, x.modules[i].requires...)
	}
	return true
}

// in is the test for being one of a set of modules, in whatever version.
func (x *Index) in(set map[int]bool) func(ModuleVersion) bool {
	paths := map[string]bool{}
	for i := range set {
		paths[x.modules[i].Path] = true
	}
	return func(m ModuleVersion) bool { return paths[m.Path] }
}
