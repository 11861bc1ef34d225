// Package conformance holds gorun to Go's own tests of go run.
//
// $GOROOT/src/cmd/go/testdata/script has 57 scripts that call go run (Go 1.26),
// and the test binary of cmd/go runs them, with a module proxy, a checksum
// database and version control servers of its own. The tests here compile that
// binary with an overlay in which the scripts' `go run …` becomes `gorun …`,
// and run it on gorun as it stands in this tree. Every other go command of the
// scripts stays what it is. Nothing of Go's is copied into this repository, and
// nothing is written into GOROOT:
//
//   - scriptcmds_test.go: the one call of script.Program in scriptGo calls
//     gorunProgram instead;
//   - testdata/hook_test.go, which has gorunProgram, joins the package.
//
// The scripts name their go command by its path; gorun looks for one on PATH.
// A script that leaves none there gets its own as the last entry.
//
// With --compat=go every script must pass. Without it the ones in differences
// stop, each at the check that is noted there, and no others.
package conformance
