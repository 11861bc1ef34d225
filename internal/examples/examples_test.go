package examples

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/org/gorun-action/internal/acttest"
	"github.com/org/gorun-action/internal/testenv"
	"github.com/org/gorun-action/internal/workflows"
)

// trial is one example on its way through act.
type trial struct {
	Document
	args   []string // for act
	mounts []string // for the containers: path here:path there
	act    *acttest.Act
	// check looks at what the document says nothing of, if it is not nil.
	check func(*testing.T, acttest.Transcript)
}

// preparations are what an example needs besides its document: what stands in
// for the world outside of it.
var preparations = map[string]func(*testing.T, *trial){
	"benchmark":       nil,
	"exit-codes":      nil,
	"generator":       nil,
	"migration":       giveSecret,
	"monorepo":        nil,
	"other-ci":        nil, // no workflow: TestOtherCI
	"platforms":       giveEmulator,
	"private-modules": giveProxy,
	"service":         giveService,
	"shared-cache":    giveCache,
	"tools":           giveModules,
}

// documents are the examples, by name.
func documents(t *testing.T) map[string]Document {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(root, "docs", "examples", "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]Document{}
	for _, file := range files {
		d, err := Parse(read(t, file))
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		if len(d.Scripts) > 0 {
			t.Errorf("%s has commands that no test runs: %q", file, d.Scripts)
		}
		found[strings.TrimSuffix(filepath.Base(file), ".md")] = d
	}
	if got, want := slices.Sorted(maps.Keys(found)), slices.Sorted(maps.Keys(preparations)); !slices.Equal(got, want) {
		t.Fatalf("docs/examples has %v, the test knows %v", got, want)
	}
	return found
}

// TestWorkflowsOfExamples holds them to the rules of GitHub.
func TestWorkflowsOfExamples(t *testing.T) {
	t.Parallel()
	all := documents(t)
	all["README"] = quickStart(t)
	for name, d := range all {
		if name == "other-ci" {
			continue
		}
		workflow, err := d.Workflow()
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		found, err := workflows.Lint("", workflow, []byte(d.Files[workflow]))
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range found {
			t.Errorf("%s: %v", name, f)
		}
	}
}

// TestActionExamples runs the workflows of the examples, and that of the
// README, in the runner image of this working tree.
func TestActionExamples(t *testing.T) {
	t.Parallel()
	testenv.Long(t, "it compiles act, and runs it a dozen times")
	testenv.RunnerImage(t)
	all := documents(t)
	delete(all, "other-ci")
	all["README"] = quickStart(t)
	act := acttest.NewAct(t)
	for _, name := range slices.Sorted(maps.Keys(all)) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			try := &trial{Document: all[name], act: act, mounts: home(t)}
			if prepare := preparations[name]; prepare != nil {
				prepare(t, try)
			}
			try.run(t)
			if name == "generator" { // not beside it: act names containers after the workflow and the job
				t.Run("stale", func(t *testing.T) { staleGenerator(t, all[name], act) })
			}
		})
	}
}

// run pushes the repository of the example and compares what its steps print.
func (try *trial) run(t *testing.T) {
	t.Helper()
	transcript := try.push(t)
	for _, job := range transcript.Jobs {
		if job.Result != "success" {
			t.Errorf("job %s: %q", job.Name, job.Result)
		}
	}
	if len(try.Prints) == 0 {
		t.Error("the document does not say what a step prints")
	}
	for _, p := range try.Prints {
		p.compare(t, transcript)
	}
	if try.check != nil {
		try.check(t, transcript)
	}
	t.Logf("act took %.1f s", transcript.Took.Seconds())
	if t.Failed() {
		t.Logf("%v\n%s", transcript.Errors, everything(transcript))
	}
}

// buildCache is GOCACHE in the action: in the runner's home.
const buildCache = "/github/home/.cache/go-build"

// home is the runner's home of one job. The standard library is compiled once,
// not in every job.
func home(t *testing.T) []string {
	return []string{t.TempDir() + ":/github/home", testenv.BuildCache(t, os.Getuid()) + ":" + buildCache}
}

