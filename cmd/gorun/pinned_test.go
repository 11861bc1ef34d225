package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"
	"github.com/google/go-containerregistry/pkg/registry"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/org/gorun-action/container"
	"github.com/org/gorun-action/container/image"
	"github.com/org/gorun-action/internal/testenv"
)

// theOldest is held by whoever takes the image of the oldest locked release
// away: no other test needs that release, and the scripts run side by side.
var theOldest sync.Mutex

// unload makes the engine lack the image of the oldest locked release, until
// the script's end for itself. If it was there before, it is there afterwards.
func unload(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 0 {
		ts.Fatalf("usage: unload")
	}
	tc, err := pinned("1.18")
	ts.Check(err)
	if holds := ts.Value("oldest").(*bool); !*holds {
		theOldest.Lock()
		*holds = true
		had := engineImage(tc) != ""
		ts.Defer(func() { restore(tc, had); theOldest.Unlock() })
	}
	ts.Check(removeImage(tc))
}

// restore leaves the engine as it was. What was there and has been taken away
// is loaded again by whoever needs it.
func restore(tc container.Toolchain, had bool) {
	if !had {
		removeImage(tc)
	}
}

// temporary removes an image at the script's end, unless it is there now.
func temporary(ts *testscript.TestScript, neg bool, args []string) {
	if exec.Command("docker", "image", "inspect", args[0]).Run() != nil {
		ts.Defer(func() { exec.Command("docker", "rmi", args[0]).Run() })
	}
}

func engineImage(tc container.Toolchain) string {
	for _, id := range []string{tc.Config, tc.Digest} {
		out, err := exec.Command("docker", "image", "inspect", "--format={{.Id}}", id).Output()
		if err == nil {
			return strings.TrimSpace(string(out))
		}
	}
	return ""
}

// removeImage removes an image with all its names. A container of the build
// that has just ended may still hold it for a moment.
func removeImage(tc container.Toolchain) error {
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(100 * time.Millisecond) {
		id := engineImage(tc)
		if id == "" {
			return nil
		}
		out, err := exec.Command("docker", "rmi", "-f", id).CombinedOutput()
		if err != nil && time.Now().After(deadline) {
			return fmt.Errorf("docker rmi: %s", out)
		}
	}
}

// hasImage makes sure that the engine has the image of the oldest locked
// release, under an id of the lock.
func hasImage(ts *testscript.TestScript, neg bool, args []string) {
	tc, err := pinned("1.18")
	ts.Check(err)
	id := engineImage(tc)
	if neg != (id == "") {
		ts.Fatalf("the engine's image of go%s is %q", tc.Version, id)
	}
	if !neg && id != tc.Config && id != tc.Digest {
		ts.Fatalf("the engine has %s, the lock pins %s and %s", id, tc.Config, tc.Digest)
	}
}

// startRegistry starts a registry and names a repository of it in a variable:
// `registry REPO` has nothing, `registry REPO oldest` the image of the oldest
// locked release.
func startRegistry(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: registry VARIABLE [oldest]")
	}
	server := httptest.NewServer(registry.New(registry.Logger(quiet())))
	ts.Defer(server.Close)
	repository := strings.TrimPrefix(server.URL, "http://") + "/toolchain"
	ts.Setenv(args[0], repository)
	if len(args) > 1 {
		ts.Check(push(repository, ts.Getenv("WORK")))
	}
}

// push makes the image of the oldest locked release and pushes it.
func push(repository, work string) error {
	tc, zip, err := oldestZip()
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp(work, "layers-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	img, err := image.Assemble(context.Background(), zip, dir, tc, nil)
	if err != nil {
		return err
	}
	_, err = image.Push(context.Background(), img, repository+":latest", nil)
	return err
}

// oldestZip is the module of the oldest locked release, which the go command
// downloads once for all.
func oldestZip() (container.Toolchain, string, error) {
	tc, err := pinned("1.18")
	if err != nil {
		return tc, "", err
	}
	g := image.Go{Executor: container.Host{}, Path: "go", Dir: os.TempDir(), Env: os.Environ()}
	_, zip, err := g.Download(context.Background(), tc.Version, tc.Platform)
	return tc, zip, err
}

// hello makes a module whose go line asks for the oldest locked release.
func hello(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	put(t, filepath.Join(dir, "go.mod"), "module example.com/hello\n\ngo 1.18\n")
	put(t, filepath.Join(dir, "main.go"), "package main\n\nfunc main() { println(\"hello\") }\n")
	return dir
}

// gorunIn is gorun in a directory, built in a container, with a temporary
// directory and the log as JSON.
func gorunIn(t *testing.T, dir string, args ...string) (cmd *exec.Cmd, tmp string) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	caches := testenv.CacheDir(t)
	tmp = filepath.Join(t.TempDir(), "tmp")
	if err := os.Mkdir(tmp, 0o755); err != nil {
		t.Fatal(err)
	}
	cmd = exec.Command(self, args...)
	cmd.Args[0], cmd.Dir = "gorun", dir
	cmd.Env = append(os.Environ(), "TMPDIR="+tmp, "GORUN_BUILDER=docker", "GORUN_CACHE_DIR="+caches, "GORUN_LOG_FORMAT=json", "GOFLAGS=")
	return cmd, tmp
}

