package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/org/gorun-action/internal/runas"
	"github.com/org/gorun-action/internal/testenv"
)

// freshMachine is a new machine for every run: of what the last one left there is
// nothing but a shared directory. Its paths are always the same, so that
// executables can be compared without -trimpath.
type freshMachine struct {
	*testing.T
	dir string
	uid int
}

// needing is a program that needs another module.
var needing = map[string]string{
	"go.mod": "module example.test/needing\n\ngo 1.26\n\nrequire github.com/google/go-cmp v0.7.0\n",
	"go.sum": "github.com/google/go-cmp v0.7.0 h1:wk8382ETsv4JYUZwIsn6YpYiWiBsYLSJiTsyBybVuN8=\n" +
		"github.com/google/go-cmp v0.7.0/go.mod h1:pXiqmnSA92OHEEa9HXL2W4E7lf9JzCmGVUdgjX3N/iU=\n",
	"main.go": "package main\n\nimport (\n\t\"fmt\"\n\n\t\"github.com/google/go-cmp/cmp\"\n)\n\nfunc main() { fmt.Println(\"one\", cmp.Equal(1, 1)) }\n",
}

// A container build on a new machine gets its modules and what was compiled of
// them from the pack, whoever runs gorun, and comes to the same executable as
// one without.
func TestFreshMachine(t *testing.T) {
	t.Parallel()
	testenv.Long(t, "it builds a part of the standard library three times")
	loadToolchain(t)
	m := newFreshMachine(t)
	users := []int{os.Getuid()}
	if os.Getuid() == 0 {
		users = append(users, 1001)
	}
	var near []ran
	for _, m.uid = range users {
		near = append(near, m.passOn())
	}
	alone := m.run("file://"+filepath.Join(m.dir, "proxy"), "--cache-mode=off")
	m.expect("without a cache", alone, "two true", "off", nil)
	for i, r := range near {
		if digest(r) != digest(alone) {
			t.Errorf("uid %d built %s from the pack, and without it is %s", users[i], digest(r), digest(alone))
		}
	}
}

// passOn builds the program on one machine, runs it on another, and builds what
// it has become on a third, where no module can be fetched.
func (m *freshMachine) passOn() ran {
	m.Helper()
	share := "--cache-to=dir:" + filepath.Join(m.dir, "share")
	must(m.T, os.RemoveAll(filepath.Join(m.dir, "share")))
	put(m.T, filepath.Join(m.dir, "src", "main.go"), needing["main.go"])
	who := fmt.Sprintf("uid %d, ", m.uid)

	first := m.run("file://"+filepath.Join(m.dir, "proxy"), share)
	m.expect(who+"first", first, "one true", "miss", []string{"restore executable miss", "restore pack miss", "save executable kept", "save pack kept"})
	m.expect(who+"unchanged", m.run("off", share), "one true", "hit", []string{"restore executable hit"})

	put(m.T, filepath.Join(m.dir, "src", "main.go"), strings.Replace(needing["main.go"], "one", "two", 1))
	near := m.run("off", share)
	m.expect(who+"changed", near, "two true", "miss", []string{"restore executable miss", "restore pack near", "save executable kept", "save pack skipped"})
	m.left()
	return near
}

// loadToolchain has the engine get the image that the tests of containers need:
// a new machine has no way to make it.
func loadToolchain(t *testing.T) {
	t.Helper()
	c := newCacheTest(t, "docker")
	c.program("p", "warm", 0)
	c.is("loading the toolchain", c.run("./p"), "warm", "miss")
}

// newFreshMachine makes the sources, the modules as a proxy has them, and a gorun
// that other users may start.
func newFreshMachine(t *testing.T) *freshMachine {
	t.Helper()
	dir, err := os.MkdirTemp("", "gorun-machine-") // t.TempDir lies where only its owner may go
	must(t, err)
	t.Cleanup(func() { os.RemoveAll(dir) })
	must(t, os.Chmod(dir, 0o755))
	m := &freshMachine{T: t, dir: dir}
	for name, text := range needing {
		put(t, filepath.Join(dir, "src", name), text)
	}
	download := exec.Command("go", "mod", "download")
	download.Dir = filepath.Join(dir, "src")
	if out, err := download.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	modcache, err := exec.Command("go", "env", "GOMODCACHE").Output()
	must(t, err)
	const module = "github.com/google/go-cmp"
	must(t, os.CopyFS(filepath.Join(dir, "proxy", module), os.DirFS(filepath.Join(strings.TrimSpace(string(modcache)), "cache", "download", module))))
	self, err := os.Executable()
	must(t, err)
	data, err := os.ReadFile(self)
	must(t, err)
	must(t, os.WriteFile(filepath.Join(dir, "gorun"), data, 0o755))
	return m
}

