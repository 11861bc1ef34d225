package main

import (
	"context"
	"os"
	"sync"

	"github.com/org/gorun-action/container"
)

// supervision is the Host with what looks after its programs: the guard, or
// the reaper of PID 1. It is made when it is first needed; a run that becomes
// its program never does.
type supervision struct {
	once sync.Once
	host container.Host
	stop func()
}

// start makes the supervision, if it is not there. Without a guard programs
// still run, and their groups are left to the kernel should this process be
// killed. As PID 1 of a container orphans are reaped, and the kernel is the
// guard.
func (s *supervision) start() container.Host {
	s.once.Do(func() {
		if os.Getpid() == 1 {
			r := container.StartReaper()
			s.host, s.stop = container.Host{Reaper: r}, r.Close
			return
		}
		if guard, err := container.StartGuard(self(), nil); err == nil {
			drain := func(r, to *os.File) error { return container.StartDrain(self(), r, to) }
			s.host, s.stop = container.Host{Guard: guard, Drain: drain}, guard.Close
		}
	})
	return s.host
}

// close ends it.
func (s *supervision) close() {
	if s.stop != nil {
		s.stop()
	}
}

// Run implements container.Executor.
func (s *supervision) Run(ctx context.Context, c container.Command) (container.ExitStatus, error) {
	return s.start().Run(ctx, c)
}

// dir has a temporary directory removed should this process die.
func (s *supervision) dir(path string) (release func()) { return s.start().Guard.Dir(path) }

// container has a container removed likewise.
func (s *supervision) container(name string) (release func()) {
	return s.start().Guard.Container(name)
}
