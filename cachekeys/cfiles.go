package cachekeys

import (
	"path/filepath"
	"strings"
)

// includes adds the files that a source file includes and that are not among
// its package's: the assembler looks from the package's directory
// (cmd/go/internal/work/gc.go asm), the C preprocessor from the including
// file's.
func (w *walk) includes(d *dirRecord, f *fileRecord) {
	for _, name := range f.source.includes {
		if !strings.ContainsRune(name, '/') && isSource(name) || filepath.IsAbs(name) {
			w.absolute(name)
			continue
		}
		w.include(d, filepath.Join(d.path, filepath.FromSlash(name)))
	}
}

// absolute adds a file that is included by its full name.
func (w *walk) absolute(name string) {
	if filepath.IsAbs(name) && !strings.HasPrefix(name, "/usr/include/") {
		w.file(KindFile, name)
	}
}

// include adds an included file and what it includes, once. One that is not
// there may be of the system.
func (w *walk) include(d *dirRecord, path string) {
	if w.c.files[path] {
		return
	}
	at := w.ix.dir(filepath.Dir(path))
	f := at.record(filepath.Base(path))
	w.ix.look(path, f, sourceFile)
	if !f.stamp.exists() {
		return
	}
	w.input(KindFile, w.r.rel(path), f.value())
	w.c.files[path] = true
	for _, name := range f.source.includes {
		if !filepath.IsAbs(name) {
			w.include(d, filepath.Join(at.path, filepath.FromSlash(name)))
			w.include(d, filepath.Join(d.path, filepath.FromSlash(name)))
		}
	}
}

// cgo notes what is not known of a file that imports "C".
func (w *walk) cgo(d *dirRecord, f *fileRecord) {
	if !f.source.cgo {
		return
	}
	for _, line := range f.source.cgoFlags {
		if word := outsideWord(line); word != "" {
			w.c.CReasons = append(w.c.CReasons, "cgo in "+w.r.rel(filepath.Join(d.path, f.name))+" uses files that nothing lists ("+word+")")
			return
		}
	}
}

// outsideWord returns the word of a #cgo line that names files outside the
// package, or "". What lies below /usr belongs to the image.
func outsideWord(line string) string {
	if strings.Contains(line, "pkg-config:") {
		return "pkg-config"
	}
	for _, word := range strings.Fields(line) {
		flag := strings.HasPrefix(word, "-I") || strings.HasPrefix(word, "-L") || strings.HasPrefix(word, "-F") || strings.HasPrefix(word, "-isystem") ||
			strings.HasPrefix(word, "-iquote") || strings.HasPrefix(word, "-include") || strings.HasPrefix(word, "-B")
		if strings.Contains(word, "SRCDIR") || strings.HasPrefix(word, "@") || flag && !strings.Contains(word, "/usr/") || !flag && strings.ContainsRune(word, '/') {
			return word
		}
	}
	return ""
}
