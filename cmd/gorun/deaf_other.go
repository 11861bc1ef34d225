//go:build !linux

package main

import "os"

// deaf does nothing here: a signal that comes at the instant of the exec can be
// lost.
func deaf([]os.Signal) (restore func()) { return func() {} }
