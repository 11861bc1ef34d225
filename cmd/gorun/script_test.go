package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/org/gorun-action/container"
	"github.com/org/gorun-action/internal/capture"
	"github.com/org/gorun-action/internal/testenv"
	"github.com/org/gorun-action/runner"
)

// The scripts run the real command: the test binary under the names that
// dispatch knows.
func TestMain(m *testing.M) {
	args := slices.Clone(os.Args) // testscript shortens the first
	real := func() { os.Exit(dispatch(args)) }
	testscript.Main(testenv.Waiting{M: m}, map[string]func(){"gorun": real, actionName: real, capture.Name: real, container.GuardName: real, container.DrainName: real})
}

// Every script runs twice, with each builder; GORUN_BUILDER says which, and
// the conditions [host] and [docker] ask.
func TestScripts(t *testing.T) {
	t.Parallel()
	for _, builder := range []string{"host", "docker"} {
		t.Run(builder, func(t *testing.T) {
			t.Parallel()
			if builder == "docker" {
				testenv.NeedEngine(t)
			}
			testscript.Run(t, testscript.Params{
				Dir:                 filepath.Join("testdata", "script"),
				RequireExplicitExec: true,
				Setup:               func(env *testscript.Env) error { return setup(t, env, builder) },
				Condition:           func(cond string) (bool, error) { return condition(cond, builder) },
				Cmds:                map[string]func(*testscript.TestScript, bool, []string){"status": status, "verdict": verdict, "records": records},
			})
		})
	}
}

// condition is what scripts ask in brackets.
func condition(cond, builder string) (bool, error) {
	switch cond {
	case "host", "docker":
		return cond == builder, nil
	case "full":
		return testenv.Full(), nil
	}
	return false, fmt.Errorf("unknown condition %q", cond)
}

// setup gives a script the go command's caches, which it may fill but which
// hold nothing that a script could depend on, and none of the caller's
// settings.
func setup(t *testing.T, env *testscript.Env, builder string) error {
	for _, name := range []string{"GOCACHE", "GOMODCACHE", "GOPROXY", "GOSUMDB"} {
		value := testenv.GoEnv(t, name)
		env.Setenv("HOST_"+name, value)
		env.Setenv(name, value)
	}
	if builder == "docker" {
		env.Setenv("GOCACHE", testenv.BuildCache(t, os.Getuid()))
	}
	caches := testenv.CacheDir(t)
	for name, value := range map[string]string{
		"GORUN_BUILDER": builder, "GORUN_CACHE_DIR": caches, "GORUN_LOG_FORMAT": "text", "GORUN_CACHE_MODE": "off",
		"GOENV": "off", "GOTOOLCHAIN": "local", "GOFLAGS": "", "GOTELEMETRY": "off", "HOME": env.WorkDir,
		"DOCKER_HOST": os.Getenv("DOCKER_HOST"), "SSL_CERT_FILE": os.Getenv("SSL_CERT_FILE"), "SSL_CERT_DIR": os.Getenv("SSL_CERT_DIR"),
	} {
		env.Setenv(name, value)
	}
	return nil
}

// status runs gorun and compares its exit status: `status 125 gorun -foo`.
func status(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: status N program args...")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	err = ts.Exec(args[1], args[2:]...)
	got := 0
	if exit, ok := err.(*exec.ExitError); ok {
		got = exit.ExitCode()
	} else if err != nil {
		ts.Fatalf("%v", err)
	}
	if got != want {
		ts.Fatalf("exit status %d, want %d", got, want)
	}
}

// verdict compares fields of a verdict file: `verdict v.json outcome=panic`.
// A field may be a path: diagnostics.0.file. A value of * is anything.
func verdict(ts *testscript.TestScript, neg bool, args []string) {
	var fields any
	data := ts.ReadFile(args[0])
	ts.Check(json.Unmarshal([]byte(data), &fields))
	var result runner.Result
	ts.Check(json.Unmarshal([]byte(data), &result))
	for _, arg := range args[1:] {
		path, want, _ := strings.Cut(arg, "=")
		got, ok := field(fields, strings.Split(path, "."))
		if match := ok && (want == "*" || got == want); match == neg {
			ts.Fatalf("%s is %q in\n%s", path, got, data)
		}
	}
}

func field(v any, path []string) (string, bool) {
	if len(path) == 0 {
		return fmt.Sprint(v), true
	}
	switch v := v.(type) {
	case map[string]any:
		next, ok := v[path[0]]
		if !ok {
			return "", false
		}
		return field(next, path[1:])
	case []any:
		i, err := strconv.Atoi(path[0])
		if err != nil || i >= len(v) {
			return "", false
		}
		return field(v[i], path[1:])
	}
	return "", false
}

// records makes sure that a file is a log: JSON lines, each with its time,
// level and event, the last one the result. `records log.json plan build …`
// also names events that must be there.
func records(ts *testscript.TestScript, neg bool, args []string) {
	seen, last := map[string]bool{}, ""
	for line := range strings.Lines(ts.ReadFile(args[0])) {
		var r struct{ Time, Level, Event string }
		if err := json.Unmarshal([]byte(line), &r); err != nil || r.Time == "" || r.Level == "" || r.Event == "" {
			ts.Fatalf("no record: %q (%v)", line, err)
		}
		seen[r.Event], last = true, r.Event
	}
	if last != "result" {
		ts.Fatalf("the last record is %q", last)
	}
	for _, event := range args[1:] {
		if seen[event] == neg {
			ts.Fatalf("events: %v", seen)
		}
	}
}
