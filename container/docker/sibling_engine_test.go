package docker_test

import (
	"archive/tar"
	"bytes"
	"crypto/rand"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	dockercontainer "github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/mount"
	"github.com/docker/docker/api/types/volume"
	"github.com/docker/docker/client"
	"github.com/docker/docker/pkg/stdcopy"

	"github.com/org/gorun-action/container/image"
	"github.com/org/gorun-action/internal/testenv"
)

// outer starts gorun in containers that have the engine's socket.
type outer struct {
	*testing.T
	api   *client.Client
	image string
	gorun string
}

func newOuter(t *testing.T) *outer {
	t.Helper()
	e := connect(t)
	if !strings.HasPrefix(e.Host(), "unix://") {
		t.Fatalf("the engine at %s has no socket that a container could have", e.Host())
	}
	api, err := client.NewClientWithOpts(client.FromEnv, client.WithAPIVersionNegotiation())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { api.Close() })
	o := &outer{T: t, api: api, gorun: testenv.Gorun(t)}
	img, err := probeImage()
	o.must(err)
	id, err := img.ConfigName()
	o.must(err)
	var archive bytes.Buffer
	o.must(image.WriteArchive(&archive, img, "gorun-tests/probe:1"))
	o.must(e.Load(t.Context(), &archive, "", nil))
	o.image = id.String()
	return o
}

func (o *outer) must(err error) {
	o.Helper()
	if err != nil {
		o.Fatal(err)
	}
}

// run starts a container as GitHub's runner does, and returns gorun's output
// and status. files are put into the container, where its mounts are by then.
func (o *outer) run(mounts []mount.Mount, env []string, files map[string]string, args ...string) (string, int64) {
	o.Helper()
	ctx, socket := o.Context(), strings.TrimPrefix(o.api.DaemonHost(), "unix://")
	mounts = append(mounts, mount.Mount{Type: mount.TypeBind, Source: socket, Target: "/var/run/docker.sock"})
	name := "gorun-test-" + strings.ToLower(rand.Text())
	_, err := o.api.ContainerCreate(ctx, &dockercontainer.Config{
		Image: o.image, Entrypoint: []string{"/bin/gorun"}, Cmd: args, WorkingDir: "/github/workspace", Env: append(env, o.configuration()...),
	}, &dockercontainer.HostConfig{Mounts: mounts}, nil, nil, name)
	o.must(err)
	defer o.api.ContainerRemove(ctx, name, dockercontainer.RemoveOptions{Force: true}) //nolint:errcheck // --rm would lose the log
	o.must(o.api.CopyToContainer(ctx, name, "/", o.archive(files), dockercontainer.CopyToContainerOptions{}))
	exited, failed := o.api.ContainerWait(ctx, name, dockercontainer.WaitConditionNextExit)
	o.must(o.api.ContainerStart(ctx, name, dockercontainer.StartOptions{}))
	select {
	case err := <-failed:
		o.Fatal(err)
	case status := <-exited:
		log, err := o.api.ContainerLogs(ctx, name, dockercontainer.LogsOptions{ShowStdout: true, ShowStderr: true})
		o.must(err)
		defer log.Close()
		var out bytes.Buffer
		_, err = stdcopy.StdCopy(&out, &out, log)
		o.must(err)
		return out.String(), status.StatusCode
	}
	return "", -1
}

// configuration is how the go command reaches modules here.
func (o *outer) configuration() (env []string) {
	o.Helper()
	for _, name := range []string{"GOPROXY", "GOSUMDB"} {
		env = append(env, name+"="+testenv.GoEnv(o, name))
	}
	for _, name := range []string{"HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY", "https_proxy", "http_proxy", "no_proxy"} {
		env = append(env, name+"="+os.Getenv(name))
	}
	return append(env, "GORUN_BUILDER=docker", "GORUN_LOG_FORMAT=json", "PATH=/bin", "HOME=/github/home")
}

// archive holds gorun, this machine's CA roots, and files.
func (o *outer) archive(files map[string]string) io.Reader {
	o.Helper()
	exe, err := os.ReadFile(o.gorun)
	o.must(err)
	roots, err := os.ReadFile("/etc/ssl/certs/ca-certificates.crt")
	o.must(err)
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	o.must(w.WriteHeader(&tar.Header{Typeflag: tar.TypeDir, Name: "tmp/", Mode: 0o777}))
	put := func(name string, mode int64, data []byte) {
		o.must(w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: strings.TrimPrefix(name, "/"), Mode: mode, Size: int64(len(data))}))
		_, err := w.Write(data)
		o.must(err)
	}
	put("/bin/gorun", 0o755, exe)
	put("/etc/ssl/certs/ca-certificates.crt", 0o644, roots)
	for name, text := range files {
		put(name, 0o644, []byte(text))
	}
	o.must(w.Close())
	return &out
}

// shared is a directory of this machine in a container. What the container's
// root leaves there goes with the test when that is root, too.
func (o *outer) shared(target string) mount.Mount {
	o.Helper()
	dir, err := os.MkdirTemp("", "gorun-test-")
	o.must(err)
	o.Cleanup(func() { os.RemoveAll(dir) })
	return mount.Mount{Type: mount.TypeBind, Source: dir, Target: target}
}

