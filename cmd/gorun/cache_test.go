package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/goproxytest"

	"github.com/org/gorun-action/internal/store"
	"github.com/org/gorun-action/internal/testenv"
)

// cacheTest is a module whose runs have a cache directory of their own.
type cacheTest struct {
	*killer
	*testing.T
	cache string
	user  *syscall.SysProcAttr // who runs gorun, nil for whoever tests
}

func newCacheTest(t *testing.T, builder string) *cacheTest {
	t.Helper()
	if builder == "docker" {
		testenv.NeedEngine(t)
	}
	c := &cacheTest{killer: newKiller(t, builder), T: t}
	c.cache = filepath.Join(c.dir, "cache")
	c.env = append(c.env, "GORUN_CACHE_DIR="+c.cache, "GOENV=off", "GOTOOLCHAIN=local")
	c.mode, c.env = "readwrite", slices.Clip(c.env) // runs side by side add to it
	return c
}

func (c *cacheTest) must(err error) {
	c.Helper()
	if err != nil {
		c.Fatal(err)
	}
}

// program writes a program that prints a line and exits with a status.
func (c *cacheTest) program(dir, line string, status int) {
	c.Helper()
	put(c.T, c.src(dir, "main.go"), fmt.Sprintf("package main\n\nimport \"os\"\n\nfunc main() {\n\tos.Stdout.WriteString(%q)\n\tos.Exit(%d)\n}\n", line+"\n", status))
}

func (c *cacheTest) src(elem ...string) string {
	return filepath.Join(append([]string{c.dir, "src"}, elem...)...)
}

func (c *cacheTest) store() *store.Dir {
	return &store.Dir{Root: filepath.Join(c.cache, "executables")}
}

// later is the store two hours from now.
func (c *cacheTest) later() *store.Dir {
	s := c.store()
	s.Now = func() time.Time { return time.Now().Add(2 * time.Hour) }
	return s
}

// temporary lists what the store has not finished or not removed.
func (c *cacheTest) temporary() []string {
	left, _ := filepath.Glob(filepath.Join(c.cache, "executables/tmp/*"))
	return left
}

// entry is what the store has of a run.
func (c *cacheTest) entry(r ran) store.Entry {
	c.Helper()
	entries, err := c.store().Entries(r.text("key"))
	if err != nil || len(entries) != 1 || r.text("key") == "" {
		c.Fatalf("the store has %v, %v of\n%s", entries, err, r.log)
	}
	return entries[0]
}

func (c *cacheTest) copy(from, to string) {
	c.Helper()
	data, err := os.ReadFile(from)
	c.must(err)
	c.must(os.WriteFile(to, data, 0o600))
}

// ran is a gorun that has ended.
type ran struct {
	stdout, log string
	status      int
	warnings    []string
	result      map[string]any
}

func (c *cacheTest) run(args ...string) ran {
	c.Helper()
	var out, log bytes.Buffer
	cmd := c.command(c.T, args...)
	cmd.Stdout, cmd.Stderr, cmd.SysProcAttr = &out, &log, c.user
	if err := cmd.Run(); cmd.ProcessState == nil {
		c.Error(err)
		return ran{}
	}
	r := ran{stdout: out.String(), log: log.String(), status: cmd.ProcessState.ExitCode()}
	for line := range strings.Lines(r.log) {
		r.result = nil
		json.Unmarshal([]byte(line), &r.result)
		if r.result["event"] == "warning" {
			r.warnings = append(r.warnings, r.text("message"))
		}
	}
	return r
}

func (r ran) text(field string) string { return fmt.Sprint(r.result[field]) }

// is makes sure that a run printed a line, without a warning, and that its
// cache field is one of those named.
func (c *cacheTest) is(what string, r ran, line string, caches ...string) {
	c.Helper()
	c.warns(what, r, line, 0, caches...)
}

func (c *cacheTest) warns(what string, r ran, line string, warnings int, caches ...string) {
	c.Helper()
	ok := r.stdout == line+"\n" && len(r.warnings) == warnings && strings.Contains(" "+strings.Join(caches, " ")+" ", " "+r.text("cache")+" ")
	if !ok {
		c.Errorf("%s: printed %q, status %d, cache %v, warnings %q; want %q, cache %v, %d warnings\n%s",
			what, r.stdout, r.status, r.result["cache"], r.warnings, line, caches, warnings, r.log)
	}
}

