package acttest

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// How a runner cancels a step (ProcessInvoker.cs): INT, then TERM after 7.5 s,
// then, 2.5 s later, KILL. All go to the docker client.
const (
	beforeTERM = 7500 * time.Millisecond
	beforeKILL = 2500 * time.Millisecond
)

// Step is one container action in a job.
type Step struct {
	Image string
	// Entrypoint is runs.entrypoint, or "" for the image's own.
	Entrypoint string
	// Inputs become INPUT_ variables.
	Inputs map[string]string
	// Env is the step's env: it wins over what the runner sets.
	Env map[string]string
	// Workspace is mounted as /github/workspace.
	Workspace string
	// Home is mounted as /github/home: what one step leaves there the next
	// step of the job finds. "" is a new one.
	Home string
	// Volumes are further mounts, path here → path there. GitHub has none;
	// tests share a build cache through them.
	Volumes map[string]string
	// Event is the content of event.json; "" is an empty object.
	Event string
	// Network is the job's, or "" for the engine's default.
	Network string
	// Cancel ends the step when it is closed. Nil never does.
	Cancel <-chan struct{}
}

// StepResult is what is left of a step.
type StepResult struct {
	// Code is the status of the docker command: the program's own, or 128 and
	// the number of the signal that killed docker.
	Code int
	// Output is what came on both streams, in the order in which the docker
	// client wrote it. Between the two streams of a container the engine keeps
	// no order.
	Output string
	// The files of the file commands.
	GitHubOutput, GitHubEnv, GitHubState, Summary string
	// Took is how long docker run was running.
	Took time.Duration
	// Container is its name; it can outlive the step only where docker was
	// killed.
	Container string
}

// Run starts the step as GitHub's runner would and waits for its end: no
// standard input, no terminal, no init process, as root.
func (s Step) Run(t testing.TB) StepResult {
	t.Helper()
	temp := t.TempDir()
	if s.Home == "" {
		s.Home = filepath.Join(temp, "_github_home")
	}
	mounts := s.furnish(t, temp)
	result := s.docker(t, mounts)
	for _, kind := range fileCommands {
		content, err := os.ReadFile(filepath.Join(temp, commandDir, kind.file))
		must(t, err)
		*kind.to(&result) = string(content)
	}
	return result
}

// commandDir is where the files of the file commands are, in the runner's
// temporary directory.
const commandDir = "_runner_file_commands"

// furnish makes the runner's directories and files in temp, and returns what
// is mounted where.
func (s Step) furnish(t testing.TB, temp string) map[string]string {
	t.Helper()
	mounts := map[string]string{
		s.Home:                                  "/github/home",
		filepath.Join(temp, "_github_workflow"): "/github/workflow",
		filepath.Join(temp, commandDir):         "/github/file_commands",
		temp:                                    "/github/runner_temp",
		s.Workspace:                             "/github/workspace",
	}
	for dir := range mounts {
		must(t, os.MkdirAll(dir, 0o755))
	}
	for _, kind := range fileCommands {
		must(t, os.WriteFile(filepath.Join(temp, commandDir, kind.file), nil, 0o644))
	}
	event := cmp.Or(s.Event, "{}")
	must(t, os.WriteFile(filepath.Join(temp, "_github_workflow", "event.json"), []byte(event), 0o644))
	give(t, temp)
	give(t, s.Home)
	maps.Copy(mounts, s.Volumes)
	return mounts
}

// owner is the user whose the runner's directories are on GitHub's own
// machines. Its container actions are root's all the same.
const owner = 1001

// give makes the tree the owner's, where the test may do that.
func give(t testing.TB, dir string) {
	t.Helper()
	if os.Getuid() != 0 {
		return
	}
	must(t, filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Lchown(path, owner, owner)
	}))
}

// fileCommands are the files through which a step speaks: the variable that
// names each, and where its content goes. The runner's own names end in a GUID.
var fileCommands = []struct {
	variable, file string
	to             func(*StepResult) *string
}{
	{"GITHUB_OUTPUT", "set_output_0", func(r *StepResult) *string { return &r.GitHubOutput }},
	{"GITHUB_ENV", "set_env_0", func(r *StepResult) *string { return &r.GitHubEnv }},
	{"GITHUB_STATE", "save_state_0", func(r *StepResult) *string { return &r.GitHubState }},
	{"GITHUB_STEP_SUMMARY", "step_summary_0", func(r *StepResult) *string { return &r.Summary }},
	{"GITHUB_PATH", "add_path_0", func(*StepResult) *string { return new(string) }},
}

// docker runs the line. The values of the variables are in docker's own
// environment, not in the line.
func (s Step) docker(t testing.TB, mounts map[string]string) StepResult {
	t.Helper()
	name, env := "gorun_acttest_"+nonce(), s.environ()
	cmd := exec.Command("docker", s.line(name, env, mounts)...)
	cmd.Env = os.Environ()
	for key, value := range env {
		cmd.Env = append(cmd.Env, key+"="+value)
	}
	t.Cleanup(func() { removeContainer(name) })
	result := runCancelable(t, cmd, s.Cancel)
	result.Container = name
	return result
}

