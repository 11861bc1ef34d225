package main

import (
	"os"
	"syscall"
	"unsafe"
)

// sigaction is room for the kernel's struct of that name; zeros are SIG_DFL.
type sigaction [64]byte

// resetHandlers has signals do what they do to a process that handles none. The
// runtime's handler raises them again in its own thread, which an exec of
// another thread can overtake. restore undoes it.
func resetHandlers(signals []os.Signal) (restore func()) {
	old := make([]sigaction, len(signals))
	for i, s := range signals {
		rtSigaction(s, new(sigaction), &old[i])
	}
	return func() {
		for i, s := range signals {
			rtSigaction(s, &old[i], nil)
		}
	}
}

func rtSigaction(s os.Signal, to, old *sigaction) {
	const setSize = 8
	syscall.RawSyscall6(syscall.SYS_RT_SIGACTION, uintptr(s.(syscall.Signal)), uintptr(unsafe.Pointer(to)), uintptr(unsafe.Pointer(old)), setSize, 0, 0)
}
