//go:build unix && !linux

package container

import "syscall"

func sysProcAttr() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

// awaitEnd returns once the process has ended. It reaps the process, too:
// waiting without reaping is not to be had everywhere.
func (p *process) awaitEnd() error {
	options := 0
	if p.terminal != nil {
		options = syscall.WUNTRACED
	}
	for {
		var status syscall.WaitStatus
		_, err := syscall.Wait4(p.pid, &status, options, nil)
		switch {
		case err == syscall.EINTR:
		case err != nil:
			return err
		case status.Stopped():
			p.terminal.suspend(p.pid, status.StopSignal())
		default:
			p.mu.Lock()
			p.status = status
			p.mu.Unlock()
			return nil
		}
	}
}

func (p *process) hasEnded() bool { return p.status != 0 }

func (p *process) reap() {}

// onlyZombies cannot be told here.
func onlyZombies(int) bool { return false }

// newBirth says that births are not looked after here: the program itself
// would not be killed with its parent.
func newBirth() (birth, bool) { return birth{}, false }

func (birth) orphans(int64) []int { return nil }

func ticks() int64 { return 0 }
