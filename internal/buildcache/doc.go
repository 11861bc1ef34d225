// Package buildcache makes and restores the Pack: exactly what one build used
// of GOCACHE and GOMODCACHE, as one blob that a fresh machine can build from.
//
// A pack is the same bytes for the same content, wherever and whenever it was
// made: everything is sorted, there are no times, owners or directories in it.
// Numbers in front are 32 bits, the low byte first.
//
//	"gorunpk1"                      magic, the 1 is the version of all that follows
//	raw | packed | SHA-256          of the index: sizes in bytes, and the digest of the packed bytes
//	index, one zstd frame           outputs (digest, size), actions (id, output),
//	                                modules, module files (size, SHA-256), packages
//	raw | packed | CRC-32C          of the first frame: sizes, and a sum of the packed bytes
//	zstd frame
//	 …                              as many as the sizes in the index ask for, then nothing
//
// The frames hold the outputs and then the module files, in the order of the
// index, without anything in between. Files of up to 4 MiB share a frame as
// long as 4 MiB of them fit; a larger one has the next few frames for itself,
// all of them full but the last. So a reader knows from the index alone what
// each frame holds, unpacks several at a time while others are still on their
// way, and refuses every other cut.
//
// What is restored is checked first or as it is written: the index against its
// digest, a GOCACHE output against the digest that is its name (the go command
// only compares sizes), a module file against the digest in the index. Whether
// the index itself can be believed is for the caller to know: a signature, or
// a digest from somewhere else.
//
// # What the go command needs
//
// These facts are from cmd/go of Go 1.26 (internal/cache, internal/modfetch,
// internal/modload, internal/modindex) and held by the tests of this package.
//
//   - GOCACHE: the action file and the output of each step that is still the
//     same. An entry of which the mtime is more than an hour old gets a new one
//     when it is used, so what a build used shows when the others are older.
//   - GOMODCACHE: the directory of each module that could provide a package by
//     its path, even an empty one; in it the files of the packages; its .ziphash
//     (without, the zip is fetched again); and the .mod of every module in the
//     graph. The .info is there for go list, which asks for it. Neither the zip
//     nor the list, lock or checksum database: go.sum covers what is there.
//   - The module index, which the go command keeps in GOCACHE too, must never
//     travel: for a local package its key is names, sizes and mtimes, and for a
//     module just its directory, whatever part of the module is there. For the
//     same reason a sparse GOMODCACHE must never be used with a GOCACHE that
//     outlives it.
package buildcache
