package cachekeys

import (
	"iter"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
)

// Closure is everything that a build depends on, as far as it can be told
// without the go command.
type Closure struct {
	// Inputs are in their order, none twice.
	Inputs []Input
	// Reasons say why there can be no executable key, the most telling first.
	Reasons []string
	// CReasons are those that count when a package outside the standard library
	// is compiled with cgo, which only the go command can tell.
	CReasons []string

	request Request
	dirs    map[string]*dirRecord // package directories: all their sources are inputs
	looked  map[string]bool       // directories that may be packages, whether they are or not
	imports map[string]bool       // import paths that were followed
	files   map[string]bool       // other files, absolute
}

// Closure finds the inputs of r. It follows imports and embeds over the union
// of all build constraints: more inputs are safe, fewer are not.
func (ix *Index) Closure(r Request) *Closure {
	ix.load()
	w := newWalk(ix, r)
	w.c.looked, w.c.imports = w.queued, w.resolved
	for _, step := range []func(){w.configuration, w.modules, w.roots, w.extras, w.packages, w.profile} {
		if step(); ix.over() != nil {
			w.c.Reasons = append(w.c.Reasons, "the run was cancelled")
			return w.c
		}
	}
	w.c.Inputs = append(sortInputs(w.c.Inputs), w.sources()...)
	return w.c
}

// Imports returns the import paths of other modules that the local sources
// mention, sorted, but for those that only files mention which this build
// leaves out for sure. The standard library's have no dot in their first
// element, and any module that can be downloaded has one there
// (cmd/go/internal/search.IsStandardImportPath). It reads the beginnings of the
// files that mention some.
func (c *Closure) Imports() []string {
	leftOut := c.leftOut()
	var list []string
	for path := range c.imports {
		if isForeign(path) && !leftOut[path] && !slices.ContainsFunc(c.request.Workspace.candidates(path), c.isPackage) {
			list = append(list, path)
		}
	}
	slices.Sort(list)
	return list
}

func isForeign(path string) bool {
	first, _, _ := strings.Cut(path, "/")
	return strings.Contains(first, ".")
}

// leftOut are the import paths of which only files speak that are left out. What
// a list of files mentions counts whatever their constraints.
func (c *Closure) leftOut() map[string]bool {
	t, only := newTarget(&c.request), map[string]bool{}
	if c.request.files() {
		return only
	}
	for _, d := range c.dirs {
		for f := range d.sources() {
			if roleOf(f.name) == testFile || !slices.ContainsFunc(f.source.imports, isForeign) {
				continue
			}
			out := t.leavesOut(filepath.Join(d.path, f.name))
			for _, path := range f.source.imports {
				before, known := only[path]
				only[path] = out && (before || !known)
			}
		}
	}
	return only
}

func (c *Closure) isPackage(dir string) bool { return c.dirs[dir] != nil }

// extras adds the directories that the go command was seen to look at for
// imports of other modules. Which ones are known is an input itself: without
// them a package that appears there would go unnoticed.
func (w *walk) extras() {
	var names []string
	for _, dir := range w.r.Extra {
		w.add(dir)
		names = append(names, w.r.rel(dir))
	}
	if len(names) > 0 {
		slices.Sort(names)
		w.input(KindDir, "watched", strings.Join(names, "\n"))
	}
}

func newWalk(ix *Index, r Request) *walk {
	return &walk{
		ix: ix, r: r, queued: map[string]bool{}, resolved: map[string]bool{},
		c: &Closure{request: r, dirs: map[string]*dirRecord{}, files: map[string]bool{}},
	}
}

// walk is a Closure in the making.
type walk struct {
	ix       *Index
	r        Request
	c        *Closure
	queue    []string        // package directories to look at, absolute
	queued   map[string]bool // that were ever in the queue
	resolved map[string]bool // import paths

	vendorKnown bool
	vendorDir   string
}

func (w *walk) input(kind, name, value string) {
	w.c.Inputs = append(w.c.Inputs, Input{kind, name, value})
}

func (w *walk) reason(s string) {
	if !slices.Contains(w.c.Reasons, s) {
		w.c.Reasons = append(w.c.Reasons, s)
	}
}

// file makes a whole file an input.
func (w *walk) file(kind, path string) string {
	value := w.ix.Sum(path)
	w.input(kind, w.r.rel(path), value)
	w.c.files[path] = true
	return value
}

// roots adds the packages that the argument names.
func (w *walk) roots() {
	_, _, versioned := w.r.versioned()
	switch {
	case w.r.files():
		w.fileList()
	case versioned || len(w.r.Package) != 1: // its version says all
	case isPattern(w.r.Package[0]):
		w.reason("the pattern " + w.r.Package[0] + " may match another package tomorrow; name the package")
	case isPath(w.r.Package[0]):
		w.directory(Absolute(w.r.Workspace.Dir, w.r.Package[0]))
	default:
		w.follow(w.r.Package[0])
	}
}

// directory adds a package that is named by its directory.
func (w *walk) directory(dir string) {
	if _, ok := w.r.Workspace.Module(dir); !ok {
		w.reason(w.r.rel(dir) + " lies in no local module")
		return
	}
	w.add(dir)
}

// fileList adds the files that the command line names: they count whatever
// their constraints, and what else is in their directory does not.
func (w *walk) fileList() {
	for _, arg := range w.r.Package {
		path := Absolute(w.r.Workspace.Dir, arg)
		d := w.ix.dir(filepath.Dir(path))
		f := d.record(filepath.Base(path))
		w.ix.look(path, f, sourceFile)
		w.source(d, f)
	}
}

