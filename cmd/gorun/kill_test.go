package main

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/org/gorun-action/internal/testenv"
)

const forking = `package main

import (
	"os"
	"os/exec"
	"time"
)

func main() {
	if len(os.Args) > 1 {
		exec.Command(os.Args[0]).Start() // a child of its own, in the same group
	}
	time.Sleep(time.Hour)
}
`

// Whenever and however gorun is ended, nothing is left: no program, no child
// of it, no compiler, no container, no temporary file.
func TestNothingIsLeftBehind(t *testing.T) {
	t.Parallel()
	for _, builder := range []string{"host", "docker"} {
		t.Run(builder, func(t *testing.T) {
			if builder == "docker" {
				testenv.NeedEngine(t)
			}
			k := newKiller(t, builder)
			longest := k.time(t)
			for i := range testenv.Times(3, map[string]int{"host": 30, "docker": 12}[builder]) {
				sig := []syscall.Signal{syscall.SIGTERM, syscall.SIGINT, syscall.SIGKILL}[i%3]
				after := rand.N(longest + 200*time.Millisecond)
				k.mode = []string{"off", "readwrite"}[i%2] // a build is under way, or a restored program
				k.kill(t, i, sig, after)
				if t.Failed() {
					return
				}
			}
		})
	}
}

type killer struct {
	dir, tmp, mark string
	mode           string // --cache-mode
	gorun          string // another executable than the test's
	env            []string
}

func newKiller(t *testing.T, builder string) *killer {
	t.Helper()
	dir := t.TempDir()
	k := &killer{mode: "off", dir: dir, tmp: filepath.Join(dir, "tmp"), mark: fmt.Sprintf("GORUN_TEST_MARK=%d-%d", os.Getpid(), rand.Int64())}
	for name, text := range map[string]string{"src/go.mod": "module example.com/forking\n\ngo 1.26\n", "src/main.go": forking, "tmp/.keep": ""} {
		put(t, filepath.Join(dir, name), text)
	}
	k.env = append(os.Environ(), k.mark, "TMPDIR="+k.tmp, "GORUN_BUILDER="+builder, "GORUN_CACHE_DIR="+testenv.CacheDir(t), "GORUN_LOG_FORMAT=json", "GOFLAGS=", "GOTELEMETRY=off")
	if builder == "docker" {
		k.env = append(k.env, "GOCACHE="+testenv.BuildCache(t, os.Getuid()))
	}
	return k
}

func put(t *testing.T, file, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// start starts gorun; started is closed once the program runs.
func (k *killer) start(t *testing.T) (cmd *exec.Cmd, started chan struct{}) {
	t.Helper()
	cmd = k.command(t, ".", "fork")
	started = make(chan struct{})
	cmd.Stderr = &watcher{started: started}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd, started
}

// command is gorun: the test binary under that name.
func (k *killer) command(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self, args...)
	cmd.Args[0] = "gorun"
	if k.gorun != "" {
		cmd.Path = k.gorun
	}
	cmd.Dir, cmd.Env = filepath.Join(k.dir, "src"), append(slices.Clip(k.env), "GORUN_CACHE_MODE="+k.mode) // runs side by side add to it
	return cmd
}

// time measures how long it takes until the program runs, all caches warm.
func (k *killer) time(t *testing.T) time.Duration {
	t.Helper()
	var took time.Duration
	for range 2 {
		begin := time.Now()
		cmd, started := k.start(t)
		<-started
		took = time.Since(begin)
		cmd.Process.Signal(syscall.SIGTERM)
		cmd.Wait()
		k.gone(t, "warming up")
	}
	return took
}

func (k *killer) kill(t *testing.T, i int, sig syscall.Signal, after time.Duration) {
	t.Helper()
	cmd, _ := k.start(t)
	time.Sleep(after)
	cmd.Process.Signal(sig)
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	select {
	case err := <-done:
		if err == nil {
			t.Errorf("kill %d (%v after %v): gorun exited with success", i, sig, after)
		}
	case <-time.After(30 * time.Second):
		cmd.Process.Kill()
		t.Errorf("kill %d (%v after %v): gorun did not end", i, sig, after)
	}
	k.gone(t, fmt.Sprintf("kill %d (%v after %v)", i, sig, after))
}

// gone waits until nothing is left, for as long as the guard may take.
func (k *killer) gone(t *testing.T, what string) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		left := append(k.processes(), k.files(t)...)
		if len(left) == 0 { // to ask the engine costs more than to look
			left = k.containers(t)
		}
		if len(left) == 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Errorf("%s: left behind: %s", what, strings.Join(left, ", "))
			return
		}
	}
}

// processes lists what runs with our mark in its environment, but for zombies,
// which wait for a parent that is not ours.
func (k *killer) processes() (left []string) {
	files, _ := filepath.Glob("/proc/[0-9]*/environ")
	for _, f := range files {
		data, err := os.ReadFile(f)
		if err == nil && bytes.Contains(data, []byte(k.mark)) {
			line, _ := os.ReadFile(filepath.Join(filepath.Dir(f), "cmdline"))
			left = append(left, fmt.Sprintf("%s %q", filepath.Base(filepath.Dir(f)), line))
		}
	}
	return left
}

// containers lists those that see our sources.
func (k *killer) containers(t *testing.T) []string {
	t.Helper()
	if !strings.Contains(strings.Join(k.env, " "), "GORUN_BUILDER=docker") {
		return nil
	}
	out, err := exec.Command("docker", "ps", "-aq", "--filter", "volume="+filepath.Join(k.dir, "src")).Output()
	if err != nil {
		t.Fatalf("docker ps: %v", err)
	}
	return strings.Fields(string(out))
}

func (k *killer) files(t *testing.T) (left []string) {
	t.Helper()
	entries, err := os.ReadDir(k.tmp)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.Name() != ".keep" {
			left = append(left, e.Name())
		}
	}
	return left
}

// watcher waits for the start record in a log.
type watcher struct {
	seen    []byte
	started chan struct{}
}

func (w *watcher) Write(p []byte) (int, error) {
	if w.started != nil {
		w.seen = append(w.seen, p...)
		if bytes.Contains(w.seen, []byte(`"event":"start"`)) {
			close(w.started)
			w.started = nil
		}
	}
	return len(p), nil
}