// withoutOldest holds the image of the oldest locked release, and takes it away.
func withoutOldest(t *testing.T) {
	t.Helper()
	testenv.Long(t, "it makes a toolchain image")
	testenv.NeedEngine(t)
	tc, err := pinned("1.18")
	if err != nil {
		t.Fatal(err)
	}
	theOldest.Lock()
	had := engineImage(tc) != ""
	t.Cleanup(func() { restore(tc, had); theOldest.Unlock() })
	if err := removeImage(tc); err != nil {
		t.Fatal(err)
	}
}

// Four that miss the same image end well, and one of them makes it.
func TestManyMissTheSameImage(t *testing.T) {
	t.Parallel()
	withoutOldest(t)
	dir := hello(t)
	if _, _, err := oldestZip(); err != nil {
		t.Fatal(err)
	}
	var logs [4]bytes.Buffer
	var runs [4]*exec.Cmd
	for i := range runs {
		runs[i], _ = gorunIn(t, dir, ".")
		runs[i].Stderr = &logs[i]
		if err := runs[i].Start(); err != nil {
			t.Fatal(err)
		}
	}
	made := 0
	for i, run := range runs {
		if err := run.Wait(); err != nil {
			t.Errorf("run %d: %v\n%s", i, err, &logs[i])
		}
		if !bytes.Contains(logs[i].Bytes(), []byte("waiting for another gorun")) {
			made++
		}
	}
	if made != 1 {
		t.Errorf("%d of 4 made the image", made)
	}
}

// A download that stands still is shown, and ends at a signal without leaving
// anything behind.
func TestStalledDownloadIsCancelled(t *testing.T) {
	t.Parallel()
	withoutOldest(t)
	proxy := faultyProxy(t, "stall")
	run, tmp := gorunIn(t, hello(t), ".")
	var log bytes.Buffer
	run.Stderr = &log
	run.Env = append(run.Env, "GOPROXY="+proxy, "GOMODCACHE="+t.TempDir())
	if err := run.Start(); err != nil {
		t.Fatal(err)
	}
	time.Sleep(2500 * time.Millisecond) // the first record comes after a second
	run.Process.Signal(syscall.SIGTERM)
	err := run.Wait()
	if run.ProcessState.ExitCode() != 128+int(syscall.SIGTERM) {
		t.Errorf("%v\n%s", err, &log)
	}
	if last := lastRecord(t, log.Bytes()); last["outcome"] != "cancelled" || last["phase"] != "toolchain" {
		t.Errorf("the result is %v", last)
	}
	if !bytes.Contains(log.Bytes(), []byte(`"event":"progress","task":"downloading go`)) {
		t.Errorf("no progress in\n%s", &log)
	}
	if left, _ := os.ReadDir(tmp); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func lastRecord(t *testing.T, log []byte) (record map[string]any) {
	t.Helper()
	lines := bytes.Split(bytes.TrimSpace(log), []byte("\n"))
	if err := json.Unmarshal(lines[len(lines)-1], &record); err != nil {
		t.Fatalf("%v in\n%s", err, log)
	}
	return record
}

// Making an image takes seconds, and one can see that something happens: as
// records, and as a bar on a terminal, which leaves no trace in the end.
func TestProgressOfAnImage(t *testing.T) {
	t.Parallel()
	withoutOldest(t)
	dir := hello(t)
	proxy := faultyProxy(t, "slow")
	run, _ := gorunIn(t, dir, "--log-format=auto", "-n", ".")
	run.Env = append(run.Env, "GORUN_LOG_FORMAT=", "TERM=xterm", "GOPROXY="+proxy, "GOMODCACHE="+t.TempDir())
	terminal, err := pty.StartWithSize(run, &pty.Winsize{Rows: 24, Cols: 100})
	if err != nil {
		t.Fatal(err)
	}
	defer terminal.Close()
	shown, _ := io.ReadAll(terminal) // ends with EIO, when the other side is closed
	if err := run.Wait(); err != nil {
		t.Fatalf("%v\n%s", err, shown)
	}
	for _, want := range []string{`\r\x1b\[K(downloading|verifying|assembling) go.* \[=* *\] .* MB \([0-9]+%\)`, `\r\x1b\[Kloading go`} {
		if !regexp.MustCompile(want).Match(shown) {
			t.Errorf("the terminal shows %q, not %s", shown, want)
		}
	}
}
