package cachekeys

import (
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/mod/modfile"
)

// Workspace is where a build finds its local sources.
type Workspace struct {
	// Dir is the directory it was looked for from.
	Dir string
	// GoMod and GoWork are the files that count, "" where there is none.
	GoMod, GoWork string
	// Modules are the local modules: the main ones first, then the targets of
	// local replacements.
	Modules []Module
	// Go and Toolchain are the values of the two lines, without "go": "1.26",
	// "1.26.8"; "" where there is no such line.
	Go, Toolchain string
	// VCS is the directory that holds the version control's own (.git, …).
	VCS string
}

// Module is a module with its sources here.
type Module struct {
	Path string // "" when its go.mod cannot be read
	Dir  string // absolute
	// Replacement says that it stands in for another module, and is not a main
	// module itself.
	Replacement bool
}

// Options say what of the go command's configuration moves a workspace.
type Options struct {
	GOWORK    string // the variable: "", "off" or a file
	ModFile   string // the value of -modfile
	GOPATH    bool   // GO111MODULE=off: there are no modules
	Versioned bool   // pkg@version: the modules here do not count
}

// FindWorkspace looks for the workspace of dir as the go command does
// (cmd/go/internal/modload/init.go: findModuleRoot, findWorkspaceFile). Files
// that cannot be read or understood count as empty: the go command has better
// words for them.
func FindWorkspace(dir string, o Options) Workspace {
	w := Workspace{Dir: dir, VCS: parentWith(dir, ".git", ".hg", ".svn", ".bzr", ".fslckout", "_FOSSIL_")}
	if o.GOPATH || o.Versioned {
		return w
	}
	w.GoMod = fileIn(parentWith(dir, "go.mod"), "go.mod")
	w.GoWork = findGoWork(dir, o.GOWORK)
	if w.GoWork != "" {
		w.readGoWork()
	} else if w.GoMod != "" {
		w.readGoMod(o.ModFile)
	}
	return w
}

func findGoWork(dir, variable string) string {
	switch variable {
	case "off":
		return ""
	case "":
		return fileIn(parentWith(dir, "go.work"), "go.work")
	}
	return variable
}

// Root returns the directory of go.work, else of go.mod, else "".
func (w Workspace) Root() string {
	switch {
	case w.GoWork != "":
		return filepath.Dir(w.GoWork)
	case w.GoMod != "":
		return filepath.Dir(w.GoMod)
	}
	return ""
}

// File returns the name of the file whose lines count, "go.work" or "go.mod",
// or "".
func (w Workspace) File() string {
	switch {
	case w.GoWork != "":
		return filepath.Base(w.GoWork)
	case w.GoMod != "":
		return filepath.Base(w.GoMod)
	}
	return ""
}

// Module returns the local module that holds the file or directory path, the
// innermost one.
func (w Workspace) Module(path string) (Module, bool) {
	var best Module
	for _, m := range w.Modules {
		if Within(m.Dir, path) && len(m.Dir) > len(best.Dir) {
			best = m
		}
	}
	return best, best.Dir != ""
}

// candidates are the directories of local modules that provide an import path,
// if they hold a package.
func (w Workspace) candidates(path string) (dirs []string) {
	for _, m := range w.Modules {
		if path == m.Path {
			dirs = append(dirs, m.Dir)
		} else if rest, ok := strings.CutPrefix(path, m.Path); ok && m.Path != "" && rest[0] == '/' {
			dirs = append(dirs, filepath.Join(m.Dir, filepath.FromSlash(rest[1:])))
		}
	}
	return dirs
}

func (w *Workspace) readGoWork() {
	data, err := ReadFile(w.GoWork)
	if err != nil {
		return
	}
	f, err := modfile.ParseWork(w.GoWork, data, nil)
	if err != nil {
		return
	}
	if f.Go != nil {
		w.Go = f.Go.Version
	}
	if f.Toolchain != nil {
		w.Toolchain = strings.TrimPrefix(f.Toolchain.Name, "go")
	}
	root := w.Root()
	for _, use := range f.Use {
		w.addMember(Absolute(root, use.Path))
	}
	w.addReplaced(root, f.Replace)
}

// addMember adds a module of go.work with the modules that it replaces.
func (w *Workspace) addMember(dir string) {
	f := parseMod(filepath.Join(dir, "go.mod"))
	w.Modules = append(w.Modules, Module{Path: modulePath(f), Dir: dir})
	w.addReplaced(dir, f.Replace)
}

func (w *Workspace) readGoMod(alternative string) {
	file := w.GoMod
	if alternative != "" {
		file = Resolve(w.Dir, alternative)
	}
	f := parseMod(file)
	if f.Go != nil {
		w.Go = f.Go.Version
	}
	if f.Toolchain != nil {
		w.Toolchain = strings.TrimPrefix(f.Toolchain.Name, "go")
	}
	w.Modules = append(w.Modules, Module{Path: modulePath(f), Dir: w.Root()})
	w.addReplaced(w.Root(), f.Replace)
}

func (w *Workspace) addReplaced(base string, list []*modfile.Replace) {
	for _, r := range list {
		if modfile.IsDirectoryPath(r.New.Path) {
			w.Modules = append(w.Modules, Module{Path: r.Old.Path, Dir: Absolute(base, r.New.Path), Replacement: true})
		}
	}
}

// parseMod returns an empty file where there is none to understand. The lax
// parse leaves out replacements, but reads what a newer Go wrote.
func parseMod(file string) *modfile.File {
	data, err := ReadFile(file)
	if err != nil {
		return &modfile.File{}
	}
	for _, parse := range []func(string, []byte, modfile.VersionFixer) (*modfile.File, error){modfile.Parse, modfile.ParseLax} {
		if f, err := parse(file, data, nil); err == nil {
			return f
		}
	}
	return &modfile.File{}
}

func modulePath(f *modfile.File) string {
	if f.Module == nil {
		return ""
	}
	return f.Module.Mod.Path
}

// parentWith returns dir or the nearest directory above it that has one of the
// names, or "".
func parentWith(dir string, names ...string) string {
	for {
		for _, name := range names {
			info, err := os.Stat(filepath.Join(dir, name))
			if err == nil && (!info.IsDir() || !strings.HasPrefix(name, "go.")) { // a directory of that name is no go.mod
				return dir
			}
		}
		up := filepath.Dir(dir)
		if up == dir {
			return ""
		}
		dir = up
	}
}

func fileIn(dir, name string) string {
	if dir == "" {
		return ""
	}
	return filepath.Join(dir, name)
}
