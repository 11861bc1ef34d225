package report

import (
	"bytes"
	"fmt"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/org/gorun-action/container"
	"github.com/org/gorun-action/runner"
)

const compilerText = "# example.com/hello\ncmd/hello/main.go:3:5: undefined: <x> & y\n"

var (
	buildRun = []runner.Event{
		runner.Planned{}, runner.BuildStarted{Builder: "docker", Toolchain: someToolchain},
		runner.Built{Executable: executable}, runner.Started{Pid: 1},
	}
	failedBuild = []runner.Event{
		runner.Planned{}, runner.BuildStarted{},
		runner.BuildOutput{Text: "# example.com/hello\n", Parsed: true},
		runner.BuildOutput{Text: "cmd/hello/main.go:3:5: undefined: <x> & y\n", Parsed: true},
		runner.Diagnosed{Diagnostic: compileError},
		runner.Finished{Result: runner.Result{
			Outcome: runner.BuildFailed, ExitStatus: 125, Error: "the package does not build", Hint: "mend what the compiler says",
			Reproduce: "gorun -C /src ./cmd/hello -- $'two\nlines'", Diagnostics: []runner.Diagnostic{compileError},
		}},
	}
	panicked = append(buildRun[:len(buildRun):len(buildRun)],
		runner.Diagnosed{Diagnostic: panicAt}, runner.Exited{Status: container.ExitStatus{Code: 2}},
		runner.Finished{Result: runner.Result{
			Outcome: runner.Panic, ExitStatus: 2, Error: "the program crashed: boom", Reproduce: "gorun .", Diagnostics: []runner.Diagnostic{panicAt},
		}})
	succeeded = append(buildRun[:len(buildRun):len(buildRun)],
		runner.Exited{}, runner.Finished{Result: successResult()})
	remarked = append([]runner.Event{
		runner.Noticed{Message: "-gcstackiter has no effect"},
		runner.Warned{Message: "the cache cannot be written:\n\x1b[2Jdisk full", Hint: "make room on the disk"},
		runner.BuildOutput{Text: "text without a newline"},
	}, succeeded...)
)

// transfers are all outcomes of what shared stores were asked.
func transfers() []runner.Event {
	of := func(op, what, outcome, reason string, bytes int64) runner.Event {
		e := runner.Transferred{Store: "actions", Op: op, What: what, Key: "x1-key", Outcome: outcome, Reason: reason, Bytes: bytes, Took: 1234567 * time.Microsecond}
		if what == "pack" {
			e.Key, e.Prefixes = "b1-key-new", []string{"b1-key-", "b1-"}
		}
		switch outcome {
		case runner.TransferHit:
			e.Matched = e.Key
		case runner.TransferNear:
			e.Matched = "b1-key-old"
		}
		return e
	}
	return []runner.Event{
		of("restore", "executable", runner.TransferMiss, "", 0),
		of("restore", "executable", runner.TransferHit, "", 12_300_000),
		of("restore", "executable", runner.TransferRefused, "the cache entry is not trusted here: it is from\x1b[2J pull_request", 4096),
		of("restore", "executable", runner.TransferFault, "the server answered 503 Service Unavailable", 0),
		of("restore", "pack", runner.TransferNear, "it saves 12 s and costs 2 s", 64_000_000),
		of("restore", "pack", runner.TransferSkipped, "the build cache of this machine is in use: /root/.cache/go-build", 0),
		of("save", "executable", runner.TransferKept, "", 12_300_000),
		of("save", "executable", runner.TransferExists, "", 0),
		of("save", "pack", runner.TransferReadOnly, "the store may only be read", 0),
	}
}

func killed() []runner.Event {
	return append(buildRun[:len(buildRun):len(buildRun)],
		runner.Exited{Status: container.ExitStatus{Signal: syscall.SIGKILL}},
		runner.Finished{Result: runner.Result{Outcome: runner.Signal, ExitStatus: 137, Error: "the program was killed by SIGKILL"}})
}

func manyRaces() []runner.Event {
	events := buildRun[:len(buildRun):len(buildRun)]
	for range maxPointers + 3 {
		events = append(events, runner.Diagnosed{Diagnostic: raceAt})
	}
	return append(events, runner.Exited{}, runner.Finished{Result: runner.Result{Outcome: runner.Race, ExitStatus: 66}})
}

