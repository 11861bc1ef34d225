package runnerimage

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/org/gorun-action/internal/testenv"
)

// An earlier step is a process of the workspace's owner: it makes links and
// directories there, and sets variables. Root hands out nothing of the image's
// by that, and the program is not root.
func TestRootFollowsNothing(t *testing.T) {
	t.Parallel()
	testenv.NeedRoot(t)
	dir := workspace(t, probe)
	for link, to := range map[string]string{"etc": "/etc", "up": "../etc", "home/.cache": "/usr", "go/pkg": "/var", "lib": "usr", "usr": "/usr/lib"} {
		must(t, os.MkdirAll(filepath.Join(dir, filepath.Dir(link)), 0o755))
		must(t, os.Symlink(to, filepath.Join(dir, link)))
	}
	giveTo(t, dir, owner())
	for name, c := range map[string]struct {
		env  []string
		lies string // of what is refused
	}{
		"a build cache is a link":            {[]string{"GOCACHE=/src/etc"}, "a link that somebody else"},
		"a build cache below a link":         {[]string{"GOCACHE=/src/etc/new"}, "a link that somebody else"},
		"a link with dots":                   {[]string{"GOCACHE=/src/up"}, "a link that somebody else"},
		"a home has a link":                  {[]string{"GOCACHE=", "HOME=/src/home"}, "a link that somebody else"},
		"a module cache below a link":        {[]string{"GOMODCACHE=", "GOPATH=/src/go"}, "a link that somebody else"},
		"a cache behind two links":           {[]string{"GORUN_CACHE_DIR=/src/lib/x"}, "a link that somebody else"},
		"a build cache is root's directory":  {[]string{"GOCACHE=/etc"}, "it has files and is root's"},
		"a module cache is root's directory": {[]string{"GOMODCACHE=/usr/local"}, "it has files and is root's"},
		"a cache is root's directory":        {[]string{"GORUN_CACHE_DIR=/etc"}, "it has files and is root's"},
		"a path with dots to root's":         {[]string{"GOPATH=/cache/../usr"}, "it has files and is root's"},
	} {
		t.Run(name, func(t *testing.T) {
			options := mount(dir)
			for _, kv := range c.env {
				options = append(options, "-e", kv)
			}
			run(t, "", append(options, testenv.RunnerImage(t), "--log-format=text", ".", "--", "id")...).refuses(t, "preparing the cache directory", c.lies)
		})
	}
}

// The owner is that of the workspace, whatever -C leads to.
func TestOwnerIsTheWorkspaces(t *testing.T) {
	t.Parallel()
	testenv.NeedRoot(t)
	dir, roots := workspace(t, probe), workspace(t, probe)
	must(t, os.CopyFS(filepath.Join(dir, "sub"), os.DirFS(roots)))
	must(t, os.CopyFS(filepath.Join(dir, "others"), os.DirFS(roots)))
	must(t, os.Symlink("/roots", filepath.Join(dir, "link")))
	giveTo(t, dir, owner())
	giveTo(t, filepath.Join(dir, "sub"), 0)
	giveTo(t, filepath.Join(dir, "others"), 4242)
	giveTo(t, roots, 0)
	id := fmt.Sprintf("%d %d []\n", owner(), owner())
	for name, c := range map[string]struct {
		options, flags []string
	}{
		"a directory of root's":          {nil, []string{"-C", "sub"}},
		"somebody else's":                {nil, []string{"-C", "others"}},
		"a link to root's":               {nil, []string{"-C", "link"}},
		"by its whole name":              {nil, []string{"-C", "/src/sub"}},
		"the container began in root's":  {[]string{"-w", "/src/sub"}, nil},
		"the container began elsewhere":  {[]string{"-w", "/roots"}, []string{"-C", "/src/sub"}},
		"the container began at the top": {[]string{"-w", "/"}, []string{"-C", "/src/link"}},
	} {
		t.Run(name, func(t *testing.T) {
			options := slices.Concat(mount(dir), []string{"-v", roots + ":/roots"}, caches(t), c.options, []string{testenv.RunnerImage(t)}, c.flags)
			run(t, "", append(options, "--log-format=text", ".", "--", "id")...).wants(t, id)
		})
	}
}

