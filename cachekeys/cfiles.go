package cachekeys

import (
	"path/filepath"
	"slices"
	"strings"
)

// includes adds the files that a source file includes and that are not among
// its package's: the assembler looks from the package's directory
// (cmd/go/internal/work/gc.go asm), the C preprocessor from the including
// file's.
func (w *walk) includes(d *dirRecord, f *fileRecord) {
	for _, name := range f.source.includes {
		switch {
		case isUnknown(name):
			w.c.CReasons = append(w.c.CReasons, w.r.rel(filepath.Join(d.path, f.name))+" includes a file that only the C compiler knows ("+name+")")
		case filepath.IsAbs(name):
			w.absolute(name)
		case strings.ContainsRune(name, '/') || !isSource(name) || w.r.files():
			w.include(d, filepath.Join(d.path, filepath.FromSlash(name)))
		}
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
	w.unwatched(d, path)
	for _, name := range f.source.includes {
		if !filepath.IsAbs(name) {
			w.include(d, filepath.Join(at.path, filepath.FromSlash(name)))
			w.include(d, filepath.Join(d.path, filepath.FromSlash(name)))
		}
	}
}

// unwatched gives the reason that lies in an included file which is not among
// the package's: the go command does not notice when it changes, and may link
// what it compiled before that (cmd/go/internal/work/exec.go buildActionID
// hashes the package's files).
func (w *walk) unwatched(d *dirRecord, path string) {
	reason := w.r.rel(path) + " is included, and the go command does not watch it"
	assembly := func(e dirEntry) bool { return strings.HasSuffix(e.name, ".s") }
	if slices.ContainsFunc(d.entries, assembly) {
		w.reason(reason)
		return
	}
	w.c.CReasons = append(w.c.CReasons, reason)
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

// outsideWord returns the word of a #cgo line that may make the compiler or
// the linker read files outside the package, or "". What lies below /usr
// belongs to the image.
func outsideWord(line string) string {
	kind, flags, ok := strings.Cut(line, ":")
	if !ok || strings.Contains(kind, "pkg-config") {
		return strings.TrimSpace(kind)
	}
	for _, word := range strings.Fields(flags) {
		if !insideWord(word) {
			return word
		}
	}
	return ""
}

// insideWord reports whether a flag surely names no file: definitions,
// optimization, warnings, code generation, libraries of the system.
func insideWord(word string) bool {
	for _, prefix := range []string{"-I/usr/", "-L/usr/"} {
		if strings.HasPrefix(word, prefix) {
			return !strings.Contains(word, "..")
		}
	}
	if strings.ContainsAny(word, "/$@") || strings.HasPrefix(word, "-Wl,") || strings.HasPrefix(word, "-Wa,") || strings.HasPrefix(word, "-Wp,") {
		return false
	}
	if word == "-pthread" || word == "-static" || word == "-ansi" || word == "-pedantic" {
		return true
	}
	return strings.HasPrefix(word, "-std=") || len(word) > 1 && word[0] == '-' && strings.ContainsRune("DUOWfmgl", rune(word[1])) && !strings.HasPrefix(word, "-fplugin")
}
