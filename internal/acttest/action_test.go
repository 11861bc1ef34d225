package acttest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/org/gorun-action/internal/testenv"
)

// e2e is the workflow that GitHub runs, too.
const e2e = ".github/workflows/e2e.yml"

// jobs is how many it has: nine cases and two about the cache.
const jobs = 11

// TestAction tries the action of this working tree in nektos/act.
func TestAction(t *testing.T) {
	testenv.Long(t, "it compiles act, and runs it half a dozen times")
	testenv.NeedEngine(t)
	ws := repository(t)
	makeAction(t, ws)
	t.Run("workflow", func(t *testing.T) { t.Parallel(); inAct(t, ws) })
	t.Run("service", func(t *testing.T) { t.Parallel(); serviceInAct(t, ws) })
	t.Run("cache", func(t *testing.T) { t.Parallel(); sharedInAct(t, ws) })
}

// TestLine tries it with the runner's own docker line.
func TestLine(t *testing.T) {
	image := testenv.RunnerImage(t)
	for name, try := range map[string]func(*testing.T, Step){
		"cases": inLine, "cache": sharedInLine, "cancel": cancelled, "overhead": overhead,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			switch name {
			case "cache":
				testenv.Long(t, "cmd/gorun and internal/store/githubcache have its parts")
			case "overhead":
				testenv.Long(t, "it measures, again and again where others keep the machine busy")
			}
			ws := string(repository(t))
			give(t, ws)
			// The standard library is compiled once, not in every step.
			builds := map[string]string{testenv.BuildCache(t, owner): buildCache}
			try(t, Step{Image: image, Entrypoint: entrypoint, Workspace: ws, Volumes: builds})
		})
	}
}

// buildCache is GOCACHE in the runner image.
const buildCache = "/github/home/.cache/go-build"

// repository is a copy of the working tree: what git knows, as it is now.
func repository(t *testing.T) Workspace {
	t.Helper()
	root := testenv.Module(t)
	cmd := exec.Command("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
	cmd.Dir = root
	list, err := cmd.Output()
	must(t, err)
	dir := t.TempDir()
	for name := range strings.SplitSeq(strings.TrimSuffix(string(list), "\x00"), "\x00") {
		copyFile(t, filepath.Join(root, name), filepath.Join(dir, name))
	}
	return commit(t, dir)
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	info, err := os.Lstat(from)
	if os.IsNotExist(err) || err == nil && !info.Mode().IsRegular() {
		return // deleted and not committed yet, or a link
	}
	must(t, err)
	content, err := os.ReadFile(from)
	must(t, err)
	must(t, os.MkdirAll(filepath.Dir(to), 0o755))
	must(t, os.WriteFile(to, content, info.Mode().Perm()))
}

// makeAction runs the script that GitHub runs, too: action.yml then uses the
// image of this checkout.
func makeAction(t *testing.T, ws Workspace) {
	t.Helper()
	cmd := exec.Command(filepath.Join(string(ws), ".github", "e2e", "image"), testenv.RunnerImage(t))
	cmd.Dir = string(ws)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("naming the image: %v\n%s", err, out)
	}
}

// asOnGitHub are the arguments that give act's container actions the home that
// GitHub's have: a directory that the steps of a job share.
func asOnGitHub(t *testing.T, home string) []string {
	builds := testenv.BuildCache(t, os.Getuid())
	return []string{"--env", "HOME=/github/home", "--container-options", "-v " + home + ":/github/home -v " + builds + ":" + buildCache}
}

// inAct runs the workflow twice: first the job about the cache, then all jobs.
// The second run finds what the first one kept, and it has no engine: nothing
// in it can start a container.
func inAct(t *testing.T, ws Workspace) {
	act, home := NewAct(t), t.TempDir()
	var table Table
	defer table.Log(t)

	first := act.Push(t, ws, e2e, append(asOnGitHub(t, home), "--job", "cache")...)
	checkJob(t, &table, first.Job("cache"))
	run := act.Push(t, ws, e2e, append(asOnGitHub(t, home), "--container-daemon-socket", "-")...)
	if n := len(run.Jobs); n != jobs {
		t.Errorf("act ran %d jobs, want %d: %v", n, jobs, run.Errors)
	}
	for _, job := range run.Jobs {
		checkJob(t, &table, job)
	}
	checkAnnotation(t, &table, run)
	checkInjection(t, &table, run)
	checkSecondRun(t, &table, run)
}

// checkJob holds a job to what the workflow itself says of it.
func checkJob(t *testing.T, table *Table, job *Job) {
	t.Helper()
	check := job.Step("check")
	if check == nil || job.Result != "success" {
		t.Errorf("job %s: %s\n%s", job.Name, job.Result, everything(job))
		return
	}
	name, want, step := job.ID+", second step", "hit true, stdout Hello, second!", job.Step("second")
	if job.ID == "case" {
		name, want, step = fmt.Sprint(job.Matrix["case"]), fmt.Sprint(job.Matrix["want"]), job.Step("gorun")
	}
	table.Check(t, name, want, firstLine(check.Output), step.Took)
}

