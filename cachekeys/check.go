package cachekeys

import (
	"os"
	"path/filepath"
	"slices"
)

// Built is a package that the go command says belongs to a build (go list
// -deps -json).
type Built struct {
	ImportPath string
	Dir        string
	Standard   bool
	// Files are all source and embedded files, as paths relative to Dir.
	Files []string
	// Cgo says that it is compiled with cgo.
	Cgo bool
	// Pinned says that it lies in a version of a module that the go command
	// downloaded, whose hash is in go.sum, wherever that may be.
	Pinned bool
}

// ListedModule is what `go list -json` says of a package's module.
type ListedModule struct {
	Path, Version, Dir string
	Main               bool
	Replace            *ListedModule
}

// Pins reports whether a directory is what go.sum has the hash of: a version of
// the module that the go command downloaded. A vendored module has a version and
// no directory of its own, a local replacement has no version.
func (m ListedModule) Pins(dir string) bool {
	from := m
	if m.Replace != nil {
		from = *m.Replace
	}
	return !m.Main && from.Version != "" && m.Dir != "" && Within(m.Dir, dir)
}

// Verdict is what the go command's own list of packages says about a Closure.
type Verdict struct {
	// Extra are the directories of local packages that the Closure does not
	// have, since only modules of the module cache lead there, and those where a
	// package would make an import of such a module ambiguous. They belong to
	// Request.Extra of the next Closure.
	Extra []string
	// Reasons say why the executable cannot be kept. It is empty when the
	// Closure has every local file of the build.
	Reasons []string
}

// Check compares the Closure with the packages that the go command lists for
// the same build. An executable is kept only when nothing speaks against it:
// that the closure is whole rests on the go command, not on our reading of its
// rules.
func (c *Closure) Check(packages []Built) Verdict {
	var v Verdict
	for _, p := range packages {
		if p.Standard {
			continue
		}
		if p.Cgo {
			v.cgo(c, p)
		}
		v.shadowed(c, p)
		if p.Pinned && c.dirs[p.Dir] == nil {
			continue
		}
		v.local(c, p)
	}
	slices.Sort(v.Extra)
	return v
}

// cgo is sound in an image that pins the compiler and its headers.
func (v *Verdict) cgo(c *Closure, p Built) {
	if !c.request.Toolchain.Pinned() {
		v.reason(p.ImportPath + " is compiled with cgo, and nothing pins this machine's C compiler and libraries")
		return
	}
	for _, reason := range c.CReasons {
		v.reason(reason)
	}
}

func (v *Verdict) reason(s string) {
	if !slices.Contains(v.Reasons, s) {
		v.Reasons = append(v.Reasons, s)
	}
}

// shadowed adds the local directories that would provide the import path of a
// package as well, if they were packages, and that the closure did not look at,
// since only modules of the module cache import it
// (cmd/go/internal/modload AmbiguousImportError).
func (v *Verdict) shadowed(c *Closure, p Built) {
	for _, dir := range c.request.Workspace.candidates(p.ImportPath) {
		if dir != p.Dir && !c.looked[dir] {
			v.Extra = append(v.Extra, dir)
			v.reason(p.ImportPath + " could lie in a local module, too: that counts from the next build on")
		}
	}
}

// local checks the files of a package outside the module cache.
func (v *Verdict) local(c *Closure, p Built) {
	for _, name := range p.Files {
		path := Absolute(p.Dir, name)
		if c.has(path) {
			continue
		}
		if c.dirs[p.Dir] == nil && !c.request.files() {
			v.Extra = append(v.Extra, p.Dir)
			v.reason(p.ImportPath + " is reached through other modules only: it counts from the next build on")
			return
		}
		v.reason(c.request.rel(path) + " belongs to the build, and gorun did not find it")
		return
	}
}

// has reports whether a file is an input.
func (c *Closure) has(path string) bool {
	if c.files[path] {
		return true
	}
	d, name := c.dirs[filepath.Dir(path)], filepath.Base(path)
	return d != nil && d.entry(name) != 0 && isSource(name)
}

// Covers reports whether the Closure has a file, or a directory among its
// packages, whose listing is an input.
func (c *Closure) Covers(path string) bool {
	return c.has(path) || c.dirs[path] != nil
}

// Links returns the symbolic links among the files of the Closure, and on the
// way to its directories, each once.
func (c *Closure) Links() (links []string) {
	seen := map[string]bool{}
	look := func(path string) {
		if !seen[path] {
			seen[path] = true
			if _, err := os.Readlink(path); err == nil {
				links = append(links, path)
			}
		}
	}
	for path, d := range c.dirs {
		for dir := path; dir != filepath.Dir(dir) && !seen[dir]; dir = filepath.Dir(dir) {
			look(dir)
		}
		for _, e := range d.entries {
			if e.kind == 'l' {
				look(filepath.Join(path, e.name))
			}
		}
	}
	for path := range c.files {
		look(path)
	}
	slices.Sort(links)
	return links
}
