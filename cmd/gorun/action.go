package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/org/gorun-action/internal/buildflags"
	"github.com/org/gorun-action/internal/githubactions"
	"github.com/org/gorun-action/internal/goenv"
	"github.com/org/gorun-action/internal/report"
	"github.com/org/gorun-action/internal/shared"
	"github.com/org/gorun-action/runner"
)

// actionName is the argv[0] of gorun as the entrypoint of the GitHub Action. It
// takes no arguments: the runner quotes them badly, and act splits them.
const actionName = "gorun-action"

// actionGrace leaves time to write results before the runner, which sends INT,
// TERM after 7.5 s and KILL after another 2.5 s, gives up.
const actionGrace = "--cancel-grace=7s"

// action is what the door of the GitHub Action adds to a command.
type action struct {
	inputs   githubactions.Inputs
	err      error // what is wrong with the inputs
	shares   bool  // with GitHub's cache, where there is one, since no store is named
	exposed  error // why the program might read the runner's credentials
	getenv   func(string) string
	stream   *githubactions.Stream
	reporter *githubactions.Reporter
	stdout   *githubactions.Captured
	files    *githubactions.Files
	open     []io.Closer // what holds back a last line without newline
}

// act makes c the command that a step's inputs ask for. stdout is the one
// stream to the runner.
func (c *command) act(stdout io.Writer) {
	environ := c.environ
	a := &action{stdout: githubactions.NewCaptured(0)}
	a.getenv = func(name string) string { return goenv.Lookup(environ, name) }
	o := defaults()
	a.inputs, a.err = githubactions.ReadInputs(environ, o.own())
	a.stream = githubactions.NewStream(stdout, githubactions.NewToken(), a.inputs.WorkflowCommands)
	a.stream.Mask(a.inputs.Secrets()...)
	a.reporter = githubactions.NewReporter(a.stream, a.annotator(), a.getenv("RUNNER_DEBUG") == "1")
	c.action = a
	c.args = append([]string{actionGrace}, a.inputs.Args...)
	a.shares = a.err == nil && !a.inputs.Has("cache-to") && a.getenv(variable("cache-to")) == "" && a.inputs.Text("cache") != string(runner.CacheOff)
	c.environ = append(githubactions.ProgramEnviron(environ), a.inputs.Env...)
	if a.err == nil {
		c.stdin, a.err = pipeOf(a.inputs.Stdin)
	}
}

func (a *action) annotator() *githubactions.Annotator {
	if a.err == nil && !a.inputs.Annotations {
		return nil
	}
	touched := githubactions.Touched{
		Event: a.getenv("GITHUB_EVENT_NAME"), EventPath: a.getenv("GITHUB_EVENT_PATH"),
		SHA: a.getenv("GITHUB_SHA"), BaseRef: a.getenv("GITHUB_BASE_REF"),
		Dir: a.getenv("GITHUB_WORKSPACE"), Path: a.getenv("PATH"),
	}
	return &githubactions.Annotator{
		Workspace: a.getenv("GITHUB_WORKSPACE"),
		Touched:   touched.Files,
	}
}

// pipeOf returns a file that has text in it.
func pipeOf(text string) (*os.File, error) {
	if text == "" {
		return os.Open(os.DevNull)
	}
	r, w, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("input stdin: %w", err)
	}
	go func() {
		io.WriteString(w, text) // a program that does not read it all is no failure
		w.Close()
	}()
	return r, nil
}

// check refuses flags that would write past the stream.
func (a *action) check(o options) error {
	switch {
	case a.err != nil:
		return a.err
	case o.compat || o.logFile != "" || o.verdictFile != "" || o.logFormat == "none" || o.help || o.version:
		return &buildflags.UsageError{
			Message: "input build-flags: --compat, --log-file, --log-format, --verdict-file, --help and --version have no place in the action",
			Hint:    "the inputs log-format and output choose the log; the output verdict names the verdict file",
		}
	}
	return nil
}

