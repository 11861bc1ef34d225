package container

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// helperSupervisor is what gorun is with a guard: it runs a family that bears
// the mark args[0] in its environment, with a temporary directory args[1].
func helperSupervisor(args []string) int {
	exe, _ := os.Executable()
	guard, err := StartGuard(exe, nil)
	if err != nil {
		return 1
	}
	guard.Dir(args[1])
	if err := os.Mkdir(args[1], 0o777); err != nil {
		return 1
	}
	Host{Guard: guard}.Run(context.Background(), Command{
		Path: exe, Dir: "/", Env: append(os.Environ(), helperVar+"=family", args[0]),
	})
	return 0
}

// marked returns the processes that have the mark in their environment.
func marked(mark string) (pids []int) {
	entries, _ := os.ReadDir("/proc")
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		env, _ := os.ReadFile("/proc/" + e.Name() + "/environ")
		if strings.Contains(string(env), mark+"\x00") {
			pids = append(pids, pid)
		}
	}
	return pids
}

// TestGuard kills supervisors at random moments of the time that the first one
// takes to have a family, and of as much again.
func TestGuard(t *testing.T) {
	began, whole := 0, 0
	var slowest, growing time.Duration
	for round := range 50 {
		mark := fmt.Sprintf("GORUN_TEST_MARK=%d.%d", os.Getpid(), round)
		dir := filepath.Join(t.TempDir(), fmt.Sprintf("gorun-%d", round))
		c := exec.Command(self(t), mark, dir)
		c.Env = append(os.Environ(), helperVar+"=supervisor")
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		if started := time.Now(); round == 0 {
			eventually(t, time.Minute, "the first one has a family", func() bool { return len(marked(mark)) > 1 })
			growing = time.Since(started)
		} else {
			time.Sleep(rand.N(2 * growing))
		}
		n := len(marked(mark))
		if n > 0 {
			began++
		}
		if n > 1 {
			whole++
		}
		c.Process.Kill()
		c.Wait()
		killed := time.Now()
		eventually(t, 2*time.Second, "no process of the group is left", func() bool { return len(marked(mark)) == 0 })
		slowest = max(slowest, time.Since(killed))
		eventually(t, 2*time.Second, "its directory is removed", func() bool {
			_, err := os.Stat(dir)
			return errors.Is(err, fs.ErrNotExist)
		})
	}
	t.Logf("of 50 supervisors %d were killed with a program, %d of these with its child, the slowest was cleaned up after %v", began, whole, slowest)
	if whole < 5 {
		t.Errorf("only %d supervisors got as far as to have a family", whole)
	}
}

// helperGap is killed between the fork of a program, which bears the mark
// args[0], and telling the guard of its group; args[1] says whether the guard
// has been told of its birth.
func helperGap(args []string) int {
	runtime.LockOSThread()
	exe, _ := os.Executable()
	guard, err := StartGuard(exe, nil)
	if err != nil {
		return 1
	}
	guard.await()
	if args[1] == "told" {
		guard.starting()
	}
	c := Command{Path: exe, Dir: "/", Env: append(os.Environ(), helperVar+"=family", args[0])}
	if err := (Host{}).fork(&process{}, c, exe, [3]*os.File{os.Stdin, os.Stdout, os.Stderr}); err != nil {
		return 1
	}
	for len(marked(args[0])) < 2 {
		time.Sleep(time.Millisecond)
	}
	syscall.Kill(os.Getpid(), syscall.SIGKILL)
	select {}
}

// TestGuardLetsGo releases everything: the guard does nothing.
func TestGuardLetsGo(t *testing.T) {
	c := exec.Command("sleep", "60")
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	defer c.Wait()
	defer c.Process.Kill()
	dir := filepath.Join(t.TempDir(), "gorun-1")
	os.Mkdir(dir, 0o777)
	r := StartReaper() // tells when the guard has gone
	defer r.Close()
	guard, err := StartGuard(self(t), r)
	if err != nil {
		t.Fatal(err)
	}
	releases := []func(){guard.Group(c.Process.Pid), guard.Dir(dir), guard.Container("gorun-1")}
	var pid int
	eventually(t, 5*time.Second, "there is a guard", func() bool {
		r.mu.Lock()
		defer r.mu.Unlock()
		for pid = range r.own {
		}
		return pid != 0
	})
	for _, release := range releases {
		release()
		release()
	}
	guard.Close()
	guard.Close()
	guard.Group(c.Process.Pid)() // is not heard any more
	eventually(t, 5*time.Second, "the guard ends", func() bool { return !alive(pid) })
	if _, err := os.Stat(dir); err != nil || !alive(c.Process.Pid) {
		t.Errorf("the guard did what it was let off: directory %v, process alive: %v", err, alive(c.Process.Pid))
	}
}

