package runnerimage

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/org/gorun-action/internal/testenv"
)

// base makes the Debian base, once for each version of its script: the engine
// keeps it under a tag that says which.
var base = sync.OnceValues(func() (string, error) {
	script, err := os.ReadFile("debian.sh")
	if err != nil {
		return "", err
	}
	tag := fmt.Sprintf("gorun-tests/debian:%x", sha256.Sum256(script))[:len("gorun-tests/debian:")+12]
	if exec.Command("docker", "image", "inspect", tag).Run() == nil {
		return tag, nil
	}
	dir, err := os.MkdirTemp("", "runnerimage-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "base.tar")
	for _, args := range [][]string{{"./debian.sh", file}, {"docker", "import", file, tag}} {
		if out, err := exec.Command(args[0], args[1:]...).CombinedOutput(); err != nil {
			return "", fmt.Errorf("%s: %w: %s", args, err, out)
		}
	}
	return tag, nil
})

// full makes the full image with the classic builder. What the Dockerfile takes
// from the module proxy lies in the image that has the go command: a container
// here may not reach the proxy. So does what was compiled for the slim image,
// which the Dockerfile's flags find if they are the same.
var full = sync.OnceValue(func() error {
	debian, err := base()
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "runnerimage-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if err := modules(filepath.Join(dir, "modules")); err != nil {
		return err
	}
	cache, err := buildCache()
	if err != nil {
		return err
	}
	if err := os.CopyFS(filepath.Join(dir, "go-build"), os.DirFS(cache)); err != nil {
		return err
	}
	text := "FROM " + slimTag + "\nCOPY modules/cache/download /modules\nCOPY go-build /go-build\nENV GOPROXY=file:///modules GOCACHE=/go-build\n"
	if err := os.WriteFile(filepath.Join(dir, "Dockerfile"), []byte(text), 0o644); err != nil {
		return err
	}
	return errors.Join(
		build(dir, "--tag="+goTag),
		build(root(), "--tag="+fullTag, "--build-arg=GO="+goTag, "--build-arg=DEBIAN="+debian))
})

// modules fills a module cache with what gorun needs, from this machine's own
// cache where that has it.
func modules(dir string) error {
	env, err := exec.Command("go", "env", "GOMODCACHE", "GOPROXY").Output()
	if err != nil {
		return err
	}
	cache, proxy, _ := strings.Cut(strings.TrimSpace(string(env)), "\n")
	list := exec.Command("go", "list", "-deps", "./cmd/gorun")
	list.Dir = root()
	list.Env = append(os.Environ(), "GOFLAGS=-modcacherw", "GOMODCACHE="+dir, "GOPROXY=file://"+cache+"/cache/download,"+proxy)
	if out, err := list.CombinedOutput(); err != nil {
		return fmt.Errorf("downloading modules: %w: %s", err, out)
	}
	return nil
}

func build(dir string, args ...string) error {
	cmd := exec.Command("docker", append([]string{"build", dir}, args...)...)
	cmd.Env = append(os.Environ(), "DOCKER_BUILDKIT=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("docker build %s: %w: %s", args, err, out)
	}
	return nil
}

// needFull skips a test where mmdebstrap is missing; in CI that is a failure.
func needFull(t *testing.T) {
	t.Helper()
	needRelease(t)
	if _, err := exec.LookPath("mmdebstrap"); err != nil && os.Getenv("CI") == "" {
		t.Skipf("NOT TESTED: %v", err)
	}
	if err := full(); err != nil {
		t.Fatal(err)
	}
}

// gorun in the full image is the slim one's, byte for byte.
func TestFullHasTheSameGorun(t *testing.T) {
	t.Parallel()
	needFull(t)
	slim, full := gorunOf(t, slimTag), gorunOf(t, fullTag)
	if slim != full {
		t.Errorf("gorun is %s in the slim image, %s in the full one", slim, full)
	}
}

// gorunOf returns the hash of an image's gorun.
func gorunOf(t *testing.T, image string) string {
	t.Helper()
	id := testenv.Docker(t, "create", image)
	defer testenv.Docker(t, "rm", id)
	file := filepath.Join(t.TempDir(), "gorun")
	testenv.Docker(t, "cp", id+":/usr/local/bin/gorun", file)
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%x", h.Sum(nil))
}

