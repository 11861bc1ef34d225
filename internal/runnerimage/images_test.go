package runnerimage

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/org/gorun-action/internal/testenv"
)

// The images that the full level makes here, as a release makes them.
const (
	slimTag = "gorun-tests/release:slim"
	fullTag = "gorun-tests/release:full"
	goTag   = "gorun-tests/release:go"
)

// warmed is a volume of the workspaces' owner.
const warmed = "gorun-tests-cache"

func TestMain(m *testing.M) {
	status := testenv.Waiting{M: m}.Run()
	if cache, err := buildCache(); err == nil {
		os.RemoveAll(cache)
	}
	os.Exit(status)
}

// made is what gorunctl says of an image.
type made struct {
	digest string
	size   float64 // MB, compressed
}

var said = regexp.MustCompile(`(?s)digest  (sha256:[0-9a-f]{64}).*size    ([0-9.]+) MB`)

// buildCache is where gorun of the images is compiled. It is one for all, since
// the same flags find the same in it, from wherever they are given, and others
// compile anew.
var buildCache = sync.OnceValues(func() (string, error) { return os.MkdirTemp("", "runnerimage-cache-") })

// makeRunner runs gorunctl in dir, a checkout.
func makeRunner(gorunctl, dir string, args ...string) (made, error) {
	cache, err := buildCache()
	if err != nil {
		return made{}, err
	}
	cmd := exec.Command(gorunctl, append([]string{"image", "runner"}, args...)...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), "GOCACHE="+cache)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return made{}, fmt.Errorf("%s: %w\n%s", gorunctl, err, stderr.String())
	}
	m := said.FindStringSubmatch(stdout.String())
	if m == nil {
		return made{}, errors.New("gorunctl says " + stdout.String())
	}
	size, err := strconv.ParseFloat(m[2], 64)
	return made{m[1], size}, err
}

// slim makes the slim image as a release does: with gorun compiled by the
// release of Go that it holds.
var slim release

type release struct {
	once sync.Once
	img  made
	err  error
}

func (r *release) by(gorunctl string) (made, error) {
	r.once.Do(func() { r.img, r.err = makeRunner(gorunctl, root(), "--tag="+slimTag, "--load") })
	return r.img, r.err
}

// root is the checkout, whose packages `go test` starts in their directories.
func root() string {
	dir, err := filepath.Abs("../..")
	if err != nil {
		panic(err)
	}
	return dir
}

// needRelease leaves a test of what a release makes to the full level.
func needRelease(t *testing.T) made {
	t.Helper()
	testenv.Long(t, "it makes images as a release does")
	testenv.NeedEngine(t)
	img, err := slim.by(testenv.Gorunctl(t))
	if err != nil {
		t.Fatal(err)
	}
	return img
}

// result is how a `docker run` ended.
type result struct {
	status         int
	stdout, stderr string
}

// limit is for one `docker run`, with a build of a part of the standard library
// on a machine that has other things to do.
const limit = 5 * time.Minute

// run is `docker run --rm`.
func run(t *testing.T, stdin string, args ...string) result {
	t.Helper()
	return start(t, stdin, append([]string{"run", "--rm"}, args...)...)
}

// start runs the docker command.
func start(t *testing.T, stdin string, args ...string) result {
	t.Helper()
	cmd := exec.Command("docker", args...)
	var stdout, stderr bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(stdin), &stdout, &stderr
	timer := time.AfterFunc(limit, func() { cmd.Process.Kill() })
	err := cmd.Run()
	timer.Stop()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return result{cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()}
}

// wants fails the test unless the program printed just that, with status 0.
func (r result) wants(t *testing.T, stdout string) {
	t.Helper()
	if r.status != 0 || r.stdout != stdout {
		t.Errorf("status %d, output %q, want %q\n%s", r.status, r.stdout, stdout, r.stderr)
	}
}

// refuses fails the test unless gorun refused, with these words.
func (r result) refuses(t *testing.T, words ...string) {
	t.Helper()
	for _, w := range words {
		if !strings.Contains(r.stderr, w) {
			t.Errorf("there is no %q in\n%s", w, r.stderr)
		}
	}
	if r.status != 125 || r.stdout != "" {
		t.Errorf("status %d, output %q", r.status, r.stdout)
	}
}

// volume makes a volume for one test.
func volume(t *testing.T) string {
	t.Helper()
	name := testenv.Docker(t, "volume", "create")
	t.Cleanup(func() { exec.Command("docker", "volume", "rm", "--force", name).Run() })
	return name
}

// owner is who the workspaces of these tests belong to: never root, and this
// user unless that is root.
func owner() int {
	if uid := os.Getuid(); uid != 0 {
		return uid
	}
	return 1001
}

// workspace makes a module of one program, and gives it to owner.
func workspace(t *testing.T, program string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{"go.mod": "module example.test/probe\n\ngo 1.26\n", "main.go": program} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	give(t, dir)
	return dir
}

// give gives a tree to owner.
func give(t *testing.T, dir string) {
	t.Helper()
	if os.Getuid() != 0 {
		return
	}
	giveTo(t, dir, owner())
}

func giveTo(t *testing.T, dir string, uid int) {
	t.Helper()
	must(t, filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		return errors.Join(err, os.Lchown(path, uid, uid))
	}))
}
