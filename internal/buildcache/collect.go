package buildcache

import (
	"fmt"
	"path/filepath"
	"slices"
	"time"
)

// Build says what a finished build had, and when it began.
type Build struct {
	// GoCache is the GOCACHE of the build; "" is none. Everything in it that is
	// older than Since must be older by more than an hour, as Restore leaves it,
	// or what the build used of it cannot be told from the rest.
	GoCache string
	// Since is a moment before the go command started. Two seconds before it
	// count, too, for file systems that round.
	Since time.Time
	// ModCache is the GOMODCACHE of the build; "" is none.
	ModCache string
	// Packages are those that the build reached (go list -deps). Only the ones
	// with a directory in ModCache matter.
	Packages []Package
	// Sums are the module versions that go.sum (go.work.sum) names; see [ReadSums].
	Sums []ModuleVersion
}

// Package is a package as go list tells it.
type Package struct {
	ImportPath string
	// Module is the path by which its module was required, before any replace;
	// "" for none.
	Module string
	Dir    string
	// Files are all source and embedded files, relative to Dir. They must be
	// inside the module.
	Files []string
	// Cgo: the package has cgo files. All files of its module are kept, because a
	// preamble may include any of them.
	Cgo bool
}

// ModuleVersion names a version of a module as go.mod does, unescaped.
type ModuleVersion struct {
	Path, Version string
}

// Contents is what a pack will hold. It remembers where the files are: they
// must stay unchanged until it is written.
type Contents struct {
	// Index says what is in it. It must not be changed.
	Index *Index
	// paths are the files on disk in the order of the frames.
	paths []string
}

// Collect finds what a build used. It leaves out of GOCACHE: what the build did
// not use, the module index, executables, outputs above 64 MiB, everything that
// is damaged, and what go run can do without: empty outputs (of a compiler that
// had nothing to say) and lists of source files (for vet). A module that cannot be kept whole enough to be built from
// (a file above 64 MiB, odd names) is left out as one; the go command fetches it.
//
// Errors are those of reading, of packages whose files are not where they should
// be, and of limits: 200,000 entries, 500,000 files, 8 GiB.
func Collect(b Build) (*Contents, error) {
	x := &Index{}
	outputs, err := collectCache(x, b)
	if err != nil {
		return nil, fmt.Errorf("collecting from GOCACHE: %w", err)
	}
	files, err := collectModules(x, b)
	if err != nil {
		return nil, fmt.Errorf("collecting from GOMODCACHE: %w", err)
	}
	if err := x.check(Limits{}.filled()); err != nil {
		return nil, fmt.Errorf("collecting a build cache: %w", err)
	}
	return &Contents{Index: x, paths: slices.Concat(outputs, files)}, nil
}

// collectModules fills in all of the index that is about modules, and returns
// the paths of its files.
func collectModules(x *Index, b Build) ([]string, error) {
	if b.ModCache == "" {
		return nil, nil
	}
	c := &collector{root: filepath.Clean(b.ModCache), modules: map[ModuleVersion]*found{}, packages: map[string]bool{}}
	for _, m := range b.Sums {
		c.module(m)
	}
	for _, p := range b.Packages {
		if err := c.add(p); err != nil {
			return nil, fmt.Errorf("package %s: %w", p.ImportPath, err)
		}
	}
	if err := c.readModules(); err != nil {
		return nil, err
	}
	return c.fill(x)
}