// whole makes sure that the store has n entries, all of them right, and nothing
// else.
func (c *cacheTest) whole(n int) {
	c.Helper()
	good, bad, err := c.store().Verify(c.Context())
	if len(good) != n || len(bad) > 0 || err != nil {
		c.Errorf("the store has %d entries instead of %d, bad are %v, %v", len(good), n, bad, err)
	}
	if left := c.temporary(); len(left) > 0 {
		c.Errorf("left behind: %q", left)
	}
}

// Many runs at the same time that find nothing are all right, and leave one
// entry for each program.
func TestCacheManyRuns(t *testing.T) {
	t.Parallel()
	c := newCacheTest(t, "host")
	same, others := testenv.Times(4, 24), testenv.Times(1, 6)
	for i := range others + 1 {
		c.program(fmt.Sprint("p", i), fmt.Sprint("this is ", i), i)
	}
	var wg sync.WaitGroup
	for n := range same + others {
		i := max(0, n-same+1)
		wg.Go(func() {
			r := c.run(fmt.Sprint("./p", i))
			if c.is(fmt.Sprint("run ", n), r, fmt.Sprint("this is ", i), "miss", "hit"); r.status != i {
				t.Errorf("run %d: status %d instead of %d", n, r.status, i)
			}
		})
	}
	wg.Wait()
	c.whole(others + 1)
	for i := range others + 1 {
		if r := c.run(fmt.Sprint("./p", i)); r.status != i {
			t.Errorf("the hit of %d has the status %d", i, r.status)
		} else {
			c.is("afterwards", r, fmt.Sprint("this is ", i), "hit")
		}
	}
}

// Executables that are too old or too many go when another one is kept; one
// that runs stays.
func TestCacheLimits(t *testing.T) {
	t.Parallel()
	c := newCacheTest(t, "host")
	c.program("old", "old", 0)
	c.program("new", "new", 0)
	put(t, c.src("runs/main.go"), "package main\n\nimport (\n\t\"io\"\n\t\"os\"\n)\n\nfunc main() {\n\tos.Stdout.WriteString(\"runs\\n\")\n\tio.Copy(io.Discard, os.Stdin)\n}\n")
	old, runs := c.entry(c.run("./old")), c.entry(c.run("./runs"))

	cmd := c.command(t, "./runs")
	in, err := cmd.StdinPipe()
	c.must(err)
	out, err := cmd.StdoutPipe()
	c.must(err)
	c.must(cmd.Start())
	io.ReadFull(out, make([]byte, len("runs\n")))
	defer func() { in.Close(); c.must(cmd.Wait()) }()

	c.due(old, runs)
	c.is("with --cache-age", c.run("--cache-age=1h", "./new"), "new", "miss")
	c.keys("of three, the old one goes", "runs", "new")
	c.program("new", "newer", 0)
	c.due()
	c.is("with --cache-size", c.run("--cache-size=1", "./new"), "newer", "miss")
	c.keys("all that does not run goes", "runs")
	c.is("what went", c.run("--cache-mode=read", "./old"), "old", "miss")
}

// due makes the next run that keeps something prune, and entries two hours old.
func (c *cacheTest) due(entries ...store.Entry) {
	c.Helper()
	c.must(os.RemoveAll(filepath.Join(c.cache, "executables/pruned")))
	past := time.Now().Add(-2 * time.Hour)
	for _, e := range entries {
		c.must(os.Chtimes(filepath.Join(e.Path, "../../entry"), past, past))
	}
}

// keys makes sure that the store has these programs and no others.
func (c *cacheTest) keys(what string, names ...string) {
	c.Helper()
	entries, err := c.store().Entries("")
	c.must(err)
	have := map[string]bool{}
	for _, e := range entries {
		have[e.Name] = true
	}
	for _, name := range names {
		if !have[name] || len(have) != len(names) {
			c.Errorf("%s: the store has %v, not %v", what, have, names)
		}
	}
}

