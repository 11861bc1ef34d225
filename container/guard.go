package container

import (
	"bufio"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// GuardName is the argv[0] of a guard. A command that starts one calls
// ServeGuard, and nothing else, when that is the base of its own.
const GuardName = "gorun-guard"

// Guard is a small process that outlives this one for a moment, and cleans up
// when this one could not: it kills process groups, removes containers, and
// then removes temporary directories.
//
// It reads a pipe that only this process writes to. Its lines add to a list
// and take from it:
//
//	+start 4242 4700 1234567
//	+group 4711
//	-start 4242 4700 1234567
//	+container gorun-0123456789ab
//	+dir "/tmp/gorun-1234567"
//	-group 4711
//
// The kernel closes the pipe however this process ends. What is still on the
// list then is acted upon. A path is quoted as by strconv.Quote; its base has
// to begin with "gorun-" and end with a digit, as os.MkdirTemp makes it of
// "gorun-*". A line that is anything else is ignored, and so is one without
// its newline.
//
// A guard that died or hangs never disturbs a run. The methods are safe for
// concurrent use, and may be called on nil, which guards nothing.
type Guard struct {
	mu      sync.Mutex
	pipe    *os.File      // nil once it is closed
	process *process      // nil when it could not be started
	lost    bool          // it has not heard everything
	forked  chan struct{} // closed when it is known whether there is a process; nil: there never will be
}

// StartGuard starts a guard: the executable self under the name GuardName, in
// a session of its own. It does not wait for it, so it returns an error only
// when there are no descriptors to be had. Whoever gives it something to guard,
// Host.Run too, waits until it has been forked, which costs nothing when that
// was some milliseconds ago. r may be nil.
func StartGuard(self string, r *Reaper) (*Guard, error) {
	in, pipe, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		in.Close()
		pipe.Close()
		return nil, err
	}
	g := &Guard{pipe: pipe, forked: make(chan struct{})}
	go g.run(self, in, null, r)
	return g, nil
}

// run starts the guard process, and waits for its end.
func (g *Guard) run(self string, in, null *os.File, r *Reaper) {
	p := &process{}
	pid, err := r.Start(func() (int, error) {
		return syscall.ForkExec(self, []string{GuardName}, &syscall.ProcAttr{
			Dir:   "/", // keeps no directory busy
			Env:   os.Environ(),
			Files: []uintptr{in.Fd(), null.Fd(), null.Fd()},
			Sys:   &syscall.SysProcAttr{Setsid: true},
		})
	})
	in.Close() // with it, writing fails once the guard is dead
	null.Close()
	if err == nil {
		p.pid = pid
		g.mu.Lock()
		g.process = p
		g.mu.Unlock()
	}
	close(g.forked)
	if err == nil {
		p.awaitEnd()
		p.finish(func() {})
		r.Forget(pid)
	}
}

// await returns once the guard has been started, or could not be: a program
// that runs before its guard would not be guarded. It is no wait for a guard
// that was started as early as it can be.
func (g *Guard) await() {
	if g != nil && g.forked != nil {
		<-g.forked
	}
}

