// Package testenv is what the tests of all packages share: the two levels, and
// one warm world. What is expensive and the same for all (gorun, gorunctl, the
// runner image, build caches, the test binary of the go command) is made once,
// under a lock, and found by other tests, packages and runs.
//
// Everything is below one directory of the user's cache directory:
//
//	gorun-tests/
//	    bin/HASH/gorun              built from the checkout at HASH's path
//	    NAME, NAME.lock             what Shared made
//
// and in the engine under names that begin with gorun-tests. .ci/clean removes
// both. A test that proves how something begins asks for an empty place by
// name: t.TempDir, or a volume of its own.
//
// It is imported by tests alone.
package testenv
