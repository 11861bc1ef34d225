package runnerimage

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/org/gorun-action/internal/testenv"
)

// probe is the program of most tests. It does what its arguments say.
const probe = `package main

import (
	"fmt"
	"io"
	"os"
	"os/signal"
	"os/user"
	"strings"
	"syscall"
	"time"
)

func main() {
	for _, arg := range os.Args[1:] {
		name, value, _ := strings.Cut(arg, "=")
		switch name {
		case "id":
			groups, _ := os.Getgroups()
			fmt.Println(os.Getuid(), os.Getgid(), groups)
		case "user":
			u, err := user.Current()
			fmt.Println(u.Username, u.HomeDir, err)
		case "write":
			fmt.Println(os.WriteFile(value, []byte("x"), 0o644))
		case "device":
			f, err := os.OpenFile("/dev/stdout", os.O_WRONLY, 0)
			if err != nil {
				fmt.Println(err)
				return
			}
			fmt.Fprintln(f, value)
		case "stdin":
			io.Copy(os.Stdout, os.Stdin)
		case "signal":
			ch := make(chan os.Signal, 1)
			signal.Notify(ch, syscall.SIGINT, syscall.SIGTERM)
			fmt.Println("ready")
			fmt.Println(<-ch)
		case "orphan":
			attr := &os.ProcAttr{Sys: &syscall.SysProcAttr{Setsid: true}}
			_, err := os.StartProcess(os.Args[0], []string{"probe", "sleep"}, attr)
			fmt.Println(err)
		case "sleep":
			time.Sleep(time.Hour)
		case "owner":
			info, err := os.Stat(value)
			fmt.Println(value, info.Sys().(*syscall.Stat_t).Uid, err)
		case "status":
			data, _ := os.ReadFile("/proc/self/status")
			_, value, _ := strings.Cut(string(data), "\n"+value+":")
			line, _, _ := strings.Cut(value, "\n")
			fmt.Println(strings.TrimSpace(line))
		case "exit":
			os.Exit(int(value[0] - '0'))
		}
	}
}
`

// tiny is a program that needs nothing of the standard library but its runtime.
const tiny = "package main\n\nfunc main() { println(\"tiny\") }\n"

// mount is how a workspace gets into a container.
func mount(dir string) []string { return []string{"-v", dir + ":/src"} }

// caches are warm ones of the workspaces' owner, whose run is the first in them:
// what root makes there, nobody else may use.
func caches(t *testing.T) []string {
	t.Helper()
	volumes := []string{"-v", warmed + ":/cache", "-v", testenv.BuildCache(t, owner()) + ":/cache/go-build"}
	ownersFirst.Do(func() {
		args := append(append(mount(workspace(t, probe)), volumes...), testenv.RunnerImage(t), "--log-format=text", ".", "--", "id")
		run(t, "", args...).wants(t, fmt.Sprintf("%d %d []\n", owner(), owner()))
	})
	return volumes
}

var ownersFirst sync.Once

// built is a volume for one test, in which everything is compiled for uid.
func built(t *testing.T, uid int) []string {
	t.Helper()
	return []string{"-v", volume(t) + ":/cache", "-v", testenv.BuildCache(t, uid) + ":/cache/go-build"}
}

// probing returns the arguments of `docker run` for the probe, which is in the
// cache.
func probing(t *testing.T, options ...string) func(args ...string) []string {
	t.Helper()
	dir := workspace(t, probe)
	options = slices.Concat(mount(dir), caches(t), options)
	return func(args ...string) []string {
		return append(append(options, testenv.RunnerImage(t), "--log-format=text", ".", "--"), args...)
	}
}

// As root, all that is made belongs to the owner of the workspace.
func TestOwner(t *testing.T) {
	t.Parallel()
	dir := workspace(t, probe)
	args := append(append(mount(dir), caches(t)...), testenv.RunnerImage(t), "--log-format=text", "--verdict-file=verdict", "--log-file=log", ".", "--", "id", "write=made", "device=open")
	id := fmt.Sprintf("%d %d []\n", owner(), owner())
	run(t, "", args...).wants(t, id+"<nil>\nopen\n")
	for _, name := range []string{"made", "verdict", "log"} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil {
			t.Error(err)
		} else if got := int(info.Sys().(*syscall.Stat_t).Uid); got != owner() {
			t.Errorf("%s belongs to %d, the workspace to %d", name, got, owner())
		}
	}
	// A second run finds the program, and the caches as the first left them.
	second := run(t, "", args...)
	second.wants(t, id+"<nil>\nopen\n")
	if verdict, _ := os.ReadFile(filepath.Join(dir, "verdict")); !strings.Contains(string(verdict), `"cache": "hit"`) {
		t.Errorf("no hit: %s", verdict)
	}
}

