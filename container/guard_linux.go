package container

import (
	"os"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// ticksPerSecond is USER_HZ, which is 100 wherever Go runs (proc(5)).
const ticksPerSecond = 100

func newBirth() (b birth, ok bool) {
	session, err := unix.Getsid(0)
	b = birth{session, syscall.Getpgrp(), ticks()}
	return b, err == nil && b.since > 0
}

// ticks returns how long the machine has been up, or 0.
func ticks() int64 {
	var now unix.Timespec
	if unix.ClockGettime(unix.CLOCK_BOOTTIME, &now) != nil {
		return 0
	}
	return now.Nano() * ticksPerSecond / 1e9
}

// orphans returns the groups that the program of b left, when its parent had
// died by the tick until.
func (b birth) orphans(until int64) (groups []int) {
	processes, _ := os.ReadDir("/proc")
	for _, e := range processes {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		s := readStat(pid)
		ours := s.runs() && s.session == b.session && s.pgid > 1 && s.pgid != b.group && b.since <= s.start && s.start <= until
		if ours && !readStat(s.pgid).runs() {
			groups = append(groups, s.pgid)
		}
	}
	return groups
}
