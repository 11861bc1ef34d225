package githubactions

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

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

var (
	someDigest    = "sha256:" + strings.Repeat("a1", 32)
	someToolchain = runner.Toolchain{Version: "1.26.11", Image: "gorun/toolchain:1.26.11", Digest: someDigest}
	hostToolchain = runner.Toolchain{Version: "1.26.8", Path: "/usr/local/go/bin/go"}
	executable    = runner.Executable{Path: "/tmp/gorun-1/hello", SHA256: strings.Repeat("e3", 32), Size: 1572864}
	compileError  = runner.Diagnostic{Kind: "error", File: "cmd/hello/main.go", Line: 3, Column: 5, Message: "undefined: <x> & y", Package: "example.com/hello"}
	panicAt       = runner.Diagnostic{Kind: "panic", File: "main.go", Line: 12, Message: "boom", Package: "main", Function: "main.work"}
	raceAt        = runner.Diagnostic{Kind: "race", File: "main.go", Line: 20, Message: "data race", Package: "main", Function: "main.count"}
	timeoutAt     = runner.Diagnostic{Kind: "timeout", File: "main.go", Line: 31, Message: "the program was here at the time limit", Package: "main", Function: "main.wait"}
)

var (
	executableHit = runner.Transferred{Store: "actions", Op: "restore", What: "executable", Key: someKey, Matched: someKey, Outcome: runner.TransferHit, Bytes: 12_300_000, Took: 400 * time.Millisecond}
	packNear      = runner.Transferred{
		Store: "oci:registry.example/cache", Op: "restore", What: "pack", Key: "b1-new", Prefixes: []string{"b1-"}, Matched: "b1-old",
		Outcome: runner.TransferNear, Bytes: 64_000_000, Took: 1200 * time.Millisecond, Reason: "it saves 19 s and costs 2 s",
	}
	packKept = runner.Transferred{Store: "oci:registry.example/cache", Op: "save", What: "pack", Key: "b1-new", Outcome: runner.TransferKept, Bytes: 65_000_000, Took: 2 * time.Second}
	missedIt = runner.Transferred{Store: "actions", Op: "restore", What: "executable", Key: someKey, Outcome: runner.TransferMiss, Took: 80 * time.Millisecond}
)

const someKey = "x1-linux.amd64-c67359e83a61-f406fff06b27-f5b37658987c1f59fd8473e162476760c4df96c508222123b64c5fadd19a03e5"

// ran is a Result of a program that ran, built in a container.
func ran(o runner.Outcome, status int, sentence string) runner.Result {
	return runner.Result{
		Outcome: o, Phase: runner.PhaseRun, ExitStatus: status, ProgramStatus: &status, Error: sentence,
		Reproduce: "gorun --go-version=1.26.11 ./cmd/hello -- a 'b c'", Package: "./cmd/hello", Dir: "/github/workspace",
		Builder: "docker", Toolchain: &someToolchain, Executable: &executable, Cache: runner.Miss, Key: someKey,
		Command: []string{"go", "run", "./cmd/hello"},
		Timings: runner.Timings{Plan: 12, Restore: 2, Toolchain: 240, Build: 3100, Run: 4000, Total: 7361},
	}
}

// refused is a Result of a run without a program.
func refused(o runner.Outcome, phase runner.Phase, status int, sentence, hint string) runner.Result {
	return runner.Result{
		Outcome: o, Phase: phase, ExitStatus: status, Error: sentence, Hint: hint, Package: ".", Dir: "/github/workspace",
		Reproduce: "gorun .", Cache: runner.Miss, Key: someKey, Command: []string{"go", "run", "."},
		Timings: runner.Timings{Plan: 12, Toolchain: 240, Build: 1500, Total: 1760},
	}
}

