package container

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"
)

// helperJob runs the shell script args[0] on the terminal, as gorun does.
func helperJob(args []string) int {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGINT) // may come before the program has the terminal
	s, err := Host{}.Run(context.Background(), Command{
		Path: "/bin/sh", Args: []string{"-c", args[0]}, Dir: "/", Env: os.Environ(),
		Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, Foreground: true, Signals: signals,
	})
	if err != nil {
		fmt.Println(err)
		return 99
	}
	fmt.Printf("job: %+v\n", s)
	return s.Shell()
}

// helperTerminal runs many programs that use the terminal at once, and says
// which process group has it afterwards.
func helperTerminal([]string) int {
	for i := range 50 {
		if code := helperJob([]string{"stty -echo; read line; exit 5"}); code != 5 {
			fmt.Println("round", i, "exits", code)
			return 1
		}
	}
	t := &terminal{file: os.Stdin}
	pgid, err := t.foreground()
	fmt.Println("terminal is ours:", pgid == syscall.Getpgrp(), err)
	return 0
}

// screen is a terminal, what is typed into it and what is shown.
type screen struct {
	*testing.T
	pty  *os.File
	pid  int // of the leader of the session
	read chan string
	seen string
}

// openScreen starts a session with a terminal.
func openScreen(t *testing.T, c *exec.Cmd) *screen {
	t.Helper()
	f, err := pty.Start(c)
	if err != nil {
		cannotRun(t, err.Error())
	}
	s := &screen{T: t, pty: f, pid: c.Process.Pid, read: make(chan string, 1000)}
	go func() {
		defer close(s.read)
		buf := make([]byte, 4096)
		for {
			n, err := f.Read(buf)
			if err != nil {
				return
			}
			s.read <- string(buf[:n])
		}
	}()
	t.Cleanup(func() {
		f.Close() // hangs up
		c.Process.Kill()
		c.Wait()
	})
	return s
}

func (s *screen) typed(keys string) { s.pty.WriteString(keys) }

// fg types fg, and waits until the shell has given the terminal away: what is
// typed before would be the shell's.
func (s *screen) fg() {
	s.Helper()
	s.typed("fg\n")
	t := &terminal{file: s.pty}
	eventually(s, 5*time.Second, "the shell gives the terminal away", func() bool {
		pgid, err := t.foreground()
		return err == nil && pgid != s.pid
	})
}

// shows waits for text after what was waited for before.
func (s *screen) shows(text string) {
	s.Helper()
	limit := time.After(5 * time.Second)
	for {
		if _, after, ok := strings.Cut(s.seen, text); ok {
			s.seen = after
			return
		}
		select {
		case more, ok := <-s.read:
			if !ok {
				s.Fatalf("the end, without %q:\n%s", text, s.seen)
			}
			s.seen += more
		case <-limit:
			s.Fatalf("no %q:\n%s", text, s.seen)
		}
	}
}

// openBash is an interactive shell in which $JOB runs a script.
func openBash(t *testing.T) *screen {
	t.Helper()
	c := exec.Command("bash", "--norc", "--noprofile", "--noediting", "-i")
	c.Env = append(os.Environ(), helperVar+"=job", "JOB="+self(t), "PS1=bash> ", "TERM=dumb")
	s := openScreen(t, c)
	s.shows("bash> ")
	s.typed("stty -echo\n")
	s.shows("bash> ")
	return s
}

const echoScript = `'echo ready; while read line; do echo "got $line"; [ "$line" = end ] && exit 6; done; echo "no input: $?"'`

// TestJobControl is a real shell, and a user who stops, continues and
// interrupts gorun.
func TestJobControl(t *testing.T) {
	s := openBash(t)
	s.typed(`"$JOB" ` + echoScript + "\n")
	s.shows("ready")
	s.typed("one\n")
	s.shows("got one")
	for range 3 {
		s.typed("\x1a")
		s.shows("Stopped")
		s.typed("echo shell $((40+2))\n")
		s.shows("shell 42")
		s.fg()
		s.typed("two\n")
		s.shows("got two")
	}
	s.typed("\x1a")
	s.shows("Stopped")
	s.typed("bg\n") // where it wants input, and is stopped for it
	s.typed("until jobs | grep Stopped; do sleep 0.02; done; echo shell $((40+3))\n")
	s.shows("Stopped")
	s.shows("shell 43")
	s.fg()
	s.typed("three\n")
	s.shows("got three")
	s.typed("end\n")
	s.shows("job: {Code:6 ")
	s.typed("echo status $?\n")
	s.shows("status 6")
}

func TestInterrupt(t *testing.T) {
	s := openBash(t)
	s.typed(`"$JOB" 'echo ready; exec sleep 100'` + "\n")
	s.shows("ready")
	s.typed("\x03")
	s.shows("Signal:interrupt")
	s.typed("echo status $?\n")
	s.shows("status 130")
}

// TestBackground begins in the background, where the terminal is not ours to
// give, and is brought to the foreground while it runs.
func TestBackground(t *testing.T) {
	s := openBash(t)
	s.typed(`"$JOB" 'echo ready; sleep 0.5; read line; echo "got $line"' & sleep 0.2; echo shell $((40+2))` + "\n")
	s.shows("ready")
	s.shows("shell 42")
	s.fg()
	s.typed("one\n")
	s.shows("got one")
}

// TestNoShell is `docker run -it`: nobody could continue us, so Ctrl-Z does
// nothing.
func TestNoShell(t *testing.T) {
	c := exec.Command(self(t), strings.Trim(echoScript, "'"))
	c.Env = append(os.Environ(), helperVar+"=job")
	s := openScreen(t, c)
	s.shows("ready")
	s.typed("\x1a")
	time.Sleep(50 * time.Millisecond)
	s.typed("one\n")
	s.shows("got one")
	s.typed("end\n")
	s.shows("job: {Code:6 ")
}

func TestTerminalAtOnce(t *testing.T) {
	c := exec.Command(self(t))
	c.Env = append(os.Environ(), helperVar+"=terminal")
	s := openScreen(t, c)
	s.typed(strings.Repeat("x\n", 50))
	s.shows("terminal is ours: true <nil>")
}
