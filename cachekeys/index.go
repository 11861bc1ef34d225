package cachekeys

import (
	"cmp"
	"context"
	"hash"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Fingerprint is a hash function by its name. Two files with the same
// fingerprint count as the same.
type Fingerprint struct {
	Name string
	New  func() hash.Hash
}

// Index remembers what was read of local files, so that a file is read again
// only when its stamp has changed, where stamps tell: see stamp, tells and racy.
// It keeps directories with their names and files with their fingerprint,
// imports and embed patterns.
//
// An Index is what one process sees at one time: what it has looked at, it
// does not look at again until Again is called. It is not safe for concurrent
// use. Several processes may use the same file: each replaces it as a whole,
// and what one has learned the other learns again.
type Index struct {
	// Machine keeps what does not belong to the workspace: the toolchain and
	// the C compiler. nil: this index keeps that, too.
	Machine *Index
	// ReadAll has every file read: no stamp stands for a content.
	ReadAll bool

	until context.Context // nothing is read once it is done; nil is never
	file  string          // "" for one that is not kept
	print Fingerprint
	now   func() time.Time

	dirs   map[string]*dirRecord
	extras map[string][]string
	dirty  atomic.Bool
	gen    int
	reread bool     // this generation believes no stamp
	mounts sync.Map // stamp.Mount → whether it is on a file system that moves ctimes

	hashedFiles, hashedBytes atomic.Int64
	changed, suspect         atomic.Bool
	settles                  atomic.Int64 // the latest of the racy records', nanoseconds since 1970
}

// dirRecord is a directory.
type dirRecord struct {
	path    string // absolute
	stamp   stamp
	racy    bool
	listed  bool       // entries are known for this stamp
	entries []dirEntry // sorted by name
	files   []*fileRecord
	checked int // the generation that looked at the listing
	moved   int // the generation that found another stamp
}

// dirEntry is a name in a directory. kind is 'd' for a directory, 'l' for a
// symbolic link, 'f' for a regular file, 'o' for anything else.
type dirEntry struct {
	name string
	kind byte
}

// fileRecord is a file. whole is the fingerprint of its content, and head that
// of a test file's part that counts, or the build ID of a tool; both are "" when
// they were not asked for.
type fileRecord struct {
	name        string
	stamp       stamp
	racy        bool
	whole, head string
	scanned     bool
	source      source
	checked     int
}

// source is what the closure follows in a source file.
type source struct {
	imports  []string // import paths
	embeds   []string // patterns of //go:embed
	includes []string // file names of #include
	cgo      bool     // imports "C"
	cgoFlags []string // the #cgo lines
}

// OpenIndex returns the index kept in file. One that is missing, damaged or of
// another kind is empty: it is rebuilt, silently. now is the clock.
func OpenIndex(file string, print Fingerprint, now func() time.Time) *Index {
	return &Index{file: file, print: print, now: now, gen: 1}
}

// load reads the index, when it is first needed: Recall does without.
func (ix *Index) load() {
	if ix.dirs != nil {
		return
	}
	if data, err := os.ReadFile(ix.file); err == nil && ix.decode(data) == nil {
		return
	}
	ix.dirs, ix.extras = map[string]*dirRecord{}, map[string][]string{}
}

// Again makes the index read every file once more, whatever its stamp.
func (ix *Index) Again() {
	ix.gen++
	ix.reread = true
	ix.changed.Store(false)
	if ix.Machine != nil {
		ix.Machine.gen++ // the toolchain's files are many MB, and a stamp that moved tells
	}
}

// rereads reports whether no stamp is believed now.
func (ix *Index) rereads() bool { return ix.reread || ix.ReadAll }

// Changed reports whether a file, or the directory of a package or an embed,
// that was looked at since Again is not as it was known: written to or
// replaced, if only by the same. Directories that merely lie on the way may
// get other files.
func (ix *Index) Changed() bool { return ix.changed.Load() }

// counts notes that every change of the directory d matters.
func (ix *Index) counts(d *dirRecord) {
	if d.moved == ix.gen {
		ix.changed.Store(true)
	}
}

// Settles returns how long it takes from now until every later change of what
// was looked at can be told: see racy.
func (ix *Index) Settles(now time.Time) time.Duration {
	at := ix.settles.Load()
	if at == 0 {
		return 0
	}
	return max(0, time.Unix(0, at).Sub(now)+time.Millisecond)
}

// settle notes that the record of a stamp is racy.
func (ix *Index) settle(s stamp) {
	at := s.settles().UnixNano()
	for {
		latest := ix.settles.Load()
		if latest >= at || ix.settles.CompareAndSwap(latest, at) {
			return
		}
	}
}

// Hashed returns how many files and bytes were read so far.
func (ix *Index) Hashed() (files, bytes int64) {
	return ix.hashedFiles.Load(), ix.hashedBytes.Load()
}

// Suspect reports whether a source that was read has a modification time that
// somebody set. The go command's own index tells files apart by names, sizes
// and modification times (cmd/go/internal/modindex), so that it may take one
// for another, and build the wrong program.
func (ix *Index) Suspect() bool { return ix.suspect.Load() }

// Extras returns the directories that were learned to belong to a program
// (SetExtras).
func (ix *Index) Extras(program string) []string {
	ix.load()
	return ix.extras[program]
}

// SetExtras keeps the package directories of local modules that a program
// reaches through modules of the module cache only.
func (ix *Index) SetExtras(program string, dirs []string) {
	ix.load()
	if !slices.Equal(ix.extras[program], dirs) {
		ix.extras[program] = dirs
		ix.dirty.Store(true)
	}
}

// Until has the index read nothing more once ctx is done: what it is asked for
// then has no key. A file of two gigabytes takes seconds.
func (ix *Index) Until(ctx context.Context) {
	ix.until = ctx
	if ix.Machine != nil {
		ix.Machine.until = ctx
	}
}

// over says why nothing more is read, nil while it is.
func (ix *Index) over() error {
	if ix.until == nil {
		return nil
	}
	return ix.until.Err()
}

// machine is where the toolchain and the compiler are kept.
func (ix *Index) machine() *Index {
	if ix.Machine != nil {
		return ix.Machine
	}
	return ix
}

// dir returns the record of a directory, which may be one that does not exist.
func (ix *Index) dir(path string) *dirRecord {
	ix.load()
	d := ix.dirs[path]
	if d == nil {
		d = &dirRecord{path: path}
		ix.dirs[path] = d
	}
	return d
}

// list makes sure that d has the directory's present names.
func (ix *Index) list(d *dirRecord) {
	if d.checked == ix.gen {
		return
	}
	d.checked = ix.gen
	s := stampOf(d.path)
	if d.listed && s == d.stamp && !d.racy && !ix.rereads() {
		return
	}
	if s != d.stamp {
		d.moved = ix.gen
	}
	was := *d
	read := ix.now()
	d.stamp, d.racy, d.listed, d.entries = s, s.isDir() && ix.mayChange(d.path, s, read), true, nil
	if s.isDir() {
		d.entries = readNames(d.path)
	}
	if !was.listed || s != was.stamp || d.racy != was.racy || !slices.Equal(d.entries, was.entries) {
		ix.dirty.Store(true)
	}
}

// readNames returns what a directory holds. One that cannot be read is empty:
// the go command says so better.
func readNames(path string) []dirEntry {
	list, _ := os.ReadDir(path)
	entries := make([]dirEntry, len(list))
	for i, e := range list {
		entries[i] = dirEntry{e.Name(), kindOf(e.Type())}
	}
	return entries
}

func kindOf(mode os.FileMode) byte {
	switch {
	case mode.IsRegular():
		return 'f'
	case mode.IsDir():
		return 'd'
	case mode&os.ModeSymlink != 0:
		return 'l'
	}
	return 'o'
}

// entry returns the kind of the name in d, or 0. d has been listed.
func (d *dirRecord) entry(name string) byte {
	i, ok := slices.BinarySearchFunc(d.entries, name, func(e dirEntry, name string) int { return strings.Compare(e.name, name) })
	if !ok {
		return 0
	}
	return d.entries[i].kind
}

// hasGo reports whether the directory can be a package: whether it has a Go
// file, whatever its constraints (cmd/go/internal/fsys IsGoDir).
func (d *dirRecord) hasGo() bool {
	return slices.ContainsFunc(d.entries, func(e dirEntry) bool {
		return e.kind != 'd' && strings.HasSuffix(e.name, ".go")
	})
}

// record returns the record of the file name in d.
func (d *dirRecord) record(name string) *fileRecord {
	i, ok := slices.BinarySearchFunc(d.files, name, func(f *fileRecord, name string) int { return strings.Compare(f.name, name) })
	if !ok {
		d.files = slices.Insert(d.files, i, &fileRecord{name: name})
	}
	return d.files[i]
}

// absent is the value of a file that is not there.
const absent = "absent"

// Sum returns the fingerprint of the file path in lower-case hex, "absent"
// where there is none, or its kind where it is no regular file.
func (ix *Index) Sum(path string) string { return ix.content(path, wholeFile).value() }

// content returns the record of a file with its present content.
func (ix *Index) content(path string, r role) *fileRecord {
	f := ix.dir(filepath.Dir(path)).record(filepath.Base(path))
	ix.look(path, f, r)
	return f
}

// role says what of a file counts.
type role int

const (
	wholeFile  role = iota
	sourceFile      // the whole, and what the closure follows in it
	testFile        // its header: the go command reads no more of it
	toolFile        // its build ID, the whole where it has none
)

func (f *fileRecord) has(r role) bool {
	switch r {
	case testFile:
		return f.head != "" || !f.stamp.isRegular()
	case toolFile:
		return f.head != "" || f.whole != "" || !f.stamp.isRegular()
	case sourceFile:
		return f.scanned && f.whole != "" || !f.stamp.isRegular()
	}
	return f.whole != "" || !f.stamp.isRegular()
}

// look makes sure that f has the file's present content.
func (ix *Index) look(path string, f *fileRecord, r role) {
	if f.checked == ix.gen && f.has(r) || ix.over() != nil {
		return
	}
	known := f.stamp.exists() && !f.racy && f.has(r) && !ix.rereads()
	if known && f.stamp == stampOf(path) {
		f.checked = ix.gen
		return
	}
	ix.read(path, f, r)
	f.checked = ix.gen
}

// value is what an Input says of the file.
func (f *fileRecord) value() string {
	switch {
	case !f.stamp.exists():
		return absent
	case f.stamp.isDir():
		return "directory"
	case !f.stamp.isRegular():
		return "irregular"
	case f.whole == "":
		return cmp.Or(f.head, "unreadable")
	}
	return f.whole
}