// everything is what a job printed: for a failed test.
func everything(job *Job) string {
	var out strings.Builder
	for _, s := range job.Steps {
		fmt.Fprintf(&out, "== %s: %s\n%s", s.Name, s.Result, s.Output)
		for _, c := range s.Commands {
			fmt.Fprintf(&out, "%s %v %s\n", c.Name, c.Properties, c.Value)
		}
	}
	return out.String()
}

// jobOf is the job of a case.
func jobOf(t *testing.T, run Transcript, name string) *Job {
	t.Helper()
	i := slices.IndexFunc(run.Jobs, func(j *Job) bool { return fmt.Sprint(j.Matrix["case"]) == name })
	if i < 0 || run.Jobs[i].Step("gorun") == nil {
		t.Fatalf("act did not come to the case %q: %v", name, run.Errors)
	}
	return run.Jobs[i]
}

func checkAnnotation(t *testing.T, table *Table, run Transcript) {
	t.Helper()
	step := jobOf(t, run, "compile error").Step("gorun")
	var got []string
	for _, c := range step.Find("error") {
		got = append(got, position(c)+" "+c.Value)
	}
	table.Check(t, "annotation", "examples/broken/main.go:10:14 undefined: message", strings.Join(got, "; "), step.Took)
}

// checkInjection: nothing of what the program printed came to anything, besides
// that it is the output stdout.
func checkInjection(t *testing.T, table *Table, run Transcript) {
	t.Helper()
	step := jobOf(t, run, "injection").Step("gorun")
	harmless := []string{"group", "endgroup", "debug", "notice", "warning", "error", "set-output", "summary", "stop-commands"}
	token := ""
	var obeyed []string
	for _, c := range step.Commands {
		switch {
		case c.Name == "set-output" && c.Properties["name"] == "stdout":
		case c.Name == "stop-commands" && !strings.Contains(c.Value, "injected"):
			token = c.Value
		case c.Name == token:
		case !slices.Contains(harmless, c.Name) || strings.Contains(fmt.Sprint(c), "injected"):
			obeyed = append(obeyed, fmt.Sprint(c))
		}
	}
	table.Check(t, "injected commands", "none", none(obeyed), step.Took)
	if strings.Count(step.Output, "injected") == 0 {
		t.Errorf("the program came not to print anything:\n%s", step.Output)
	}
}

func none(found []string) string {
	if len(found) == 0 {
		return "none"
	}
	return strings.Join(found, "; ")
}

// checkSecondRun: already the first step about the cache finds its program, and
// starts no go command.
func checkSecondRun(t *testing.T, table *Table, run Transcript) {
	t.Helper()
	job := run.Job("cache")
	if job == nil || job.Step("first") == nil {
		t.Fatalf("the second run came not to the cache: %v", run.Errors)
	}
	first := job.Step("first")
	table.Check(t, "cache, second run", "hit true", "hit "+first.Outputs()["cache-hit"], first.Took)
	table.Check(t, "go commands in it", "none", none(eventsOf(first, "build")), first.Took)
}

// eventsOf returns the log records of that event in what a step printed.
func eventsOf(s *StepRun, event string) []string {
	var found []string
	for line := range strings.Lines(s.Output) {
		if strings.Contains(line, fmt.Sprintf("%q:%q", "event", event)) {
			found = append(found, strings.TrimSpace(line))
		}
	}
	return found
}

// serviceWorkflow is a job in a container, with a service, which the program
// reaches by its name.
const serviceWorkflow = `on: push
jobs:
  served:
    runs-on: ubuntu-latest
    container: JOB
    services:
      greeter:
        image: STANDIN
        env:
          INPUT_DO: serve :7000
    steps:
      - uses: actions/checkout@de0fac2e4500dabe0009e67214ff5f5447ce83dd # v6.0.2
      - id: gorun
        uses: ./
        with:
          package: internal/acttest/testdata/standin/main.go
          env: '["INPUT_DO=dial greeter:7000"]'
`

func serviceInAct(t *testing.T, ws Workspace) {
	act := NewAct(t)
	workflow := filepath.Join(string(ws), "service.yml")
	must(t, os.WriteFile(workflow, []byte(strings.NewReplacer("JOB", act.job, "STANDIN", standin(t)).Replace(serviceWorkflow)), 0o644))
	run := act.Push(t, ws, "service.yml", asOnGitHub(t, t.TempDir())...)
	job := run.Job("served")
	step := job.Step("gorun")
	if step == nil {
		t.Fatalf("act did not come to the step: %v", run.Errors)
	}
	var table Table
	defer table.Log(t)
	table.Check(t, "service", "hello from the service", strings.TrimSpace(step.Outputs()["stdout"]), step.Took)
	if t.Failed() {
		t.Log(everything(job))
	}
}
