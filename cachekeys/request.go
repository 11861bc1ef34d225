package cachekeys

import (
	"path/filepath"
	"slices"
	"strings"
)

// Request says what is to be built: everything that a key depends on and that
// is not in the local files.
type Request struct {
	Workspace Workspace
	// Package is the package argument, or the files of a file list.
	Package []string
	// Target is "os/arch".
	Target string
	// Toolchain compiles.
	Toolchain Toolchain
	// Flags are the build flags of GOFLAGS and the command line, in their order.
	Flags []Flag
	// Getenv returns a variable of the go command's configuration, resolved as
	// the go command does.
	Getenv func(name string) string
	// ModCache is GOMODCACHE, which shows in executables without -trimpath.
	ModCache string
	// Extra are package directories that the program is known to reach through
	// modules of the module cache only (Index.Extras).
	Extra []string
}

// Flag is one build flag with its value.
type Flag struct{ Name, Value string }

// Toolchain is what compiles, as far as a key is concerned.
type Toolchain struct {
	// Version is the Go release, "1.26.11".
	Version string
	// Arch is the architecture that it runs on: one digest may name an image
	// for each.
	Arch string
	// Digest is that of the image that holds it, with its C compiler; "" for a
	// toolchain of this machine.
	Digest string
	// Root is GOROOT of a toolchain of this machine.
	Root string
	// Unknown says why nothing sure can be said of it, or "".
	Unknown string
}

// Pinned reports whether an image pins the toolchain with all that it runs.
func (t Toolchain) Pinned() bool { return t.Digest != "" }

// value returns the last value of a flag, and whether it was given.
func (r *Request) value(name string) (value string, ok bool) {
	for _, f := range r.Flags {
		if f.Name == name {
			value, ok = f.Value, true
		}
	}
	return value, ok
}

func (r *Request) is(name string) bool {
	value, _ := r.value(name)
	return value == "true"
}

// versioned returns the path and version of a pkg@version argument.
func (r *Request) versioned() (path, version string, ok bool) {
	if len(r.Package) != 1 || r.files() || isPath(r.Package[0]) {
		return "", "", false
	}
	return strings.Cut(r.Package[0], "@")
}

// files reports whether the argument is a list of files.
func (r *Request) files() bool {
	return len(r.Package) > 0 && strings.HasSuffix(r.Package[0], ".go")
}

// isPath reports whether a package argument names a directory.
func isPath(arg string) bool {
	return arg == "." || arg == ".." || strings.HasPrefix(arg, "./") || strings.HasPrefix(arg, "../") || filepath.IsAbs(arg)
}

// isPattern reports whether a package argument stands for any number of
// packages (cmd/go/internal/search).
func isPattern(arg string) bool {
	return strings.Contains(arg, "...") || slices.Contains([]string{"all", "std", "cmd", "tool", "work"}, arg)
}

// base is the directory that names of inputs are relative to.
func (r *Request) base() string {
	if root := r.Workspace.Root(); root != "" {
		return root
	}
	return r.Workspace.Dir
}

// rel names a path as seen from the base, with slashes.
func (r *Request) rel(path string) string {
	base := r.base()
	if rest, ok := strings.CutPrefix(path, base+string(filepath.Separator)); ok {
		return filepath.ToSlash(rest)
	}
	return Relative(base, path)
}
