package acttest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/org/gorun-action/internal/testenv"
)

func TestStepIsStartedAsTheRunnerDoes(t *testing.T) {
	t.Parallel()
	testenv.NeedEngine(t)
	r := Step{
		Image: standin(t), Workspace: t.TempDir(), Env: map[string]string{"SHADE": "dark"}, Event: `{"a":1}`,
		Inputs: map[string]string{"do": strings.Join([]string{
			"say one", "say two", "stdin", "show SHADE", "show HOME", "show INPUT_GO-VERSION", "show INPUT_A_B",
			"append GITHUB_OUTPUT color=red", "append GITHUB_ENV MOOD=good", "append GITHUB_STATE s=1", "append GITHUB_STEP_SUMMARY # sum",
			"append GITHUB_EVENT_PATH x", "exit 3",
		}, "\n"), "go-version": "1.26", "a b": "blank"},
	}.Run(t)
	want := "one\ntwo\nstdin 0 <nil>\nSHADE=dark\nHOME=/github/home\nINPUT_GO-VERSION=1.26\nINPUT_A_B=blank\n"
	if r.Output != want || r.Code != 3 {
		t.Errorf("code %d, output\n%s\nwant 3 and\n%s", r.Code, r.Output, want)
	}
	if got := r.GitHubOutput + r.GitHubEnv + r.GitHubState + r.Summary; got != "color=red\nMOOD=good\ns=1\n# sum\n" {
		t.Errorf("files: %q", got)
	}
	if _, err := docker(t.Context(), nil, "inspect", r.Container); err == nil {
		t.Errorf("container %s is still there", r.Container)
	}
}

func TestStepIsCancelledAsTheRunnerDoes(t *testing.T) {
	t.Parallel()
	testenv.NeedEngine(t)
	cancel, ws := make(chan struct{}), t.TempDir()
	var cancelled time.Time
	go func() {
		defer close(cancel)
		for range 3000 {
			if _, err := os.Stat(filepath.Join(ws, "waiting")); err == nil {
				break
			}
			time.Sleep(100 * time.Millisecond)
		}
		time.Sleep(300 * time.Millisecond) // for the client of the engine to hear that the container runs
		cancelled = time.Now()
	}()
	r := Step{Image: standin(t), Workspace: ws, Inputs: map[string]string{"do": "wait\nexit 5"}, Cancel: cancel}.Run(t)
	if want := "waiting\ngot interrupt\ngot terminated\n"; r.Output != want || r.Code != 5 {
		t.Errorf("code %d, output\n%s\nwant 5 and\n%s", r.Code, r.Output, want)
	}
	if took := time.Since(cancelled); took < beforeTERM || took > beforeTERM+beforeKILL {
		t.Errorf("the step ended %v after it was cancelled", took)
	}
}
