// Package completeness holds cachekeys to what the go command really reads.
//
// The tests trace builds and require of every path that was touched that a
// Closure covers it, or that it is pinned or the go command's own. There are
// two traces: the go command's own log of its loader (GODEBUG=gofsystrace=1),
// and strace, which has the compiler, the assembler, the linker, cgo and the C
// compiler as well.
//
// These are the classes of paths, in the order in which they are tried:
//
//	pinned    below GOROOT and GOMODCACHE: the toolchain and go.sum say what is there
//	own       the build cache, the temporary directory, the GOENV file, telemetry,
//	          /proc, /sys and /dev: what is there does not get into an executable,
//	          or, for the GOENV file, gets in as the values of its variables
//	system    outside the workspace: what the C compiler and its tools read, and
//	          the places where a program or a library of the system is looked
//	          for. An image pins them; on this machine the compiler's identity
//	          and PATH do
//	covered   a file or the listing of a package directory that is an input
//	search    go.mod, go.work and vendor, there or not, in a directory on the way
//	          to something covered: cachekeys looks for them anew each time
//	listing   a name that is not there, in a package directory whose listing is
//	          an input, or below such a name
//	way       a directory that leads to something covered
//
// Whatever is left over is an input that cachekeys does not know.
package completeness
