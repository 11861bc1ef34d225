package githubactions

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"path"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/org/gorun-action/container"
	"github.com/org/gorun-action/internal/githubactions/parser"
	"github.com/org/gorun-action/internal/report"
	"github.com/org/gorun-action/runner"
)

// job runs events through a Reporter and a text log, over one Stream.
func job(annotate *Annotator, events ...runner.Event) (*Reporter, string) {
	var out bytes.Buffer
	stream := NewStream(&out, "TOKEN", false)
	r := NewReporter(stream, annotate, true)
	all := report.Tee(r, report.NewText(stream.Fenced(), report.TextOptions{}))
	for _, e := range events {
		all.Event(e)
		if _, ok := e.(runner.Started); ok {
			fmt.Fprintln(stream.Fenced(), "the program's output")
		}
	}
	stream.Close()
	return r, out.String()
}

var (
	planned      = runner.Planned{Plan: runner.Plan{Package: []string{"."}, Dir: "/github/workspace", Target: "linux/amd64", Command: []string{"go", "run", "."}}}
	missed       = runner.Restored{Key: someKey, Differences: []string{"main.go changed"}, Took: 2 * time.Millisecond}
	buildStarted = runner.BuildStarted{Builder: "docker", Toolchain: someToolchain, Command: []string{"go", "run", "."}}
	downloading  = runner.BuildOutput{Text: "go: downloading example.com/x v1.2.3\n"}
	built        = runner.Built{Executable: executable, Took: 1234 * time.Millisecond}
	started      = runner.Started{Pid: 4711, Command: []string{"/tmp/gorun-1/hello", "a b"}}
	warned       = runner.Warned{Message: "the cache cannot be written", Hint: "make room"}
)

func TestReporter(t *testing.T) {
	all := outcomes()
	failed := all[runner.BuildFailed].Result
	failed.Dir = "/github/workspace/services/hello"
	var text bytes.Buffer
	for _, c := range []struct {
		name   string
		events []runner.Event
	}{
		{"a program that fails", []runner.Event{
			planned, missed, buildStarted, downloading, downloading, built, started, runner.Saved{Key: someKey, Kept: true}, warned,
			runner.Noticed{Message: "something to know"},
			runner.Exited{Status: container.ExitStatus{Code: 3}, Took: time.Second}, runner.Finished{Result: all[runner.Failure].Result},
		}},
		{"a build that fails", []runner.Event{
			planned, runner.Restored{Reasons: []string{"-a asks for a build"}}, buildStarted, downloading,
			runner.BuildOutput{Text: "# example.com/hello\n", Parsed: true},
			runner.BuildOutput{Text: "cmd/hello/main.go:3:5: undefined: <x> & y\n", Parsed: true}, runner.Diagnosed{Diagnostic: compileError},
			runner.BuildOutput{Text: "note: module requires Go 1.99\n"}, runner.Finished{Result: failed},
		}},
		{"a build without a finding", []runner.Event{
			buildStarted, downloading, runner.Finished{Result: all[runner.Integrity].Result},
		}},
		{"a hit", []runner.Event{
			planned, executableHit, runner.Restored{Key: someKey, Hit: true, Executable: &executable}, started,
			runner.Exited{Status: container.ExitStatus{Signal: syscall.SIGTERM}}, runner.Finished{Result: all[runner.Success].Result},
		}},
		{"a shared cache", []runner.Event{missedIt, missed, packNear, buildStarted, built, started, packKept, runner.Exited{}, runner.Finished{Result: all[runner.Success].Result}}},
		{"a build that says nothing", []runner.Event{buildStarted, built, started, runner.Finished{Result: all[runner.Success].Result}}},
	} {
		_, out := job(&Annotator{Workspace: "/github/workspace"}, c.events...)
		fmt.Fprintf(&text, "-- %s --\n%s", c.name, out)
	}
	golden(t, "reporter.txt", text.Bytes())
}

// TestNoGroupAroundTheProgram: whatever comes before, no group is open when the
// program writes, nor at the end.
func TestNoGroupAroundTheProgram(t *testing.T) {
	for _, between := range [][]runner.Event{{}, {built}, {warned}, {runner.Saved{}}} {
		_, out := job(nil, append(append([]runner.Event{buildStarted, downloading}, between...), started, downloading, runner.Finished{})...)
		before, after, ok := strings.Cut(out, "the program's output\n")
		if !ok || strings.Count(before, "::group::") != 1 || strings.Count(before, "::endgroup::") != 1 {
			t.Errorf("before the program: %s", before)
		}
		if strings.Count(after, "::group::") != strings.Count(after, "::endgroup::") {
			t.Errorf("after it: %s", after)
		}
	}
}

