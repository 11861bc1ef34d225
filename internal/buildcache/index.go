package buildcache

import (
	"cmp"
	"crypto/sha256"
	"slices"
)

type digest = [sha256.Size]byte

// Index says what is in a pack.
type Index struct {
	outputs  []output // by size, then digest: like lies beside like
	actions  []action // by id
	modules  []mod    // by path, then version
	files    []file   // by module, kind and name
	packages []string // import paths of all packages of modules, sorted
	// renamed is set when a module was imported by another path than its own (a
	// replace directive), so that paths do not tell who owns a package.
	renamed bool
}

// output is a file of GOCACHE that its own SHA-256 names.
type output struct {
	sum  digest
	size int64
}

func (a output) compare(b output) int {
	return cmp.Or(cmp.Compare(a.size, b.size), compareDigests(a.sum, b.sum))
}

// action leads from the hash of everything that a step depends on to its output.
type action struct {
	id     digest
	output int
}

func (a action) compare(b action) int { return compareDigests(a.id, b.id) }

// mod is a version of a module of which something is in the pack, or which
// go.sum names.
type mod struct {
	ModuleVersion
	// dir: the module was unpacked, if only to see that it does not have a package.
	dir bool
	// loose: its go.mod does not tell what its packages may import.
	loose bool
	// requires are modules of the index that its go.mod requires, in any version.
	requires []int
}

// file is a file of GOMODCACHE.
type file struct {
	module int
	kind   kind
	name   string // below the directory of the module, with slashes; of a tree file only
	size   int64
	sum    digest
}

func (a file) compare(b file) int {
	return cmp.Or(cmp.Compare(a.module, b.module), cmp.Compare(a.kind, b.kind), cmp.Compare(a.name, b.name))
}

// kind says where a module file lies.
type kind byte

const (
	tree kind = iota // in the directory of the module
	info             // the others in cache/download
	gomod
	ziphash
	kinds
)

func compareDigests(a, b digest) int { return slices.Compare(a[:], b[:]) }

func (m mod) compare(b mod) int {
	return cmp.Or(cmp.Compare(m.Path, b.Path), cmp.Compare(m.Version, b.Version))
}

// sizes are those of all files in the order of the frames.
func (x *Index) sizes() []int64 {
	sizes := make([]int64, 0, len(x.outputs)+len(x.files))
	for _, o := range x.outputs {
		sizes = append(sizes, o.size)
	}
	for _, f := range x.files {
		sizes = append(sizes, f.size)
	}
	return sizes
}

// sum is the digest of the file i in the order of the frames.
func (x *Index) sum(i int) digest {
	if i < len(x.outputs) {
		return x.outputs[i].sum
	}
	return x.files[i-len(x.outputs)].sum
}

// Raw is how many bytes the outputs and module files of the pack have unpacked.
func (x *Index) Raw() int64 {
	var total int64
	for _, size := range x.sizes() {
		total += size
	}
	return total
}

// Files is how many files a full restore writes.
func (x *Index) Files() int64 {
	return int64(len(x.actions) + len(x.outputs) + len(x.files))
}

// Modules are the modules of which a directory is in the pack, sorted.
func (x *Index) Modules() []ModuleVersion {
	var list []ModuleVersion
	for _, m := range x.modules {
		if m.dir {
			list = append(list, m.ModuleVersion)
		}
	}
	return list
}
