package cachekeys

import (
	"path/filepath"
	"strings"
)

// modules adds the files that choose modules and their versions. That go.work
// or go.mod are found where they are is in the base directory: one that
// appears closer by moves it.
func (w *walk) modules() {
	if _, _, versioned := w.r.versioned(); versioned {
		return
	}
	ws := w.r.Workspace
	if ws.GoWork != "" {
		w.file(KindModule, ws.GoWork)
		w.file(KindModule, ws.GoWork+".sum")
	}
	if ws.GoMod == "" && ws.GoWork == "" {
		w.input(KindModule, "go.mod", "absent")
	}
	for _, m := range ws.Modules {
		w.module(m)
	}
	w.alternative()
	if vendor := w.vendor(); vendor != "" {
		w.file(KindModule, filepath.Join(vendor, "modules.txt"))
	}
}

func (w *walk) module(m Module) {
	if value := w.file(KindModule, filepath.Join(m.Dir, "go.mod")); value == "absent" {
		w.reason(w.r.rel(m.Dir) + " has no go.mod")
	}
	if !m.Replacement { // go.sum of a replacement is not read
		w.file(KindModule, filepath.Join(m.Dir, "go.sum"))
	}
}

// alternative adds -modfile, which also says which go.sum counts
// (cmd/go/internal/modload modFilePath, modfetch.GoSumFile).
func (w *walk) alternative() {
	for _, path := range w.modfile() {
		w.file(KindModule, path)
	}
}

// modfile is the file that -modfile names, and its sum.
func (w *walk) modfile() []string {
	file, _ := w.r.value("modfile")
	if file == "" {
		return nil
	}
	path := Resolve(w.r.Workspace.Dir, file)
	return []string{path, strings.TrimSuffix(path, ".mod") + ".sum"}
}

// vendor returns the vendor directory when there is one, whether -mod uses it
// or not.
func (w *walk) vendor() string {
	if !w.vendorKnown {
		w.vendorKnown = true
		root := w.ix.dir(w.r.base())
		w.ix.list(root)
		if kind := root.entry("vendor"); kind == 'd' || kind == 'l' {
			w.vendorDir = filepath.Join(root.path, "vendor")
		}
	}
	return w.vendorDir
}

// profile adds the profile for optimization: the file that -pgo names, or
// default.pgo of the main package (cmd/go/internal/load setPGOProfilePath).
func (w *walk) profile() {
	switch value, given := w.r.value("pgo"); {
	case value == "off":
	case given && value != "auto":
		w.file(KindProfile, Absolute(w.r.Workspace.Dir, value))
	default:
		for _, dir := range w.mainDirs() {
			if path := filepath.Join(dir, "default.pgo"); stampOf(path).exists() {
				w.file(KindProfile, path)
			}
		}
	}
}

// mainDirs are the local directories that may hold the main package.
func (w *walk) mainDirs() []string {
	if len(w.r.Package) == 0 {
		return nil
	}
	arg := w.r.Package[0]
	switch {
	case w.r.files():
		return []string{filepath.Dir(Absolute(w.r.Workspace.Dir, arg))}
	case isPath(arg):
		return []string{Absolute(w.r.Workspace.Dir, arg)}
	}
	only := &walk{r: w.r, ix: w.ix, queued: map[string]bool{}, resolved: map[string]bool{}}
	only.follow(arg)
	return only.queue
}