// outcomes has a Summary for each Outcome, as a run makes it.
func outcomes() map[runner.Outcome]Summary {
	all := map[runner.Outcome]Summary{}
	put := func(r runner.Result, change func(*Summary)) {
		s := Summary{Result: r, Image: "registry.example/gorun@" + someDigest}
		if change != nil {
			change(&s)
		}
		all[r.Outcome] = s
	}
	put(ran(runner.Success, 0, ""), func(s *Summary) {
		s.Result.Reproduce, s.Result.Cache, s.Result.Builder, s.Result.Toolchain = "", runner.Hit, "host", &hostToolchain
		s.Result.Timings = runner.Timings{Plan: 9, Restore: 1, Run: 1250, Total: 1262}
		s.Restored = &runner.Restored{Key: someKey, Hit: true, Executable: &executable}
		s.Result.Saving = &runner.Saving{Store: "actions", What: "executable", Bytes: 12_300_000, SavedMS: 41_000, SavedBytes: 250_000_000}
		s.Transfers = []runner.Transferred{executableHit}
	})
	put(ran(runner.Failure, 3, "the program exited with status 3"), func(s *Summary) {
		s.Restored = &runner.Restored{Key: someKey, Differences: []string{"cmd/hello/main.go changed", "golang.org/x/sys v0.47.0 → v0.48.0"}}
		s.Saved = &runner.Saved{Key: someKey, Reasons: []string{"the sources changed during the build"}}
		s.Result.Saving = &runner.Saving{Store: "oci:registry.example/cache", What: "pack", Bytes: 64_000_000, SavedMS: 18_250}
		s.Transfers = []runner.Transferred{packNear, packKept}
		s.Warned, s.Warnings = []runner.Warned{{Message: "the cache cannot be written: no space left on device", Hint: "make room on the disk"}}, 1
	})
	put(ran(runner.Panic, 2, "the program panicked: runtime error: index out of range [5] with length 3"), func(s *Summary) {
		s.Result.Diagnostics = []runner.Diagnostic{panicAt}
		s.Result.Cache, s.Result.Key, s.Restored = runner.NoKey, "", &runner.Restored{Reasons: []string{"-a asks for a build"}}
	})
	put(ran(runner.Race, 66, "the race detector reported a data race"), func(s *Summary) {
		s.Result.Hint, s.Result.Diagnostics = "the report above has both accesses and where their goroutines began", []runner.Diagnostic{raceAt}
	})
	put(ran(runner.Signal, 143, "the program was killed by SIGTERM"), func(s *Summary) { s.Result.Signal = "SIGTERM" })
	put(ran(runner.OOM, 137, "the program was killed because it used more memory than it may"), func(s *Summary) {
		s.Result.Hint = "raise the memory limit, or keep the program below it: GOMEMLIMIT sets a soft limit for Go's heap"
	})
	put(ran(runner.Timeout, 143, "the program ran into the time limit of 1m0s and was stopped"), func(s *Summary) {
		s.Result.ExitStatus, s.Result.Diagnostics = 124, []runner.Diagnostic{timeoutAt}
		s.Result.Hint = "look where it was in the goroutines above, or raise --timeout"
		s.Result.Timings = runner.Timings{Plan: 12, Restore: 2, Toolchain: 240, Build: 3100, Run: 62000, Total: 65361}
	})
	put(ran(runner.Cancelled, 130, "cancelled by SIGINT; the program was killed by SIGINT"), func(s *Summary) { s.Result.Signal = "SIGINT" })
	put(refused(runner.Usage, runner.PhaseInputs, 125, "unknown flag --x", "see gorun -h"), func(s *Summary) {
		s.Result = runner.Result{Outcome: runner.Usage, Phase: runner.PhaseInputs, ExitStatus: 125, Error: s.Result.Error, Hint: s.Result.Hint, Cache: runner.Off}
	})
	put(refused(runner.BuildFailed, runner.PhaseBuild, 125, "the build failed at cmd/hello/main.go:3:5 and at 1 more place", ""), func(s *Summary) {
		s.Directory, s.Result.Dir = "services/hello", "/github/workspace/services/hello"
		s.Result.Diagnostics = []runner.Diagnostic{compileError, {Kind: "error", File: "cmd/hello/main.go", Line: 9, Column: 2, Message: "cannot use x\n\thave `int`\n\twant ```string```"}}
		s.Result.Reproduce = "GOOS=linux GOFLAGS='-tags=a b' gorun --builder=host ./cmd/hello"
	})
	put(refused(runner.Integrity, runner.PhaseBuild, 125, "verifying example.com/x@v1.2.3: checksum mismatch", "somebody changed a released module: find out who before running it"), nil)
	put(refused(runner.Infrastructure, runner.PhaseToolchain, 125, "cannot connect to the Docker daemon", "start it, or build with --builder=host"), nil)
	put(refused(runner.NotExecutable, runner.PhaseRun, 126, "/tmp/gorun-1/hello: exec format error", "build for this machine, or name an emulator with -exec"), nil)
	put(refused(runner.NotFound, runner.PhaseRun, 127, "qemu-aarch64: not found", "install it"), nil)
	return all
}

