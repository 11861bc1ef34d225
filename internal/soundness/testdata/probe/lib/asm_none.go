//go:build !amd64

package lib

// Asm returns a number.
func Asm() int64 { return 10 }
