package container

import (
	"os"

	"golang.org/x/sys/unix"
)

// adoptOrphans makes this process a subreaper, or undoes it. PID 1 is one.
func adoptOrphans(on bool) {
	var arg uintptr
	if on {
		arg = 1
	}
	if os.Getpid() != 1 {
		unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, arg, 0, 0, 0)
	}
}

// peekZombie returns a child that has ended, and leaves it to be reaped; 0 is
// none.
func peekZombie() int {
	var info unix.Siginfo
	if waitid(unix.P_ALL, 0, &info, unix.WEXITED|unix.WNOHANG|unix.WNOWAIT) != nil {
		return 0
	}
	pid, _ := childInfo(&info)
	return pid
}