// stores are the shared stores of a step: GitHub's cache, unless the step says
// otherwise.
func (a *action) stores(named cacheTo) cacheTo {
	if a.shares && len(named.stores) == 0 {
		return cacheTo{stores: []shared.Place{{Kind: shared.InActions}}, optional: true}
	}
	return named
}

// openLog has everything go over the stream.
func (a *action) openLog(o options, now func() time.Time) *log {
	l := &log{stdout: a.stdout, raw: a.raw}
	var shown runner.Reporter
	if o.logFormat == "text" {
		shown = report.NewText(a.stream.Fenced(), report.TextOptions{Now: now})
	} else {
		records := report.NewJSON(a.stream.Fenced(), now)
		shown = records
		if o.output == "json" {
			l.records = records
		}
	}
	l.reporter = report.Tee(a.reporter, shown) // a group begins before its first line
	if a.err == nil {
		words, _ := buildflags.Quote(append([]string{"gorun"}, a.inputs.Args...))
		l.reporter.Event(runner.Noticed{Message: "running " + words})
	}
	return l
}

// raw is where the program's output goes when it is not made into records.
func (a *action) raw() (stdout, stderr io.Writer) {
	out, err := a.stream.Open(), a.stream.Open()
	a.open = append(a.open, out, err)
	return out, err
}

// openFiles gives the program files of its own for what it tells the runner.
func (a *action) openFiles(spec *runner.Spec) (err error) {
	if a.files, err = githubactions.OpenFiles(a.getenv); err != nil {
		return err
	}
	for _, named := range a.files.Environ() {
		spec.Env = spec.Env.With(named[0], named[1])
	}
	return nil
}

// conclude writes what the job shows and later steps read. A run whose outputs
// or verdict cannot be written has failed: whoever reads them would believe
// somebody else.
func (a *action) conclude(r runner.Result) runner.Result {
	for _, w := range a.open {
		w.Close()
	}
	verdict, err := a.writeVerdict(r)
	if err != nil {
		r = r.Untold(err)
	}
	notes, filesErr := a.closeFiles(r, verdict)
	if filesErr != nil {
		r = r.Untold(filesErr)
		if verdict != "" {
			_ = report.WriteVerdict(verdict, r) // the step has failed either way
		}
	}
	if err != nil || filesErr != nil {
		a.stream.Command(githubactions.Error(githubactions.Position{}, "gorun", r.Error))
	}
	if a.exposed != nil {
		notes = append(notes, a.exposed.Error())
	}
	for _, note := range notes {
		a.stream.Command(githubactions.Warning(githubactions.Position{}, "gorun", note))
	}
	a.stream.Close()
	return r
}

// writeVerdict writes the verdict file into the runner's temporary directory.
// What is known outside of this container is its name there, and not its path.
func (a *action) writeVerdict(r runner.Result) (path string, err error) {
	dir := a.getenv("RUNNER_TEMP")
	if dir == "" {
		return "", nil
	}
	f, err := os.CreateTemp(dir, "gorun-verdict-*.json")
	if err != nil {
		return "", fmt.Errorf("making the verdict file: %w", err)
	}
	f.Chmod(0o644) // later steps may be another user's
	f.Close()
	return f.Name(), report.WriteVerdict(f.Name(), r)
}

// closeFiles hands on what the program told the runner, and tells the rest.
func (a *action) closeFiles(r runner.Result, verdict string) (notes []string, err error) {
	if a.files == nil { // the run was refused before there could be a program
		if a.files, err = githubactions.OpenFiles(a.getenv); err != nil {
			return nil, err
		}
	}
	if verdict != "" {
		verdict = filepath.Base(verdict)
	}
	summary := func(limit int) string {
		s := a.reporter.Summary()
		s.Result, s.Limit, s.Directory = r, limit, a.inputs.Text("working-directory")
		s.Image = strings.TrimPrefix(a.getenv("GORUN_IMAGE"), "docker://")
		return s.Markdown()
	}
	if a.err == nil && !a.inputs.Summary {
		summary = nil
	}
	return a.files.Close(githubactions.Outputs(r, a.stdout, verdict), summary)
}
