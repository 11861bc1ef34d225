package container

import (
	"os"
	"os/signal"
	"sync"
	"syscall"
)

// Reaper reaps the orphans that become children of this process: as PID 1 of
// a container, or as a subreaper. It never takes the status of a process that
// was started through it.
//
// Once there is a Reaper, every child of this process has to be started
// through it: with Host.Reaper, StartGuard, or Start.
//
// Start and Forget may be called on nil, which reaps nothing.
type Reaper struct {
	mu   sync.Mutex
	own  map[int]bool // children that somebody waits for
	wake chan os.Signal
	quit chan struct{}
	done chan struct{}
}

// StartReaper returns a Reaper at work. A process that is not PID 1 becomes
// the parent of its orphaned descendants (Linux).
func StartReaper() *Reaper {
	r := &Reaper{
		own:  make(map[int]bool),
		wake: make(chan os.Signal, 1),
		quit: make(chan struct{}),
		done: make(chan struct{}),
	}
	adoptOrphans(true)
	signal.Notify(r.wake, syscall.SIGCHLD)
	go r.loop()
	return r
}

// Close ends the reaping. It must be called at most once.
func (r *Reaper) Close() {
	signal.Stop(r.wake)
	adoptOrphans(false)
	close(r.quit)
	<-r.done
}

// Start calls fork, which starts a child and returns its id. Until Forget is
// called the child is left to whoever waits for it.
func (r *Reaper) Start(fork func() (pid int, err error)) (int, error) {
	if r == nil {
		return fork()
	}
	r.mu.Lock() // or a child that ends at once would be reaped before it is known
	defer r.mu.Unlock()
	pid, err := fork()
	if err == nil {
		r.own[pid] = true
	}
	return pid, err
}

// Forget is called once a child that Start returned has been waited for.
func (r *Reaper) Forget(pid int) {
	if r == nil {
		return
	}
	r.mu.Lock()
	delete(r.own, pid)
	r.mu.Unlock()
	select {
	case r.wake <- syscall.SIGCHLD: // it may have hidden others from reap
	default:
	}
}

func (r *Reaper) loop() {
	defer close(r.done)
	for {
		r.reap()
		select {
		case <-r.wake:
		case <-r.quit:
			return
		}
	}
}

// reap reaps until there is no zombie, or one of our own comes first: the
// kernel then shows no other, and Forget wakes us.
func (r *Reaper) reap() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for {
		pid := peekZombie()
		if pid == 0 || r.own[pid] {
			return
		}
		syscall.Wait4(pid, nil, syscall.WNOHANG, nil)
	}
}