// local is where the repository of an example has the action.
const local = ".gorun-action"

// push makes the repository and has act run its workflow.
func (try *trial) push(t *testing.T) acttest.Transcript {
	t.Helper()
	workflow, err := try.Workflow()
	if err != nil {
		t.Fatal(err)
	}
	files := maps.Clone(try.Files)
	files[workflow] = strings.ReplaceAll(files[workflow], "uses: "+Action, "uses: ./"+local)
	files[local+"/action.yml"] = action(t)
	ws := acttest.NewWorkspace(t, files)
	options := "-v " + strings.Join(try.mounts, " -v ")
	return try.act.Push(t, ws, workflow, append([]string{"--env", "HOME=/github/home", "--container-options", options}, try.args...)...)
}

// compare looks for the step in every job.
func (p Print) compare(t *testing.T, transcript acttest.Transcript) {
	t.Helper()
	var got []string
	for _, job := range transcript.Jobs {
		for _, step := range job.Steps {
			if step.Name == p.Step {
				got = append(got, step.Output)
			}
		}
	}
	want := []string{p.Text}
	if p.EachJob {
		want = slices.Sorted(strings.Lines(p.Text))
		slices.Sort(got)
	}
	if !slices.Equal(got, want) {
		t.Errorf("step %s prints %q, the document says %q", p.Step, got, want)
	}
}

// everything is what all jobs printed, and the commands in it but for the one
// that names a secret to hide it.
func everything(transcript acttest.Transcript) string {
	var out strings.Builder
	for _, job := range transcript.Jobs {
		for _, step := range job.Steps {
			out.WriteString("== " + job.Name + ", " + step.Name + ": " + step.Result + "\n" + step.Output)
			for _, c := range step.Commands {
				if c.Name != "add-mask" {
					out.WriteString(c.Name + " " + c.Value + "\n")
				}
			}
		}
	}
	return out.String()
}

// staleGenerator: the job fails when the committed file is an old one.
func staleGenerator(t *testing.T, d Document, act *acttest.Act) {
	d.Files = maps.Clone(d.Files)
	d.Files["colors/colors.go"] += "\nconst Pink = 3\n"
	try := &trial{Document: d, act: act, mounts: home(t)}
	transcript := try.push(t)
	if out := everything(transcript); transcript.Jobs[0].Result != "failure" || !strings.Contains(out, "-const Pink = 3") {
		t.Errorf("job %s\n%s", transcript.Jobs[0].Result, out)
	}
}

// What the generator writes belongs to whom the workspace belongs. act's
// workspaces are root's, so this goes through the runner's own line.
func TestGeneratedFilesHaveTheOwner(t *testing.T) {
	t.Parallel()
	d := documents(t)["generator"]
	if os.Getuid() != 0 {
		t.Skip("only root can make a workspace of somebody else's, and the others' are their own")
	}
	dir := t.TempDir()
	write(t, dir, d.Files)
	if err := os.RemoveAll(filepath.Join(dir, "colors")); err != nil {
		t.Fatal(err)
	}
	chown(t, dir)
	step := acttest.Step{
		Image: testenv.RunnerImage(t), Entrypoint: "/usr/local/bin/gorun-action", Workspace: dir,
		Inputs: map[string]string{"package": "./internal/gen"}, Volumes: map[string]string{testenv.BuildCache(t, owner): buildCache},
	}
	if r := step.Run(t); r.Code != 0 {
		t.Fatalf("status %d\n%s", r.Code, r.Output)
	}
	for _, name := range []string{"colors", "colors/colors.go"} {
		if uid := uidOf(t, filepath.Join(dir, name)); uid != owner {
			t.Errorf("%s belongs to %d, the workspace to %d", name, uid, owner)
		}
	}
	if got := read(t, filepath.Join(dir, "colors/colors.go")); got != d.Files["colors/colors.go"] {
		t.Errorf("the generator writes\n%s", got)
	}
}