// add queues a package directory.
func (w *walk) add(dir string) {
	if !w.queued[dir] {
		w.queued[dir] = true
		w.queue = append(w.queue, dir)
	}
}

// follow queues the local directories that may provide an import path. It
// looks at each local module, since more than one makes the import ambiguous.
func (w *walk) follow(path string) {
	if w.resolved[path] {
		return
	}
	w.resolved[path] = true
	for _, dir := range w.r.Workspace.candidates(path) {
		w.add(dir)
	}
	if vendor := w.vendor(); vendor != "" {
		w.add(filepath.Join(vendor, filepath.FromSlash(path)))
	}
}

// packages goes through the queue until nothing new is found. Each round reads
// its directories in parallel.
func (w *walk) packages() {
	for len(w.queue) > 0 {
		round := make([]*dirRecord, len(w.queue))
		for i, path := range w.queue {
			round[i] = w.ix.dir(path)
		}
		w.queue = w.queue[:0]
		w.ix.refresh(round)
		for _, d := range round {
			if w.provides(d) {
				w.pkg(d)
			}
		}
	}
}

// refresh looks at package directories and their source files.
func (ix *Index) refresh(round []*dirRecord) {
	workers := min(runtime.GOMAXPROCS(0), (len(round)+7)/8) // fewer than eight are looked at before a goroutine starts
	if workers < 2 {
		for _, d := range round {
			ix.sources(d)
		}
		return
	}
	var wg sync.WaitGroup
	for i := range workers {
		wg.Go(func() {
			for j := i; j < len(round); j += workers {
				ix.sources(round[j])
			}
		})
	}
	wg.Wait()
}

// sources looks at the source files of a directory that can be a package. It
// touches nothing but d.
func (ix *Index) sources(d *dirRecord) {
	ix.list(d)
	if !d.hasGo() {
		return
	}
	for _, e := range d.entries {
		if e.source() {
			ix.look(d.path+string(filepath.Separator)+e.name, d.record(e.name), roleOf(e.name))
		}
	}
}

// provides reports whether d is a package of the build: it has a Go file, and
// no other module begins between it and the root of its module
// (cmd/go/internal/modload/import.go dirInModule).
func (w *walk) provides(d *dirRecord) bool {
	if !d.hasGo() {
		return false
	}
	if vendor := w.vendor(); vendor != "" && Within(vendor, d.path) {
		return true
	}
	m, ok := w.r.Workspace.Module(d.path)
	if !ok {
		return false
	}
	for dir := d.path; dir != m.Dir && len(dir) > len(m.Dir); dir = filepath.Dir(dir) {
		at := w.ix.dir(dir)
		w.ix.list(at)
		if kind := at.entry("go.mod"); kind != 0 && kind != 'd' {
			return false
		}
	}
	return true
}

// pkg adds a package, and queues what its source files lead to.
func (w *walk) pkg(d *dirRecord) {
	w.c.dirs[d.path] = d
	w.ix.counts(d)
	for f := range d.sources() {
		if roleOf(f.name) != testFile {
			w.links(d, f)
		}
	}
}

// sources are the inputs of the packages: by directory, then by name.
func (w *walk) sources() []Input {
	dirs := make([]*dirRecord, 0, len(w.c.dirs))
	n := 0
	for _, d := range w.c.dirs {
		dirs = append(dirs, d)
		n += len(d.files)
	}
	slices.SortFunc(dirs, func(a, b *dirRecord) int { return strings.Compare(a.path, b.path) })
	inputs := make([]Input, 0, n)
	for _, d := range dirs {
		dir, before := w.r.rel(d.path), len(inputs)
		for f := range d.sources() {
			inputs = append(inputs, Input{KindFile, path.Join(dir, f.name), f.sourceValue()})
		}
		if len(inputs) == before { // a _x.go makes it provide its import path all the same
			inputs = append(inputs, Input{KindFile, dir, "directory"})
		}
	}
	return inputs
}

// sources iterates over the records of the source files, which are there.
func (d *dirRecord) sources() iter.Seq[*fileRecord] {
	return func(yield func(*fileRecord) bool) {
		at := 0
		for _, e := range d.entries {
			if !e.source() {
				continue
			}
			for d.files[at].name != e.name {
				at++
			}
			if !yield(d.files[at]) {
				return
			}
		}
	}
}

// source reports whether the go command looks at the entry as a source file.
func (e dirEntry) source() bool { return e.kind != 'd' && isSource(e.name) }

// sourceValue is what counts of a source file.
func (f *fileRecord) sourceValue() string {
	if roleOf(f.name) == testFile && f.head != "" {
		return "header " + f.head
	}
	return f.value()
}

// source adds one source file outside a package directory.
func (w *walk) source(d *dirRecord, f *fileRecord) {
	path := filepath.Join(d.path, f.name)
	w.input(KindFile, w.r.rel(path), f.value())
	w.c.files[path] = true
	w.links(d, f)
}

// links queues what a source file leads to.
func (w *walk) links(d *dirRecord, f *fileRecord) {
	for _, path := range f.source.imports {
		w.follow(path)
	}
	for _, pattern := range f.source.embeds {
		w.embed(d.path, pattern)
	}
	w.includes(d, f)
	w.cgo(d, f)
}
