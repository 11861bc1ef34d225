package container

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// helperVar names, in a process that a test starts, what the test binary is
// to do instead of testing.
const helperVar = "GORUN_CONTAINER_TEST_HELPER"

func TestMain(m *testing.M) {
	if filepath.Base(os.Args[0]) == GuardName {
		ServeGuard(os.Stdin, GuardActions{})
		return
	}
	name := os.Getenv(helperVar)
	if name == "" {
		os.Exit(m.Run())
	}
	helper, ok := helpers()[name]
	if !ok {
		fmt.Fprintln(os.Stderr, "no such helper:", name)
		os.Exit(99)
	}
	os.Exit(helper(os.Args[1:]))
}

func helpers() map[string]func(args []string) int {
	return map[string]func([]string) int{
		"raise":      helperRaise,
		"report":     helperReport,
		"stubborn":   helperStubborn,
		"family":     helperFamily,
		"drain":      helperDrain,
		"flood":      helperFlood,
		"supervisor": helperSupervisor,
		"gap":        helperGap,
		"init":       helperInit,
		"eat":        helperEat,
		"terminal":   helperTerminal,
		"job":        helperJob,
		"escape":     helperEscape,
	}
}

// self is the test binary.
func self(t testing.TB) string {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return exe
}

// helperCommand runs one of the helpers.
func helperCommand(t testing.TB, name string, args ...string) Command {
	t.Helper()
	return Command{Path: self(t), Args: args, Dir: t.TempDir(), Env: append(os.Environ(), helperVar+"="+name)}
}

func shell(t testing.TB, script string) Command {
	t.Helper()
	return Command{Path: "sh", Args: []string{"-c", script}, Dir: t.TempDir(), Env: os.Environ()}
}

func run(t testing.TB, c Command) ExitStatus {
	t.Helper()
	status, err := Host{}.Run(context.Background(), c)
	if err != nil {
		t.Fatal(err)
	}
	return status
}

// eventually waits until cond holds.
func eventually(t testing.TB, limit time.Duration, what string, cond func() bool) {
	t.Helper()
	for end := time.Now().Add(limit); !cond(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not within %v: %s", limit, what)
		}
	}
}

// alive reports whether the process exists and is no zombie.
func alive(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
	return len(fields) > 0 && fields[0][0] != 'Z' && fields[0][0] != 'X'
}

// lockedBuffer may be read while a program writes to it.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

func TestRunExitCodes(t *testing.T) {
	for code := range 256 {
		if got := run(t, shell(t, "exit "+strconv.Itoa(code))); got != (ExitStatus{Code: code}) {
			t.Errorf("exit %d: %+v", code, got)
		}
	}
}

func helperRaise(args []string) int {
	n, _ := strconv.Atoi(args[0])
	syscall.Kill(os.Getpid(), syscall.Signal(n))
	time.Sleep(20 * time.Millisecond) // a signal to the process may reach another thread
	return 77
}

// TestRunSignals has programs kill themselves with every signal that does not
// stop them. What the Go runtime makes of one is its own matter: os/exec is
// the judge.
func TestRunSignals(t *testing.T) {
	for n := 1; n <= 64; n++ {
		switch s := syscall.Signal(n); s {
		case syscall.SIGSTOP, syscall.SIGTSTP, syscall.SIGTTIN, syscall.SIGTTOU:
			continue
		default:
			for kind, c := range map[string]Command{
				"sh": shell(t, fmt.Sprintf("ulimit -c 0; kill -%d $$; exit 77", n)),
				"go": helperCommand(t, "raise", strconv.Itoa(n)),
			} {
				judge := exec.Command(c.Path, c.Args...)
				judge.Env, judge.Dir = c.Env, c.Dir
				judge.Run()
				ws := judge.ProcessState.Sys().(syscall.WaitStatus)
				want := ExitStatus{Code: max(ws.ExitStatus(), 0)}
				if ws.Signaled() {
					want.Signal = ws.Signal()
				}
				if kind == "sh" && want.Signal == 0 && want.Code != 77 || kind == "sh" && s == syscall.SIGTERM && want.Signal != s {
					t.Fatalf("kill -%d: the test does not do what it should: %+v", n, want)
				}
				if got := run(t, c); got != want {
					t.Errorf("%s, signal %d: got %+v, want %+v", kind, n, got, want)
				}
			}
		}
	}
}

// helperReport prints the signals it gets, until it got TERM, in a line each.
func helperReport([]string) int {
	signals := make(chan os.Signal, 10)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGHUP, syscall.SIGQUIT,
		syscall.SIGUSR1, syscall.SIGUSR2, syscall.SIGWINCH, syscall.SIGTERM)
	fmt.Println("ready")
	for s := range signals {
		fmt.Println(s)
		if s == syscall.SIGTERM {
			return 42
		}
	}
	return 0
}

