package buildcache

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/mod/modfile"
	"golang.org/x/mod/module"
)

// collector gathers what a build needs of GOMODCACHE.
type collector struct {
	root     string
	modules  map[ModuleVersion]*found
	packages map[string]bool
	renamed  bool
}

// found is a module version with the files of its directory that are needed.
type found struct {
	place
	mod
	names    map[string]bool
	requires []string // paths
	unknown  bool     // there is no go.mod
}

// module returns the place for a version, and nil for one that the go command
// keeps nowhere (go and toolchain, which are not modules, among them).
func (c *collector) module(m ModuleVersion) *found {
	if f, ok := c.modules[m]; ok {
		return f
	}
	p, err := newPlace(m)
	if err != nil {
		return nil
	}
	f := &found{place: p, mod: mod{ModuleVersion: m}, names: map[string]bool{}}
	c.modules[m] = f
	return f
}

// toolchainModule holds Go releases: with one of them in GOMODCACHE, the
// standard library is there as well, and nobody needs it in a pack.
const toolchainModule = "golang.org/toolchain"

// add notes the files of a package in the module cache.
func (c *collector) add(p Package) error {
	m, dir, ok := c.split(p.Dir)
	if !ok || m.Path == toolchainModule {
		return nil
	}
	f := c.module(m)
	if f == nil {
		return fmt.Errorf("%s@%s has no place", m.Path, m.Version)
	}
	c.packages[p.ImportPath] = true
	c.renamed = c.renamed || p.Module != "" && p.Module != m.Path
	for _, name := range p.Files {
		name = path.Join(dir, filepath.ToSlash(name))
		if !fs.ValidPath(name) {
			return fmt.Errorf("%s lies outside of its module", name)
		}
		f.names[name] = true
	}
	if p.Cgo {
		return c.addAll(f)
	}
	return nil
}

// split finds the module version of a directory in the cache, and the directory
// in it.
func (c *collector) split(dir string) (m ModuleVersion, rest string, ok bool) {
	rel, err := filepath.Rel(c.root, dir)
	if err != nil || !filepath.IsLocal(rel) {
		return m, "", false
	}
	escaped, rest, ok := strings.Cut(filepath.ToSlash(rel), "@")
	version, rest, _ := strings.Cut(rest, "/")
	if !ok {
		return m, "", false
	}
	p, err1 := module.UnescapePath(escaped)
	v, err2 := module.UnescapeVersion(version)
	return ModuleVersion{p, v}, rest, err1 == nil && err2 == nil
}

// addAll notes all files of a module.
func (c *collector) addAll(f *found) error {
	top := filepath.Join(c.root, filepath.FromSlash(f.place.dir()))
	return fs.WalkDir(os.DirFS(top), ".", func(name string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			f.names[name] = true
		}
		return err
	})
}

// readModules looks at what is there of each module: its directory, and what
// its go.mod requires.
func (c *collector) readModules() error {
	for _, f := range c.modules {
		info, err := os.Lstat(filepath.Join(c.root, filepath.FromSlash(f.place.dir())))
		f.mod.dir = err == nil && info.IsDir()
		if !f.mod.dir && len(f.names) > 0 {
			return fmt.Errorf("%s has no directory: %w", f.Path, err)
		}
		f.readGoMod(c.root)
	}
	return nil
}

// readGoMod learns what the packages of a module may import. A go.mod without a
// go line is one that the go command made up, or from before it knew of one.
func (f *found) readGoMod(root string) {
	f.loose, f.unknown = true, true
	data, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(f.file(file{kind: gomod}))))
	if err != nil {
		return
	}
	f.unknown = false
	parsed, err := modfile.ParseLax("go.mod", data, nil)
	if err != nil || parsed.Go == nil {
		return
	}
	f.loose = false
	for _, r := range parsed.Require {
		f.requires = append(f.requires, r.Mod.Path)
	}
}

// fill puts everything into the index, in its order.
func (c *collector) fill(x *Index) (paths []string, err error) {
	all := slices.SortedFunc(maps.Values(c.modules), func(a, b *found) int { return a.mod.compare(b.mod) })
	byPath := versions(all)
	x.packages, x.renamed = slices.Sorted(maps.Keys(c.packages)), c.renamed
	for i, f := range all {
		files, err := c.files(f, i)
		if err != nil {
			return nil, err
		}
		x.files = append(x.files, files...)
		x.modules = append(x.modules, f.indexed(byPath))
	}
	for _, f := range x.files {
		paths = append(paths, filepath.Join(c.root, filepath.FromSlash(all[f.module].file(f))))
	}
	return paths, hashAll(x.files, paths)
}

// versions are the modules of each path. go.sum has versions as well that the
// go command never looked at, because they are not selected: where another one
// has a go.mod, they do not count.
func versions(all []*found) map[string][]int {
	byPath := map[string][]int{}
	for i, f := range all {
		if !f.unknown {
			byPath[f.Path] = append(byPath[f.Path], i)
		}
	}
	for i, f := range all {
		if known := byPath[f.Path]; f.unknown && (len(known) == 0 || all[known[0]].unknown) {
			byPath[f.Path] = append(known, i)
		}
	}
	return byPath
}

func (f *found) indexed(byPath map[string][]int) mod {
	m := f.mod
	for _, p := range f.requires {
		m.requires = append(m.requires, byPath[p]...)
	}
	slices.Sort(m.requires)
	m.requires = slices.Compact(m.requires)
	return m
}

// files lists what there is of a module, sorted. A directory that cannot be
// packed is left out with its .ziphash.
func (c *collector) files(f *found, number int) ([]file, error) {
	trees, err := c.treeFiles(f, number)
	if errors.Is(err, errUnfit) {
		trees, f.mod.dir, err = nil, false, nil
	}
	if err != nil {
		return nil, err
	}
	for _, k := range []kind{info, gomod, ziphash} {
		one := file{module: number, kind: k}
		if k == ziphash && !f.mod.dir || c.size(f, &one) != nil {
			continue
		}
		trees = append(trees, one)
	}
	return trees, nil
}

// errUnfit: a module has what a pack cannot hold.
var errUnfit = errors.New("the module does not fit into a pack")

func (c *collector) treeFiles(f *found, number int) ([]file, error) {
	if !f.mod.dir {
		return nil, nil
	}
	if _, err := os.Lstat(filepath.Join(c.root, filepath.FromSlash(f.place.dir()), "go.mod")); err == nil {
		f.names["go.mod"] = true // the go command looks for a newer language in it
	}
	var all []file
	seen := clashes{}
	for _, name := range slices.Sorted(maps.Keys(f.names)) {
		one := file{module: number, name: name}
		if err := errors.Join(checkTreeName(name), seen.add(name)); err != nil {
			return nil, fmt.Errorf("%w: %w", errUnfit, err)
		}
		if err := c.size(f, &one); err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	return all, nil
}

// size fills in the size of a file.
func (c *collector) size(f *found, one *file) error {
	info, err := os.Lstat(filepath.Join(c.root, filepath.FromSlash(f.file(*one))))
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() || info.Size() > (Limits{}).filled().File {
		return fmt.Errorf("%w: %s", errUnfit, one.name)
	}
	one.size = info.Size()
	return nil
}

func hashAll(files []file, paths []string) error {
	return parallel(len(files), func(i int) error {
		f, err := os.Open(paths[i])
		if err != nil {
			return err
		}
		defer f.Close()
		h := sha256.New()
		files[i].size, err = io.Copy(h, f)
		files[i].sum = digest(h.Sum(nil))
		return err
	})
}