func TestSummaryOfEachOutcome(t *testing.T) {
	all := outcomes()
	for _, o := range runner.Outcomes() {
		s, ok := all[o]
		if !ok {
			t.Errorf("no case for %s", o)
		}
		golden(t, filepath.Join("summary", string(o)+".md"), []byte(s.Markdown()))
	}
}

// runner.Outcomes() is the list of runner/result.go.
func TestToleratedSummary(t *testing.T) {
	s := outcomes()[runner.Failure]
	s.Result.Tolerated = true
	if got := s.Markdown(); !strings.HasPrefix(got, "### ⚠️ failure, exit code 3") {
		t.Errorf("%.60s", got)
	}
	s.Result = outcomes()[runner.Success].Result
	s.Result.Tolerated = true
	if got := s.Markdown(); !strings.HasPrefix(got, "### ✅ success") {
		t.Errorf("%.60s", got)
	}
}

func manyDiagnostics(n int, message string) []runner.Diagnostic {
	all := make([]runner.Diagnostic, n)
	for i := range all {
		all[i] = runner.Diagnostic{Kind: "error", File: fmt.Sprintf("pkg%d/main.go", i%100), Line: i + 1, Column: 2, Message: message}
	}
	return all
}

func TestSummaryLimit(t *testing.T) {
	s := outcomes()[runner.BuildFailed]
	s.Result.Diagnostics = manyDiagnostics(10_000, "undefined: "+strings.Repeat("x", 200))
	whole := s
	whole.Limit = 100 << 20
	all := whole.Markdown()
	if strings.Contains(all, "did not fit") || len(all) <= MaxSummary {
		t.Fatalf("%d bytes are too few for this test, or cut", len(all))
	}
	for _, limit := range []int{0, 1 << 20, 100_000, 3000, 1000, 300} {
		s.Limit = limit
		if limit == 0 {
			limit = MaxSummary
		}
		got := s.Markdown()
		if len(got) > limit || len(got) < limit/2 && limit >= 3000 {
			t.Errorf("%d bytes, limit %d", len(got), limit)
		}
		if !strings.HasPrefix(got, "### ❌ build failed") || !strings.Contains(got, "did not fit into the summary") {
			t.Errorf("limit %d: it does not say so: %.300q", limit, got)
		}
		checkMarkdown(t, got)
	}
	s.Limit = 20
	if got := s.Markdown(); got != "" {
		t.Errorf("%q in 20 bytes", got)
	}
}

// TestDiagnosticsFit: a text full of backticks needs longer fences.
func TestDiagnosticsFit(t *testing.T) {
	var all []runner.Diagnostic
	for i := range 40 {
		all = append(all, runner.Diagnostic{Kind: "error", Message: strings.Repeat("`", 3*i) + "."})
	}
	s := Summary{Result: runner.Result{Diagnostics: all}}
	for room := 200; room < 2700; room += 7 {
		if got := s.diagnostics(room); len(got) > room || len(got) < room-blockRoom-4*120-200 {
			t.Errorf("%d bytes in %d", len(got), room)
		}
	}
}