func TestFullHasWhatItSays(t *testing.T) {
	t.Parallel()
	needFull(t)
	script := "git --version && ssh -V && gcc --version && ls /usr/share/zoneinfo/Europe/Berlin /etc/ssl/certs/ca-certificates.crt && readlink /usr/local/bin/gorun-action"
	r := run(t, "", "--entrypoint", "sh", fullTag, "-ec", script)
	if r.status != 0 || !strings.HasSuffix(r.stdout, "ca-certificates.crt\ngorun\n") && !strings.HasSuffix(r.stdout, "Berlin\ngorun\n") {
		t.Errorf("status %d: %s%s", r.status, r.stdout, r.stderr)
	}
}

// ssh works for nobody whom the system does not know.
func TestSSHKnowsTheOwner(t *testing.T) {
	t.Parallel()
	needFull(t)
	args := append(mount(workspace(t, tiny)), fullTag, "--log-format=text", "-exec=ssh -G git.example", ".")
	if r := run(t, "", args...); r.status != 0 || !strings.Contains(r.stdout, "hostname git.example\n") {
		t.Errorf("status %d: %s%s", r.status, r.stdout, r.stderr)
	}
}

// racy is a program with C in it and a data race.
const racy = `package main

// int twice(int n) { return 2 * n; }
import "C"

func main() {
	done, n := make(chan bool), 0
	go func() { n++; done <- true }()
	n++
	<-done
	println(C.twice(21))
}
`

func TestCgoAndRace(t *testing.T) {
	t.Parallel()
	needFull(t)
	args := slices.Concat(mount(workspace(t, racy)), built(t, owner()), []string{fullTag, "--log-format=text"})
	plain := run(t, "", append(args, ".")...)
	if plain.status != 0 || !strings.HasPrefix(plain.stderr, "42\n") {
		t.Errorf("cgo: status %d: %s", plain.status, plain.stderr)
	}
	race := run(t, "", append(args, "-race", ".")...)
	if race.status != 66 || !strings.Contains(race.stderr, "WARNING: DATA RACE") || !strings.Contains(race.stderr, "42\n") {
		t.Errorf("-race: status %d: %s", race.status, race.stderr)
	}
}

// revision prints the commit that the go command stamped it with.
const revision = `package main

import "runtime/debug"

func main() {
	info, _ := debug.ReadBuildInfo()
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			println(len(s.Value))
		}
	}
}
`

// git is content with a repository of somebody else's where workspaces are
// mounted, and as its owner anywhere.
func TestDubiousOwnership(t *testing.T) {
	t.Parallel()
	needFull(t)
	dir := workspace(t, revision)
	for _, args := range [][]string{{"init", "--quiet"}, {"add", "."}, {"-c", "user.name=x", "-c", "user.email=x@example.test", "commit", "--quiet", "--message=x"}} {
		cmd := exec.Command("git", append([]string{"-c", "safe.directory=*", "-C", dir}, args...)...)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("git %s: %v: %s", args, err, out)
		}
	}
	give(t, dir)
	for name, tt := range map[string]struct {
		uid     int
		options []string
	}{
		"another user":         {1234, []string{"-v", dir + ":/src", "--user", "1234:1234"}},
		"in a workflow":        {1234, []string{"-v", dir + ":/github/workspace", "--workdir", "/github/workspace", "--user", "1234:1234"}},
		"root":                 {0, []string{"-v", dir + ":/src", "-e", "GORUN_RUN_AS=self"}},
		"the owner, elsewhere": {owner(), []string{"-v", dir + ":/elsewhere", "--workdir", "/elsewhere"}},
	} {
		t.Run(name, func(t *testing.T) {
			r := run(t, "", slices.Concat(built(t, tt.uid), tt.options, []string{fullTag, "--log-format=text", "-buildvcs=true", "."})...)
			if r.status != 0 || !strings.Contains(r.stderr, "40\n") {
				t.Errorf("status %d: %s", r.status, r.stderr)
			}
		})
	}
	// Where nobody has said that it is meant, git refuses, and so does the build.
	r := run(t, "", "-v", dir+":/elsewhere", "--workdir", "/elsewhere", "--user", "1234:1234", fullTag, "--log-format=text", "-buildvcs=true", ".")
	r.refuses(t, "error obtaining VCS status: exit status 128")
}