// TestRunnersReadWhatIsMeant: any text comes out of the runner's parser as it
// went into the annotation.
func TestRunnersReadWhatIsMeant(t *testing.T) {
	for _, text := range append(hostile, "::error::x", "a%0Ab", "%25", "a,b:c", "x=y", "\n::set-env name=A::b") {
		text = strings.TrimSpace(strings.ToValidUTF8(text, "\uFFFD"))
		r := at(runner.Diagnostic{Kind: "error", File: "a" + text, Line: 3, Column: 4, Message: "m" + text, Package: "p" + text})
		_, out := job(&Annotator{Workspace: "/github/workspace"}, runner.Finished{Result: r})
		commands := (&parser.Runner{}).Output([]byte(out))
		if len(commands) != 2 || commands[1].Name != "error" {
			t.Errorf("%q: %d commands: %+v", text, len(commands), commands)
			continue
		}
		got, want := commands[1], map[string]string{"line": "3", "col": "4", "title": "build failed: p" + text, "file": path.Join("sub", "a"+text)}
		if strings.HasPrefix(want["file"], "../") || !maps.Equal(got.Properties, want) || got.Data != "m"+text {
			t.Errorf("%q: reads as %q and %q", text, got.Properties, got.Data)
		}
	}
}

// TestNothingBetweenTheProgramsLines: a command would end a line that is not
// ended.
func TestNothingBetweenTheProgramsLines(t *testing.T) {
	_, out := job(nil, started, runner.Saved{Key: someKey}, warned, runner.BuildOutput{Text: "late\n"}, runner.Exited{}, runner.Finished{})
	program := strings.Index(out, "the program's output\n")
	saved, exited := strings.Index(out, "::debug::cache: not kept"), strings.Index(out, "::debug::program: status")
	if late := strings.Index(out, "late\n"); program < 0 || saved < late || exited < saved {
		t.Errorf("in the wrong order:\n%s", out)
	}
}

func TestWhyTheChangeIsNotKnown(t *testing.T) {
	a := &Annotator{Touched: func() ([]string, error) { return nil, errors.New("git is not in PATH") }}
	_, out := job(a, runner.Finished{Result: at(manyDiagnostics(10, "m")...)})
	if !strings.Contains(out, "::debug::the files of the change are not known: git is not in PATH\n::error ") {
		t.Error(out)
	}
}

func TestNoAnnotations(t *testing.T) {
	if _, out := job(nil, warned, runner.Finished{Result: outcomes()[runner.BuildFailed].Result}); strings.Contains(out, "::error") || strings.Contains(out, "::warning") {
		t.Error(out)
	}
}

func TestReporterSummary(t *testing.T) {
	events := []runner.Event{missedIt, missed, packNear, packKept, runner.Saved{Key: someKey, Reasons: []string{"why not"}}}
	for range 100 {
		events = append(events, warned)
	}
	r, _ := job(nil, append(events, runner.Finished{Result: outcomes()[runner.Failure].Result})...)
	s := r.Summary()
	if s.Result.Outcome != runner.Failure || s.Restored == nil || s.Saved == nil || len(s.Warned) != maxWarned || s.Warnings != 100 || len(s.Transfers) != 2 {
		t.Errorf("%+v", s)
	}
	for _, want := range []string{"main.go changed", "why not", "and 80 more", "restored a part of the build cache from"} {
		if !strings.Contains(s.Markdown(), want) {
			t.Errorf("without %q:\n%s", want, s.Markdown())
		}
	}
}

// TestReporterAtOnce is for the race detector.
func TestReporterAtOnce(t *testing.T) {
	r := NewReporter(NewStream(&bytes.Buffer{}, "TOKEN", false), &Annotator{}, true)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for _, e := range []runner.Event{planned, packNear, missed, buildStarted, downloading, built, warned, started, runner.Saved{}, runner.Finished{}} {
				r.Event(e)
				_ = r.Summary().Markdown()
			}
		})
	}
	wg.Wait()
}
