package runner

import (
	"context"
	"fmt"
	"os"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// cancels reports whether a signal asks for the end of the run.
func cancels(s os.Signal) bool { return s == syscall.SIGINT || s == syscall.SIGTERM }

func signalName(s os.Signal) string {
	if s, ok := s.(syscall.Signal); ok {
		return unix.SignalName(s)
	}
	return fmt.Sprint(s)
}

// cancelOnSignal returns a context that ends when a signal asks for the end of
// the run before there is a program to pass it to. Until stop returns, the
// signals are its own; what comes later waits in the channel for the program.
// stop says why the context ended before it, nil when it did not: a signal that
// came last of all is known to nobody else.
func (r *run) cancelOnSignal(parent context.Context) (ctx context.Context, stop func() (cause error)) {
	ctx, cancel := context.WithCancelCause(parent)
	quit, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for {
			select {
			case s := <-r.spec.Signals:
				if endsBuild(s) {
					r.cancelled = s
					cancel(fmt.Errorf("cancelled by %s", signalName(s)))
					return
				}
			case <-quit:
				return
			}
		}
	}()
	return ctx, sync.OnceValue(func() error {
		close(quit)
		<-done
		defer cancel(nil)
		return context.Cause(ctx)
	})
}

// endsBuild reports whether a signal would end the go command.
func endsBuild(s os.Signal) bool {
	return cancels(s) || s == syscall.SIGHUP || s == syscall.SIGQUIT
}

// relay passes signals on to the program and notes the ones that ask for its
// end, which it gets some time for. It returns when stop is closed; noted is
// safe to read after that.
func (r *run) relay(to chan<- os.Signal, stop <-chan struct{}) {
	var late <-chan time.Time
	for {
		var s os.Signal
		select {
		case s = <-r.spec.Signals:
		case <-late:
			s, late = syscall.SIGKILL, nil
		case <-stop:
			return
		}
		if cancels(s) {
			r.cancelled = s
			if late == nil && r.spec.CancelGrace > 0 {
				late = time.After(r.spec.CancelGrace)
			}
		}
		select {
		case to <- s:
		case <-stop:
			return
		}
	}
}