// --run-as=self stays root, and a workspace of root's needs nobody else.
func TestRoot(t *testing.T) {
	t.Parallel()
	args := probing(t, "-e", "GORUN_RUN_AS=self")
	run(t, "", args("id")...).wants(t, "0 0 [0]\n")
}

// The owner has a name in the container, and a home.
func TestOwnerHasAName(t *testing.T) {
	t.Parallel()
	args := probing(t)
	run(t, "", args("user")...).wants(t, "gorun /home/gorun <nil>\n")
	args = probing(t, "-e", "HOME=/github/home", "--init")
	run(t, "", args("user")...).wants(t, "gorun /github/home <nil>\n")
}

// Any user will do, in a workspace that is not theirs, with a new volume.
func TestUser(t *testing.T) {
	t.Parallel()
	dir := workspace(t, tiny)
	args := append(slices.Concat(mount(dir), built(t, 1234)), "--user", "1234:1234", testenv.RunnerImage(t), "--log-format=text", ".")
	for _, want := range []string{"go1", "unchanged"} {
		r := run(t, "", args...)
		if r.status != 0 || !strings.HasPrefix(r.stderr, "tiny\n") || !strings.Contains(r.stderr, want) || strings.Contains(r.stderr, "warning") {
			t.Errorf("status %d, want %q in\n%s", r.status, want, r.stderr)
		}
	}
}

// What others left in a volume is no reason to fail for who may not write there.
func TestUserOfAnothersCache(t *testing.T) {
	t.Parallel()
	testenv.Long(t, "two users compile a part of the standard library")
	v, dir := volume(t)+":/cache", workspace(t, tiny)
	as := func(who ...string) result {
		return run(t, "", append(append(append(mount(dir), "-v", v), who...), testenv.RunnerImage(t), "--log-format=text", ".")...)
	}
	if r := as("-e", "GORUN_RUN_AS=self"); r.status != 0 || strings.Contains(r.stderr, "warning") {
		t.Fatalf("status %d: %s", r.status, r.stderr)
	}
	if err := os.WriteFile(filepath.Join(dir, "main.go"), []byte(strings.Replace(tiny, "tiny", "changed", 1)), 0o644); err != nil {
		t.Fatal(err)
	}
	r := as("--user", "1234:1234")
	if r.status != 0 || !strings.Contains(r.stderr, "changed\n") || strings.Count(r.stderr, "warning") != 1 || !strings.Contains(r.stderr, "permission denied") {
		t.Errorf("status %d, want one warning in\n%s", r.status, r.stderr)
	}
}

// A volume that is root's is given away, with all that root has left in it.
func TestOwnerTakesACache(t *testing.T) {
	t.Parallel()
	testenv.Long(t, "root compiles a part of the standard library")
	v := "type=volume,src=" + volume(t) + ",dst=/cache,volume-nocopy"
	dir := workspace(t, tiny)
	as := func(who, tag string) result {
		return run(t, "", append(mount(dir), "--mount", v, "-e", "GORUN_RUN_AS="+who, testenv.RunnerImage(t), "--log-format=text", "-tags="+tag, ".")...)
	}
	if r := as("self", "a"); r.status != 0 {
		t.Fatalf("status %d: %s", r.status, r.stderr)
	}
	for _, tag := range []string{"a", "b"} {
		if r := as("owner", tag); r.status != 0 || strings.Contains(r.stderr, "warning") {
			t.Errorf("status %d: %s", r.status, r.stderr)
		}
	}
}

