package report

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/org/gorun-action/cachekeys"
	"github.com/org/gorun-action/container"
	"github.com/org/gorun-action/runner"
)

var update = flag.Bool("update", false, "write the golden files instead of comparing with them")

// golden compares got with testdata/name.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs (go test -update writes it anew).\ngot:\n%s\nwant:\n%s", path, got, want)
	}
}

// clock is a clock that stands until it is moved.
type clock struct{ t time.Time }

func newClock() *clock { return &clock{time.Date(2026, 1, 2, 15, 4, 5, 0, time.UTC)} }

func (c *clock) now() time.Time          { return c.t }
func (c *clock) advance(d time.Duration) { c.t = c.t.Add(d) }

// ticking advances by a millisecond and a bit with each look at it.
func (c *clock) ticking() time.Time {
	c.advance(1001 * time.Microsecond)
	return c.t
}

var (
	someToolchain = runner.Toolchain{Version: "1.26.11", Image: "gorun/toolchain:1.26.11", Digest: "sha256:aaaa"}
	hostToolchain = runner.Toolchain{Version: "1.26.8", Path: "/usr/local/go/bin/go"}
	someSaving    = runner.Saving{Store: "actions", What: "executable", Bytes: 2 << 20, SavedMS: 41000, SavedBytes: 250 << 20}
	executable    = runner.Executable{Path: "/tmp/gorun-1/hello", SHA256: "e3b0c442", Size: 1572864}
	compileError  = runner.Diagnostic{Kind: "error", File: "cmd/hello/main.go", Line: 3, Column: 5, Message: "undefined: <x> & y", Package: "example.com/hello"}
	panicAt       = runner.Diagnostic{Kind: "panic", File: "main.go", Line: 12, Message: "boom", Package: "main", Function: "main.work"}
	raceAt        = runner.Diagnostic{Kind: "race", File: "main.go", Line: 20, Message: "data race", Function: "main.count"}
)

const someKey = "x1-linux.amd64-c67359e83a61-f406fff06b27-f5b37658987c1f59fd8473e162476760c4df96c508222123b64c5fadd19a03e5"

// failedResult has every field.
func failedResult() runner.Result {
	status := 143
	return runner.Result{
		Outcome: runner.Signal, Phase: runner.PhaseRun, ExitStatus: 143, ProgramStatus: &status, Signal: "SIGTERM",
		Error: "the program was killed by SIGTERM", Hint: "look for who sent it", Reproduce: "gorun -C /src ./cmd/hello -- a 'b c'",
		Package: "./cmd/hello", Dir: "/src", Builder: "docker", Toolchain: &someToolchain, Executable: &executable,
		Cache: runner.Miss, Key: someKey, Saving: &someSaving, Command: []string{"go", "run", "./cmd/hello"},
		Timings:     runner.Timings{Plan: 1, Restore: 2, Toolchain: 20, Build: 300, Run: 4000, Total: 4321},
		Diagnostics: []runner.Diagnostic{compileError, panicAt},
	}
}

func successResult() runner.Result {
	status := 0
	return runner.Result{
		Outcome: runner.Success, Phase: runner.PhaseRun, ProgramStatus: &status, Package: ".", Dir: "/src",
		Builder: "host", Toolchain: &hostToolchain, Executable: &executable, Cache: "off",
		Command: []string{"go", "run", "."}, Timings: runner.Timings{Plan: 1, Build: 310, Run: 1250, Total: 1561},
	}
}