func (s Step) line(name string, env, mounts map[string]string) []string {
	args := []string{"run", "--name", name, "--label", "gorun-acttest", "--workdir", "/github/workspace", "--rm"}
	for _, key := range sortedKeys(env) {
		args = append(args, "-e", key)
	}
	args = append(args, "-e", "GITHUB_ACTIONS=true")
	if s.Entrypoint != "" {
		args = append(args, "--entrypoint", s.Entrypoint)
	}
	if s.Network != "" {
		args = append(args, "--network", s.Network)
	}
	args = append(args, "-v", "/var/run/docker.sock:/var/run/docker.sock")
	for _, dir := range sortedKeys(mounts) {
		args = append(args, "-v", dir+":"+mounts[dir])
	}
	return append(args, s.Image)
}

// removeContainer removes what a killed docker client has left running.
func removeContainer(name string) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	_, _ = docker(ctx, nil, "rm", "--force", "--volumes", name) // most are gone already
}

// runCancelable runs cmd to its end, or cancels it as a runner does.
func runCancelable(t testing.TB, cmd *exec.Cmd, cancel <-chan struct{}) StepResult {
	t.Helper()
	var output bytes.Buffer
	cmd.Stdout, cmd.Stderr = &output, &output
	begin := time.Now()
	must(t, cmd.Start())
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	err := escalate(cmd, ended, cancel)
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatalf("docker run: %v", err)
	}
	result := StepResult{Code: cmd.ProcessState.ExitCode(), Output: output.String(), Took: time.Since(begin)}
	if status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		result.Code = 128 + int(status.Signal())
	}
	return result
}

// escalate waits for the end of cmd and, once cancelled, demands it.
func escalate(cmd *exec.Cmd, ended <-chan error, cancel <-chan struct{}) error {
	select {
	case err := <-ended:
		return err
	case <-cancel:
	}
	for _, step := range []struct {
		signal os.Signal
		wait   time.Duration
	}{{os.Interrupt, beforeTERM}, {syscall.SIGTERM, beforeKILL}} {
		_ = cmd.Process.Signal(step.signal) // it may have ended just now
		select {
		case err := <-ended:
			return err
		case <-time.After(step.wait):
		}
	}
	_ = cmd.Process.Kill()
	return <-ended
}

// environ is what the runner puts into the container's environment. The tokens
// are recognizable, so that a test can look for leaks.
func (s Step) environ() map[string]string {
	env := map[string]string{
		"HOME": "/github/home", "CI": "true", "GITHUB_ACTIONS": "true",
		"GITHUB_ACTION": "step", "GITHUB_ACTION_PATH": "", "GITHUB_ACTION_REF": "", "GITHUB_ACTION_REPOSITORY": "",
		"GITHUB_ACTOR": "octocat", "GITHUB_ACTOR_ID": "1", "GITHUB_TRIGGERING_ACTOR": "octocat",
		"GITHUB_API_URL": "https://api.github.invalid", "GITHUB_GRAPHQL_URL": "https://api.github.invalid/graphql", "GITHUB_SERVER_URL": "https://github.invalid",
		"GITHUB_BASE_REF": "", "GITHUB_HEAD_REF": "", "GITHUB_REF": "refs/heads/main", "GITHUB_REF_NAME": "main",
		"GITHUB_REF_PROTECTED": "false", "GITHUB_REF_TYPE": "branch", "GITHUB_SHA": strings.Repeat("1", 40),
		"GITHUB_EVENT_NAME": "push", "GITHUB_EVENT_PATH": "/github/workflow/event.json",
		"GITHUB_JOB": "job", "GITHUB_REPOSITORY": "octo/repo", "GITHUB_REPOSITORY_ID": "2", "GITHUB_REPOSITORY_OWNER": "octo",
		"GITHUB_REPOSITORY_OWNER_ID": "3", "GITHUB_RETENTION_DAYS": "90", "GITHUB_RUN_ATTEMPT": "1", "GITHUB_RUN_ID": "4",
		"GITHUB_RUN_NUMBER": "5", "GITHUB_WORKFLOW": "workflow", "GITHUB_WORKFLOW_REF": "octo/repo/.github/workflows/w.yml@refs/heads/main",
		"GITHUB_WORKFLOW_SHA": strings.Repeat("1", 40), "GITHUB_WORKSPACE": "/github/workspace",
		"RUNNER_ARCH": "X64", "RUNNER_ENVIRONMENT": "github-hosted", "RUNNER_NAME": "runner", "RUNNER_OS": "Linux",
		"RUNNER_TEMP": "/github/runner_temp", "RUNNER_TOOL_CACHE": "/opt/hostedtoolcache", "RUNNER_WORKSPACE": "/home/runner/work/repo",
		// Nobody listens there: a step must not hang on services that are gone.
		// There is no ACTIONS_CACHE_URL, so that not every step looks for a cache.
		"ACTIONS_RUNTIME_URL": "http://127.0.0.1:9/", "ACTIONS_RUNTIME_TOKEN": Secret, "ACTIONS_RESULTS_URL": "http://127.0.0.1:9/",
		"ACTIONS_ID_TOKEN_REQUEST_URL": "http://127.0.0.1:9/" + Secret, "ACTIONS_ID_TOKEN_REQUEST_TOKEN": Secret,
	}
	for _, kind := range fileCommands {
		env[kind.variable] = "/github/file_commands/" + kind.file
	}
	for name, value := range s.Inputs {
		env["INPUT_"+strings.ToUpper(strings.ReplaceAll(name, " ", "_"))] = value
	}
	for name, value := range s.Env {
		env[name] = value
	}
	return env
}

// Secret is the value of every token of a Step.
const Secret = "not-for-programs-5f2c"

func nonce() string {
	b := make([]byte, 6)
	_, _ = rand.Read(b) // never fails
	return hex.EncodeToString(b)
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
