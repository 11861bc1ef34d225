package githubactions

import (
	"slices"
	"strings"
	"sync"

	"github.com/org/gorun-action/runner"
)

// commander writes commands to the runner, those of one call in one piece. A
// [Stream] is one.
type commander interface{ Command(...Command) }

// maxWarned bounds the warnings whose text is kept.
const maxWarned = maxListed

// Reporter is the [runner.Reporter] of a GitHub job: the build's text in a
// group, what a look into the log may need as debug lines, annotations at the
// end. It is safe for concurrent use.
//
// It prints no text of the run itself. Whoever does comes after it, in
// [report.Tee], so that the group is there before its first line.
//
//   - The group begins with the first line of the go command's text, so none is
//     empty. It ends before the first finding: what is wrong is never folded
//     away. The program's output is in no group: it is what the step is for.
//   - Notices are in the log and not annotated: they ask nobody to act, and an
//     annotation is shown again with every run.
//   - What comes while the program runs waits until it has ended: a command
//     between the halves of a line would cut it in two.
//   - Annotations come with Finished, since which nine are the most important
//     is known only then; this may take the two seconds of [Touched].
type Reporter struct {
	to       commander
	debug    bool
	annotate *Annotator

	mu       sync.Mutex
	title    string // of the group of the build under way
	group    bool
	found    bool // a finding was shown: no more groups in this build
	running  bool
	waiting  []Command // until the program has ended
	warned   []runner.Warned
	warnings int
	restored *runner.Restored
	saved    *runner.Saved
	moved    []runner.Transferred // the first
	result   runner.Result
}

// NewReporter returns a Reporter that writes to a [Stream]. Without an
// Annotator there are no annotations. debug is whether the job runs with debug
// logging (RUNNER_DEBUG=1): the runner drops debug lines otherwise, but shows
// the fence that opens and closes around each.
func NewReporter(to commander, annotate *Annotator, debug bool) *Reporter {
	return &Reporter{to: to, annotate: annotate, debug: debug}
}

// Event implements [runner.Reporter].
func (r *Reporter) Event(e runner.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if text := debugText(e); text != "" && r.debug {
		r.waiting = append(r.waiting, Debug(text))
	}
	r.waiting = append(r.waiting, r.commands(e)...)
	if len(r.waiting) > 0 && !r.running {
		r.to.Command(r.waiting...)
		r.waiting = nil
	}
	_, started := e.(runner.Started)
	r.running = r.running || started
}

// commands remembers what the end needs, and returns what is to be written now.
func (r *Reporter) commands(e runner.Event) []Command {
	switch e := e.(type) {
	case runner.BuildStarted:
		r.title, r.found = buildTitle(e), false
	case runner.BuildOutput:
		return r.buildOutput(e)
	case runner.Built, runner.Started:
		return r.endGroup()
	case runner.Exited:
		r.running = false
	case runner.Restored:
		r.restored = &e
	case runner.Saved:
		r.saved = &e
	case runner.Transferred:
		if moved(e) && len(r.moved) < maxTransfers {
			r.moved = append(r.moved, e)
		}
	case runner.Warned:
		if r.warnings++; len(r.warned) < maxWarned {
			r.warned = append(r.warned, e)
		}
	case runner.Finished:
		r.result, r.running = e.Result, false
		return append(r.endGroup(), r.annotations()...)
	}
	return nil
}

// buildOutput opens the group for what is no finding, and closes it for one.
func (r *Reporter) buildOutput(e runner.BuildOutput) []Command {
	switch {
	case e.Parsed:
		r.found = true
		return r.endGroup()
	case r.group || r.found || strings.TrimSpace(e.Text) == "":
		return nil
	}
	r.group = true
	return []Command{Group(r.title)}
}

func (r *Reporter) endGroup() []Command {
	if !r.group {
		return nil
	}
	r.group = false
	return []Command{EndGroup()}
}

// annotations are those of the result, then those of the warnings.
func (r *Reporter) annotations() []Command {
	if r.annotate == nil {
		return nil
	}
	var commands []Command
	for _, a := range append(r.chooser(&commands).Annotations(r.result), warnings(r.warned, r.warnings)...) {
		commands = append(commands, a.command())
	}
	return commands
}

// chooser is the Annotator, which says in a debug line why the files of the
// change are not known.
func (r *Reporter) chooser(commands *[]Command) Annotator {
	a := *r.annotate
	if touched := a.Touched; touched != nil {
		a.Touched = func() ([]string, error) {
			files, err := touched()
			if err != nil {
				*commands = append(*commands, Debug("the files of the change are not known: "+err.Error()))
			}
			return files, err
		}
	}
	return a
}

// Summary returns what is known of the run; after Finished, that is all. The
// caller adds what only it knows: Image, Directory, Limit.
func (r *Reporter) Summary() Summary {
	r.mu.Lock()
	defer r.mu.Unlock()
	return Summary{
		Result: r.result, Restored: r.restored, Saved: r.saved, Transfers: slices.Clone(r.moved),
		Warned: r.warned[:len(r.warned):len(r.warned)], Warnings: r.warnings,
	}
}

func (a Annotation) command() Command {
	at := Position{File: a.File, Line: a.Line, Column: a.Column}
	switch a.Level {
	case LevelWarning:
		return Warning(at, a.Title, a.Message)
	case LevelNotice:
		return Notice(at, a.Title, a.Message)
	}
	return Error(at, a.Title, a.Message)
}
