// Package faults runs the real gorun with shared caches that fail in every way
// that is known, and requires that the run is as good as one without a cache.
// It is tests only.
//
// A cell of the matrix is a store (v2 and v1 of GitHub's cache service, an OCI
// registry, a directory), the step of a transfer that fails (look-up, download,
// reserve, upload, finalise), the fault, and what is transferred: the executable
// of a program, or a pack. A real server runs on loopback, with a proxy before
// it that does the harm; a directory is harmed itself. A step is a request of
// the wire: that v1 looks up a key before it reserves it is a look-up.
//
// In each cell
//
//   - the program's output and exit status, and the verdict but for what it says
//     of times and caches, are those of a run without cache
//   - the run takes at most 10 s longer, the build left out, which takes as long
//     as the machine's other work lets it; on a busy one, longer than a run whose
//     cache works
//   - the fault happened, there is at most one warning, and nothing was used
//     that the fault spoiled
//   - where the run may have left something, the next one, on a machine of its
//     own and without fault, is right, too
package faults