// writeEveryRecord drives a JSON through every record there is, each with all
// of its fields, then with as few as it can have.
func writeEveryRecord(t *testing.T, result runner.Result) []byte {
	t.Helper()
	var buf bytes.Buffer
	c := newClock()
	j := NewJSON(&buf, c.ticking)
	j.Event(runner.Planned{Plan: runner.Plan{
		Package: []string{"./cmd/hello"}, Dir: "/src", Module: "/src", GoVersion: "1.26", GoVersionFrom: "go.mod",
		Target: "linux/arm64", Exec: []string{"qemu-aarch64", "-L", "/"}, Command: []string{"go", "run", "./cmd/hello"}, Key: someKey,
	}})
	j.Event(runner.Planned{Plan: runner.Plan{}})
	for done := range 3 {
		j.Event(runner.Progressed{Progress: container.Progress{Task: "downloading go1.26.11", Done: int64(done) * 50, Total: 100, Unit: "bytes"}})
		j.Event(runner.Progressed{Progress: container.Progress{Task: "waiting"}})
		c.advance(progressAfter)
	}
	j.Event(runner.Explained{Key: someKey, Inputs: []cachekeys.Input{{Kind: cachekeys.KindFlag, Name: "-tags", Value: "e2e"}}})
	j.Event(runner.Explained{})
	j.Event(runner.Restored{Key: someKey, Hit: true, Executable: &executable, Took: time.Millisecond})
	j.Event(runner.Restored{Key: someKey, Differences: slices.Repeat([]string{"main.go changed"}, maxDifferences+2)})
	j.Event(runner.Restored{Reasons: []string{"-a asks for a build"}})
	j.Event(runner.Restored{Key: someKey, Hit: true, Executable: &executable, Saving: &someSaving, Took: time.Millisecond})
	j.Event(runner.Transferred{
		Store: "actions", Op: "restore", What: "pack", Key: "b1-linux.amd64-1-2-3-4", Prefixes: []string{"b1-linux.amd64-1-2-3-"}, Matched: "b1-linux.amd64-1-2-3-5",
		Outcome: runner.TransferNear, Reason: "it saves 12 s and costs 2 s", Bytes: 1 << 20, Took: time.Second,
	})
	j.Event(runner.Transferred{Store: "oci:registry.example/cache", Op: "save", What: "executable", Key: someKey, Outcome: runner.TransferKept})
	j.Event(runner.Saved{Key: someKey, Kept: true, Took: 2 * time.Millisecond})
	j.Event(runner.Saved{Key: someKey, Reasons: []string{"the sources changed during the build"}})
	j.Event(runner.BuildStarted{Builder: "docker", Toolchain: someToolchain, Command: []string{"go", "run", "./cmd/hello"}})
	j.Event(runner.BuildStarted{Builder: "host", Toolchain: hostToolchain})
	j.Event(runner.BuildOutput{Text: "go: downloading example.com/x v1.2.3\n"})
	j.Event(runner.BuildOutput{Text: "cmd/hello/main.go:3:5: undefined: x\n", Parsed: true})
	j.Event(runner.Diagnosed{Diagnostic: compileError})
	j.Event(runner.Diagnosed{Diagnostic: panicAt})
	j.Event(runner.Diagnosed{Diagnostic: runner.Diagnostic{Kind: "race", Message: "data race"}})
	j.Event(runner.Built{Executable: executable, Took: 1234567 * time.Microsecond})
	j.Event(runner.Started{Pid: 4711, Command: []string{"/tmp/gorun-1/hello", "a"}})
	j.Event(runner.Started{})
	out, errs := j.Stream("stdout"), j.Stream("stderr")
	write(t, out, "hello, \"world\" <&> \u2028\u00e9\t\x00\r\n\n")
	write(t, errs, "{\"a\": 1.50, \"b\":[null]}\n{\"a\":1} \n{}\n")
	write(t, out, "\xff\xfe\n")
	write(t, errs, "{\"end\":true}")
	write(t, out, "no newline")
	for _, s := range []interface{ Close() error }{out, errs} {
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	j.Event(runner.Exited{Status: container.ExitStatus{Signal: syscall.SIGKILL, OOM: true, Stopped: true}, Took: 4 * time.Second})
	j.Event(runner.Exited{Status: container.ExitStatus{Code: 3}})
	j.Event(runner.Warned{Message: "the cache cannot be written", Hint: "make room on the disk"})
	j.Event(runner.Warned{Message: "no hint"})
	j.Event(runner.Noticed{Message: "-gcstackiter has no effect"})
	j.Event(runner.Finished{Result: result})
	if err := j.Err(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func write(t *testing.T, w interface{ Write([]byte) (int, error) }, text string) {
	t.Helper()
	if n, err := w.Write([]byte(text)); n != len(text) || err != nil {
		t.Fatalf("Write = %d, %v; want %d, nil", n, err, len(text))
	}
}

func TestRecords(t *testing.T) {
	golden(t, "events.jsonl", writeEveryRecord(t, failedResult()))
	success := writeEveryRecord(t, successResult())
	lines := bytes.SplitAfter(success, []byte("\n"))
	golden(t, "success.jsonl", lines[len(lines)-2])
}
