//go:build !linux

package main

import "os"

// resetHandlers does nothing here: a signal that comes at the instant of the exec can be
// lost.
func resetHandlers([]os.Signal) (restore func()) { return func() {} }
