package acttest

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/org/gorun-action/internal/githubactions/parser"
	"github.com/org/gorun-action/internal/testenv"
)

// entrypoint is runs.entrypoint of action.yml.
const entrypoint = "/usr/local/bin/gorun-action"

// outputs are the step's outputs as GitHub's runner reads them.
func (r StepResult) outputs(t *testing.T) map[string]string {
	t.Helper()
	pairs, err := parser.File([]byte(r.GitHubOutput))
	if err != nil {
		t.Errorf("GITHUB_OUTPUT: %v\n%s", err, r.GitHubOutput)
	}
	outputs := map[string]string{}
	for _, p := range pairs {
		outputs[p.Name] = p.Value
	}
	return outputs
}

// obeyed are the commands that GitHub's runner takes from the output.
func (r StepResult) obeyed(name string) []string {
	var found []string
	for _, c := range new(parser.Runner).Output([]byte(r.Output)) {
		if c.Name == name {
			found = append(found, fmt.Sprintf("%s:%s:%s %s", c.Properties["file"], c.Properties["line"], c.Properties["col"], c.Data))
		}
	}
	return found
}

// inLine runs the cases through the runner's own docker line.
func inLine(t *testing.T, base Step) {
	base.Home = t.TempDir()
	var table Table
	defer table.Log(t)
	for _, c := range []struct {
		name   string
		inputs map[string]string
		want   string
	}{
		{"success", map[string]string{"package": "./examples/hello", "args": "line"}, "exit 0, code 0, outcome success, phase run, hit false, stdout Hello, line!"},
		{"same again", map[string]string{"package": "./examples/hello", "args": "again"}, "exit 0, code 0, outcome success, phase run, hit true, stdout Hello, again!"},
		{"failure code", map[string]string{"package": "./examples/exit", "args": "3"}, "exit 3, code 3, outcome failure, phase run, hit false, stdout "},
		{"panic", map[string]string{"package": "./examples/panic"}, "exit 2, code 2, outcome panic, phase run, hit false, stdout "},
		{"compile error", map[string]string{"package": "examples/broken/main.go"}, "exit 125, code 125, outcome build_failed, phase build, hit false, stdout "},
		{"timeout", map[string]string{"package": "./examples/sleep", "args": "1h", "timeout": "500ms"}, "exit 124, code 124, outcome timeout, phase run, hit false, stdout "},
		{"stdin", map[string]string{"package": "./examples/lines", "stdin": "a\nb\nc\n"}, "exit 0, code 0, outcome success, phase run, hit false, stdout 3 lines"},
		{"unknown input", map[string]string{"packge": "."}, "exit 125, code 125, outcome usage, phase inputs, hit false, stdout "},
		{"let through", map[string]string{"package": ".github/e2e/inject.go", "workflow-commands": "true"}, "exit 7, code 7, outcome failure, phase run, hit false, stdout see the log"},
		{"injection", map[string]string{"package": ".github/e2e/inject.go", "output": "raw"}, "exit 7, code 7, outcome failure, phase run, hit true, stdout see the log"},
	} {
		if slices.Contains([]string{"failure code", "panic", "timeout", "stdin", "unknown input"}, c.name) && !testenv.Full() {
			continue // cmd/gorun has them without a container
		}
		step := base
		step.Inputs = c.inputs
		if c.name == "success" { // a cache service that is gone changes nothing
			step.Env = map[string]string{"ACTIONS_CACHE_URL": "http://127.0.0.1:9/"}
		}
		r := step.Run(t)
		out := r.outputs(t)
		switch c.name {
		case "injection":
			table.Check(t, "injected commands", "none", none(injected(r)), r.Took)
			out["stdout"] = "see the log"
		case "let through": // what the other case would find, were there no fence
			if len(injected(r)) == 0 {
				t.Errorf("with workflow-commands: true no command gets through:\n%s", r.Output)
			}
			out["stdout"] = "see the log"
		}
		got := fmt.Sprintf("exit %d, code %s, outcome %s, phase %s, hit %s, stdout %s", r.Code, out["exit-code"], out["outcome"], out["phase"],
			out["cache-hit"], strings.TrimSpace(out["stdout"]))
		table.Check(t, c.name, c.want, got, r.Took)
		if c.name == "compile error" {
			table.Check(t, "annotation", "examples/broken/main.go:10:14 undefined: message", strings.Join(r.obeyed("error"), "; "), r.Took)
		}
		if t.Failed() {
			t.Logf("%s\n%s", c.name, r.Output)
		}
		if r.Summary == "" {
			t.Errorf("%s: no summary", c.name)
		}
		if strings.Contains(r.Output+r.GitHubOutput+r.Summary, Secret) {
			t.Errorf("%s: a token shows:\n%s", c.name, r.Output)
		}
	}
}

