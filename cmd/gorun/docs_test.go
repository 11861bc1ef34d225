package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/org/gorun-action/internal/buildflags"
	"github.com/org/gorun-action/internal/testenv"
	"github.com/org/gorun-action/runner"
)

var update = flag.Bool("update", false, "write the flag tables of the command line's page instead of comparing with them")

var (
	module = filepath.Join("..", "..")
	page   = filepath.Join(module, "docs", "command-line.md")
)

// TestFlagTable compares the page's tables of flags with the code's.
func TestFlagTable(t *testing.T) {
	t.Parallel()
	const begin, end = "<!-- flags: written by `go test ./cmd/gorun -run TestFlagTable -update` -->\n", "<!-- end of flags -->\n"
	before, rest, ok := strings.Cut(source(t, page), begin)
	got, after, closed := strings.Cut(rest, end)
	if !ok || !closed {
		t.Fatalf("the page has no %s … %s", begin, end)
	}
	o := defaults()
	want := "\n" + buildflags.Markdown(o.own()) + "\n"
	if *update {
		if err := os.WriteFile(page, []byte(before+begin+want+end+after), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if got != want {
		t.Errorf("the flag tables differ (-update writes them).\npage:\n%s\ncode:\n%s", got, want)
	}
}

// TestVariables makes sure that every GORUN_ variable in the documents exists:
// as the default of a flag, or in a test.
func TestVariables(t *testing.T) {
	t.Parallel()
	known := map[string]bool{cacheKeyVariable: true, testenv.FullVar: true}
	o := defaults()
	for _, f := range o.own() {
		known[variable(f.Name)] = f.Name != "h" && f.Name != "help" && f.Name != "version"
	}
	documents, err := filepath.Glob(filepath.Join(module, "*.md"))
	pages, pagesErr := filepath.Glob(filepath.Join(module, "docs", "*.md"))
	if err := errors.Join(err, pagesErr); err != nil {
		t.Fatal(err)
	}
	documents = append(documents, pages...)
	found := 0
	for _, document := range documents {
		for _, name := range regexp.MustCompile(`GORUN_[A-Z_]+`).FindAllString(source(t, document), -1) {
			found++
			if !known[name] {
				t.Errorf("%s names %s, which nothing reads", filepath.Base(document), name)
			}
		}
	}
	if found < 4 {
		t.Errorf("found %d variables in %v", found, documents)
	}
}

func source(t *testing.T, file string) string {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// example is one of the page's: a command, and what its text says of it.
type example struct {
	command, stdout string
	outcome         runner.Outcome
	status          int
	engine, c       bool // what it needs
}

var (
	exampleBlock = regexp.MustCompile("(?ms)^```console\n\\$ ([^\n]+)\n(.*?)^```\n\n(.+?)\n\n")
	exampleText  = regexp.MustCompile("(?s)Outcome\\s`([a-z_]+)`,\\sstatus\\s(\\d+)")
)

func examples(t *testing.T) (list []example) {
	t.Helper()
	_, text, _ := strings.Cut(source(t, page), "\n## Examples\n")
	text, _, _ = strings.Cut(text, "\n## ")
	for _, m := range exampleBlock.FindAllStringSubmatch(text+"\n\n", -1) {
		said := exampleText.FindStringSubmatch(m[3])
		if said == nil {
			t.Fatalf("no outcome is said for %q: %s", m[1], m[3])
		}
		status, err := strconv.Atoi(said[2])
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, example{
			command: m[1], stdout: m[2], outcome: runner.Outcome(said[1]), status: status,
			engine: strings.Contains(m[3], "Needs an engine."), c: strings.Contains(m[3], "Needs a C compiler."),
		})
	}
	if blocks := strings.Count(text, "```console\n"); len(list) != blocks || blocks < 12 {
		t.Fatalf("read %d examples from %d blocks", len(list), blocks)
	}
	return list
}

// TestExamples runs every example of the page in a copy of this module's
// examples, and compares what the page says with what happens.
func TestExamples(t *testing.T) {
	t.Parallel()
	for _, e := range examples(t) {
		t.Run(e.command, func(t *testing.T) {
			t.Parallel()
			if strings.Contains(e.command, "-race ") || strings.HasPrefix(e.command, "GOOS=") {
				testenv.Long(t, "it compiles another standard library")
			}
			dir := copyExamples(t) // of its own, so that no example finds another's executable
			e.need(t)
			verdict := filepath.Join(t.TempDir(), "verdict.json")
			stdout, stderr, status := shell(t, dir, e.command, e.environ(t, verdict))
			if stdout != e.stdout {
				t.Errorf("stdout is %q, the page says %q", stdout, e.stdout)
			}
			var r runner.Result
			if err := json.Unmarshal([]byte(source(t, verdict)), &r); err != nil {
				t.Fatal(err)
			}
			if status != e.status || r.Outcome != e.outcome {
				t.Errorf("outcome %s, status %d; the page says %s, %d", r.Outcome, status, e.outcome, e.status)
			}
			if t.Failed() {
				t.Logf("stderr:\n%s", stderr)
			}
		})
	}
}

// need ends the test when this machine lacks what the example needs, which is
// a failure in CI.
func (e example) need(t *testing.T) {
	t.Helper()
	if e.engine {
		testenv.NeedEngine(t)
	}
	if !e.c {
		return
	}
	out, err := exec.Command("go", "env", "CC").Output()
	if err == nil {
		_, err = exec.LookPath(strings.TrimSpace(string(out)))
	}
	switch {
	case err == nil:
	case os.Getenv("CI") != "":
		t.Fatal(err)
	default:
		t.Skipf("no C compiler: %v", err)
	}
}

// environ is the caller's environment without settings that an example is not
// about. Examples that do not name a builder are built here.
func (e example) environ(t *testing.T, verdict string) []string {
	t.Helper()
	env := slices.DeleteFunc(os.Environ(), func(kv string) bool {
		return strings.HasPrefix(kv, "GORUN_") || strings.HasPrefix(kv, "GOFLAGS=") || strings.HasPrefix(kv, "GORACE=")
	})
	env = append(env, "GORUN_BUILDER=host", "GORUN_CACHE_DIR="+testenv.CacheDir(t), "GORUN_VERDICT_FILE="+verdict)
	if e.engine {
		env = append(env, "GOCACHE="+testenv.BuildCache(t, os.Getuid()))
	}
	return env
}

// copyExamples returns a directory with go.mod and the examples, for what they
// write and for the paths they name.
func copyExamples(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{"go.mod", "go.sum"} {
		put(t, filepath.Join(dir, name), source(t, filepath.Join(module, name)))
	}
	if err := os.CopyFS(filepath.Join(dir, "examples"), os.DirFS(filepath.Join(module, "examples"))); err != nil {
		t.Fatal(err)
	}
	return dir
}

// shell runs a command line as a user would, with gorun on PATH (TestMain
// puts it there).
func shell(t *testing.T, dir, line string, env []string) (stdout, stderr string, status int) {
	t.Helper()
	var out, errs bytes.Buffer
	cmd := exec.CommandContext(t.Context(), "sh", "-c", line)
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = dir, append(env, "PWD="+dir), &out, &errs
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return out.String(), errs.String(), cmd.ProcessState.ExitCode()
}

// TestExamplesParse parses the command line of every example, also where it
// cannot be run, as the shell hands it over.
func TestExamplesParse(t *testing.T) {
	t.Parallel()
	bin := t.TempDir()
	script := "#!/bin/sh\nprintf '%s\\0' \"$@\" >\"$ARGUMENTS\"\n"
	if err := os.WriteFile(filepath.Join(bin, "gorun"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, e := range examples(t) {
		t.Run(e.command, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "arguments")
			shell(t, bin, e.command, append(os.Environ(), "PATH="+bin+":"+os.Getenv("PATH"), "ARGUMENTS="+file))
			argv := strings.Split(strings.TrimSuffix(source(t, file), "\x00"), "\x00")
			o := defaults()
			_, err := buildflags.Parse(argv, o.own())
			if err != nil && e.outcome != runner.Usage {
				t.Errorf("%q: %v", argv, err)
			}
		})
	}
}