// --verify-cache finds an executable that is not that of its key, names both,
// and its hint is what helps.
func TestCacheVerify(t *testing.T) {
	t.Parallel()
	c := newCacheTest(t, "host")
	c.program("p", "right", 0)
	c.program("q", "stranger", 0)
	mine, other := c.entry(c.run("./p")), c.entry(c.run("./q"))
	c.copy(other.Path, filepath.Join(c.dir, mine.Name))
	c.must(c.store().Remove(mine.Key))
	_, err := c.store().Put(mine.Key, filepath.Join(c.dir, mine.Name), other.SHA256, nil)
	c.must(err)

	r := c.run("--verify-cache", "./p")
	sentence := r.text("error")
	if r.status != 125 || r.stdout != "" || r.text("outcome") != "integrity" || !strings.Contains(sentence, mine.SHA256) || !strings.Contains(sentence, other.SHA256) {
		t.Errorf("status %d, printed %q\n%s", r.status, r.stdout, r.log)
	}
	_, hint, _ := strings.Cut(r.text("hint"), "`gorunctl ")
	hint, _, _ = strings.Cut(hint, "`")
	follow := exec.Command("go", append([]string{"run", "../gorunctl"}, strings.Fields(hint)...)...)
	follow.Env = c.env
	if out, err := follow.CombinedOutput(); err != nil {
		t.Errorf("gorunctl %s: %v\n%s", hint, err, out)
	}
	c.is("as the hint says", c.run("--verify-cache", "./p"), "right", "miss")
	c.is("afterwards", c.run("./p"), "right", "hit")
	c.is("afterwards, again", c.run("--verify-cache", "./p"), "right", "verified")
}

// Other sources make another executable, which is nobody's fault.
func TestCacheVerifyWhileSourcesChange(t *testing.T) {
	t.Parallel()
	c := newCacheTest(t, "host")
	c.program("p", "before", 0)
	c.run("./p")
	cmd, log := c.started(`"event":"build","builder"`, "--verify-cache", "./p")
	c.program("p", "after", 0)
	last := ""
	for log.Scan() {
		last = log.Text()
	}
	cmd.Wait()
	if !strings.Contains(last, `"outcome":"success"`) {
		t.Errorf("the sources changed during --verify-cache:\n%s", last)
	}
	c.is("afterwards", c.run("./p"), "after", "miss", "hit")
}

// A hit takes no go command and no network, be it a package of the workspace or
// one that is named with its version.
func TestCacheWithoutGo(t *testing.T) {
	t.Parallel()
	c := newCacheTest(t, "host")
	modules, err := goproxytest.NewServer(filepath.Join("testdata", "adverse", "mod"), "127.0.0.1:0")
	c.must(err)
	t.Cleanup(modules.Close)
	bin, notes := c.recorded()
	c.env = slices.Clip(append(c.env, "PATH="+bin+":"+os.Getenv("PATH"), "GOROOT=", "CGO_ENABLED=0",
		"GOPROXY="+modules.URL, "GOSUMDB=off", "GOMODCACHE="+filepath.Join(c.dir, "mod"), "GOFLAGS=-modcacherw"))
	c.program("p", "right", 0)
	const served = "example.com/served@v1.0.0"
	c.is("the first run", c.run("./p"), "right", "miss")
	if r := c.run(served); r.status != 0 || r.text("cache") != "miss" || len(r.warnings) > 0 {
		t.Errorf("the first run of %s: status %d\n%s", served, r.status, r.log)
	}
	text, err := os.ReadFile(notes)
	if !strings.Contains(string(text), served) {
		t.Fatalf("the go command was not recorded: %q, %v", text, err)
	}
	c.must(os.Remove(notes))
	modules.Close()
	c.is("the second run", c.run("./p"), "right", "hit")
	if r := c.run(served); r.status != 0 || r.text("cache") != "hit" || !strings.Contains(r.log, "\nserved\n") || len(r.warnings) > 0 {
		t.Errorf("the second run of %s: status %d\n%s", served, r.status, r.log)
	}
	if text, err := os.ReadFile(notes); err == nil {
		t.Errorf("the go command was run:\n%s", text)
	}
}

// recorded makes a GOROOT out of links, whose go command notes what it is run
// for, and returns its bin and the notes.
func (c *cacheTest) recorded() (bin, notes string) {
	c.Helper()
	out, err := exec.Command("go", "env", "GOROOT").Output()
	c.must(err)
	real, root := strings.TrimSpace(string(out)), filepath.Join(c.dir, "goroot")
	bin, notes = filepath.Join(root, "bin"), filepath.Join(c.dir, "notes")
	for _, dir := range []string{"", "bin"} {
		c.must(os.MkdirAll(filepath.Join(root, dir), 0o755))
		list, err := os.ReadDir(filepath.Join(real, dir))
		c.must(err)
		for _, f := range list {
			if f.Name() != "bin" && f.Name() != "go" {
				c.must(os.Symlink(filepath.Join(real, dir, f.Name()), filepath.Join(root, dir, f.Name())))
			}
		}
	}
	script := fmt.Sprintf("#!/bin/sh\necho \"$@\" >>'%s'\nGOROOT='%s' exec '%s/bin/go' \"$@\"\n", notes, root, real)
	c.must(os.WriteFile(filepath.Join(bin, "go"), []byte(script), 0o755))
	return bin, notes
}
