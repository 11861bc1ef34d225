package acttest

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/org/gorun-action/internal/store/entry"
	"github.com/org/gorun-action/internal/store/githubcache/cachetest"
)

// sharedInAct runs a workflow on three machines that have nothing in common but
// act's own cache server: as it is, once more, and with one file changed. What
// the first machine may do and the others may not is to fetch a module.
func sharedInAct(t *testing.T, repository Workspace) {
	ws := sharedWorkspace(t, repository)
	act := NewAct(t).WithCache(t.TempDir())
	modules := Downloads(t, string(ws))
	var table Table
	defer table.Log(t)
	push := func(goproxy string) *StepRun {
		t.Helper()
		run := act.Push(t, ws, "shared.yml", onNewMachine(t, modules, goproxy)...)
		job := run.Job("shared")
		if job == nil || job.Result != "success" {
			t.Fatalf("%v\n%s", run.Errors, everything(job))
		}
		return job.Step("gorun")
	}

	first := push("file:///modules")
	table.Check(t, "first", "hit false, built true, stdout one true", ran(first), first.Took)
	table.Check(t, "first, actions", "restore executable miss; restore pack miss; save executable kept; save pack kept", transfers(t, first.Output), first.Took)

	second := push("off")
	table.Check(t, "second", "hit true, built false, stdout one true", ran(second), second.Took)
	table.Check(t, "second, actions", "restore executable hit", transfers(t, second.Output), second.Took)
	if a, b := first.Outputs()["executable-digest"], second.Outputs()["executable-digest"]; a != b {
		t.Errorf("the first run built %s, the second has %s", a, b)
	}

	change(t, ws, `"one"`, `"two"`)
	third := push("off")
	table.Check(t, "changed", "hit false, built true, stdout two true", ran(third), third.Took)
	table.Check(t, "changed, actions", "restore executable miss; restore pack near; save pack skipped; save executable kept", transfers(t, third.Output), third.Took)
	if cold, near := duration(t, first), duration(t, third); near >= cold {
		t.Errorf("it took %d ms with what the first run left, and %d ms without", near, cold)
	} else {
		t.Logf("duration-ms: %d without anything, %d unchanged, %d changed", cold, duration(t, second), near)
	}
	if t.Failed() {
		t.Log(first.Output, second.Output, third.Output)
	}
}

// sharedWorkspace is the module in testdata/shared with the action.
func sharedWorkspace(t *testing.T, repository Workspace) Workspace {
	t.Helper()
	dir := t.TempDir()
	must(t, os.CopyFS(dir, os.DirFS("testdata/shared")))
	copyFile(t, filepath.Join(string(repository), "action.yml"), filepath.Join(dir, "action.yml"))
	return commit(t, dir)
}

// onNewMachine are act's arguments for a runner with a home of its own and
// without an engine, so that a step cannot start a container.
func onNewMachine(t *testing.T, modules, goproxy string) []string {
	return []string{
		"--container-daemon-socket", "-", "--env", "HOME=/github/home", "--env", "GOPROXY=" + goproxy, "--env", "GOSUMDB=off",
		"--container-options", "-v " + t.TempDir() + ":/github/home -v " + modules + ":/modules:ro",
	}
}

// change edits the program and commits that.
func change(t *testing.T, ws Workspace, old, new string) {
	t.Helper()
	file := filepath.Join(string(ws), "main.go")
	text, err := os.ReadFile(file)
	must(t, err)
	must(t, os.WriteFile(file, []byte(strings.Replace(string(text), old, new, 1)), 0o644))
	ws.git(t, "-c", "user.name=test", "-c", "user.email=test@localhost", "commit", "--quiet", "--all", "--message=change")
}

func ran(s *StepRun) string {
	out := s.Outputs()
	return fmt.Sprintf("hit %s, built %t, stdout %s", out["cache-hit"], len(eventsOf(s, "build")) > 0, strings.TrimSpace(out["stdout"]))
}

func duration(t *testing.T, s *StepRun) int {
	t.Helper()
	ms, err := strconv.Atoi(s.Outputs()["duration-ms"])
	must(t, err)
	return ms
}

// transfers are what GitHub's cache was asked and answered, as the log has it.
func transfers(t *testing.T, log string) string {
	t.Helper()
	var found []string
	for line := range strings.Lines(log) {
		var r struct{ Event, Store, Op, What, Outcome string }
		if json.Unmarshal([]byte(line), &r) == nil && r.Event == "transfer" && r.Store == "actions" {
			found = append(found, r.Op+" "+r.What+" "+r.Outcome)
		}
	}
	return strings.Join(found, "; ")
}

// sharedInLine has GitHub's cache as github.com has it, v2, and a program that
// looks for the credentials of it.
func sharedInLine(t *testing.T, base Step) {
	service := cachetest.New(cachetest.Options{NoV1: true})
	token := service.Token(cachetest.Scope{Refs: []string{"refs/heads/main"}})
	url := "http://" + ServeContainers(t, service) + "/"
	key, other := signingKey(t), signingKey(t)
	base.Inputs = map[string]string{"package": "./internal/acttest/testdata/spy"}
	const harmless = "stdout job job processes true credentials []"
	var table Table
	defer table.Log(t)
	for _, c := range []struct{ name, key, want, asked string }{
		{"first", key, "exit 0, hit false, ", "restore executable miss; save executable kept"},
		{"new machine", key, "exit 0, hit true, ", "restore executable hit"},
		{"another key", other, "exit 0, hit false, ", "restore executable refused; save executable exists"},
		{"no key", "", "exit 0, hit true, ", "restore executable hit"},
	} {
		step := base
		step.Home = t.TempDir()
		step.Env = map[string]string{
			"GITHUB_SERVER_URL": "https://github.com", "ACTIONS_RESULTS_URL": url, "ACTIONS_RUNTIME_URL": url,
			"ACTIONS_RUNTIME_TOKEN": token, "ACTIONS_CACHE_URL": "", "GORUN_CACHE_KEY": c.key,
		}
		r := step.Run(t)
		out := r.outputs(t)
		got := fmt.Sprintf("exit %d, hit %s, stdout %s", r.Code, out["cache-hit"], strings.TrimSpace(out["stdout"]))
		table.Check(t, c.name, c.want+harmless, got, r.Took)
		table.Check(t, c.name+", actions", c.asked, executablesOnly(transfers(t, r.Output)), r.Took)
		for _, secret := range []string{token, key, other, Secret} {
			if strings.Contains(r.Output+r.GitHubOutput+r.Summary, secret) {
				t.Errorf("%s: a secret shows", c.name)
			}
		}
		if t.Failed() {
			t.Logf("%s\n%s", c.name, r.Output)
		}
	}
}

// executablesOnly leaves out the packs: the build cache of these steps is warm.
func executablesOnly(transfers string) string {
	list := strings.Split(transfers, "; ")
	return strings.Join(slices.DeleteFunc(list, func(s string) bool { return strings.Contains(s, " pack ") }), "; ")
}

func signingKey(t *testing.T) string {
	t.Helper()
	key, err := entry.GenerateKey(nil)
	must(t, err)
	return key.Secret()
}
