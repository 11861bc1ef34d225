package acttest

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/org/gorun-action/internal/testenv"
)

// actLimit is how long one run of act may take.
const actLimit = 8 * time.Minute

// Act runs workflows with nektos/act.
type Act struct {
	executable string
	job        string
	dir        string // act's own files: artifacts, configuration
	cache      string // what act's cache server keeps; "" for no server
}

// NewAct makes ready what act needs. The job image and the executable of act
// stay for later tests, the rest goes with the test.
func NewAct(t testing.TB) *Act {
	t.Helper()
	testenv.NeedEngine(t)
	return &Act{executable: testenv.NewAct(t).Executable, job: JobImage(t), dir: t.TempDir()}
}

// WithCache is the same act with a cache service, which keeps everything in
// dir. Without, steps find no service.
func (a *Act) WithCache(dir string) *Act {
	with := *a
	with.cache = dir
	return &with
}

// Push runs the workflow, a file in ws, as if ws had been pushed. more are
// further arguments for act. A workflow that fails is in the transcript; what
// keeps act from running it ends the test.
func (a *Act) Push(t testing.TB, ws Workspace, workflow string, more ...string) Transcript {
	t.Helper()
	args := append([]string{
		"push", "--workflows", workflow, "--platform", "ubuntu-latest=" + a.job, "--pull=false", "--json", "--rm", "--strict",
		"--action-offline-mode", "--action-cache-path", filepath.Join(a.dir, "actions"),
		"--artifact-server-path", filepath.Join(a.dir, "artifacts"), "--artifact-server-addr", "127.0.0.1", "--artifact-server-port", freePort(t),
	}, slices.Concat(a.cacheServer(t), more)...)
	begin := time.Now()
	stdout, stderr, status := a.run(t, string(ws), args...)
	transcript, err := parseTranscript(stdout)
	if err != nil {
		t.Fatalf("%v\n%s", err, stderr)
	}
	if len(transcript.Jobs) == 0 {
		t.Fatalf("act ran no job, status %d:\n%s\n%s", status, stdout, stderr)
	}
	transcript.Status, transcript.Took = status, time.Since(begin)
	return transcript
}

// cacheServer are the arguments about act's cache server. Jobs without a
// container are on this machine's network.
func (a *Act) cacheServer(t testing.TB) []string {
	if a.cache == "" {
		return []string{"--no-cache-server"}
	}
	return []string{"--cache-server-path", a.cache, "--cache-server-addr", "127.0.0.1", "--cache-server-port", freePort(t)}
}

// Version is what act says of itself.
func (a *Act) Version(t testing.TB) string {
	stdout, stderr, status := a.run(t, t.TempDir(), "--version")
	if status != 0 {
		t.Fatalf("act --version: status %d\n%s", status, stderr)
	}
	return strings.TrimSpace(string(stdout))
}

func (a *Act) run(t testing.TB, dir string, args ...string) (stdout, stderr []byte, status int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), actLimit)
	defer cancel()
	cmd := exec.CommandContext(ctx, a.executable, args...)
	cmd.Dir, cmd.Env = dir, a.environ()
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 30 * time.Second // act removes its containers
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatalf("running act: %v\n%s", err, errs.Bytes())
	}
	return out.Bytes(), errs.Bytes(), cmd.ProcessState.ExitCode()
}

// passed are the variables that act's environment may have: it hands what it
// knows of GitHub, CI and secrets on to the jobs.
var passed = []string{
	"PATH", "HOME", "XDG_CACHE_HOME", "DOCKER_HOST", "SSL_CERT_FILE", "SSL_CERT_DIR", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY",
	"http_proxy", "https_proxy", "no_proxy",
}

// environ is a clean environment in which act does not find the user's own
// configuration.
func (a *Act) environ() []string {
	env := []string{"XDG_CONFIG_HOME=" + filepath.Join(a.dir, "config")}
	for _, name := range passed {
		if value, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+value)
		}
	}
	return env
}

// freePort is a port of the loopback address that nobody used just now.
func freePort(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
}

// Workspace is the directory of a git repository with one commit.
type Workspace string

// NewWorkspace makes a repository of the files, path → content.
func NewWorkspace(t testing.TB, files map[string]string) Workspace {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return commit(t, dir)
}

// commit makes dir a repository with one commit.
func commit(t testing.TB, dir string) Workspace {
	t.Helper()
	ws := Workspace(dir)
	ws.git(t, "init", "--quiet", "--initial-branch=main")
	ws.git(t, "add", "--all")
	ws.git(t, "-c", "user.name=test", "-c", "user.email=test@localhost", "commit", "--quiet", "--message=test")
	return ws
}

func (w Workspace) git(t testing.TB, args ...string) {
	t.Helper()
	cmd := exec.Command("git", args...)
	cmd.Dir = string(w)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("git %s: %v\n%s", args[0], err, out)
	}
}

func sortedKeys[V any](m map[string]V) []string {
	return slices.Sorted(maps.Keys(m))
}
