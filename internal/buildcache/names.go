package buildcache

import (
	"errors"
	"fmt"
	"path"
	"strings"
	"unicode"

	"golang.org/x/mod/module"
)

// Names in modules are longer and deeper than this nowhere in practice; the
// zip of a module may hold more, and such a module is then not packed.
const (
	maxName  = 1024
	maxDepth = 64
)

// place is where a module version lies in GOMODCACHE, with slashes
// (cmd/go/internal/modfetch, cache.go).
type place struct{ path, version string }

// newPlace escapes a module version and refuses one that the go command would
// not have a place for.
func newPlace(m ModuleVersion) (place, error) {
	p, err := module.EscapePath(m.Path)
	if err != nil {
		return place{}, err
	}
	if m.Version == "" || module.CanonicalVersion(m.Version) != m.Version || len(m.Path)+len(m.Version) > maxName {
		return place{}, fmt.Errorf("module version %.100q is not canonical", m.Version)
	}
	v, err := module.EscapeVersion(m.Version)
	return place{p, v}, err
}

func (p place) dir() string { return p.path + "@" + p.version }

func (p place) file(f file) string {
	if f.kind == tree {
		return path.Join(p.dir(), f.name)
	}
	suffix := [kinds]string{info: ".info", gomod: ".mod", ziphash: ".ziphash"}[f.kind]
	return path.Join("cache/download", p.path, "@v", p.version+suffix)
}

// checkTreeName refuses names that a module zip could not hold, or that are no
// single place on every system.
func checkTreeName(name string) error {
	if len(name) > maxName || strings.Count(name, "/") >= maxDepth {
		return fmt.Errorf("the name %.40q… is too long", name)
	}
	return module.CheckFilePath(name)
}

// clashes finds names of one module that would be one place where case does
// not count, or a file and a directory at once. It starts empty.
type clashes map[string]string

func (c clashes) add(name string) error {
	if err := c.set(name, ""); err != nil {
		return err
	}
	for dir := path.Dir(name); dir != "."; dir = path.Dir(dir) {
		if c[fold(dir)] == dir+"/" {
			return nil // and so are those above it
		}
		if err := c.set(dir, "/"); err != nil {
			return err
		}
	}
	return nil
}

var errClash = errors.New("two files have one name")

func (c clashes) set(name, kind string) error {
	key := fold(name)
	if _, taken := c[key]; taken {
		return fmt.Errorf("%w: %q", errClash, name)
	}
	c[key] = name + kind
	return nil
}

// fold is the smallest of all names that differ from name only in case.
func fold(name string) string {
	return strings.Map(func(r rune) rune {
		least := r
		for next := unicode.SimpleFold(r); next != r; next = unicode.SimpleFold(next) {
			least = min(least, next)
		}
		return least
	}, name)
}
