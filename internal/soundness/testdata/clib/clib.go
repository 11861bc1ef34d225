// Package clib is compiled with cgo.
package clib

// #include "clib.h"
// #include "body.h"
import "C"

// Number comes from C.
func Number() int { return int(C.number()) + int(C.inner()) + int(C.INNER) }
