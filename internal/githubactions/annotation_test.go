package githubactions

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"github.com/org/gorun-action/runner"
)

// at is a build of /github/workspace/sub that failed at these places.
func at(all ...runner.Diagnostic) runner.Result {
	return runner.Result{
		Outcome: runner.BuildFailed, Phase: runner.PhaseBuild, ExitStatus: 125, Dir: "/github/workspace/sub",
		Error: "the build failed at a.go:1", Diagnostics: all,
	}
}

func crashed(o runner.Outcome, sentence, hint string, all ...runner.Diagnostic) runner.Result {
	r := at(all...)
	r.Outcome, r.Phase, r.Error, r.Hint = o, runner.PhaseRun, sentence, hint
	return r
}

func TestAnnotations(t *testing.T) {
	for name, c := range map[string]struct {
		result runner.Result
		want   []Annotation
	}{
		"success": {runner.Result{Outcome: runner.Success}, nil},
		"compiler": {at(compileError), []Annotation{{
			File: "sub/cmd/hello/main.go", Line: 3, Column: 5, Title: "build failed: example.com/hello", Message: "undefined: <x> & y",
		}}},
		"above the working directory": {at(runner.Diagnostic{Kind: "error", File: "../x/a.go", Line: 1, Message: "m"}), []Annotation{{
			File: "x/a.go", Line: 1, Title: "build failed", Message: "m",
		}}},
		"absolute": {at(runner.Diagnostic{Kind: "error", File: "/github/workspace/x/a.go", Line: 1, Message: "m"}), []Annotation{{
			File: "x/a.go", Line: 1, Title: "build failed", Message: "m",
		}}},
		"outside": {at(runner.Diagnostic{Kind: "error", File: "/root/go/pkg/a.go", Line: 1, Column: 2, Message: "m"}), []Annotation{{
			Title: "build failed", Message: "at /root/go/pkg/a.go:1:2: m",
		}}},
		"beside": {at(runner.Diagnostic{Kind: "error", File: "/github/workspace2/a.go", Line: 1, Message: "m"}), []Annotation{{
			Title: "build failed", Message: "at /github/workspace2/a.go:1: m",
		}}},
		"no file": {at(runner.Diagnostic{Kind: "error", Line: 7, Message: "m"}), []Annotation{{Title: "build failed", Message: "m"}}},
		"the same place": {at(compileError, compileError, runner.Diagnostic{Kind: "error", File: compileError.File, Line: 3, Column: 5, Message: "another"}), []Annotation{{
			File: "sub/cmd/hello/main.go", Line: 3, Column: 5, Title: "build failed: example.com/hello", Message: "undefined: <x> & y",
		}}},
		"no place, two messages": {at(runner.Diagnostic{Kind: "error", File: "go.mod", Message: "a"}, runner.Diagnostic{Kind: "error", File: "go.mod", Message: "b"}), []Annotation{
			{File: "sub/go.mod", Title: "build failed", Message: "a"}, {File: "sub/go.mod", Title: "build failed", Message: "b"},
		}},
		"panic": {crashed(runner.Panic, "the program panicked: boom", "", panicAt), []Annotation{{
			File: "sub/main.go", Line: 12, Title: "panic in main.work", Message: "the program panicked: boom",
		}}},
		"races": {crashed(runner.Race, "a race", "see above", raceAt, raceAt, panicAt), []Annotation{
			{File: "sub/main.go", Line: 20, Title: "data race in main.count", Message: "a race\nhint: see above"},
			{File: "sub/main.go", Line: 12, Title: "panic in main.work", Message: "a race"},
		}},
		"time limit": {crashed(runner.Timeout, "it took too long", "raise it", timeoutAt), []Annotation{{
			File: "sub/main.go", Line: 31, Title: "time limit in main.wait", Message: "it took too long; it was here\nhint: raise it",
		}}},
		"only a sentence":  {crashed(runner.NotFound, "qemu: not found", "install it"), []Annotation{{Title: "not found", Message: "qemu: not found\nhint: install it"}}},
		"of a package":     {runner.Result{Outcome: runner.Failure, Package: "./cmd/x", Error: "it failed"}, []Annotation{{Title: "failure: ./cmd/x", Message: "it failed"}}},
		"not even that":    {runner.Result{Outcome: runner.OOM, ExitStatus: 137}, []Annotation{{Title: "oom", Message: "oom, exit status 137"}}},
		"the first places": {at(manyDiagnostics(9, "m")...), annotated(9)},
		"one more": {at(manyDiagnostics(10, "m")...), append(annotated(9), Annotation{
			Title: "build failed", Message: "and 1 more: see the log and the job summary",
		})},
	} {
		for i := range c.want {
			c.want[i].Level = LevelError
		}
		if got := (Annotator{Workspace: "/github/workspace"}).Annotations(c.result); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s:\ngot  %+v\nwant %+v", name, got, c.want)
		}
	}
}

// annotated are the annotations of manyDiagnostics.
func annotated(n int) []Annotation {
	var all []Annotation
	for _, d := range manyDiagnostics(n, "m") {
		all = append(all, Annotation{File: "sub/" + d.File, Line: d.Line, Column: d.Column, Title: "build failed", Message: d.Message})
	}
	return all
}