// Close lets the guard go, which first acts on what is still on its list.
func (g *Guard) Close() {
	if g == nil {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.pipe != nil {
		g.pipe.Close()
		g.pipe = nil
	}
}

// Group has a process group killed. It must be released before its leader is
// reaped: the id may be another group's after that.
func (g *Guard) Group(pgid int) (release func()) { return g.add("group " + strconv.Itoa(pgid)) }

// Container has a container removed. It may be called before there is one:
// the guard tries for some seconds.
func (g *Guard) Container(name string) (release func()) {
	g.await()
	return g.add("container " + name)
}

// Dir has a temporary directory removed, an absolute path. Like a container
// it may be named before it exists.
func (g *Guard) Dir(path string) (release func()) {
	g.await()
	return g.add("dir " + strconv.Quote(path))
}

func (g *Guard) add(entry string) (release func()) {
	if g == nil {
		return func() {}
	}
	g.write("+" + entry + "\n")
	return sync.OnceFunc(func() { g.write("-" + entry + "\n") })
}

// write kills a guard that does not read, when the pipe is full after a few
// thousand lines: one that does not know what was released is worse than none.
func (g *Guard) write(line string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.pipe == nil || g.lost {
		return
	}
	g.pipe.SetWriteDeadline(time.Now().Add(100 * time.Millisecond))
	if _, err := g.pipe.WriteString(line); err != nil {
		g.lost = true
		if g.process != nil {
			g.process.signal(syscall.SIGKILL)
		}
	}
}

// GuardActions is what a guard cannot do by itself.
type GuardActions struct {
	// RemoveContainer removes a container with all that runs in it; that there is
	// none is fs.ErrNotExist. It is called again until it returns nil: for some
	// seconds where there is none, as its creation may be under way, and for some
	// minutes where the engine does not answer. nil: containers are left alone.
	RemoveContainer func(ctx context.Context, name string) error
}

// How long a guard tries.
const (
	guardKillWait      = 2 * time.Second  // a killed process is gone in milliseconds, unless it hangs in the kernel
	guardContainerWait = 10 * time.Second // for one that is not there
	guardEngineWait    = 5 * time.Minute  // for an engine
	guardEngineTry     = 5 * time.Second  // for an answer
	guardContainerTick = 250 * time.Millisecond
)

// ServeGuard is the whole of a guard process. It returns when all is done.
func ServeGuard(in io.Reader, actions GuardActions) {
	signal.Ignore() // whatever ends this session is not to end us
	serveGuard(in, actions)
}

func serveGuard(in io.Reader, actions GuardActions) {
	list := readGuardList(in)
	var groups, containers sync.WaitGroup
	for _, b := range list.births {
		groups.Go(b.killOrphans)
	}
	for _, pgid := range list.groups {
		groups.Go(func() {
			syscall.Kill(-pgid, syscall.SIGKILL)
			awaitGroupEnd(pgid, guardKillWait)
		})
	}
	for _, name := range list.containers {
		containers.Go(func() { actions.removeContainer(name) })
	}
	groups.Wait()
	containers.Wait()
	for _, dir := range list.dirs {
		os.RemoveAll(dir)
	}
}

func (a GuardActions) removeContainer(name string) {
	if a.RemoveContainer == nil {
		return
	}
	var missing time.Time // since when the engine says that there is none
	for begin := time.Now(); time.Since(begin) < guardEngineWait; time.Sleep(guardContainerTick) {
		ctx, cancel := context.WithTimeout(context.Background(), guardEngineTry)
		err := a.RemoveContainer(ctx, name)
		cancel()
		switch {
		case err == nil:
			return
		case !errors.Is(err, fs.ErrNotExist):
			missing = time.Time{}
		case missing.IsZero():
			missing = time.Now()
		case time.Since(missing) > guardContainerWait:
			return
		}
	}
}

// guardList is what a guard has to do, in the order it was told.
type guardList struct {
	births           []birth
	groups           []int
	containers, dirs []string
}

// readGuardList reads to the end of the pipe.
func readGuardList(in io.Reader) guardList {
	var entries []guardEntry
	lines := bufio.NewReaderSize(in, 32<<10) // longer than any line of ours: a quoted path has at most 4 times PATH_MAX
	for {
		line, err := lines.ReadSlice('\n')
		for errors.Is(err, bufio.ErrBufferFull) {
			line = nil
			_, err = lines.ReadSlice('\n')
		}
		if err != nil {
			return newGuardList(entries)
		}
		add, e, ok := parseGuardLine(string(line))
		if !ok {
			continue
		}
		entries = without(entries, e)
		if add {
			entries = append(entries, e)
		}
	}
}

// guardEntry is one thing on the list: the kind, and its group or name.
type guardEntry struct {
	kind  string
	group int
	birth birth
	name  string
}

func without(entries []guardEntry, e guardEntry) []guardEntry {
	for i := range entries {
		if entries[i] == e {
			return append(entries[:i:i], entries[i+1:]...)
		}
	}
	return entries
}

func newGuardList(entries []guardEntry) (l guardList) {
	for _, e := range entries {
		switch e.kind {
		case "start":
			l.births = append(l.births, e.birth)
		case "group":
			l.groups = append(l.groups, e.group)
		case "container":
			l.containers = append(l.containers, e.name)
		case "dir":
			l.dirs = append(l.dirs, e.name)
		}
	}
	return l
}

// containerName is what the Docker engine accepts as a name.
var containerName = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9_.-]{1,127}$`)
})

// parseGuardLine takes one line with its newline.
func parseGuardLine(line string) (add bool, e guardEntry, ok bool) {
	line, ok = strings.CutSuffix(line, "\n")
	if !ok || line == "" || line[0] != '+' && line[0] != '-' {
		return false, e, false
	}
	add = line[0] == '+'
	kind, value, _ := strings.Cut(line[1:], " ")
	e.kind = kind
	switch kind {
	case "start":
		e.birth, ok = parseBirth(value)
	case "group":
		e.group, ok = parseGroup(value)
	case "container":
		e.name, ok = value, containerName().MatchString(value)
	case "dir":
		e.name, ok = parseDir(value)
	default:
		ok = false
	}
	return add, e, ok
}

const pidMax = 4 << 20 // Linux's PID_MAX_LIMIT

// parseGroup takes a process group that may be killed: never our own (0),
// everybody's (1, as -1), nor what no system has as a process id.
func parseGroup(s string) (int, bool) {
	n, err := strconv.Atoi(s)
	return n, err == nil && strconv.Itoa(n) == s && n > 1 && n <= pidMax
}

// parseDir takes a directory that may be removed with all that is in it.
func parseDir(s string) (string, bool) {
	dir, err := strconv.Unquote(s)
	if err != nil || strconv.Quote(dir) != s || !filepath.IsAbs(dir) || filepath.Clean(dir) != dir ||
		strings.ContainsRune(dir, 0) {
		return "", false
	}
	base := filepath.Base(dir)
	last := base[len(base)-1]
	return dir, strings.HasPrefix(base, "gorun-") && '0' <= last && last <= '9'
}