// run is a gorun on a machine that has just been made.
func (m *freshMachine) run(goproxy string, args ...string) ran {
	m.Helper()
	must(m.T, os.RemoveAll(m.home()))
	must(m.T, os.MkdirAll(filepath.Join(m.home(), "tmp"), 0o755))
	m.give()
	cmd := exec.CommandContext(m.Context(), filepath.Join(m.dir, "gorun"), slices.Concat([]string{"--builder=docker"}, args, []string{"."})...)
	cmd.Dir = filepath.Join(m.dir, "src")
	cmd.Env = []string{
		"PATH=" + os.Getenv("PATH"), "DOCKER_HOST=" + os.Getenv("DOCKER_HOST"), "HOME=" + m.home(), "TMPDIR=" + filepath.Join(m.home(), "tmp"),
		"GOPROXY=" + goproxy, "GOSUMDB=off", "GOFLAGS=-modcacherw", "GORUN_LOG_FORMAT=json",
	}
	if m.uid != os.Getuid() {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(m.uid), Gid: uint32(m.uid), Groups: engineGroup()}}
	}
	var out, log bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &log
	if err := cmd.Run(); cmd.ProcessState == nil {
		m.Fatal(err)
	}
	return readRan(cmd.ProcessState.ExitCode(), out.String(), log.String())
}

// engineGroup is the group that may talk to the engine.
func engineGroup() (groups []uint32) {
	if gid, ok := runas.EngineGroup(os.Getenv("DOCKER_HOST")); ok {
		groups = []uint32{uint32(gid)}
	}
	return groups
}

func (m *freshMachine) home() string { return filepath.Join(m.dir, "home") }

// give makes everything the user's.
func (m *freshMachine) give() {
	m.Helper()
	if os.Getuid() != 0 {
		return
	}
	must(m.T, filepath.WalkDir(m.dir, func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Lchown(path, m.uid, m.uid)
	}))
}

// left looks at what the run has left on the machine: all of it is the user's,
// nothing is temporary, and the part of the modules is not where whole ones
// belong.
func (m *freshMachine) left() {
	m.Helper()
	must(m.T, filepath.WalkDir(m.home(), func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		if owner := info.Sys().(*syscall.Stat_t).Uid; int(owner) != m.uid {
			m.Errorf("%s belongs to uid %d, and gorun was run by %d", path, owner, m.uid)
		}
		name, _ := filepath.Rel(m.home(), path)
		if !e.IsDir() && (strings.HasPrefix(name, "tmp/") || strings.HasPrefix(name, "go/")) {
			m.Errorf("%s is left", name)
		}
		return nil
	}))
}

// readRan takes the log apart.
func readRan(status int, stdout, log string) ran {
	r := ran{stdout: stdout, log: log, status: status}
	for line := range strings.Lines(log) {
		r.result = nil
		json.Unmarshal([]byte(line), &r.result)
		if r.result["event"] == "warning" {
			r.warnings = append(r.warnings, r.text("message"))
		}
	}
	return r
}

// expect holds a run to what it printed, to the verdict's word on the cache,
// and to what the shared store was asked and answered, in any order.
func (m *freshMachine) expect(what string, r ran, stdout, cache string, transfers []string) {
	m.Helper()
	got := transfersOf(r)
	slices.Sort(got)
	slices.Sort(transfers)
	built := strings.Contains(r.log, `"event":"build"`)
	ok := r.status == 0 && r.stdout == stdout+"\n" && r.text("cache") == cache && built == (cache != "hit") && len(r.warnings) == 0
	if !ok || !slices.Equal(got, transfers) {
		m.Errorf("%s: want %q, cache %s, %q; got status %d, %q, cache %s, built %t, %q\n%s", what, stdout, cache, transfers, r.status, r.stdout, r.text("cache"), built, got, r.log)
	}
}

func transfersOf(r ran) (list []string) {
	for line := range strings.Lines(r.log) {
		var e struct{ Event, Op, What, Outcome string }
		if json.Unmarshal([]byte(line), &e) == nil && e.Event == "transfer" {
			list = append(list, e.Op+" "+e.What+" "+e.Outcome)
		}
	}
	return list
}

// digest is that of the executable.
func digest(r ran) string {
	exe, _ := r.result["executable"].(map[string]any)
	return fmt.Sprint(exe["sha256"])
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
