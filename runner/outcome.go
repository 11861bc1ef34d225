package runner

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/org/gorun-action/container"
)

// The exit statuses that are gorun's own; every other one is the program's
// (the convention of timeout, env, nice and docker run).
const (
	statusTimeout       = 124
	statusGorun         = 125
	statusNotExecutable = 126
	statusNotFound      = 127
)

// fault is why no program ran, or ran to its end.
type fault struct {
	outcome Outcome
	err     error
	hint    string
}

func (f *fault) Error() string { return f.err.Error() }
func (f *fault) Unwrap() error { return f.err }

// fail turns an error into the Result's outcome.
func (r *run) fail(err error) {
	f := &fault{outcome: Infrastructure, err: err, hint: container.Hint(err)}
	errors.As(err, &f)
	if f.hint == "" && f.outcome == Infrastructure { // a full disk is one wherever it shows
		f.hint = classify(f.Error(), container.ExitStatus{}).hint
	}
	r.result.Outcome, r.result.Error, r.result.Hint = f.outcome, f.Error(), f.hint
	r.result.ExitStatus = r.faultStatus(f.outcome)
}

func (r *run) faultStatus(o Outcome) int {
	switch o {
	case NotExecutable:
		return statusNotExecutable
	case NotFound:
		return statusNotFound
	case Cancelled:
		if s, ok := r.cancelled.(syscall.Signal); ok {
			return 128 + int(s)
		}
	}
	return statusGorun
}

// startFault is the fault of a program that could not be started.
func startFault(err error) *fault {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return &fault{outcome: NotFound, err: err, hint: container.Hint(err)}
	case errors.Is(err, container.ErrNotExecutable):
		return &fault{outcome: NotExecutable, err: err, hint: container.Hint(err)}
	}
	return &fault{outcome: Infrastructure, err: err, hint: container.Hint(err)}
}

// ended writes down how the program ended.
func (r *run) ended(s container.ExitStatus, t *tracer) {
	status := s.Shell()
	res := &r.result
	res.ProgramStatus, res.ExitStatus = &status, status
	if s.Signal != 0 {
		res.Signal = unix.SignalName(s.Signal)
	}
	res.Outcome = r.outcome(s, t)
	res.Error, res.Hint = r.sentence(s, t), hints[res.Outcome]
	if res.Outcome == Timeout {
		res.ExitStatus = statusTimeout
	}
	if d := t.found(res.Outcome); len(d) > 0 {
		res.Diagnostics = append(res.Diagnostics, d...)
	}
}

func (r *run) outcome(s container.ExitStatus, t *tracer) Outcome {
	switch {
	case s.Stopped:
		return Timeout
	case r.cancelled != nil:
		return Cancelled
	case s.Signal == syscall.SIGKILL && s.OOM:
		return OOM
	case s.Code == raceStatus(r.spec.Env.Get("GORACE")) && t.raced():
		return Race
	case (s.Code == 2 || s.Signal == syscall.SIGABRT) && t.panicked():
		return Panic
	case s.Signal != 0:
		return Signal
	case s.Code == 0:
		return Success
	}
	return Failure
}

// sentence says in one sentence what became of the program.
func (r *run) sentence(s container.ExitStatus, t *tracer) string {
	switch r.result.Outcome {
	case Success:
		return ""
	case Timeout:
		return fmt.Sprintf("the program ran into the time limit of %v and was stopped", r.spec.Timeout)
	case Cancelled:
		return fmt.Sprintf("cancelled by %s; %s", signalName(r.cancelled), ending(s))
	case OOM:
		return "the program was killed because it used more memory than it may"
	case Race:
		return "the race detector reported a data race"
	case Panic:
		return t.sentence()
	}
	return "the program " + ending(s)
}

// hints say what to do about a program that ended in one of these ways.
var hints = map[Outcome]string{
	OOM:     "raise the memory limit, or keep the program below it: GOMEMLIMIT sets a soft limit for Go's heap",
	Timeout: "look where it was in the goroutines above, or raise --timeout",
	Race:    "the report above has both accesses and where their goroutines began",
}

func ending(s container.ExitStatus) string {
	if s.Signal != 0 {
		return fmt.Sprintf("was killed by %s", unix.SignalName(s.Signal))
	}
	return fmt.Sprintf("exited with status %d", s.Code)
}

// raceStatus is the status of a program that reports races, 66 unless GORACE
// says otherwise (https://go.dev/doc/articles/race_detector, exitcode).
func raceStatus(gorace string) int {
	status := 66
	for _, word := range strings.Fields(gorace) {
		if v, ok := strings.CutPrefix(word, "exitcode="); ok {
			fmt.Sscan(v, &status)
		}
	}
	return status
}

// conclude adds what holds for every outcome, and go run's own statuses where
// they were asked for.
func (r *run) conclude() {
	if r.result.Outcome != Success && r.result.Outcome != Usage {
		r.result.Reproduce = r.reproduce()
	}
	if r.spec.Tolerate != nil && r.result.Outcome != Success && r.spec.Tolerate(r.result) {
		r.result.Tolerated = true
	}
	if !r.spec.Compat || r.result.ExitStatus == 0 {
		return
	}
	r.result.ExitStatus = 1
	if r.result.Outcome == Usage {
		r.result.ExitStatus = 2
	}
}
