package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/org/gorun-action/internal/testenv"
)

// double is a gorun that is go run, and says what it is told to about the
// cache.
const double = `#!/bin/sh
if [ "$1" = --version ]; then exit 0; fi
test "$1" = --builder=host || exit 125
shift
state=STATE
case $GORUN_CACHE_DIR in */first-*) state=FIRST ;; esac
record='{"event":"result","cache":"'$state'","timings_ms":{"plan":7}}'
if [ "$1" = --log-format=none ]; then shift; record=; fi
pkg=$1
shift 2
go run "$pkg" "$@" || exit
if [ "$record" ]; then echo "$record" >&2; fi
`

// measured runs the benchmark with a double of gorun, which reports state, and
// first in a first run.
func measured(t *testing.T, state, first, only string) report {
	t.Helper()
	dir := t.TempDir()
	gorun := filepath.Join(dir, "double")
	if err := os.WriteFile(gorun, []byte(strings.NewReplacer("STATE", state, "FIRST", first).Replace(double)), 0o755); err != nil {
		t.Fatal(err)
	}
	keep := filepath.Join(dir, "keep")
	shareCache(t, keep)
	o, err := parse([]string{"-only", only, "-rounds", "3", "-packages", "5", "-gorun", gorun, "-dir", keep})
	if err != nil {
		t.Fatal(err)
	}
	b, err := newBench(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	defer b.remove()
	if err := b.measure(context.Background()); err != nil {
		t.Fatal(err)
	}
	return b.report
}

// shareCache lends a directory the caller's build cache: to compile the
// standard library again would take longer than all the rest.
func shareCache(t *testing.T, keep string) {
	t.Helper()
	cache, err := exec.Command("go", "env", "GOCACHE").Output()
	if err := errors.Join(err, os.Mkdir(keep, 0o755)); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(strings.TrimSpace(string(cache)), filepath.Join(keep, "go-build")); err != nil {
		t.Fatal(err)
	}
}

// TestWhole runs all parts but act, whose build takes minutes.
func TestWhole(t *testing.T) {
	testenv.Long(t, "it builds and runs three programs with all contestants")
	r := measured(t, "hit", "miss", "hello,monorepo,first,floor")
	var rows []string
	for _, row := range r.Warm {
		rows = append(rows, row.Program+"/"+row.Contestant+"/"+row.Verdict)
		if row.Figures.Rounds != 3 || row.Figures.Min <= 0 || row.Figures.CPU <= 0 {
			t.Errorf("%+v", row)
		}
	}
	// go run takes longer than go run with a shell around it.
	want := []string{
		"hello/bare/", "hello/go run/", "hello/gorun/falls short", "hello/gorun, none/falls short",
		"monorepo/bare/", "monorepo/go run/", "monorepo/gorun/falls short", "monorepo/gorun, none/falls short",
	}
	if !slices.Equal(rows, want) {
		t.Errorf("the rows are %q, want %q", rows, want)
	}
	if len(r.First) != 2 || r.First[0].Verdict != "" || r.First[1].Plan != 7 || r.First[1].Files < 22 {
		t.Errorf("first runs: %+v", r.First)
	}
	if len(r.Floor) != 2 || r.Floor[0].Figures.Rounds != 3 || len(r.Notes) != 0 {
		t.Errorf("floor: %+v, notes: %q", r.Floor, r.Notes)
	}
	checkText(t, r)
}

func checkText(t *testing.T, r report) {
	t.Helper()
	var text, data bytes.Buffer
	if err := errors.Join(r.writeText(&text), r.writeJSON(&data)); err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{"hello (", "monorepo (", "gorun, none", "≥ 30x, ≤ 60", "falls short", "first run", "an empty Go program"} {
		if !strings.Contains(text.String(), part) {
			t.Errorf("no %q in\n%s", part, &text)
		}
	}
	var again report
	if err := json.Unmarshal(data.Bytes(), &again); err != nil || len(again.Warm) != len(r.Warm) || again.First[1] != r.First[1] {
		t.Errorf("the JSON is %s (%v)", &data, err)
	}
}

// TestNoHit leaves out, with a note, what was not served from the cache.
func TestNoHit(t *testing.T) {
	testenv.Long(t, "it builds and runs three programs with all contestants")
	r := measured(t, "miss", "off", "hello,first,monorepo")
	if len(r.Warm) != 6 || len(r.First) != 0 {
		t.Errorf("rows %+v, first runs %+v", r.Warm, r.First)
	}
	if len(r.Notes) != 3 || !strings.Contains(r.Notes[0], `"miss"`) || !strings.Contains(r.Notes[2], `"off"`) {
		t.Errorf("notes %q", r.Notes)
	}
}

func TestVerdicts(t *testing.T) {
	p := &program{name: "p", target: target{10, 5 * time.Millisecond}}
	for name, c := range map[string]struct {
		goRun, gorun time.Duration
		want         string
	}{
		"both":       {50 * time.Millisecond, 5 * time.Millisecond, "holds"},
		"ratio only": {500 * time.Millisecond, 7 * time.Millisecond, "falls short"},
		"over only":  {50 * time.Millisecond, 5100 * time.Microsecond, "falls short"},
	} {
		var r report
		r.add(p, []*contestant{
			timed("bare", false, time.Millisecond),
			timed("go run", false, c.goRun),
			timed("gorun", true, c.gorun),
		})
		if got := r.Warm[2].Verdict; got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

func timed(name string, gorun bool, d time.Duration) *contestant {
	return &contestant{name: name, gorun: gorun, took: []time.Duration{d}, cpu: []time.Duration{d}}
}

func TestMedian(t *testing.T) {
	for want, list := range map[time.Duration][]time.Duration{2: {3, 1, 2}, 3: {4, 1, 2, 9}, 7: {7}} {
		if got := median(list); got != want {
			t.Errorf("the median of %v is %v", list, got)
		}
	}
}

func TestLastResult(t *testing.T) {
	log := "{\"event\":\"result\",\"cache\":\"miss\"}\nnoise\n{\"event\":\"result\",\"cache\":\"hit\",\"timings_ms\":{\"plan\":3}}\nmore noise {\n"
	if r, err := lastResult(log); err != nil || r.Cache != "hit" || r.Timings.Plan != 3 {
		t.Errorf("%+v, %v", r, err)
	}
	if _, err := lastResult("noise\n"); err == nil {
		t.Error("a log without a result has one")
	}
}

// TestInputs compares the list with a module of which every file is known.
func TestInputs(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"go.mod":          "module example.com/m\n\ngo 1.26\n",
		"main.go":         "package main\n\nimport (\n\t_ \"embed\"\n\t_ \"example.com/m/a\"\n)\n\n//go:embed text\nvar text string\n\nfunc main() { println(text) }\n",
		"main_windows.go": "package main\n",
		"main_test.go":    "package main\n",
		"text":            "text\n",
		"README.md":       "no input\n",
		"a/a.go":          "package a\n",
		"b/b.go":          "package b\n",
	} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	b := &bench{tmp: t.TempDir(), env: append(os.Environ(), "GOFLAGS=", "GOWORK=off")}
	got, err := b.inputs(context.Background(), &program{dir: dir, pkg: "."})
	if err != nil {
		t.Fatal(err)
	}
	for i := range got {
		got[i], _ = filepath.Rel(dir, got[i])
	}
	if want := []string{"a/a.go", "go.mod", "main.go", "main_windows.go", "text"}; !slices.Equal(got, want) {
		t.Errorf("the inputs are %q, want %q", got, want)
	}
}

func TestReadAll(t *testing.T) {
	dir := t.TempDir()
	big, small := filepath.Join(dir, "big"), filepath.Join(dir, "small")
	for name, size := range map[string]int{big: 3<<20 + 5, small: 7} {
		if err := os.WriteFile(name, make([]byte, size), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if n, took, err := readAll([]string{big, small}); n != 3<<20+12 || took <= 0 || err != nil {
		t.Errorf("%d bytes in %v, %v", n, took, err)
	}
	if _, _, err := readAll([]string{filepath.Join(dir, "none")}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the error is %v, want fs.ErrNotExist", err)
	}
}

func TestUnknownPart(t *testing.T) {
	if _, err := parse([]string{"-only", "hello,world"}); err == nil || !strings.Contains(err.Error(), `"world"`) {
		t.Errorf("the error is %v", err)
	}
}