var program = map[string]string{
	"/github/workspace/app/go.mod":  "module example.com/app\n\ngo 1.26\n",
	"/github/workspace/app/main.go": "package main\n\nfunc main() { println(\"built by a sibling\") }\n",
}

// The workspace, the temporary directory and the home directory are those of
// the engine's machine under other names, as in a GitHub container action.
func TestBuildFromInsideAContainer(t *testing.T) {
	t.Parallel()
	testenv.Long(t, "it starts gorun in containers that start containers")
	o := newOuter(t)
	builds := mount.Mount{Type: mount.TypeBind, Source: testenv.BuildCache(t, 0), Target: "/github/builds"}
	mounts := []mount.Mount{o.shared("/github/workspace"), o.shared("/github/runner_temp"), o.shared("/github/home"), builds}
	env := []string{"RUNNER_TEMP=/github/runner_temp", "GOCACHE=/github/builds"}
	for _, cache := range []string{"miss", "hit"} {
		out, status := o.run(mounts, env, program, "-C", "app", ".")
		if status != 0 || !strings.Contains(out, "built by a sibling") || !strings.Contains(out, `"cache":"`+cache+`"`) {
			t.Errorf("status %d, want a %s\n%s", status, cache, out)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(mounts[1].Source, "*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// A release that the lock does not have is downloaded by a go command in a
// container of its own, which gets what this one shares with the engine.
func TestLearnFromInsideAContainer(t *testing.T) {
	t.Parallel()
	testenv.Long(t, "it downloads a Go release")
	o := newOuter(t)
	mounts := []mount.Mount{o.shared("/github/workspace"), o.shared("/github/runner_temp"), o.shared("/github/home")}
	t.Cleanup(func() { exec.Command("docker", "rmi", "-f", "gorun/toolchain:"+outside+"-linux-"+runtime.GOARCH).Run() })
	for _, env := range [][]string{{"RUNNER_TEMP=/github/runner_temp"}, {"RUNNER_TEMP=/github/runner_temp", "GOMODCACHE=/github/home/a b"}} {
		exec.Command("docker", "rmi", "-f", "gorun/toolchain:"+outside+"-linux-"+runtime.GOARCH).Run() //nolint:errcheck // none in the first round
		out, status := o.run(mounts, env, program, "--go-version="+outside, "-C", "app", ".")
		if status != 0 || !strings.Contains(out, "built by a sibling") || !strings.Contains(out, `"version":"`+outside+`"`) {
			t.Errorf("%q: status %d\n%s", env, status, out)
		}
	}
}

// outside is a release that the lock does not have, and no other test uses.
const outside = "1.26.7"

// In act the workspace may be a volume. The temporary directory is a part of
// it, and so is the module.
func TestBuildFromAVolume(t *testing.T) {
	t.Parallel()
	testenv.Long(t, "it compiles a part of the standard library, since the caches cannot be passed on")
	o := newOuter(t)
	v, err := o.api.VolumeCreate(t.Context(), volume.CreateOptions{Name: "gorun-test-" + strings.ToLower(rand.Text())})
	o.must(err)
	defer o.api.VolumeRemove(t.Context(), v.Name, true) //nolint:errcheck // nothing depends on it
	mounts := []mount.Mount{{Type: mount.TypeVolume, Source: v.Name, Target: "/github/workspace"}}
	files := maps.Clone(program)
	files["/etc/netrc"] = "machine example.invalid login x password y\n" // and is passed on as a copy
	out, status := o.run(mounts, []string{"TMPDIR=/github/workspace/tmp", "NETRC=/etc/netrc"}, files, "-C", "app", ".")
	if status != 0 || !strings.Contains(out, "built by a sibling") {
		t.Errorf("status %d\n%s", status, out)
	}
	// The home directory is the container's own: its caches cannot be passed on.
	if !strings.Contains(out, `"event":"warning"`) || !strings.Contains(out, "/github/home/") || !strings.Contains(out, "the cache cannot be used") {
		t.Errorf("nothing is said of the caches:\n%s", out)
	}
}

// What is missing is said, with the mount that would help.
func TestBuildWithoutSharedDirectories(t *testing.T) {
	t.Parallel()
	testenv.Long(t, "it starts gorun in containers that start containers")
	o := newOuter(t)
	tests := map[string]struct {
		mounts []mount.Mount
		env    []string
		want   string
	}{
		"temporary": {[]mount.Mount{o.shared("/github/workspace")}, nil, "docker run -v /tmp/gorun:/tmp/gorun -e TMPDIR=/tmp/gorun"},
		"sources":   {[]mount.Mount{o.shared("/github/runner_temp")}, []string{"RUNNER_TEMP=/github/runner_temp"}, "docker run -v DIRECTORY:/github/workspace/app"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			out, status := o.run(tt.mounts, tt.env, program, "-C", "app", ".")
			if status != 125 || !strings.Contains(out, tt.want) || !strings.Contains(out, `"outcome":"infrastructure"`) {
				t.Errorf("status %d, want a hint with %q\n%s", status, tt.want, out)
			}
		})
	}
}