// TestDeadGuard runs programs with a guard that cannot be started, and with
// one that does not read.
func TestDeadGuard(t *testing.T) {
	dead, err := StartGuard("/no/such/executable", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer dead.Close()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	deaf := &Guard{pipe: w, forked: make(chan struct{})}
	close(deaf.forked)
	defer deaf.Close()
	w.SetWriteDeadline(time.Now().Add(10 * time.Millisecond))
	w.Write(make([]byte, 1<<20)) // until it is full
	for name, g := range map[string]*Guard{"dead": dead, "deaf": deaf, "nil": nil} {
		began := time.Now()
		for range 5 {
			c := shell(t, "exit 3")
			if got, err := (Host{Guard: g}).Run(context.Background(), c); err != nil || got != (ExitStatus{Code: 3}) {
				t.Errorf("%s: %+v, %v", name, got, err)
			}
		}
		if took := time.Since(began); took > time.Second {
			t.Errorf("%s: took %v", name, took)
		}
	}
}

func TestGuardActions(t *testing.T) {
	var mu sync.Mutex
	calls := map[string]int{}
	actions := GuardActions{RemoveContainer: func(_ context.Context, name string) error {
		mu.Lock()
		defer mu.Unlock()
		if calls[name]++; name == "late" && calls[name] < 3 {
			return fs.ErrNotExist
		}
		return nil
	}}
	base := t.TempDir()
	for _, name := range []string{"gorun-1/in", "gorun-2", "other", "gorun-action"} {
		os.MkdirAll(filepath.Join(base, name), 0o777)
	}
	in := "+container here\n+container late\n+container gone\n-container gone\n"
	for _, name := range []string{"gorun-1", "gorun-2", "other", "gorun-action", "gorun-3"} {
		in += fmt.Sprintf("+dir %q\n", filepath.Join(base, name))
	}
	in += fmt.Sprintf("-dir %q\n", filepath.Join(base, "gorun-2"))
	in += "+container unfinished"
	serveGuard(strings.NewReader(in), actions)
	if want := map[string]int{"here": 1, "late": 3}; !reflect.DeepEqual(calls, want) {
		t.Errorf("%v, want %v", calls, want)
	}
	left, _ := filepath.Glob(base + "/*")
	if want := []string{base + "/gorun-2", base + "/gorun-action", base + "/other"}; !reflect.DeepEqual(left, want) {
		t.Errorf("%v, want %v", left, want)
	}
	serveGuard(strings.NewReader("+container here\n"), GuardActions{})
}

func TestParseGuardLine(t *testing.T) {
	for line, want := range map[string]guardEntry{
		"+start 0 7 1\n":                     {kind: "start", birth: birth{0, 7, 1}},
		"-start 4242 4700 123456789\n":       {kind: "start", birth: birth{4242, 4700, 123456789}},
		"+group 4711\n":                      {kind: "group", group: 4711},
		"-group 2\n":                         {kind: "group", group: 2},
		"+container gorun-0a.b_c\n":          {kind: "container", name: "gorun-0a.b_c"},
		"+dir \"/tmp/gorun-12\"\n":           {kind: "dir", name: "/tmp/gorun-12"},
		"+dir \"/a b/\\n\\x80/gorun-x-1\"\n": {kind: "dir", name: "/a b/\n\x80/gorun-x-1"},
	} {
		if add, got, ok := parseGuardLine(line); !ok || got != want || add != (line[0] == '+') {
			t.Errorf("%q: %v, %+v, %v", line, add, got, ok)
		}
	}
	for _, line := range []string{
		"", "\n", "+\n", "-\n", "group 5\n", "+group 5", "+group\n", "+group \n", "+group 1\n", "+group 0\n",
		"+group -5\n", "+group +5\n", "+group 05\n", "+group 5 \n", "+group  5\n", "+group 0x5\n", "+group 5\r\n",
		"+start\n", "+start 1\n", "+start 1 1 0\n", "+start 1 1 1 \n", "+start 1  1 1\n", "+start -1 1 1\n", "+start 1 -1 1\n",
		"+start 01 1 1\n", "+start 4194305 1 1\n", "+start 1 4194305 1\n", "+start 1 1 9223372036854775808\n", "+start 1 1 1 1\n",
		"+group 4194305\n", "+group 99999999999999999999\n", "*group 5\n", "+Group 5\n", "+groups 5\n", "++group 5\n",
		"+container \n", "+container a\n", "+container -x\n", "+container a b\n", "+container ../x\n",
		"+dir /tmp/gorun-1\n", "+dir \"gorun-1\"\n", "+dir \"/tmp/gorun-1/\"\n", "+dir \"/tmp/../gorun-1\"\n",
		"+dir \"/\"\n", "+dir \"\"\n", "+dir \"/tmp/gorun-\"\n", "+dir \"/tmp/gorun-action\"\n", "+dir \"/tmp/x\"\n",
		"+dir \"/tmp/gorun-1\n", "+dir `/tmp/gorun-1`\n", "+dir \"/gorun-\\x001\"\n", "+dir \"/gorun-1\" \n", "+dir \"/gorun-1/x\"\n",
	} {
		if _, got, ok := parseGuardLine(line); ok {
			t.Errorf("%q is %+v", line, got)
		}
	}
}

func FuzzParseGuardLine(f *testing.F) {
	f.Add("+group 4711\n")
	f.Add("+start 5 6 7\n")
	f.Add("+container gorun-1\n-container gorun-1\n")
	f.Add("+dir \"/tmp/gorun-1\"\n")
	f.Fuzz(func(t *testing.T, in string) {
		l := readGuardList(strings.NewReader(in))
		for _, g := range l.groups {
			if g < 2 || g > 4<<20 {
				t.Errorf("group %d", g)
			}
		}
		for _, d := range l.dirs {
			if !filepath.IsAbs(d) || filepath.Clean(d) != d || !strings.HasPrefix(filepath.Base(d), "gorun-") {
				t.Errorf("dir %q", d)
			}
		}
		if add, e, ok := parseGuardLine(in); ok { // what is accepted has one spelling
			var g Guard
			got := capture(t, &g, func() {
				switch e.kind {
				case "start":
					g.add("start " + e.birth.String())
				case "group":
					g.Group(e.group)
				case "container":
					g.Container(e.name)
				case "dir":
					g.Dir(e.name)
				}
			})
			if !add {
				got = "-" + got[1:]
			}
			if got != in {
				t.Errorf("%q is %q", in, got)
			}
		}
	})
}

// capture returns what f has g write.
func capture(t testing.TB, g *Guard, f func()) string {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	g.pipe = w
	f()
	g.Close()
	b, _ := io.ReadAll(r)
	return string(b)
}

func TestGuardLongLines(t *testing.T) {
	long := strings.Repeat("x", 100<<10)
	l := readGuardList(strings.NewReader("+dir \"/" + long + "/gorun-1\"\n+group 5\n" + long + "\n+group 6\n"))
	if !reflect.DeepEqual(l, guardList{groups: []int{5, 6}}) {
		t.Errorf("%d dirs, %v", len(l.dirs), l.groups)
	}
}

func BenchmarkGuard(b *testing.B) {
	c := Command{Path: "/bin/true", Dir: "/", Env: os.Environ()}
	for _, with := range []bool{false, true} {
		b.Run(strconv.FormatBool(with), func(b *testing.B) {
			for b.Loop() {
				var guard *Guard
				if with {
					guard, _ = StartGuard(self(b), nil)
				}
				if _, err := (Host{Guard: guard}).Run(context.Background(), c); err != nil {
					b.Fatal(err)
				}
				guard.Close()
			}
		})
	}
}
