package docker_test

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"

	"github.com/org/gorun-action/container"
	"github.com/org/gorun-action/container/docker"
	"github.com/org/gorun-action/container/image"
)

// connect returns the engine. Without one these tests cannot say anything: in
// CI that is a failure.
func connect(t *testing.T) *docker.Engine {
	t.Helper()
	e, err := docker.Connect(t.Context())
	if err != nil && os.Getenv("CI") == "" {
		t.Skipf("no engine: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.Close() })
	return e
}

// probe is the program in the test image: it does what its arguments say.
const probe = `package main

import (
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"
)

func main() {
	for _, arg := range os.Args[1:] {
		name, value, _ := strings.Cut(arg, "=")
		switch name {
		case "out":
			fmt.Println(value)
		case "err":
			fmt.Fprintln(os.Stderr, value)
		case "env":
			fmt.Println(os.Getenv(value))
		case "cat":
			data, err := os.ReadFile(value)
			fmt.Println(string(data), err)
		case "write":
			fmt.Println(os.WriteFile(value, []byte("x"), 0o644) == nil)
		case "uid":
			fmt.Println(os.Getuid(), os.Getgid())
		case "wd":
			fmt.Println(os.Getwd())
		case "flood":
			io.CopyN(os.Stdout, zeros{}, 64<<20)
		case "ignore":
			signal.Ignore(syscall.SIGTERM)
		case "signals":
			ch := make(chan os.Signal, 1)
			signal.Notify(ch)
			fmt.Println("ready")
			fmt.Println("got", <-ch)
		case "sleep":
			d, _ := time.ParseDuration(value)
			time.Sleep(d)
		case "exit":
			var code int
			fmt.Sscan(value, &code)
			os.Exit(code)
		}
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return len(p), nil }
`

var probeImage = sync.OnceValues(func() (v1.Image, error) {
	dir, err := os.MkdirTemp("", "gorun-probe-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	if err := os.WriteFile(filepath.Join(dir, "main.go"), []byte(probe), 0o644); err != nil {
		return nil, err
	}
	build := exec.Command("go", "build", "-o", filepath.Join(dir, "probe"), filepath.Join(dir, "main.go"))
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=")
	if out, err := build.CombinedOutput(); err != nil {
		return nil, errors.New(string(out))
	}
	exe, err := os.ReadFile(filepath.Join(dir, "probe"))
	if err != nil {
		return nil, err
	}
	return imageOf(exe)
})

func imageOf(exe []byte) (v1.Image, error) {
	var layer bytes.Buffer
	w := tar.NewWriter(&layer)
	for _, f := range []struct {
		name string
		mode int64
		data []byte
	}{{"bin/probe", 0o755, exe}, {"bin/noexec", 0o644, exe}} {
		if err := w.WriteHeader(&tar.Header{Name: f.name, Mode: f.mode, Size: int64(len(f.data))}); err != nil {
			return nil, err
		}
		if _, err := w.Write(f.data); err != nil {
			return nil, err
		}
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	l, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(layer.Bytes())), nil })
	if err != nil {
		return nil, err
	}
	img, err := mutate.AppendLayers(empty.Image, l)
	if err != nil {
		return nil, err
	}
	return mutate.Config(img, v1.Config{Env: []string{"PATH=/bin"}})
}

// probeContainer loads the test image and returns its Executor.
func probeContainer(t *testing.T) *docker.Container {
	t.Helper()
	e := connect(t)
	img, err := probeImage()
	if err != nil {
		t.Fatal(err)
	}
	id, err := img.ConfigName()
	if err != nil {
		t.Fatal(err)
	}
	var archive bytes.Buffer
	if err := image.WriteArchive(&archive, img, "gorun-tests/probe:1"); err != nil {
		t.Fatal(err)
	}
	if err := e.Load(t.Context(), &archive, "", nil); err != nil {
		t.Fatal(err)
	}
	found, err := e.Image(t.Context(), id.String())
	if err != nil {
		t.Fatal(err)
	}
	if found.ID != id.String() || len(found.Env) != 1 {
		t.Fatalf("the engine has %+v, want %s", found, id)
	}
	return &docker.Container{Engine: e, Image: found.ID}
}

func run(t *testing.T, c *docker.Container, cmd container.Command) (string, container.ExitStatus) {
	t.Helper()
	var out bytes.Buffer
	cmd.Path, cmd.Stdout, cmd.Stderr = "probe", &out, &out
	if cmd.Dir == "" {
		cmd.Dir = "/"
	}
	status, err := c.Run(t.Context(), cmd)
	if err != nil {
		t.Fatal(err)
	}
	return out.String(), status
}

