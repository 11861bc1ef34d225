package container

import (
	"context"
	"fmt"
	"io"
	"os"
	"runtime"
	"sync"
	"syscall"
	"time"
)

// Host runs programs on this machine. The zero Host is ready for use.
//
// A program is the leader of a process group of its own, and is killed by the
// kernel when this process dies (Linux). What else is in its group is left
// alone when the program ends by itself, as `go run` leaves it, and is killed
// when the context ended it. A process that has left the group (setsid) is
// out of reach.
type Host struct {
	// Guard kills the group of a program when this process dies before it.
	// nil: only the program itself is killed then.
	Guard *Guard
	// Reaper must be the one of this process where it has one, so that it
	// leaves the programs' statuses to Run. nil: there is none.
	Reaper *Reaper
	// Drain is given the reading end of a pipe that a background process still
	// has when the program has ended, and where it goes, nil for nowhere; see
	// StartDrain. The pipe is closed after it. nil: the process gets SIGPIPE.
	Drain func(r, to *os.File) error
}

var _ Executor = Host{}

// Run runs c to its end. Everything the program wrote has been passed on when
// it returns; what a background process that outlives the program writes into
// the same pipe after that is for Drain.
//
// A writer that fails closes its pipe, so that the program learns of it the
// way it would without us. A Stdin that is no *os.File may have been read
// further than the program did, and a Read of it may still be under way when
// Run returns.
//
// A context that is done before the program starts is an error that wraps its
// cause.
func (h Host) Run(ctx context.Context, c Command) (ExitStatus, error) {
	if ctx.Err() != nil {
		return ExitStatus{}, fmt.Errorf("starting %q: %w", c.Path, context.Cause(ctx))
	}
	path, err := lookPath(c)
	if err != nil {
		return ExitStatus{}, err
	}
	streams, err := openStreams(c)
	if err != nil {
		return ExitStatus{}, fmt.Errorf("preparing the streams of %q: %w", c.Path, err)
	}
	defer streams.close()
	terminal := findTerminal(c)
	defer terminal.close()

	p, started := h.start(c, path, streams.child, terminal)
	// Some files to read, in the time that fork and exec take: no program
	// gets as far as to run out of memory in that.
	oom := findOOMCounter(os.DirFS("/"))
	if err := <-started; err != nil {
		return ExitStatus{}, startError(c, path, err)
	}
	streams.started(c)
	if c.Started != nil {
		c.Started(p.pid)
	}
	if err := p.supervise(ctx, c); err != nil {
		return ExitStatus{}, fmt.Errorf("waiting for %q: %w", c.Path, err)
	}
	streams.drain(h.Drain)
	return p.exitStatus(oom), nil
}

// process is the leader of a process group.
type process struct {
	pid      int // and the id of its group
	terminal *terminal
	ended    chan error // receives nil once the process has ended and status is set

	mu      sync.Mutex
	status  syscall.WaitStatus
	reaped  bool // the process id may be somebody else's by now
	stopped bool // the context's end was the first to reach it
	killed  bool // we sent KILL
}

// start runs path as c says, and sends once whether it could. The thread that forks is the one that waits:
// the kernel sends the parent-death signal when that thread ends, which need
// not be when the process does (golang/go#27505).
func (h Host) start(c Command, path string, files [3]*os.File, t *terminal) (p *process, started <-chan error) {
	p = &process{terminal: t, ended: make(chan error, 1)}
	result := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		h.Guard.await()
		born := h.Guard.starting()
		err := h.fork(p, c, path, files)
		if err != nil {
			born()
			result <- err
			return
		}
		release := h.Guard.Group(p.pid)
		born()
		p.terminal.give(p.pid)
		result <- nil
		err = p.awaitEnd()
		p.terminal.take()
		p.finish(release)
		h.Reaper.Forget(p.pid)
		p.ended <- err
	}()
	return p, result
}

// fork starts the process, trying three times while its file is still open
// for writing in some child that is between fork and exec (golang/go#22315),
// as cmd/go does.
func (h Host) fork(p *process, c Command, path string, files [3]*os.File) error {
	attr := &syscall.ProcAttr{Dir: c.Dir, Env: uniqueEnv(c.Env), Sys: sysProcAttr()}
	for _, f := range files {
		attr.Files = append(attr.Files, f.Fd())
	}
	argv := append([]string{c.Path}, c.Args...)
	for try := 0; ; try++ {
		pid, err := h.Reaper.Start(func() (int, error) { return syscall.ForkExec(path, argv, attr) })
		runtime.KeepAlive(files)
		if err == syscall.ETXTBSY && try < 2 {
			time.Sleep(100 * time.Millisecond << try)
			continue
		}
		p.pid = pid
		return err
	}
}

// finish reaps the process, which has ended. Until it is reaped its id, and
// so that of its group, is nobody else's: what is to be done to the group is
// done before.
func (p *process) finish(release func()) {
	p.mu.Lock()
	if p.stopped {
		syscall.Kill(-p.pid, syscall.SIGKILL)
	}
	release()
	p.reap()
	p.reaped = true
	p.mu.Unlock()
	if p.stopped {
		awaitGroupEnd(p.pid, time.Second) // longer only when one hangs in the kernel
	}
}