// TestText has every run in every kind of text.
func TestText(t *testing.T) {
	var all bytes.Buffer
	for _, run := range []struct {
		name   string
		events []runner.Event
	}{
		{"success", succeeded}, {"remarks", remarked}, {"transfers", transfers()},
		{"transfers explained", append([]runner.Event{runner.Explained{Key: "x1-key"}}, transfers()...)},
		{"build failed", failedBuild}, {"panic", panicked}, {"killed", killed()}, {"races", manyRaces()},
		{"usage", []runner.Event{runner.Finished{Result: runner.Result{Outcome: runner.Usage, ExitStatus: 125, Error: "unknown flag --x", Hint: "see gorun -h"}}}},
	} {
		for _, kind := range []struct {
			name string
			new  func(w *bytes.Buffer) runner.Reporter
		}{
			{"text", func(w *bytes.Buffer) runner.Reporter { return NewText(w, TextOptions{}) }},
			{"colour", func(w *bytes.Buffer) runner.Reporter { return NewText(w, TextOptions{Color: true}) }},
			{"quiet", func(w *bytes.Buffer) runner.Reporter { return NewQuiet(w, TextOptions{}) }},
			{"compat", func(w *bytes.Buffer) runner.Reporter { return NewCompat(w) }},
		} {
			var out bytes.Buffer
			r := kind.new(&out)
			for _, e := range run.events {
				r.Event(e)
			}
			fmt.Fprintf(&all, "-- %s, %s --\n%s", run.name, kind.name, strings.ReplaceAll(out.String(), "\x1b", "^["))
		}
	}
	golden(t, "text.txt", all.Bytes())
}

// TestCompilerTextOnce: each kind of text has the go command's own exactly
// once, and one line or none if all is well.
func TestCompilerTextOnce(t *testing.T) {
	for name, newReporter := range map[string]func(*bytes.Buffer) runner.Reporter{
		"text":   func(w *bytes.Buffer) runner.Reporter { return NewText(w, TextOptions{Terminal: true}) },
		"quiet":  func(w *bytes.Buffer) runner.Reporter { return NewQuiet(w, TextOptions{}) },
		"compat": func(w *bytes.Buffer) runner.Reporter { return NewCompat(w) },
	} {
		var out bytes.Buffer
		r := newReporter(&out)
		for _, e := range failedBuild {
			r.Event(e)
		}
		if !strings.HasPrefix(out.String(), compilerText) || strings.Count(out.String(), "undefined: <x>") != 1 {
			t.Errorf("%s: %q", name, out.String())
		}
		out.Reset()
		r = newReporter(&out)
		for _, e := range succeeded {
			r.Event(e)
		}
		if want := map[string]int{"text": 1}[name]; strings.Count(out.String(), "\n") != want {
			t.Errorf("%s: %d lines on success, want %d: %q", name, strings.Count(out.String(), "\n"), want, out.String())
		}
	}
}

// TestCompatWords compares with the words of os/exec, which go run prints.
func TestCompatWords(t *testing.T) {
	for _, c := range []struct {
		script string
		status container.ExitStatus
	}{
		{"exit 3", container.ExitStatus{Code: 3}},
		{"kill -KILL $$", container.ExitStatus{Signal: syscall.SIGKILL}},
		{"kill -TERM $$", container.ExitStatus{Signal: syscall.SIGTERM}},
	} {
		want := exec.Command("sh", "-c", c.script).Run()
		if want == nil {
			t.Fatalf("%s did not fail", c.script)
		}
		var out bytes.Buffer
		r := NewCompat(&out)
		r.Event(runner.Exited{Status: c.status})
		r.Event(runner.Finished{})
		if out.String() != want.Error()+"\n" {
			t.Errorf("%q, want %q", out.String(), want)
		}
	}
}

// screen is what a terminal shows of the text so far: the lines, the last one
// without a newline.
func screen(text string) string {
	lines := strings.Split(text, "\n")
	for i, l := range lines {
		if at := strings.LastIndex(l, clearLine); at >= 0 {
			lines[i] = l[at+len(clearLine):]
		}
	}
	return strings.Join(lines, "\n")
}

func progressed(task string, done, total int64, unit string) runner.Progressed {
	return runner.Progressed{Progress: container.Progress{Task: task, Done: done, Total: total, Unit: unit}}
}

func TestBar(t *testing.T) {
	var out bytes.Buffer
	c := newClock()
	r := NewText(&out, TextOptions{Terminal: true, Width: 200, Now: c.now})
	expect := func(want string) {
		t.Helper()
		if got := screen(out.String()); got != want {
			t.Errorf("the screen shows %q, want %q", got, want)
		}
	}
	r.Event(progressed("downloading", 0, 10e6, "bytes"))
	c.advance(progressAfter - 1)
	r.Event(progressed("downloading", 1e6, 10e6, "bytes"))
	expect("")
	c.advance(1)
	r.Event(progressed("downloading", 4.5e6, 10e6, "bytes"))
	half := "downloading [=========           ] 4.5 of 10.0 MB (45%)"
	expect(half)
	c.advance(barEvery / 2)
	r.Event(progressed("downloading", 9e6, 10e6, "bytes")) // too soon
	r.Event(progressed("unpacking", 1, 5, "files"))        // another has the bar
	expect(half)
	r.Event(runner.Noticed{Message: "hello"})
	expect("gorun: hello\n")
	c.advance(barEvery)
	r.Event(progressed("downloading", 9e6, 10e6, "bytes"))
	expect("gorun: hello\ndownloading [==================  ] 9.0 of 10.0 MB (90%)")
	r.Event(progressed("downloading", 10e6, 10e6, "bytes"))
	expect("gorun: hello\n")
	c.advance(progressAfter)
	r.Event(progressed("unpacking", 3, 5, "files"))
	expect("gorun: hello\nunpacking [============        ] 3 of 5 files (60%)")
	c.advance(progressAfter) // unpacking has gone silent
	r.Event(progressed("waiting", 0, 0, ""))
	c.advance(progressAfter)
	r.Event(progressed("waiting", 7, 0, ""))
	expect("gorun: hello\nwaiting 7")
	r.Event(runner.Started{})
	expect("gorun: hello\n")
	c.advance(time.Hour)
	r.Event(progressed("waiting", 8, 0, "")) // the program has the terminal
	expect("gorun: hello\n")
}