func TestRunForwardsSignals(t *testing.T) {
	var out lockedBuffer
	signals := make(chan os.Signal)
	c := helperCommand(t, "report")
	c.Stdout, c.Signals = &out, signals
	done := make(chan ExitStatus, 1)
	go func() { done <- run(t, c) }()
	want := "ready\n"
	for _, s := range []syscall.Signal{syscall.SIGINT, syscall.SIGHUP, syscall.SIGQUIT,
		syscall.SIGUSR1, syscall.SIGUSR2, syscall.SIGWINCH, syscall.SIGTERM} {
		eventually(t, 5*time.Second, want, func() bool { return out.String() == want })
		signals <- s
		want += s.String() + "\n"
	}
	if got := <-done; got != (ExitStatus{Code: 42}) || out.String() != want {
		t.Errorf("%+v\n%s", got, &out)
	}
}

// TestRunSignalsReachTheGroup has a shell wait for a child: both get it.
func TestRunSignalsReachTheGroup(t *testing.T) {
	var out lockedBuffer
	signals := make(chan os.Signal, 1)
	c := shell(t, `trap 'echo parent' USR1
		sh -c 'trap "echo child; exit" USR1; echo ready; while :; do sleep 0.01; done' &
		wait; wait`)
	c.Stdout, c.Signals = &out, signals
	done := make(chan ExitStatus, 1)
	go func() { done <- run(t, c) }()
	eventually(t, 5*time.Second, "ready", func() bool { return out.String() == "ready\n" })
	signals <- syscall.SIGUSR1
	close(signals) // which means nothing
	<-done
	lines := strings.Fields(out.String())
	slices.Sort(lines)
	if !slices.Equal(lines, []string{"child", "parent", "ready"}) {
		t.Errorf("%q", lines)
	}
}

// helperStubborn prints QUIT and TERM when it gets them, and goes on.
func helperStubborn([]string) int {
	signals := make(chan os.Signal, 10)
	signal.Notify(signals, syscall.SIGQUIT, syscall.SIGTERM)
	fmt.Println("ready")
	for s := range signals {
		fmt.Println(s)
	}
	return 0
}

func TestStopSteps(t *testing.T) {
	steps := []StopStep{{syscall.SIGQUIT, 200 * time.Millisecond}, {syscall.SIGTERM, 100 * time.Millisecond}}
	tests := []struct {
		name     string
		c        Command
		stop     []StopStep
		want     ExitStatus
		output   string
		min, max time.Duration
	}{
		{"ignores the first two", helperCommand(t, "stubborn"), steps,
			ExitStatus{Signal: syscall.SIGKILL, Stopped: true}, "ready\nquit\nterminated\n", 300 * time.Millisecond, 600 * time.Millisecond},
		{"no steps", helperCommand(t, "stubborn"), nil,
			ExitStatus{Signal: syscall.SIGKILL, Stopped: true}, "ready\n", 0, 200 * time.Millisecond},
		{"acts on the second", helperCommand(t, "report"), steps,
			ExitStatus{Code: 42, Stopped: true}, "ready\nquit\nterminated\n", 200 * time.Millisecond, 290 * time.Millisecond},
		{"is stopped itself", shell(t, "echo ready; kill -STOP $$"), steps[1:],
			ExitStatus{Signal: syscall.SIGTERM, Stopped: true}, "ready\n", 0, 90 * time.Millisecond},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(context.Background())
			var out lockedBuffer
			test.c.Stdout, test.c.Stop = &out, test.stop
			var began time.Time
			go func() {
				eventually(t, 5*time.Second, "ready", func() bool { return out.String() == "ready\n" })
				time.Sleep(20 * time.Millisecond)
				began = time.Now()
				cancel()
			}()
			got, err := Host{}.Run(ctx, test.c)
			took := time.Since(began)
			if err != nil || got != test.want || out.String() != test.output {
				t.Errorf("%+v, %v, %q", got, err, out.String())
			}
			if took < test.min || took > test.max {
				t.Errorf("took %v, not %v to %v", took, test.min, test.max)
			}
		})
	}
}

// helperFamily starts a process in its group that ignores everything, prints
// both ids, and exits at once when args say so.
func helperFamily(args []string) int {
	c := exec.Command("sh", "-c", "trap '' HUP INT QUIT TERM; while :; do sleep 0.05; done")
	if err := c.Start(); err != nil {
		return 98
	}
	fmt.Println(os.Getpid(), c.Process.Pid)
	if len(args) > 0 {
		return 7
	}
	time.Sleep(time.Minute)
	return 0
}

func familyPids(t *testing.T, out string) (parent, child int) {
	t.Helper()
	if _, err := fmt.Sscan(out, &parent, &child); err != nil {
		t.Fatalf("%q: %v", out, err)
	}
	return parent, child
}

func TestStopKillsTheGroup(t *testing.T) {
	for range 10 {
		var out lockedBuffer
		ctx, cancel := context.WithCancel(context.Background())
		c := helperCommand(t, "family")
		c.Stdout, c.Stop = &out, []StopStep{{syscall.SIGTERM, 5 * time.Second}}
		go func() {
			eventually(t, 5*time.Second, "output", func() bool { return strings.HasSuffix(out.String(), "\n") })
			cancel()
		}()
		got, err := Host{}.Run(ctx, c)
		if want := (ExitStatus{Signal: syscall.SIGTERM, Stopped: true}); err != nil || got != want {
			t.Fatalf("%+v, %v", got, err)
		}
		parent, child := familyPids(t, out.String())
		if alive(parent) || alive(child) {
			t.Errorf("alive after Run: the program %v, its child %v", alive(parent), alive(child))
		}
	}
}

