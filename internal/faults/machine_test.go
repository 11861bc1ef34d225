package faults

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"syscall"
	"testing"
	"time"
)

// reproduce is the line of a failure that names the flags.
var reproduce = regexp.MustCompile("(?m)^reproduce: .*\n")

// runLimit ends a run that hangs: ten times what a loaded machine takes.
const runLimit = 3 * time.Minute

// machine is one that has nothing but a toolchain.
type machine struct {
	world *world
	root  string
}

func newMachine(t testing.TB, w *world) *machine {
	root, err := os.MkdirTemp(w.root, "machine")
	must(t, err)
	m := &machine{w, root}
	for _, dir := range []string{"home", "tmp", "gotmp", "cache", "gocache", "mod"} {
		must(t, os.Mkdir(m.path(dir), 0o755))
	}
	return m
}

func (m *machine) path(name string) string { return filepath.Join(m.root, name) }

// task is what a run is to do.
type task struct {
	program   int
	mode      string // of the cache
	gocache   string
	args, env []string
	attr      *syscall.SysProcAttr
}

// result is what became of a run.
type result struct {
	stdout, stderr string
	status         int
	err            error // there was no proper end
	verdict        string
	key            string
	transfers      []transfer
	warnings       []string
	// wall is how long it took, and build how much of that the go command did.
	wall, build time.Duration
}

// besides is how long a run took, but for the build.
func (r *result) besides() time.Duration { return r.wall - r.build }

// transfer is a record of the log.
type transfer struct {
	Op, What, Key, Outcome, Reason string
	Prefixes                       []string
}

func (m *machine) run(t testing.TB, task task) *result {
	ctx, cancel := context.WithTimeout(context.Background(), runLimit)
	defer cancel()
	args := append([]string{
		"--builder=host", "--cache-dir=" + m.path("cache"), "--cache-mode=" + task.mode,
		"--log-format=json", "--log-file=" + m.path("log"), "--verdict-file=" + m.path("verdict"),
	}, task.args...)
	cmd := exec.CommandContext(ctx, m.world.gorun, append(args, "-trimpath", ".")...)
	cmd.Dir, cmd.SysProcAttr = m.world.programs[task.program].dir, task.attr
	cmd.Env = environ(append(task.env,
		"HOME="+m.path("home"), "TMPDIR="+m.path("tmp"), "GOTMPDIR="+m.path("gotmp"), "DOCKER_CONFIG="+m.path("home"),
		"GOCACHE="+task.gocache, "GOMODCACHE="+m.path("mod"))...)
	cmd.WaitDelay = time.Second
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	begin := time.Now()
	err := cmd.Run()
	r := &result{wall: time.Since(begin), stdout: stdout.String(), stderr: reproduce.ReplaceAllString(stderr.String(), ""), status: cmd.ProcessState.ExitCode()}
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) || ctx.Err() != nil {
		r.err = errors.Join(err, ctx.Err())
	}
	r.err = errors.Join(r.err, r.readVerdict(m.path("verdict")), r.readLog(m.path("log")))
	return r
}

// readVerdict leaves out what may differ: times, the command line, and what
// caches did.
func (r *result) readVerdict(file string) error {
	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	var v map[string]any
	if err := json.Unmarshal(data, &v); err != nil {
		return err
	}
	r.key, _ = v["key"].(string)
	if times, ok := v["timings_ms"].(map[string]any); ok {
		build, _ := times["build"].(float64)
		r.build = time.Duration(build) * time.Millisecond
	}
	for _, name := range []string{"timings_ms", "saving", "cache", "key", "reproduce", "command", "toolchain", "builder", "differences"} {
		delete(v, name)
	}
	data, err = json.MarshalIndent(v, "", "  ")
	r.verdict = string(data)
	return err
}

func (r *result) readLog(file string) error {
	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	for lines := bufio.NewScanner(bytes.NewReader(data)); lines.Scan(); {
		var rec struct {
			Event, Message string
			transfer
		}
		if err := json.Unmarshal(lines.Bytes(), &rec); err != nil {
			return err
		}
		switch rec.Event {
		case "transfer":
			r.transfers = append(r.transfers, rec.transfer)
		case "warning":
			r.warnings = append(r.warnings, lines.Text())
		}
	}
	return nil
}

// of returns the last record about the transfers of a cell.
func (r *result) of(c cell) transfer {
	op, found := "save", transfer{Outcome: "none"}
	if c.reads() {
		op = "restore"
	}
	for _, tr := range r.transfers {
		if tr.Op == op && tr.What == c.kind {
			found = tr
		}
	}
	return found
}