func TestRun(t *testing.T) {
	t.Parallel()
	c := probeContainer(t)
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "f"), []byte("from the host"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name string
		cmd  container.Command
		want string
		code int
	}{
		{"output in order", container.Command{Args: []string{"out=1", "out=2", "out=3", "out=4"}}, "1\n2\n3\n4\n", 0},
		{"exit code", container.Command{Args: []string{"exit=97"}}, "", 97},
		{"environment", container.Command{Args: []string{"env=A", "env=PATH"}, Env: []string{"A=b c"}}, "b c\n/bin\n", 0},
		{"user", container.Command{Args: []string{"uid"}, User: "1234:567"}, "1234 567\n", 0},
		{"read-only mount", container.Command{Args: []string{"cat=" + dir + "/f", "write=" + dir + "/g"}, Mounts: []container.Mount{{Source: dir, Target: dir}}}, "from the host <nil>\nfalse\n", 0},
		{"writable mount", container.Command{Args: []string{"write=/x/g"}, Mounts: []container.Mount{{Source: dir, Target: "/x", Writable: true}}}, "true\n", 0},
		{"working directory", container.Command{Args: []string{"wd"}, Dir: dir, Mounts: []container.Mount{{Source: dir, Target: dir}}}, dir + " <nil>\n", 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			out, status := run(t, c, tt.cmd)
			if out != tt.want || status.Code != tt.code {
				t.Errorf("got %q, status %d; want %q, %d", out, status.Code, tt.want, tt.code)
			}
		})
	}
}

func TestRunDeliversAllOutput(t *testing.T) {
	t.Parallel()
	out, _ := run(t, probeContainer(t), container.Command{Args: []string{"flood", "out=end"}})
	if len(out) != 64<<20+len("end\n") || !strings.HasSuffix(out, "end\n") {
		t.Errorf("%d bytes came through", len(out))
	}
}

func TestRunWhatIsNoProgram(t *testing.T) {
	t.Parallel()
	c := probeContainer(t)
	for path, want := range map[string]error{
		"nothing": fs.ErrNotExist, "/bin/nothing": fs.ErrNotExist, "/bin/noexec": container.ErrNotExecutable,
	} {
		_, err := c.Run(t.Context(), container.Command{Path: path, Dir: "/"})
		if !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", path, err, want)
		}
	}
}

func TestStopTakesItsSteps(t *testing.T) {
	t.Parallel()
	c := probeContainer(t)
	ctx, cancel := context.WithCancel(t.Context())
	cmd := container.Command{
		Path: "probe", Args: []string{"ignore", "out=ready", "sleep=1m"}, Dir: "/", Stdout: writer(func([]byte) { cancel() }),
		Stop: []container.StopStep{{Signal: syscall.SIGTERM, Wait: 300 * time.Millisecond}},
	}
	begin := time.Now()
	status, err := c.Run(ctx, cmd)
	if err != nil || !status.Stopped || status.Code != 137 {
		t.Errorf("status %+v, %v", status, err)
	}
	if took := time.Since(begin); took < 300*time.Millisecond || took > 30*time.Second {
		t.Errorf("it took %v", took)
	}
}

func TestSignalsReachTheProgram(t *testing.T) {
	t.Parallel()
	c := probeContainer(t)
	signals := make(chan os.Signal, 1)
	var out bytes.Buffer
	cmd := container.Command{Path: "probe", Args: []string{"signals"}, Dir: "/", Signals: signals, Stdout: writer(func(p []byte) {
		out.Write(p)
		if strings.Contains(string(p), "ready") {
			signals <- syscall.SIGUSR1
		}
	})}
	if _, err := c.Run(t.Context(), cmd); err != nil || !strings.Contains(out.String(), "got user defined signal 1") {
		t.Errorf("the program says %q, %v", out.String(), err)
	}
}

func TestNothingIsLeft(t *testing.T) {
	t.Parallel()
	c := probeContainer(t)
	var names []string
	c.Track = func(name string) func() { names = append(names, name); return func() {} }
	run(t, c, container.Command{Args: []string{"out=x"}})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.Run(ctx, container.Command{Path: "probe", Dir: "/"}); err == nil {
		t.Error("a cancelled run gives no error")
	}
	if len(names) != 2 {
		t.Fatalf("tracked %v", names)
	}
	for _, name := range names {
		for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(50 * time.Millisecond) {
			err := c.Engine.Remove(t.Context(), name)
			if errors.Is(err, fs.ErrNotExist) {
				break
			}
			if time.Now().After(deadline) {
				t.Fatalf("%s is still there: %v", name, err)
			}
		}
	}
}

func TestImagesThatAreNotThere(t *testing.T) {
	t.Parallel()
	e := connect(t)
	if _, err := e.Image(t.Context(), "sha256:"+strings.Repeat("0", 64)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Image: %v", err)
	}
	if err := e.Load(t.Context(), strings.NewReader("no archive"), "", nil); err == nil {
		t.Error("Load takes anything for an archive")
	}
}

func TestNoEngine(t *testing.T) {
	t.Setenv("DOCKER_HOST", "unix://"+filepath.Join(t.TempDir(), "no.sock"))
	if _, err := docker.Connect(t.Context()); !errors.Is(err, docker.ErrNoEngine) {
		t.Errorf("Connect: %v", err)
	}
}

type writer func([]byte)

func (w writer) Write(p []byte) (int, error) { w(p); return len(p), nil }
