// Package container says what it takes to run one program somewhere: the
// Command, the ExitStatus it ends with, the Host that runs it here, and the
// lock that names the toolchain images it may run in.
//
// The engine client is container/docker, the images are made by
// container/image, and container/provision puts the two together.
package container

import (
	"context"
	"errors"
	"io"
	"os"
	"syscall"
	"time"
)

// Command is one program to run, on the host or in a container.
type Command struct {
	// Path is the program. Without a slash it is looked up in the PATH of the
	// place where it runs: Env's on the host, the image's in a container.
	Path string
	// Args are the arguments, without the program's own name.
	Args []string
	// Dir is the absolute working directory.
	Dir string
	// Env is the complete environment, "name=value". A container adds what its
	// image sets.
	Env []string
	// Stdin is read by the program; nil is an empty input. An *os.File is
	// inherited as it is. A container does not read it.
	Stdin io.Reader
	// Stdout and Stderr receive the program's output; nil discards it. On the
	// host an *os.File is inherited as it is; anything else is fed through a
	// pipe, one write at a time, and its slowness slows the program. The same
	// value in both keeps the order of the program's writes.
	Stdout, Stderr io.Writer
	// LateStderr is where what a background process writes to the pipe of Stderr
	// goes once the program has ended; nil drops it. See Host.Drain.
	LateStderr *os.File
	// Mounts are what a container must see of the host. The host ignores them.
	Mounts []Mount
	// User is the "uid:gid" the program has in a container; "" is the image's.
	User string
	// Signals are passed on to the program's process group as they arrive.
	// A nil channel passes nothing on.
	Signals <-chan os.Signal
	// Stop says how the program is ended once the context is done: each step
	// sends its signal and waits, and KILL comes after the last. No steps mean
	// KILL at once.
	Stop []StopStep
	// Foreground asks for the terminal: the program's process group becomes
	// the foreground group of the terminal that is standard input, where there
	// is one.
	Foreground bool
	// Started, when not nil, is called with the process id once the program
	// runs (0 in a container).
	Started func(pid int)
}

// Mount makes a path of the host visible in a container.
type Mount struct {
	Source, Target string // absolute; both are usually the same
	Writable       bool
}

// StopStep is one signal of the way to end a program, and how long it gets to
// act on it.
type StopStep struct {
	Signal syscall.Signal
	Wait   time.Duration
}

// ExitStatus is how a program ended. A program that failed is an ExitStatus,
// never an error.
type ExitStatus struct {
	// Code is the exit code, 0 to 255. It is 0 when a signal ended the program.
	Code int
	// Signal ended the program; 0 when it exited by itself.
	Signal syscall.Signal
	// OOM reports that the kernel killed the program for memory. It is only
	// ever set together with SIGKILL.
	OOM bool
	// Stopped reports that the context ended the program.
	Stopped bool
}

// Shell returns the status a shell would report: the exit code, or 128 + the
// number of the signal.
func (s ExitStatus) Shell() int {
	if s.Signal != 0 {
		return 128 + int(s.Signal)
	}
	return s.Code
}

// Executor runs a Command to its end. Host and docker's Container are the two.
//
// Run returns an error only when there is no exit status to report: the
// program was not found (fs.ErrNotExist), cannot be executed
// (ErrNotExecutable), or the engine failed. It is safe for concurrent use.
type Executor interface {
	Run(ctx context.Context, c Command) (ExitStatus, error)
}

// ErrNotExecutable is wrapped by the error of a program that exists and cannot
// be executed: no permission, a directory, or another system's format.
var ErrNotExecutable = errors.New("cannot be executed")

// ErrIntegrity is wrapped by every error that says that something is not what
// the lock, or a digest, says it must be.
var ErrIntegrity = errors.New("does not match its pinned digest")

// Progress is how far a task has come. It is reported as often as the task
// likes; who shows it decides how often to show it.
type Progress struct {
	Task  string // "downloading go1.26.11"
	Done  int64
	Total int64  // 0 when unknown
	Unit  string // "bytes", "files" or "seconds"
}

// HintError is an error together with what its reader can do about it.
type HintError struct {
	Err  error
	Hint string
}

// WithHint adds a hint to err, for people: a sentence in the imperative,
// without a full stop at its end.
func WithHint(err error, hint string) error { return &HintError{Err: err, Hint: hint} }

func (e *HintError) Error() string { return e.Err.Error() }

// Unwrap returns the error that the hint is about.
func (e *HintError) Unwrap() error { return e.Err }

// Hint returns the outermost hint in err's chain, or "".
func Hint(err error) string {
	var h *HintError
	if errors.As(err, &h) {
		return h.Hint
	}
	return ""
}
