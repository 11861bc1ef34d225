package container

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

func sysProcAttr() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// The codes of a SIGCHLD's siginfo, <asm-generic/siginfo.h>.
const cldStopped = 5

// childInfo returns the process and its status in a siginfo that waitid
// filled in: they follow three ints, aligned for a pointer.
func childInfo(info *unix.Siginfo) (pid, status int) {
	const word = unsafe.Sizeof(uintptr(0))
	const offset = (12 + word - 1) / word * word
	fields := (*[3]int32)(unsafe.Add(unsafe.Pointer(info), offset)) // pid, uid, status
	return int(fields[0]), int(fields[2])
}

// waitid is unix.Waitid without its interruptions.
func waitid(kind, id int, info *unix.Siginfo, options int) error {
	for {
		err := unix.Waitid(kind, id, info, options, nil)
		if err != unix.EINTR {
			return err
		}
	}
}

// awaitEnd returns once the process has ended, and leaves it to be reaped.
// With a terminal it also does what a shell does when its job stops.
func (p *process) awaitEnd() error {
	options := unix.WEXITED | unix.WNOWAIT
	if p.terminal != nil {
		options |= unix.WSTOPPED
	}
	for {
		var info unix.Siginfo
		if err := waitid(unix.P_PID, p.pid, &info, options); err != nil {
			return err
		}
		if info.Code != cldStopped {
			return nil
		}
		_, sig := childInfo(&info)
		waitid(unix.P_PID, p.pid, &info, unix.WSTOPPED|unix.WNOHANG) // take the news, or it comes again
		p.terminal.suspend(p.pid, syscall.Signal(sig))
	}
}

// hasEnded reports whether the process has ended and waits to be reaped.
func (p *process) hasEnded() bool {
	var info unix.Siginfo
	err := waitid(unix.P_PID, p.pid, &info, unix.WEXITED|unix.WNOWAIT|unix.WNOHANG)
	return err != nil || info.Signo != 0
}

// reap takes the status of the process, which has ended.
func (p *process) reap() {
	for {
		_, err := syscall.Wait4(p.pid, &p.status, 0, nil)
		if err != syscall.EINTR {
			return
		}
	}
}

// onlyZombies reports whether all that is left of a group are processes that
// nobody has reaped, which in a container may be never.
func onlyZombies(pgid int) bool {
	processes, err := os.ReadDir("/proc")
	if err != nil {
		return false
	}
	for _, e := range processes {
		if pid, err := strconv.Atoi(e.Name()); err == nil {
			if s := readStat(pid); s.pgid == pgid && s.runs() {
				return false
			}
		}
	}
	return true
}

// stat is some of /proc/PID/stat.
type stat struct {
	state               string
	ppid, pgid, session int
	start               int64 // ticks since the machine booted
}

// runs reports whether the process exists and has not ended.
func (s stat) runs() bool { return s.state != "" && s.state != "Z" && s.state != "X" }

// readStat returns the zero stat of a process that does not exist.
func readStat(pid int) (s stat) {
	b, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	// "pid (name) state ppid pgid session …", where the name may hold anything.
	fields := strings.Fields(string(b[bytes.LastIndexByte(b, ')')+1:]))
	if len(fields) < 20 {
		return s
	}
	s.state = fields[0]
	s.ppid, _ = strconv.Atoi(fields[1])
	s.pgid, _ = strconv.Atoi(fields[2])
	s.session, _ = strconv.Atoi(fields[3])
	s.start, _ = strconv.ParseInt(fields[19], 10, 64)
	return s
}
