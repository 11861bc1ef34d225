package container

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
	"testing"
	"time"
)

// helperEscape leaves its process group, in one of many ways, and lives on
// whatever it is told, unless it is to obey TERM.
func helperEscape(args []string) int {
	signals := make(chan os.Signal, 10)
	signal.Notify(signals, syscall.SIGQUIT, syscall.SIGTERM)
	parents, err := syscall.Getpgid(os.Getppid())
	if err == nil {
		err = escape(args[0], parents)
	}
	fmt.Println("ready", err)
	for s := range signals {
		if args[0] == "obeys" && s == syscall.SIGTERM {
			return 42
		}
	}
	return 0
}

func escape(way string, parents int) error {
	switch way {
	case "to a new session":
		if err := syscall.Setpgid(0, parents); err != nil {
			return err
		}
		_, err := syscall.Setsid()
		return err
	case "to its child's":
		child := exec.Command("sleep", "60")
		child.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
		if err := child.Start(); err != nil {
			return err
		}
		return syscall.Setpgid(0, child.Process.Pid)
	case "to the parent's, with a child that stays":
		if err := exec.Command("sleep", "60").Start(); err != nil {
			return err
		}
	case "to and fro":
		go func() {
			for {
				syscall.Setpgid(0, parents)
				syscall.Setpgid(0, 0)
			}
		}()
	}
	return syscall.Setpgid(0, parents)
}

// A program that has gone to another process group ends as any other does.
func TestStopOfWhoLeftTheGroup(t *testing.T) {
	steps := []StopStep{{syscall.SIGQUIT, 50 * time.Millisecond}, {syscall.SIGTERM, 200 * time.Millisecond}}
	killed := ExitStatus{Signal: syscall.SIGKILL, Stopped: true}
	for way, want := range map[string]ExitStatus{
		"to the parent's": killed, "to a new session": killed, "to its child's": killed,
		"to the parent's, with a child that stays": killed, "to and fro": killed,
		"obeys": {Code: 42, Stopped: true},
	} {
		t.Run(way, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			var out lockedBuffer
			c := helperCommand(t, "escape", way)
			c.Stdout, c.Stop = &out, steps
			go func() {
				eventually(t, 5*time.Second, "ready", func() bool { return out.String() != "" })
				cancel()
			}()
			begin := time.Now()
			got, err := Host{}.Run(ctx, c)
			if took := time.Since(begin); err != nil || got != want || out.String() != "ready <nil>\n" || took > 5*time.Second {
				t.Errorf("%+v, %v after %v, %q", got, err, took, out.String())
			}
		})
	}
}
