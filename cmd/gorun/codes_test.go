package main

import (
	"errors"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"testing"

	"github.com/org/gorun-action/internal/testenv"
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

// Each exit code is the program's own. The program runs on the host, whoever
// built it: with the engine the ends of each range do.
func TestEveryExitCode(t *testing.T) {
	t.Parallel()
	codes := []int{0, 1, 2, 66, 123, 124, 125, 126, 127, 128, 255}
	some := map[string][]int{"host": codes, "docker": {0, 125}}
	if testenv.Full() {
		some["docker"], some["host"] = codes, nil
		for code := range 256 {
			some["host"] = append(some["host"], code)
		}
	}
	for builder, codes := range some {
		t.Run(builder, func(t *testing.T) {
			t.Parallel()
			if builder == "docker" {
				testenv.NeedEngine(t)
			}
			k := newKiller(t, builder)
			put(t, filepath.Join(k.dir, "src/main.go"), exiting)
			for _, code := range codes {
				if got := k.status(t, ".", strconv.Itoa(code)); got != code {
					t.Errorf("the program exits %d, gorun exits %d", code, got)
				}
			}
		})
	}
}

// A program that a signal ends is reported as a shell would.
func TestEverySignal(t *testing.T) {
	t.Parallel()
	k := newKiller(t, "host")
	put(t, filepath.Join(k.dir, "src/main.go"), exiting)
	put(t, filepath.Join(k.dir, "kill"), "#!/bin/sh\nkill -$2 $$\n")
	some := []int{1, 2, 3, 6, 9, 13, 15, 17}
	for n := 1; n < 32; n++ {
		if !testenv.Full() && !slices.Contains(some, n) {
			continue
		}
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
