package main

import (
	"errors"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
)

const exiting = `package main

import (
	"os"
	"strconv"
)

func main() {
	code, _ := strconv.Atoi(os.Args[1])
	os.Exit(code)
}
`

// Each exit code is the program's own. The container build of a code differs
// from that of another in nothing but the argument, so not all of them are
// tried there each time.
func TestEveryExitCode(t *testing.T) {
	for _, builder := range []string{"host", "docker"} {
		t.Run(builder, func(t *testing.T) {
			if builder == "docker" {
				needEngine(t)
			}
			k := newKiller(t, builder)
			put(t, filepath.Join(k.dir, "src/main.go"), exiting)
			for code := range 256 {
				if !full() && code%51 != 0 && (code < 124 || code > 128 || builder == "docker") {
					continue
				}
				if got := k.status(t, ".", strconv.Itoa(code)); got != code {
					t.Errorf("the program exits %d, gorun exits %d", code, got)
				}
			}
		})
	}
}

// A program that a signal ends is reported as a shell would.
func TestEverySignal(t *testing.T) {
	k := newKiller(t, "host")
	put(t, filepath.Join(k.dir, "src/main.go"), exiting)
	put(t, filepath.Join(k.dir, "kill"), "#!/bin/sh\nkill -$2 $$\n")
	for n := 1; n < 32; n++ {
		want := 128 + n
		switch n {
		case 17, 18, 23, 28: // CHLD, CONT, URG, WINCH end nothing
			want = 0
		case 19, 20, 21, 22: // STOP, TSTP, TTIN, TTOU only stop
			continue
		}
		if got := k.status(t, "-exec=sh "+filepath.Join(k.dir, "kill"), ".", strconv.Itoa(n)); got != want {
			t.Errorf("signal %d: gorun exits %d, want %d", n, got, want)
		}
	}
}

// status runs gorun to its end.
func (k *killer) status(t *testing.T, args ...string) int {
	t.Helper()
	cmd := k.command(t, args...)
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode()
}
