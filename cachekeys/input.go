package cachekeys

import (
	"cmp"
	"slices"
)

// The kinds of inputs, in the order in which they are listed.
const (
	KindToolchain = "toolchain" // the Go release and what pins it
	KindTarget    = "target"    // os/arch
	KindDir       = "directory" // where the build happens, as far as the executable shows it
	KindPackage   = "package"   // the package argument or the file list
	KindFlag      = "flag"      // a build flag in its normal form
	KindEnv       = "env"       // a variable of the go command's configuration
	KindCompiler  = "compiler"  // the C compiler and library of this machine
	KindModule    = "module"    // go.mod, go.sum, go.work and the like
	KindProfile   = "profile"   // a profile for optimization
	KindFile      = "file"      // a source file of a package
	KindEmbed     = "embed"     // what a //go:embed pattern finds
)

// Input is one thing that a key depends on.
type Input struct {
	Kind string `json:"kind"`
	// Name says which: a path relative to the workspace with slashes, a flag,
	// a variable.
	Name string `json:"name"`
	// Value is its content: a fingerprint in hex for a file, the text itself
	// for what is short and no secret.
	Value string `json:"value"`
}

func compareInputs(a, b Input) int {
	return cmp.Or(cmp.Compare(kindOrder(a.Kind), kindOrder(b.Kind)), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Value, b.Value))
}

// kindOrder is the place of a kind among the kinds above.
func kindOrder(kind string) int {
	return slices.Index([]string{KindToolchain, KindTarget, KindDir, KindPackage, KindFlag, KindEnv, KindCompiler,
		KindModule, KindProfile, KindFile, KindEmbed}, kind)
}

// sortInputs puts inputs into their order and drops what is there twice.
func sortInputs(list []Input) []Input {
	slices.SortFunc(list, compareInputs)
	return slices.Compact(list)
}