// awaitGroupEnd waits until nothing of a group that was killed runs any more,
// which takes the kernel a moment.
func awaitGroupEnd(pgid int, limit time.Duration) {
	for end := time.Now().Add(limit); time.Now().Before(end); time.Sleep(time.Millisecond) {
		if syscall.Kill(-pgid, 0) == syscall.ESRCH || onlyZombies(pgid) {
			return
		}
	}
}

// supervise passes signals on and, once the context is done, goes down the
// steps of c.Stop, until the process has ended.
func (p *process) supervise(ctx context.Context, c Command) error {
	var (
		signals   = c.Signals
		continued = p.terminal.continuations()
		done      = ctx.Done()
		steps     = c.Stop
		next      <-chan time.Time
	)
	for {
		select {
		case err := <-p.ended:
			return err
		case s, ok := <-signals:
			if !ok {
				signals = nil
			} else if s, ok := s.(syscall.Signal); ok {
				p.signal(s)
			}
			continue
		case <-continued:
			p.terminal.resume(p.pid)
			continue
		case <-done:
			done = nil
			if !p.beginStop() {
				continue
			}
		case <-next:
		}
		if len(steps) == 0 {
			p.signal(syscall.SIGKILL)
			next = nil
			continue
		}
		p.signal(steps[0].Signal)
		p.signal(syscall.SIGCONT) // a stopped program could not act on it; timeout(1) does so, too
		next = time.After(steps[0].Wait)
		steps = steps[1:]
	}
}

// beginStop notes that the context ends the process, and reports false when
// the process has already ended by itself.
func (p *process) beginStop() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.reaped || p.hasEnded() {
		return false
	}
	p.stopped = true
	return true
}

// signal sends s to the whole group, and to the program where that has gone to
// another one.
func (p *process) signal(s syscall.Signal) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.reaped {
		return
	}
	if s == syscall.SIGKILL {
		p.killed = true
	}
	syscall.Kill(-p.pid, s)
	if pgid, err := syscall.Getpgid(p.pid); err == nil && pgid != p.pid || s == syscall.SIGKILL {
		syscall.Kill(p.pid, s)
	}
}

// exitStatus is called once the process has ended.
func (p *process) exitStatus(oom oomCounter) ExitStatus {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := ExitStatus{Stopped: p.stopped}
	if !p.status.Signaled() {
		s.Code = p.status.ExitStatus()
		return s
	}
	s.Signal = p.status.Signal()
	s.OOM = s.Signal == syscall.SIGKILL && !p.killed && oom.grew()
	return s
}

// streams are the three standard streams of a program, and what feeds them.
type streams struct {
	child   [3]*os.File
	ours    []*os.File // opened for the child
	input   *os.File   // the end of the input's pipe that we write to
	outputs []*output
}

// openStreams opens what c's streams need. The caller closes the result.
func openStreams(c Command) (*streams, error) {
	s := &streams{}
	err := s.open(c)
	if err != nil {
		s.close()
	}
	return s, err
}

func (s *streams) open(c Command) (err error) {
	if s.child[0], err = s.openInput(c.Stdin); err != nil {
		return err
	}
	if s.child[1], err = s.openOutput(c.Stdout, nil); err != nil {
		return err
	}
	if sameWriter(c.Stdout, c.Stderr) {
		s.child[2] = s.child[1]
		return nil
	}
	s.child[2], err = s.openOutput(c.Stderr, c.LateStderr)
	return err
}

func (s *streams) openInput(r io.Reader) (*os.File, error) {
	if r == nil {
		return s.own(os.Open(os.DevNull))
	}
	if f, ok := r.(*os.File); ok {
		return f, nil
	}
	child, ours, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	s.input = ours
	return s.own(child, nil)
}

func (s *streams) openOutput(w io.Writer, late *os.File) (*os.File, error) {
	if w == nil {
		return s.own(os.OpenFile(os.DevNull, os.O_WRONLY, 0))
	}
	if f, ok := w.(*os.File); ok {
		return f, nil
	}
	o, child, err := newOutput(w)
	if err != nil {
		return nil, err
	}
	o.late = late
	s.outputs = append(s.outputs, o)
	return s.own(child, nil)
}

func (s *streams) own(f *os.File, err error) (*os.File, error) {
	if err == nil {
		s.ours = append(s.ours, f)
	}
	return f, err
}

// started closes the child's ends and begins to feed the pipes.
func (s *streams) started(c Command) {
	for _, f := range s.ours {
		f.Close()
	}
	s.ours = nil
	for _, o := range s.outputs {
		go o.pump()
	}
	if s.input != nil {
		go func(w *os.File) {
			io.Copy(w, c.Stdin)
			w.Close()
		}(s.input)
	}
}

// drain is called once the program has ended. It returns when all that the
// program wrote has been passed on, and hands over what others still write to.
func (s *streams) drain(handOver func(r, to *os.File) error) {
	for _, o := range s.outputs {
		o.finish()
		if o.held && handOver != nil {
			_ = handOver(o.r, o.late) // that it could not be started is the background process's loss
		}
	}
}

// close releases what is still open. It ends a copy into the input's pipe,
// unless that is waiting for its Reader.
func (s *streams) close() {
	for _, f := range s.ours {
		f.Close()
	}
	if s.input != nil {
		s.input.Close()
	}
	for _, o := range s.outputs {
		o.r.Close()
	}
}
