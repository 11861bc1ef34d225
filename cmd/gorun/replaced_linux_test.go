package main

import (
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"

	"github.com/org/gorun-action/internal/testenv"
)

// reporting shows what a program sees of how it was started.
const reporting = `package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"
)

type report struct {
	Pid                     int
	Args, Env, Files        []string
	Dir, Child, Masks, Stat string
}

func main() {
	switch os.Args[1] {
	case "report":
		json.NewEncoder(os.NewFile(1, "")).Encode(see())
	case "exit":
		os.Exit(7)
	case "kill":
		syscall.Kill(os.Getpid(), syscall.SIGKILL)
	case "sleep":
		fmt.Println("ready")
	case "trap":
		c := make(chan os.Signal, 1)
		signal.Notify(c, syscall.SIGTERM, syscall.SIGINT)
		fmt.Println("ready")
		fmt.Println(<-c)
		os.Exit(3)
	case "cat":
		fmt.Fprintln(os.Stderr, "ready")
		io.Copy(os.Stdout, os.Stdin)
		return
	}
	if os.Args[1] != "report" {
		time.Sleep(time.Minute)
	}
}

func see() report {
	dir, _ := os.Getwd()
	r := report{Pid: os.Getpid(), Args: os.Args, Env: os.Environ(), Dir: dir}
	for fd := range 256 {
		if to, err := os.Readlink(fmt.Sprintf("/proc/self/fd/%d", fd)); err == nil {
			r.Files = append(r.Files, to)
		}
	}
	time.Sleep(50 * time.Millisecond) // for a child to end
	pid, err := syscall.Wait4(-1, nil, syscall.WNOHANG, nil)
	r.Child = fmt.Sprint(pid, err)
	status, _ := os.ReadFile("/proc/self/status")
	for line := range strings.Lines(string(status)) {
		if strings.HasPrefix(line, "SigBlk") || strings.HasPrefix(line, "SigIgn") || strings.HasPrefix(line, "NoNewPrivs") {
			r.Masks += strings.TrimSpace(line) + " "
		}
	}
	stat, _ := os.ReadFile("/proc/self/stat")
	r.Stat = string(stat)
	return r
}
`

// sight is what reporting prints.
type sight struct {
	Pid                     int
	Args, Env, Files        []string
	Dir, Child, Masks, Stat string
}

// reports runs a command and returns what the program in it saw. Its streams
// are files.
func (c *cacheTest) reports(cmd *exec.Cmd) (r sight, pid int) {
	c.Helper()
	open := func(name string) *os.File {
		f, err := os.OpenFile(filepath.Join(c.tmp, "../"+name), os.O_CREATE|os.O_RDWR|os.O_TRUNC, 0o600)
		c.must(err)
		c.Cleanup(func() { f.Close() })
		return f
	}
	out, errs := open("out"), open("err")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = open("in"), out, errs
	err := cmd.Run()
	data, _ := os.ReadFile(out.Name())
	if jsonErr := json.Unmarshal(data, &r); err != nil || jsonErr != nil {
		log, _ := os.ReadFile(errs.Name())
		c.Fatalf("%v: %v, %v\n%s%s", cmd.Args, err, jsonErr, data, log)
	}
	slices.Sort(r.Env)
	return r, cmd.Process.Pid
}

// A program in gorun's place sees what it sees as a child, under gorun and
// under go run, and nothing of gorun is left about it.
func TestReplaced(t *testing.T) {
	t.Parallel()
	c := newCacheTest(t, "host")
	c.env = append(c.env, "PWD="+c.src())
	put(t, c.src("main.go"), reporting)
	put(t, c.src("sub/main.go"), reporting)
	for _, dir := range []string{"", "sub"} {
		c.run("-C="+dir+".", "./"+dir) // another directory than the program's own
	}
	for _, dir := range []string{".", "sub"} {
		args := []string{"-C=" + dir, ".", "report", "-x", "a b"}
		c.reports(c.command(t, args...))
		supervised, pid := c.reports(c.command(t, args...))
		replaced, own := c.reports(c.command(t, append([]string{"--log-format=none"}, args...)...))
		if supervised.Pid == pid || replaced.Pid != own {
			t.Errorf("%s: the program was %d under %d, and %d instead of %d", dir, supervised.Pid, pid, replaced.Pid, own)
		}
		bare := exec.Command(replaced.Args[0], "report")
		bare.Env, bare.Dir = c.env, c.src()
		alone, _ := c.reports(bare)
		goes := exec.Command("go", append([]string{"run"}, args...)...)
		goes.Env, goes.Dir = c.command(t).Env, c.src()
		went, _ := c.reports(goes)
		same(t, "arguments", supervised.Args, replaced.Args)
		same(t, "arguments of go run", went.Args[1:], replaced.Args[1:])
		same(t, "environment", supervised.Env, replaced.Env)
		same(t, "environment of go run", without(went.Env, "PWD"), without(replaced.Env, "PWD")) // go run -C leaves it as it was
		same(t, "files", alone.Files, replaced.Files)
		same(t, "the rest", []string{supervised.Dir, supervised.Masks, supervised.Child}, []string{replaced.Dir, replaced.Masks, replaced.Child})
		if replaced.Dir != c.src(dir) || replaced.Child != alone.Child {
			t.Errorf("in %s, with the child %s instead of %s", replaced.Dir, replaced.Child, alone.Child)
		}
	}
}

func same(t *testing.T, what string, want, got []string) {
	t.Helper()
	if slices.Equal(want, got) {
		return
	}
	in := func(list []string) func(string) bool {
		return func(s string) bool { return slices.Contains(list, s) }
	}
	t.Errorf("%s: instead of %q there is %q", what, slices.DeleteFunc(slices.Clone(want), in(got)), slices.DeleteFunc(slices.Clone(got), in(want)))
}

