//go:build unix && !linux

package container

import (
	"os/signal"
	"syscall"
)

// withoutTTOU calls f with SIGTTOU ignored.
func withoutTTOU(f func()) {
	signal.Ignore(syscall.SIGTTOU)
	defer signal.Reset(syscall.SIGTTOU)
	f()
}

// parent returns the parent of a process, or 0 where it cannot be told.
func parent(int) int { return 0 }
