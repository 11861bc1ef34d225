package faults

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// testAction runs some cells as a step of GitHub Actions does: what later steps
// see must be what it is without cache.
func (w *world) testAction(t *testing.T) {
	ref := newMachine(t, w).step(t, task{program: seedProgram, mode: "off", gocache: w.warm}, "ref")
	if ref.status != 3 || ref.outputs["outcome"] != "failure" || ref.outputs["stdout"] != "to stdout" && ref.outputs["stdout"] != "to stdout\n" {
		t.Fatalf("without cache: %+v", ref)
	}
	sample := []cell{
		{v2, lookUp, s503, executable}, {v2, download, flipped, executable}, {v1, download, expired, executable},
		{v1, lookUp, s401, executable}, {v1, finalise, s500, executable}, {v2, upload, stall, executable},
	}
	for _, c := range sample {
		t.Run(c.String(), func(t *testing.T) { w.stepThrough(t, c, ref) })
	}
}

func (w *world) stepThrough(t *testing.T, c cell, ref *stepResult) {
	m := newMachine(t, w)
	s := serve(t, w, m, c.store)
	defer s.close()
	if c.reads() {
		s.fill(t, w, c)
	}
	harm := m.spoil(t, c, s)
	job := task{program: seedProgram, mode: "readwrite", gocache: w.warm, env: s.env}
	first := m.step(t, job, "first")
	if s.struck() == 0 {
		t.Errorf("the fault never happened: %v", first.transfers)
	}
	harm.undo()
	second := newMachine(t, w).step(t, job, "second")
	for _, got := range []*stepResult{first, second} {
		if added := got.wall - ref.wall; added > mostAdded+got.build {
			t.Errorf("it added %s", added)
		}
		if got.status != ref.status || !sameOutputs(got.outputs, ref.outputs) || got.verdict != ref.verdict || len(got.warnings) > 1 {
			t.Errorf("got %+v\nwant %+v", got, ref)
		}
	}
	t.Logf("%s, then %s", first.of(c).Outcome, second.of(c).Outcome)
}

// stepResult is what later steps and people see of a step.
type stepResult struct {
	result
	outputs map[string]string
}

// step runs the door of the action.
func (m *machine) step(t testing.TB, job task, name string) *stepResult {
	ctx, cancel := context.WithTimeout(context.Background(), runLimit)
	defer cancel()
	dir := m.world.programs[job.program].dir
	cmd := exec.CommandContext(ctx, m.world.gorun)
	cmd.Args, cmd.Dir = []string{"gorun-action"}, dir
	cmd.Env = environ(append(job.env,
		"HOME="+m.path("home"), "TMPDIR="+m.path("tmp"), "GOTMPDIR="+m.path("gotmp"), "GOCACHE="+job.gocache, "GOMODCACHE="+m.path("mod"),
		"GITHUB_ACTIONS=true", "GITHUB_WORKSPACE="+dir, "GITHUB_OUTPUT="+m.path("output"), "RUNNER_TEMP="+m.path("cache"),
		"INPUT_PACKAGE=.", "INPUT_BUILDER=host", "INPUT_CACHE="+job.mode, "INPUT_SUMMARY=false",
		"INPUT_BUILD-FLAGS=-trimpath --cache-dir="+m.path("store"))...)
	write(t, m.path("output"), "")
	begin := time.Now()
	out, _ := cmd.Output() // the status tells
	r := &stepResult{result: result{wall: time.Since(begin), status: cmd.ProcessState.ExitCode()}, outputs: readOutputs(t, m.path("output"))}
	write(t, m.path("log"), recordsOf(out))
	must(t, r.readLog(m.path("log")))
	must(t, r.readVerdict(filepath.Join(m.path("cache"), r.outputs["verdict"])))
	return r
}

// recordsOf picks the log's records out of the stream to the runner.
func recordsOf(stream []byte) string {
	var b strings.Builder
	for lines := bufio.NewScanner(bytes.NewReader(stream)); lines.Scan(); {
		if json.Valid(lines.Bytes()) && strings.HasPrefix(lines.Text(), "{") {
			b.WriteString(lines.Text() + "\n")
		}
	}
	return b.String()
}

// readOutputs reads what the step left in GITHUB_OUTPUT.
func readOutputs(t testing.TB, file string) map[string]string {
	data, err := os.ReadFile(file)
	must(t, err)
	outputs := map[string]string{}
	lines := strings.Split(string(data), "\n")
	for i := 0; i < len(lines); i++ {
		name, end, long := strings.Cut(lines[i], "<<")
		if !long {
			name, value, _ := strings.Cut(lines[i], "=")
			outputs[name] = value
			continue
		}
		var value []string
		for i++; i < len(lines) && lines[i] != end; i++ {
			value = append(value, lines[i])
		}
		outputs[name] = strings.Join(value, "\n")
	}
	return outputs
}

// sameOutputs compares outputs, but for those that say where and how fast.
func sameOutputs(a, b map[string]string) bool {
	for _, name := range []string{"exit-code", "outcome", "phase", "signal", "executable-digest", "stdout", "toolchain"} {
		if a[name] != b[name] {
			return false
		}
	}
	return len(a) == len(b)
}
