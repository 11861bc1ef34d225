package container

import (
	"runtime"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// withoutTTOU calls f with SIGTTOU blocked, in this thread only: a process in
// the background may then still set the foreground group.
func withoutTTOU(f func()) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var set, old unix.Sigset_t
	n := uint(syscall.SIGTTOU - 1)
	const bits = 8 * uint(unsafe.Sizeof(uintptr(0))) // of a word of the set
	set.Val[n/bits] |= 1 << (n % bits)
	if unix.PthreadSigmask(unix.SIG_BLOCK, &set, &old) == nil {
		defer unix.PthreadSigmask(unix.SIG_SETMASK, &old, nil)
	}
	f()
}

// parent returns the parent of a process, or 0.
func parent(pid int) int { return readStat(pid).ppid }
