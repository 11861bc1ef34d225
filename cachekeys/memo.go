package cachekeys

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
)

// A memo is the outcome of one Closure: its executable key, and the stamp of
// everything that was looked at for it. The way of a Closure is decided by
// what it looks at, directory by directory and file by file, absent ones
// included. So as long as the configuration and every stamp are the same, so
// is the key: there is nothing to follow, to sort or to hash.
//
// There is a file for each configuration, beside the index:
//
//	"gorun memo 3\n"
//	CRC-32C of what follows, 4 bytes, little endian
//	key
//	number of directories, each:
//	  path, whether its listing counts, stamp, number of files, each: name, stamp
//
// in the encoding of the index.
const memoMagic = "gorun memo 3\n"

// Recall returns the executable key of r when nothing has changed since
// Closure last found it. It makes one system call for each file and
// directory, and follows, sorts and hashes nothing.
func (ix *Index) Recall(r Request) (key string, ok bool) {
	file := ix.memoFile(&r)
	if file == "" {
		return "", false
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return "", false
	}
	d, err := decodeFile(data, memoMagic)
	if err != nil {
		return "", false
	}
	key = d.string()
	dirs := d.memoDirs()
	return key, !d.failed && key != "" && unchanged(dirs)
}

// memoFile is where the memo of r is, "" where there can be none.
func (ix *Index) memoFile(r *Request) string {
	if ix.file == "" || ix.Machine == nil || ix.ReadAll {
		return ""
	}
	w := newWalk(ix, *r)
	w.configuration()
	w.profile()
	if len(w.c.Reasons) > 0 {
		return ""
	}
	h := newSum()
	for _, in := range sortInputs(w.c.Inputs) {
		h.input(in)
	}
	ws := r.Workspace
	h.input(Input{KindModule, ws.GoMod, ws.GoWork})
	for _, m := range ws.Modules {
		h.input(Input{m.Path, m.Dir, fmt.Sprint(m.Replacement)})
	}
	return ix.file + "-" + h.hex(16)
}

// memoDir is what was looked at in one directory.
type memoDir struct {
	path   string
	listed bool
	stamp  stamp
	files  []memoFile
}

type memoFile struct {
	name  string
	stamp stamp
}

// unchanged reports whether everything is as it was.
func unchanged(dirs []memoDir) bool {
	var moved atomic.Bool
	workers := max(1, min(runtime.GOMAXPROCS(0), len(dirs)/16))
	var wg sync.WaitGroup
	for i := range workers {
		wg.Go(func() {
			for j := i; j < len(dirs) && !moved.Load(); j += workers {
				if !dirs[j].same() {
					moved.Store(true)
				}
			}
		})
	}
	wg.Wait()
	return !moved.Load()
}

func (d *memoDir) same() bool {
	if d.listed && stampOf(d.path) != d.stamp {
		return false
	}
	for _, f := range d.files {
		if stampOf(d.path+string(filepath.Separator)+f.name) != f.stamp {
			return false
		}
	}
	return true
}

// Remember keeps the key of the latest Closure for Recall, unless something
// that was looked at may change without another stamp. That it could not be
// kept costs time only.
func (ix *Index) Remember(c *Closure) {
	key := c.ExecutableKey()
	file := ix.memoFile(&c.request)
	if file == "" || key == "" {
		return
	}
	e := &encoder{ids: map[string]uint64{}}
	e.string(key)
	if !e.memoDirs(ix.looked(), ix.gen) {
		return
	}
	if os.MkdirAll(filepath.Dir(file), 0o755) == nil {
		_ = replaceFile(file, e.sealed(memoMagic))
	}
}

// looked returns the directories in which this generation looked at something,
// sorted: neighbours are close to each other in the kernel's caches, too.
func (ix *Index) looked() []*dirRecord {
	var dirs []*dirRecord
	for _, d := range ix.dirs {
		if d.checked == ix.gen || slices.ContainsFunc(d.files, func(f *fileRecord) bool { return f.checked == ix.gen }) {
			dirs = append(dirs, d)
		}
	}
	slices.SortFunc(dirs, func(a, b *dirRecord) int { return strings.Compare(a.path, b.path) })
	return dirs
}

// memoDirs writes what was looked at, and reports false when some of it is
// racy.
func (e *encoder) memoDirs(dirs []*dirRecord, gen int) bool {
	e.number(uint64(len(dirs)))
	for _, d := range dirs {
		listed := d.checked == gen
		if listed && d.racy {
			return false
		}
		e.string(d.path)
		e.flags(false, listed)
		e.stamp(d.stamp)
		files := slices.DeleteFunc(slices.Clone(d.files), func(f *fileRecord) bool { return f.checked != gen })
		e.number(uint64(len(files)))
		for _, f := range files {
			if f.racy {
				return false
			}
			e.string(f.name)
			e.stamp(f.stamp)
		}
	}
	return true
}

func (d *decoder) memoDirs() []memoDir {
	dirs := make([]memoDir, d.count(leastDir))
	for i := range dirs {
		m := &dirs[i]
		m.path = d.string()
		m.listed, m.stamp = d.number()&flagListed != 0, d.stamp()
		m.files = make([]memoFile, d.count(leastFile))
		for j := range m.files {
			m.files[j] = memoFile{d.string(), d.stamp()}
		}
	}
	return dirs
}