// injected are the commands of the program that GitHub's runner obeys.
func injected(r StepResult) []string {
	var found []string
	for _, culture := range []bool{false, true} {
		for _, c := range (&parser.Runner{Culture: culture}).Output([]byte(r.Output)) {
			harmless := slices.Contains([]string{"group", "endgroup", "debug", "notice", "warning", "error"}, c.Name)
			if !harmless || strings.Contains(c.Data, "injected") {
				found = append(found, fmt.Sprint(c))
			}
		}
	}
	return found
}

// cancelled: the step is cancelled while the program is deaf to INT and TERM.
// Within the runner's 10 s everything is written and no container is left.
func cancelled(t *testing.T, step Step) {
	must(t, os.WriteFile(filepath.Join(step.Workspace, "deaf.go"), []byte(deafProgram), 0o644))
	begin := time.Now()
	cancel, stop := make(chan struct{}), make(chan struct{})
	var asked time.Time
	go func() { // when the program is up, it says so in the workspace
		defer close(cancel)
		for range 3000 {
			if _, err := os.Stat(filepath.Join(step.Workspace, "deaf.up")); err == nil {
				break
			}
			select {
			case <-stop:
			case <-time.After(100 * time.Millisecond):
			}
		}
		asked = time.Now()
	}()
	step.Inputs, step.Cancel = map[string]string{"package": "deaf.go"}, cancel
	r := step.Run(t)
	close(stop)
	<-cancel
	var table Table
	defer table.Log(t)
	out := r.outputs(t)
	table.Check(t, "cancelled", "outcome cancelled, summary true, up true", fmt.Sprintf("outcome %s, summary %t, up %t", out["outcome"], r.Summary != "", asked.After(begin)), r.Took)
	if took := time.Since(asked); took > beforeTERM+beforeKILL {
		t.Errorf("it took %v from the cancellation to the end", took)
	}
	if _, err := docker(t.Context(), nil, "inspect", r.Container); err == nil {
		t.Errorf("container %s is still there", r.Container)
	}
	if t.Failed() {
		t.Log(r.Output)
	}
}

const deafProgram = `package main

import (
	"os"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	signal.Ignore(os.Interrupt, syscall.SIGTERM)
	os.WriteFile("deaf.up", nil, 0o644)
	time.Sleep(time.Hour)
}
`

// most is what a step that finds its program in the cache may take inside the
// container, from gorun's start to its end, the program's own run included.
const most = 100 * time.Millisecond

// It is measured at least this often, and on a busy machine more often: the
// shortest time counts, since what others do only ever adds to it.
const leastRounds, mostRounds = 15, 60

func overhead(t *testing.T, step Step) {
	exe, err := os.ReadFile(buildProgram(t, "testdata/stopwatch"))
	must(t, err)
	watch := filepath.Join(step.Workspace, ".stopwatch")
	must(t, os.WriteFile(watch, exe, 0o755))
	step.Home, step.Entrypoint = t.TempDir(), "/github/workspace/.stopwatch"
	step.Env, step.Inputs = map[string]string{"STOPWATCH": entrypoint}, map[string]string{"package": "./examples/hello"}
	if r := step.Run(t); r.Code != 0 {
		t.Fatalf("the first run: status %d\n%s", r.Code, r.Output)
	}
	var took []time.Duration
	for len(took) < leastRounds || len(took) < mostRounds && slices.Min(took) > most {
		r := step.Run(t)
		if hit := r.outputs(t)["cache-hit"]; hit != "true" {
			t.Fatalf("cache-hit is %q\n%s", hit, r.Output)
		}
		took = append(took, measured(t, watch))
	}
	slices.Sort(took)
	t.Logf("a step with a cache hit takes %.1f ms in the container (shortest of %d; median %.1f, longest %.1f)",
		ms(took[0]), len(took), ms(took[len(took)/2]), ms(took[len(took)-1]))
	if took[0] > most {
		t.Errorf("that is more than %v", most)
	}
}

func measured(t *testing.T, watch string) time.Duration {
	t.Helper()
	text, err := os.ReadFile(watch + ".time")
	must(t, err)
	n, err := strconv.Atoi(strings.TrimSpace(string(text)))
	must(t, err)
	return time.Duration(n) * time.Microsecond
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