// TestNoBarLeft: no event but progress leaves a bar behind.
func TestNoBarLeft(t *testing.T) {
	for _, e := range []runner.Event{
		runner.Planned{}, runner.BuildStarted{}, runner.BuildOutput{Text: "text\n"}, runner.Built{}, runner.Diagnosed{},
		runner.Started{}, runner.Exited{}, runner.Noticed{}, runner.Warned{}, runner.Finished{},
	} {
		var out bytes.Buffer
		c := newClock()
		r := NewText(&out, TextOptions{Terminal: true, Now: c.now})
		for range 2 {
			r.Event(progressed("downloading", 1, 2, "files"))
			c.advance(progressAfter)
		}
		if !strings.Contains(out.String(), "downloading") {
			t.Fatal("no bar")
		}
		if r.Event(e); strings.Contains(screen(out.String()), "downloading") {
			t.Errorf("%T leaves %q", e, screen(out.String()))
		}
	}
}

func TestBarWidth(t *testing.T) {
	for _, width := range []int{1, 2, 20, 79, 80} {
		var out bytes.Buffer
		b := bar{w: &out, width: width}
		if n := len([]rune(b.text(container.Progress{Task: strings.Repeat("é", 90), Done: 1, Total: 3}))); n != width-1 {
			t.Errorf("%d columns in a terminal of %d", n, width)
		}
	}
	full := bar{width: 80}
	if got := full.text(container.Progress{Task: "more than all", Done: 9, Total: 3}); !strings.Contains(got, "[====================]") {
		t.Errorf("%q", got)
	}
}

// TestProgressLines: without a terminal, a line in 5 s, and none of what is
// short.
func TestProgressLines(t *testing.T) {
	var text, quiet bytes.Buffer
	c := newClock()
	r := Tee(NewText(&text, TextOptions{Now: c.now}), NewQuiet(&quiet, TextOptions{Now: c.now}))
	r.Event(progressed("short", 0, 2, "files"))
	r.Event(progressed("short", 2, 2, "files"))
	for i := range 121 {
		r.Event(progressed("downloading", int64(i)*1e6, 120e6, "bytes"))
		c.advance(100 * time.Millisecond)
	}
	want := "gorun: downloading: 10.0 of 120.0 MB (8%)\n" +
		"gorun: downloading: 60.0 of 120.0 MB (50%)\n" +
		"gorun: downloading: 110.0 of 120.0 MB (91%)\n" +
		"gorun: downloading: 120.0 of 120.0 MB (100%)\n"
	if text.String() != want {
		t.Errorf("got\n%swant\n%s", text.String(), want)
	}
	if quiet.Len() > 0 {
		t.Errorf("quiet is not: %q", quiet.String())
	}
}

// TestProgressRecords: at most one in 3 s for each task, and none of what is
// short.
func TestProgressRecords(t *testing.T) {
	var log bytes.Buffer
	c := newClock()
	j := NewJSON(&log, c.now)
	begin := c.t
	for i := range 101 {
		for _, task := range []string{"a", "b"} {
			j.Event(progressed(task, int64(i), 100, "files"))
		}
		if i < 9 {
			j.Event(progressed("short", int64(i), 8, "files"))
		}
		c.advance(100 * time.Millisecond)
	}
	var got []string
	for line := range bytes.Lines(log.Bytes()) {
		r := struct {
			Time time.Time
			Task string
			Done int
		}{}
		unmarshal(t, line, &r)
		got = append(got, fmt.Sprintf("%v %s %d", r.Time.Sub(begin), r.Task, r.Done))
	}
	want := "1s a 10,1s b 10,4s a 40,4s b 40,7s a 70,7s b 70,10s a 100,10s b 100"
	if strings.Join(got, ",") != want {
		t.Errorf("got %v, want %s", got, want)
	}
}

// TestConcurrentText is for the race detector.
func TestConcurrentText(t *testing.T) {
	var a, b, log bytes.Buffer
	r := Tee(Tee(NewText(&a, TextOptions{Terminal: true}), NewCompat(&b)), NewJSON(&log, nil))
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for _, e := range append(remarked, progressed("x", 1, 2, "files"), panicked[4]) {
				r.Event(e)
			}
		})
	}
	wg.Wait()
}