// What a step's environment says does not make the program root again.
func TestVariablesOfEarlierSteps(t *testing.T) {
	t.Parallel()
	dir := workspace(t, probe)
	step := func(options ...string) result {
		options = slices.Concat(mount(dir), caches(t), []string{"--entrypoint", "gorun-action", "-e", "HOME=/cache", "-e", "INPUT_ARGS=id status=NoNewPrivs exit=3", "-e", "INPUT_LOG-FORMAT=text"}, options)
		return run(t, "", append(options, testenv.RunnerImage(t))...)
	}
	for _, variable := range []string{"GORUN_RUN_AS=self", "GORUN_FAIL_ON=none", "GORUN_BUILDER=docker", "GORUN_TOOLCHAIN_IMAGE=evil.example/go@sha256:" + strings.Repeat("0", 64), "GORUN_CACHE_MODE=trusted", "GORUN_CACHE_STRICT=false"} {
		if r := step("-e", variable); r.status != 3 || !strings.Contains(r.stdout, fmt.Sprintf("%d %d []\n1\n", owner(), owner())) {
			t.Errorf("%s: status %d\n%s", variable, r.status, r.stdout)
		}
	}
	if r := step("-e", "INPUT_BUILD-FLAGS=--run-as=self"); r.status != 3 || !strings.Contains(r.stdout, "0 0 [0]\n1\n") {
		t.Errorf("the workflow says --run-as=self: status %d\n%s", r.status, r.stdout)
	}
}

// Who the program is, and what it can become.
func TestNoNewPrivileges(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ flag, caps string }{
		"owner": {"--run-as=owner", "0000000000000000"}, "root": {"--run-as=self", ""},
	} {
		args := slices.Concat(mount(workspace(t, probe)), caches(t), []string{testenv.RunnerImage(t), "--log-format=text", c.flag, ".", "--", "status=NoNewPrivs", "status=CapEff"})
		r := run(t, "", args...)
		if lines := strings.Split(r.stdout, "\n"); r.status != 0 || lines[0] != "1" || c.caps != "" && lines[1] != c.caps {
			t.Errorf("%s: status %d, %q\n%s", name, r.status, lines, r.stderr)
		}
	}
}

// The engine's socket is for whom the user gives the engine to, also where the
// workspace has the group of the socket.
func TestEnginesGroup(t *testing.T) {
	t.Parallel()
	testenv.NeedRoot(t)
	dir, socket := workspace(t, probe), filepath.Join(t.TempDir(), "s")
	l, err := net.Listen("unix", socket)
	must(t, err)
	defer l.Close()
	must(t, os.Chown(socket, 0, 4321))
	id := func(options ...string) string {
		options = slices.Concat(mount(dir), caches(t), []string{"-v", socket + ":/var/run/docker.sock"}, options)
		return run(t, "", append(options, testenv.RunnerImage(t), "--log-format=text", ".", "--", "id")...).stdout
	}
	nobody := fmt.Sprintf("%d %d []\n", owner(), owner())
	for _, options := range [][]string{nil, {"-e", "DOCKER_HOST=unix:///var/run/docker.sock"}, {"-e", "DOCKER_HOST=tcp://192.0.2.1:1"}, {"-e", "GORUN_RUN_AS=owner"}} {
		if got := id(options...); got != nobody {
			t.Errorf("%q: the program is %q, want %q", options, got, nobody)
		}
	}
	must(t, os.Chown(dir, owner(), 4321))
	for _, options := range [][]string{nil, {"-e", "DOCKER_HOST=tcp://192.0.2.1:1"}, {"-e", "DOCKER_HOST=unix:///none"}} {
		if got := id(options...); got != nobody {
			t.Errorf("%q: a workspace with the engine's group: the program is %q, want %q", options, got, nobody)
		}
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