func TestTolerated(t *testing.T) {
	a := Annotator{}
	if got := a.Annotations(runner.Result{Outcome: runner.Failure, Tolerated: true}); got[0].Level != LevelWarning {
		t.Errorf("%+v", got)
	}
	if got := a.Annotations(runner.Result{Outcome: runner.Panic}); got[0].Level != LevelError {
		t.Errorf("%+v", got)
	}
}

// TestWorkspaceIsALink: the runner names the workspace by the link, gorun's
// working directory may be the real one.
func TestWorkspaceIsALink(t *testing.T) {
	real := t.TempDir()
	link := filepath.Join(t.TempDir(), "workspace")
	if err := os.Symlink(real, link); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{real, link} {
		r := at(compileError)
		r.Dir = dir
		if got := (Annotator{Workspace: link}).Annotations(r); got[0].File != compileError.File {
			t.Errorf("in %s: %+v", dir, got)
		}
	}
}

func TestTouchedFirst(t *testing.T) {
	asked := 0
	a := Annotator{Workspace: "/github/workspace", Touched: func() ([]string, error) {
		asked++
		return []string{"/github/workspace/sub/pkg14/main.go", "/github/workspace/sub/pkg3/main.go", "/elsewhere/pkg0/main.go", "/github/workspace/gone.go"}, nil
	}}
	var order []string
	for _, found := range a.Annotations(at(manyDiagnostics(20, "m")...)) {
		order = append(order, strings.TrimSuffix(strings.TrimPrefix(found.File, "sub/pkg"), "/main.go"))
	}
	if got, want := strings.Join(order, " "), "3 14 0 1 2 4 5 6 7 "; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	a.Annotations(at(manyDiagnostics(9, "m")...))
	if asked != 1 {
		t.Errorf("asked %d times, want once: nine findings are all shown", asked)
	}
}

func TestCut(t *testing.T) {
	for _, c := range []struct {
		text  string
		limit int
		want  string
	}{
		{"", 3, ""},
		{"abc", 3, "abc"},
		{"abcd", 3, "ab…"},
		{"äöü", 3, "äöü"},
		{"äöüß", 3, "äö…"},
		{"😀😀", 4, "😀😀"},
		{"😀😀😀", 4, "😀…"},
		{"😀😀😀", 5, "😀😀…"},
		{"a😀b", 3, "a…"},
	} {
		if got := cut(c.text, c.limit); got != c.want {
			t.Errorf("cut(%q, %d) = %q, want %q", c.text, c.limit, got, c.want)
		}
	}
}

func TestAnnotationLimits(t *testing.T) {
	for _, long := range []string{strings.Repeat("x", 5000), strings.Repeat("ä", 5000), strings.Repeat("😀", 5000), strings.Repeat("\xff", 5000)} {
		r := at(runner.Diagnostic{Kind: "error", File: "a.go", Message: long, Package: long}, runner.Diagnostic{Kind: "error", File: "/" + long, Message: "m"})
		r.Hint = long
		for _, a := range (Annotator{Workspace: "/github/workspace"}).Annotations(r) {
			message, title := utf16.Encode([]rune(a.Message)), utf16.Encode([]rune(a.Title))
			if len(message) > maxMessage || len(message) < maxMessage-1 || len(title) > maxTitle {
				t.Errorf("%d and %d units of %.10q", len(message), len(title), long)
			}
		}
	}
}

func TestManyFindings(t *testing.T) {
	const n = 10_000
	r := at(manyDiagnostics(n, strings.Repeat("m", 1000))...)
	touched := func() ([]string, error) { return []string{"/github/workspace/sub/pkg7/main.go"}, nil }
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	begin := time.Now()
	got := Annotator{Workspace: "/github/workspace", Touched: touched}.Annotations(r)
	took := time.Since(begin)
	runtime.ReadMemStats(&after)
	allocated := after.TotalAlloc - before.TotalAlloc
	t.Logf("%d findings: %v, %d kB", n, took, allocated/1000)
	if len(got) != 10 || got[9].Message != fmt.Sprintf("and %d more: see the log and the job summary", n-9) {
		t.Errorf("%d annotations, the last is %+v", len(got), got[len(got)-1])
	}
	if took > 2*time.Second || allocated > n*1000 { // less than the texts themselves
		t.Errorf("%v and %d bytes", took, allocated)
	}
	r = at(manyDiagnostics(maxPlaces+5, "m")...)
	r.Diagnostics = append(r.Diagnostics, r.Diagnostics[:10]...) // the same places once more
	got = Annotator{}.Annotations(r)
	if want := fmt.Sprintf("and %d more", maxPlaces+5-9); !strings.HasPrefix(got[9].Message, want) {
		t.Errorf("%q, want %q", got[9].Message, want)
	}
}

func TestWarnings(t *testing.T) {
	many := make([]runner.Warned, 9)
	for i := range many {
		many[i] = runner.Warned{Message: fmt.Sprintf("w%d", i), Hint: "h"}
	}
	got := warnings(many, 9)
	if len(got) != 9 || got[8] != (Annotation{Level: LevelWarning, Title: "gorun", Message: "w8\nhint: h"}) {
		t.Errorf("%+v", got)
	}
	got = warnings(append(many, many...), 30)
	if len(got) != 10 || got[9].Message != "and 21 more warnings: see the log" || got[9].Level != LevelWarning {
		t.Errorf("%+v", got)
	}
	if got := warnings(nil, 0); got != nil {
		t.Errorf("%+v", got)
	}
}