func TestSummaryBoundsEverything(t *testing.T) {
	huge := strings.Repeat("`<b>|", 1<<14)
	s := outcomes()[runner.BuildFailed]
	r := &s.Result
	r.Package, r.Error, r.Hint, r.Reproduce, r.Command = huge, huge, huge, "gorun "+huge, []string{huge, huge}
	r.Toolchain = &runner.Toolchain{Version: huge, Image: huge, Digest: huge}
	r.Diagnostics = manyDiagnostics(100, strings.Repeat(huge, 20))
	many := strings.Split(strings.Repeat(huge+"\x00", 30), "\x00")
	s.Restored = &runner.Restored{Reasons: many, Differences: many}
	for range 100 {
		s.Warned = append(s.Warned, runner.Warned{Message: huge, Hint: huge})
	}
	s.Warnings = 1000
	for range maxTransfers {
		s.Transfers = append(s.Transfers, runner.Transferred{Store: huge, Outcome: runner.TransferKept})
	}
	got := s.Markdown()
	if len(got) > MaxSummary || !strings.Contains(got, "100 more diagnostics did not fit") || !strings.Contains(got, "and 980 more") {
		t.Errorf("%d bytes: %.500s", len(got), got)
	}
	checkMarkdown(t, got)
}

func TestDockerLine(t *testing.T) {
	for _, c := range []struct{ reproduce, directory, want string }{
		{"gorun .", "", `docker run --rm -v "$PWD:/src" IMAGE .`},
		{"gorun", "", `docker run --rm -v "$PWD:/src" IMAGE`},
		{"GOOS=js GOFLAGS='a b' gorun -C=x . -- 'it'\\''s gorun'", "", `docker run --rm -v "$PWD:/src" -e GOOS=js -e GOFLAGS='a b' IMAGE -C=x . -- 'it'\''s gorun'`},
		{"GOFLAGS='x'\\'' gorun y' gorun .", "", `docker run --rm -v "$PWD:/src" -e GOFLAGS='x'\'' gorun y' IMAGE .`},
		{"gorun .", "a b", `docker run --rm -v "$PWD:/src" -w '/src/a b' IMAGE .`},
		{"go run .", "", ""},
		{"", "", ""},
	} {
		s := Summary{Result: runner.Result{Reproduce: c.reproduce}, Directory: c.directory, Image: "IMAGE"}
		if got := s.docker(); got != c.want {
			t.Errorf("%s in %q:\ngot  %s\nwant %s", c.reproduce, c.directory, got, c.want)
		}
	}
	if got := (Summary{Result: runner.Result{Reproduce: "gorun ."}}).docker(); got != "" {
		t.Errorf("without an image: %s", got)
	}
}

func TestSavings(t *testing.T) {
	for _, c := range []struct {
		saving *runner.Saving
		want   string
	}{
		{nil, ""},
		{&runner.Saving{Store: "actions", What: "executable"}, ""},
		{&runner.Saving{Store: "actions", What: "executable", SavedMS: 900}, ", saved about 900 ms"},
		{&runner.Saving{Store: "actions", What: "executable", SavedBytes: 3_000_000}, ", saved about 3.0 MB"},
		{&runner.Saving{Store: "actions", What: "pack", SavedMS: 900}, ""},
		{&runner.Saving{Store: "dir:/x", What: "executable", SavedMS: 900}, ""},
	} {
		s := Summary{Result: runner.Result{Saving: c.saving}, Transfers: []runner.Transferred{executableHit}}
		if got, want := s.shared(), "restored the executable from `actions`: 12.3 MB in 400 ms"+c.want; got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}

func TestTimings(t *testing.T) {
	r := runner.Result{Timings: runner.Timings{Plan: 3, Build: 250, Run: 700, Total: 1000}}
	want := "| phase | time | share |\n|:--|--:|:--|\n" +
		"| build | 250 ms | █████ 25 % |\n| run | 700 ms | ██████████████ 70 % |\n| other | 47 ms | █ 5 % |\n| **total** | 1.0 s | |\n\n"
	if got := (Summary{Result: r}).timings(); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}
