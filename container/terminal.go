package container

import (
	"os"
	"os/signal"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// terminal is what a shell does with its terminal for a job, done for one
// program: the program's group is the terminal's foreground group while it
// runs; when it stops (Ctrl-Z) so do we, and when we are continued in the
// foreground it gets the terminal back.
//
// The group is put into the foreground from here, right after the start, and
// not by SysProcAttr.Foreground: the child would have to ignore SIGTTOU for
// that, and the program would inherit that it is ignored. A program that is
// quicker than we are is stopped for it (SIGTTIN), and continued by suspend.
//
// close, continuations, give and take may be called on nil, which is no
// terminal.
type terminal struct {
	file *os.File
	own  int // our process group
	// continued receives SIGCONT, from before the program can stop: a missed
	// one would leave us in the foreground with a program that is stopped.
	continued chan os.Signal

	mu     sync.Mutex
	given  bool // the program's group has it
	hungUp bool // the program was told that it will never have it
}

// findTerminal returns the terminal that c asks for, if it controls our
// session. It may be in somebody else's hands, if we run in the background.
func findTerminal(c Command) *terminal {
	f, ok := c.Stdin.(*os.File)
	if !c.Foreground || !ok {
		return nil
	}
	t := &terminal{file: f, own: syscall.Getpgrp(), continued: make(chan os.Signal, 1)}
	if _, err := t.foreground(); err != nil {
		return nil
	}
	signal.Notify(t.continued, syscall.SIGCONT)
	return t
}

func (t *terminal) close() {
	if t != nil {
		signal.Stop(t.continued)
	}
}

// continuations receives whenever we were continued; resume is to be called.
func (t *terminal) continuations() <-chan os.Signal {
	if t == nil {
		return nil
	}
	return t.continued
}

func (t *terminal) foreground() (pgid int, err error) {
	return unix.IoctlGetInt(int(t.file.Fd()), unix.TIOCGPGRP)
}

func (t *terminal) setForeground(pgid int) error {
	var err error
	withoutTTOU(func() { err = unix.IoctlSetPointerInt(int(t.file.Fd()), unix.TIOCSPGRP, pgid) })
	return err
}

// give puts the program's group into the foreground, if we are there.
func (t *terminal) give(pgid int) {
	if t == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if now, err := t.foreground(); err == nil && now == t.own {
		t.given = t.setForeground(pgid) == nil
	}
}

// take puts us into the foreground again, if it was us who gave it away.
func (t *terminal) take() {
	if t == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.given {
		t.setForeground(t.own)
		t.given = false
	}
}

// suspend is called when the program was stopped by sig: it stops us and
// everything else in our group, which is the job that our shell knows.
//
// Without a shell nobody would ever continue us. Then we do here what the
// kernel does with groups that have none: they are not stopped by Ctrl-Z, and
// one that is stopped for want of the terminal is hung up.
func (t *terminal) suspend(pgid int, sig syscall.Signal) {
	now, err := t.foreground()
	if err != nil {
		return
	}
	wanted := sig == syscall.SIGTTIN || sig == syscall.SIGTTOU
	switch {
	case wanted && (now == pgid || now == t.own):
		// It was quicker than give; or a shell brought us to the foreground,
		// which it does not tell a job that runs.
		t.resume(pgid)
	case !orphaned():
		t.take()
		syscall.Kill(0, syscall.SIGSTOP)
	case !wanted:
		syscall.Kill(-pgid, syscall.SIGCONT)
	case !t.hungUp:
		t.hungUp = true
		syscall.Kill(-pgid, syscall.SIGHUP)
		syscall.Kill(-pgid, syscall.SIGCONT)
	}
}

// resume gives the program what there is to give, and continues it. It is
// called when we were continued.
func (t *terminal) resume(pgid int) {
	t.give(pgid)
	syscall.Kill(-pgid, syscall.SIGCONT)
}

// orphaned reports whether no ancestor of ours is a shell that could continue
// our group: one in another group of our session.
func orphaned() bool {
	session, err := unix.Getsid(0)
	if err != nil {
		return true
	}
	for pid := os.Getppid(); pid > 0; pid = parent(pid) {
		if sid, err := unix.Getsid(pid); err != nil || sid != session {
			return true
		}
		if pgid, err := unix.Getpgid(pid); err != nil || pgid != syscall.Getpgrp() {
			return err != nil
		}
	}
	return true
}
