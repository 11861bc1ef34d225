package lib

// Asm returns a number of the assembly.
func Asm() int64