func TestReadOnly(t *testing.T) {
	t.Parallel()
	dir := workspace(t, probe)
	readOnly := func(options ...string) []string {
		return append(append([]string{"--read-only"}, mount(dir)...), options...)
	}
	cache := caches(t)
	for name, tmpfs := range map[string]string{"exec": "/tmp:exec", "noexec": "/tmp"} {
		args := append(readOnly("--tmpfs", tmpfs), cache...)
		run(t, "", append(args, testenv.RunnerImage(t), "--log-format=text", "-tags="+name, ".", "--", "write=made")...).wants(t, "<nil>\n")
	}
	// What is in the cache needs to write nothing.
	hit := readOnly("-v", warmed+":/cache:ro", testenv.RunnerImage(t), "--log-format=text", "-tags=exec", ".", "--", "write=made")
	run(t, "", hit...).wants(t, "<nil>\n")
	run(t, "", readOnly(testenv.RunnerImage(t), "--log-format=text", ".")...).refuses(t,
		"gorun: nothing can be written to /tmp and /cache/gorun,", "hint: ", "--tmpfs /tmp:exec and -v gorun-cache:/cache")
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	src := mount(workspace(t, tiny))
	image := []string{testenv.RunnerImage(t), "--log-format=text", "."}
	home := volume(t) + ":/home/gorun"
	run(t, "", "-v", home, "--user", "4242:4242", "--entrypoint", "go", testenv.RunnerImage(t), "env", "-w", "GOFLAGS=-v").wants(t, "")
	for name, tt := range map[string]struct {
		options []string
		words   []string
	}{
		"no capabilities": {[]string{"--cap-drop=SETUID"}, []string{fmt.Sprintf("gorun: becoming uid %d, the owner of the workspace: operation not permitted", owner()), "hint: give the container the capabilities SETUID and SETGID"}},
		"somebody else's": {[]string{"-v", home, "-e", "GOCACHE=/home/gorun/.config"}, []string{"gorun: preparing the cache directory /home/gorun/.config for uid", "it belongs to uid 4242", "hint: mount a volume"}},
		"out of reach":    {[]string{"-e", "GOCACHE=/root/cache"}, []string{"gorun: preparing the cache directory /root/cache for uid", "it lies where only others may go", "hint: "}},
	} {
		t.Run(name, func(t *testing.T) {
			run(t, "", slices.Concat(src, tt.options, image)...).refuses(t, tt.words...)
		})
	}
}

func TestStdin(t *testing.T) {
	t.Parallel()
	args := probing(t, "-i")
	run(t, "one\ntwo\n", args("stdin")...).wants(t, "one\ntwo\n")
	args = probing(t)
	run(t, "not for it", args("stdin")...).wants(t, "")
}

// As PID 1 gorun passes signals on, and the program's status back.
func TestSignals(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		send []string
		want string
	}{
		"stop": {[]string{"stop"}, "ready\nterminated\n"},
		"INT":  {[]string{"kill", "--signal=INT"}, "ready\ninterrupt\n"},
	} {
		t.Run(name, func(t *testing.T) {
			args := probing(t)("signal", "exit=7")
			id := testenv.Docker(t, append([]string{"run", "--detach"}, args...)...)
			t.Cleanup(func() { exec.Command("docker", "rm", "--force", id).Run() })
			await(t, func() bool { return stdoutOf(t, id) == "ready\n" })
			testenv.Docker(t, append(tt.send, id)...)
			if status := testenv.Docker(t, "wait", id); status != "7" {
				t.Errorf("status %s", status)
			}
			if got := stdoutOf(t, id); got != tt.want {
				t.Errorf("the program says %q, want %q", got, tt.want)
			}
		})
	}
}

func stdoutOf(t *testing.T, id string) string {
	t.Helper()
	out, err := exec.Command("docker", "logs", id).Output()
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

func await(t *testing.T, done func() bool) {
	t.Helper()
	for end := time.Now().Add(limit); !done(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("it does not come")
		}
	}
}

// The container ends when the program does, whatever the program left.
func TestOrphan(t *testing.T) {
	t.Parallel()
	args := probing(t, "--init=false")
	begin := time.Now()
	r := run(t, "", args("orphan", "exit=7")...)
	if r.status != 7 || r.stdout != "<nil>\n" {
		t.Errorf("status %d: %s%s", r.status, r.stdout, r.stderr)
	}
	if took := time.Since(begin); took > time.Minute {
		t.Errorf("it took %v", took)
	}
}

// The image is the toolchain, unless the user wants what go.mod names.
func TestToolchainSwitch(t *testing.T) {
	t.Parallel()
	env := []string{"--entrypoint", "go", testenv.RunnerImage(t), "env", "GOTOOLCHAIN"}
	run(t, "", env...).wants(t, "local\n")
	run(t, "", append([]string{"-e", "GOTOOLCHAIN=auto"}, env...)...).wants(t, "auto\n")
}
