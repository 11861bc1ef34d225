package container

import (
	"os"

	"golang.org/x/sys/unix"
)

// pipeSize is the most an unprivileged process may ask for
// (/proc/sys/fs/pipe-max-size).
const pipeSize = 1 << 20

// growPipe makes the pipe as large as is of use, and returns its capacity.
func growPipe(f *os.File) int {
	size := 64 << 10 // what a pipe has without asking
	raw, err := f.SyscallConn()
	if err != nil {
		return size
	}
	raw.Control(func(fd uintptr) {
		// Refused beyond the user's share of pipe pages; what it has then is enough.
		unix.FcntlInt(fd, unix.F_SETPIPE_SZ, pipeSize)
		if n, err := unix.FcntlInt(fd, unix.F_GETPIPE_SZ, 0); err == nil {
			size = n
		}
	})
	return size
}
