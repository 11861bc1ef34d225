// Package soundness tries to make gorun run the wrong program.
//
// It takes real modules, edits them at random in every way that can change
// what `go run` builds, and asks for the executable key after each edit. A key
// that was there before stands for an executable that gorun would run without
// asking the go command. So the go command is asked, with `go run -exec`: it
// must build the same bytes, or fail as it did then. Where it does not, that is
// a false hit, and a Finding says how to see it again.
//
// A trial is: the pristine state of a subject, under one of its settings; an
// edit, or two; the key; and everything back. It depends on the seed, the
// subject and its number alone, so that one trial can be tried again.
//
// The numbers in Edit.Inputs are those of the table of inputs that edits were
// written from:
//
//	 1  contents of source and embedded files
//	 2  the names in each package directory
//	 3  embed patterns and what they find
//	 4  go.mod, go.sum, go.work, go.work.sum, -modfile, vendor/modules.txt
//	 5  absences: go.mod and go.work above, nested go.mod, default.pgo, GOENV
//	 6  another directory that provides an import
//	 7  local replacements and workspace members
//	 8  symbolic links
//	 9  -overlay
//	10  -pgo and default.pgo
//	11  build flags and GOFLAGS
//	12  the variables of go env
//	13  other variables: GODEBUG, PATH, CPATH, …
//	14  the toolchain
//	15  the module directory and GOROOT
//	16  version control stamps
//	17  module versions and hashes
//	18  the module cache, which both trust
//	19  the package argument and the working directory
//	20  headers and libraries of cgo
//	21  assembly includes
package soundness

import "github.com/org/gorun-action/cachekeys"

// Ask is one question for a key: a gorun command line.
type Ask struct {
	// Args are gorun's, without its name. With --explain among them the key has
	// to be found anew, whatever gorun remembers.
	Args []string
	// Environ is the whole environment, "name=value".
	Environ []string
	// CacheDir is where gorun keeps its index.
	CacheDir string
	// Pinned asks for the key as with a toolchain image, where the C compiler
	// and its headers are pinned.
	Pinned bool
}

// Keyed is the answer.
type Keyed struct {
	// Key is the executable key, "" when there are Reasons against one.
	Key string
	// Reasons say why there is no key.
	Reasons []string
	// Learned is how many directories the key rests on that a Check found; 0
	// where only the key is known.
	Learned int
	// Check says why the executable of the packages that the go command lists
	// would not be kept. It may learn something, so that the next key for the
	// same state is another.
	Check func(packages []cachekeys.Built) []string
}

// Keyer answers as a gorun process that starts, looks and ends.
type Keyer func(Ask) (Keyed, error)