func TestNormalExitKillsNothing(t *testing.T) {
	out, err := os.CreateTemp(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	c := helperCommand(t, "family", "exit")
	c.Stdout = out
	if got := run(t, c); got != (ExitStatus{Code: 7}) {
		t.Errorf("%+v", got)
	}
	b, _ := os.ReadFile(out.Name())
	parent, child := familyPids(t, string(b))
	time.Sleep(50 * time.Millisecond)
	if !alive(child) {
		t.Error("the background process was killed")
	}
	syscall.Kill(-parent, syscall.SIGKILL)
}

func TestContextDoneBefore(t *testing.T) {
	cause := errors.New("because")
	ctx, cancel := context.WithCancelCause(context.Background())
	cancel(cause)
	if _, err := (Host{}).Run(ctx, shell(t, "exit 0")); !errors.Is(err, cause) {
		t.Error(err)
	}
}

// TestThreadsEnd is golang/go#27505: threads come and go while programs run,
// and none of them is the one whose end kills a program.
func TestThreadsEnd(t *testing.T) {
	done := make(chan ExitStatus)
	for range 20 {
		go func() { done <- run(t, shell(t, "sleep 0.5")) }()
	}
	for range 200 {
		go runtime.LockOSThread() // ends its thread
		time.Sleep(time.Millisecond)
	}
	for range 20 {
		if s := <-done; s != (ExitStatus{}) {
			t.Errorf("%+v", s)
		}
	}
}

func TestStarted(t *testing.T) {
	var out bytes.Buffer
	c := shell(t, "echo $$; ps -o pgid= -p $$")
	c.Stdout = &out
	var pid int
	c.Started = func(p int) { pid = p }
	run(t, c)
	if got, want := strings.Fields(out.String()), strconv.Itoa(pid); !slices.Equal(got, []string{want, want}) {
		t.Errorf("%q, not twice %s", got, want)
	}
}

func TestEnvironment(t *testing.T) {
	var out bytes.Buffer
	c := shell(t, "exec env")
	c.Env = []string{"A=1", "PATH=/nowhere", "B=2", "A=3", "PATH=/usr/bin:/bin"}
	c.Stdout = &out
	run(t, c)
	got := strings.Fields(out.String())
	got = slices.DeleteFunc(got, func(s string) bool { return strings.HasPrefix(s, "PWD=") || strings.HasPrefix(s, "_=") })
	slices.Sort(got)
	if !slices.Equal(got, []string{"A=3", "B=2", "PATH=/usr/bin:/bin"}) {
		t.Errorf("%q", got)
	}
	c.Path, c.Args, c.Env = "/usr/bin/env", nil, nil
	out.Reset()
	if run(t, c); out.Len() != 0 {
		t.Errorf("no environment is %q", out.String())
	}
}

// TestNoLeaks counts goroutines and descriptors over many runs of all kinds.
func TestNoLeaks(t *testing.T) {
	descriptors := func() int {
		entries, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Fatal(err)
		}
		return len(entries)
	}
	missing := Command{Path: "/no/such/program", Dir: t.TempDir(), Stdout: io.Discard, Stdin: strings.NewReader("x")}
	one := func(i int) {
		c := shell(t, "cat >/dev/null; echo out; echo err >&2")
		c.Stdin, c.Stdout, c.Stderr = strings.NewReader(strings.Repeat("x", 100)), new(bytes.Buffer), new(bytes.Buffer)
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		switch i % 4 {
		case 1:
			c.Args[1] = "exec sleep 10"
			c.Stdin = strings.NewReader(strings.Repeat("x", 1<<20)) // more than is read
			c.Started = func(int) { cancel() }
		case 2:
			c = missing
		case 3:
			c.Args[1] = "sleep 0.3 & echo out" // holds the pipe
		}
		Host{}.Run(ctx, c)
	}
	for i := range 8 {
		one(i)
	}
	goroutines, files := runtime.NumGoroutine(), descriptors()
	for i := range 200 {
		one(i)
	}
	eventually(t, 5*time.Second, "as few goroutines and descriptors as before", func() bool {
		return runtime.NumGoroutine() <= goroutines && descriptors() <= files
	})
}

func BenchmarkRun(b *testing.B) {
	c := Command{Path: "/bin/true", Dir: "/", Env: os.Environ()}
	b.Run("Host", func(b *testing.B) {
		for b.Loop() {
			run(b, c)
		}
	})
	b.Run("os/exec", func(b *testing.B) {
		for b.Loop() {
			x := exec.Command(c.Path)
			x.Dir, x.Env = c.Dir, c.Env
			if err := x.Run(); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("findOOMCounter", func(b *testing.B) {
		for b.Loop() {
			findOOMCounter(os.DirFS("/"))
		}
	})
}
