package runner

import (
	"context"
	"debug/elf"
	"io"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/org/gorun-action/container"
	"github.com/org/gorun-action/internal/capture"
	"github.com/org/gorun-action/internal/goenv"
)

// program runs the executable, as `go run` does: in the working directory,
// with the caller's environment, GOROOT/bin first on PATH, and by the program
// of -exec where one is named.
func (r *run) program(ctx context.Context, plan Plan, exe Executable, path string) error {
	env := r.programEnv(path)
	words := append(append(r.execFor(plan, goenv.Lookup(env, "PATH")), exe.Path), r.spec.Args...)
	r.checkInterpreter(exe.Path)

	ctx, cancel := r.limit(ctx)
	defer cancel()
	trace := r.newTracer(plan)
	begin := r.Now()
	c := container.Command{
		Path: words[0], Args: words[1:], Dir: plan.Dir, Env: env,
		Stdin: r.spec.Stdin, Stdout: r.spec.Stdout, Stderr: trace, LateStderr: fileOf(r.spec.Stderr),
		Stop: stopSteps(r.spec.Grace), Foreground: true,
		Started: func(pid int) { r.Report.Event(Started{Pid: pid, Command: words}) },
	}
	r.becomeProgram(c, exe)
	status, err := r.supervise(ctx, c)
	if err != nil {
		return startFault(err)
	}
	trace.close()
	r.Report.Event(Exited{Status: status, Took: r.Now().Sub(begin)})
	r.ended(status, trace)
	for _, d := range r.result.Diagnostics {
		r.Report.Event(Diagnosed{d})
	}
	return nil
}

// fileOf is where a writer writes to without anything in between, or nil.
func fileOf(w io.Writer) *os.File {
	f, _ := w.(*os.File)
	return f
}

// limit applies the time limit, which counts from the program's start.
func (r *run) limit(ctx context.Context) (context.Context, context.CancelFunc) {
	if r.spec.Timeout <= 0 {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, r.spec.Timeout)
}

// stopSteps end a program at its time limit: QUIT first, at which a Go program
// prints its goroutines and ends; then TERM, then KILL.
func stopSteps(grace time.Duration) []container.StopStep {
	return []container.StopStep{
		{Signal: syscall.SIGQUIT, Wait: grace / 2},
		{Signal: syscall.SIGTERM, Wait: grace - grace/2},
	}
}

// supervise runs the program with this process's signals passed on.
func (r *run) supervise(ctx context.Context, c container.Command) (container.ExitStatus, error) {
	forward, stop := make(chan os.Signal), make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() { r.relay(forward, stop) })
	c.Signals = forward
	status, err := r.Host.Run(ctx, c)
	close(stop)
	wg.Wait()
	return status, err
}

// programEnv is the caller's environment with the PATH that the go command
// gives a program. A go command in a container has no GOROOT here, so the PATH
// stays as it is.
//
// path is that PATH, "" for the caller's.
func (r *run) programEnv(path string) []string {
	env := r.caller.Environ()
	if wd := goenv.Lookup(env, "PWD"); wd != "" && wd != r.spec.Dir {
		env = append(env, "PWD="+r.spec.Dir)
	}
	if path == "" || r.result.Builder != "host" {
		return env
	}
	return append(env, "PATH="+path)
}

// capturedPath is the PATH that the go command gave the capture helper.
func (r *run) capturedPath(exe Executable) string {
	path, err := os.ReadFile(filepath.Join(filepath.Dir(filepath.Dir(exe.Path)), capture.PathFile))
	if err != nil {
		return ""
	}
	return string(path)
}

// checkInterpreter says so when -ldlgo had nothing to act on.
func (r *run) checkInterpreter(path string) {
	if r.spec.Build.Interpreter == "" {
		return
	}
	f, err := elf.Open(path)
	if err != nil {
		return
	}
	defer f.Close()
	if hasInterpreter(f) {
		return
	}
	r.Report.Event(Warned{
		Message: "-ldlgo has no effect: the program is statically linked and needs no dynamic linker",
		Hint:    "drop the flag, or link dynamically with cgo",
	})
}