func without(env []string, name string) []string {
	return slices.DeleteFunc(slices.Clone(env), func(s string) bool { return strings.HasPrefix(s, name+"=") })
}

// replaced starts a program of reporting in gorun's place.
func (c *cacheTest) replaced(mode string) (cmd *exec.Cmd, out io.Reader) {
	c.Helper()
	cmd = c.command(c.T, "--log-format=none", ".", mode)
	out, err := cmd.StdoutPipe()
	c.must(err)
	c.must(cmd.Start())
	return cmd, out
}

// newReplaced is a cache that has reporting.
func newReplaced(t *testing.T) *cacheTest {
	t.Helper()
	c := newCacheTest(t, "host")
	put(t, c.src("main.go"), reporting)
	c.run(".", "exit")
	return c
}

func ended(cmd *exec.Cmd) string {
	stuck := time.AfterFunc(20*time.Second, func() { cmd.Process.Kill() })
	defer stuck.Stop()
	cmd.Wait()
	return cmd.ProcessState.String()
}

// Whoever started gorun sees the end of the program itself.
func TestReplacedEnd(t *testing.T) {
	t.Parallel()
	c := newReplaced(t)
	for _, test := range []struct {
		mode string
		sig  syscall.Signal
		want string
	}{
		{"exit", 0, "exit status 7"},
		{"kill", 0, "signal: killed"},
		{"sleep", syscall.SIGTERM, "signal: terminated"},
		{"sleep", syscall.SIGINT, "signal: interrupt"},
		{"sleep", syscall.SIGHUP, "signal: hangup"},
		{"trap", syscall.SIGTERM, "exit status 3"},
		{"trap", syscall.SIGINT, "exit status 3"},
	} {
		cmd, out := c.replaced(test.mode)
		io.ReadFull(out, make([]byte, len("ready\n")))
		if test.sig != 0 {
			cmd.Process.Signal(test.sig)
		}
		if got := ended(cmd); got != test.want {
			t.Errorf("%s, %v: %s instead of %s", test.mode, test.sig, got, test.want)
		}
	}
}

// A signal that comes while gorun is still looking for the program, or just
// gives way to it, is not lost.
func TestReplacedEarlySignal(t *testing.T) {
	t.Parallel()
	c := newReplaced(t)
	begin := time.Now()
	cmd, out := c.replaced("trap")
	io.ReadFull(out, make([]byte, len("ready\n")))
	until := time.Since(begin)
	cmd.Process.Kill()
	cmd.Wait()
	ends := map[string]int{}
	for i := range testenv.Times(10, 300) {
		sig := []syscall.Signal{syscall.SIGTERM, syscall.SIGINT}[i%2]
		cmd, _ := c.replaced("trap")
		time.Sleep(rand.N(until))
		cmd.Process.Signal(sig)
		end := ended(cmd)
		ends[end]++
		if end != "exit status 3" && end != "signal: "+sig.String() && end != fmt.Sprint("exit status ", 128+int(sig)) {
			t.Fatalf("signal %d of %v is lost: %s", i, ends, end) // each takes as long as ended waits
		}
	}
	t.Logf("within %v: %v", until, ends)
}

// A signal that gorun was told to ignore is ignored by the program.
func TestReplacedNohup(t *testing.T) {
	t.Parallel()
	c := newReplaced(t)
	link := filepath.Join(c.dir, "gorun")
	self, err := os.Executable()
	c.must(err)
	c.must(os.Symlink(self, link))
	cmd := exec.Command("sh", "-c", `trap "" HUP; exec "$@"`, "sh", link, "--log-format=none", ".", "sleep")
	cmd.Env, cmd.Dir = c.command(t).Env, c.src()
	out, err := cmd.StdoutPipe()
	c.must(err)
	c.must(cmd.Start())
	io.ReadFull(out, make([]byte, len("ready\n")))
	cmd.Process.Signal(syscall.SIGHUP)
	time.Sleep(50 * time.Millisecond)
	cmd.Process.Signal(syscall.SIGTERM)
	if end := ended(cmd); end != "signal: terminated" {
		t.Errorf("after HUP: %s", end)
	}
}

// On a terminal the program has the terminal: it reads, writes, and is
// interrupted by its keys.
func TestReplacedTerminal(t *testing.T) {
	t.Parallel()
	c := newReplaced(t)
	cmd := c.command(t, "--log-format=none", ".", "cat")
	terminal, err := pty.Start(cmd)
	c.must(err)
	defer terminal.Close()
	expect := func(want string) {
		t.Helper()
		for got := ""; !strings.HasSuffix(got, want); {
			b := make([]byte, 1)
			if _, err := terminal.Read(b); err != nil {
				t.Fatalf("%q instead of %q: %v", got, want, err)
			}
			got += string(b)
		}
	}
	expect("ready\r\n")
	terminal.WriteString("a line\n")
	expect("a line\r\na line\r\n") // the terminal's echo, and the program's
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", cmd.Process.Pid))
	c.must(err)
	var pid, parent, group, session, tty, foreground int
	_, rest, _ := strings.Cut(string(stat), ") ")
	fmt.Sscanf(rest[2:], "%d %d %d %d %d", &parent, &group, &session, &tty, &foreground)
	if pid = cmd.Process.Pid; group != pid || foreground != pid || tty == 0 {
		t.Errorf("the program %d is in the group %d, the terminal's is %d", pid, group, foreground)
	}
	terminal.WriteString("\x03")
	if end := ended(cmd); end != "signal: interrupt" {
		t.Error(end)
	}
}
