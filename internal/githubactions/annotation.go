package githubactions

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/org/gorun-action/runner"
)

// GitHub shows the first 10 errors and the first 10 warnings of a step and
// drops the rest without a word, so the tenth says how many there are.
const maxAnnotations = 9

// maxPlaces bounds the places that are remembered to say each once; findings
// beyond it are only counted.
const maxPlaces = 20_000

// What GitHub keeps of an annotation's text, in UTF-16 units: the message
// (actions/runner, ExecutionContext.AddIssue) and the title (the checks API).
const (
	maxMessage = 4096
	maxTitle   = 255
)

// Level is how serious an Annotation is.
type Level string

// The levels, as the workflow commands are called.
const (
	LevelError   Level = "error"
	LevelWarning Level = "warning"
	LevelNotice  Level = "notice"
)

// Annotation is a text that GitHub shows at a line of a file, or at the job.
// Nothing in it is escaped; that is for whoever writes the command.
type Annotation struct {
	Level Level
	// File is relative to the workspace, with slashes; "" is the job itself.
	File string
	// Line and Column count from 1; 0 is unknown.
	Line, Column int
	// Title and Message are within GitHub's limits, and may have several lines.
	Title, Message string
}

// Annotator chooses the annotations of a Result.
type Annotator struct {
	// Workspace is GITHUB_WORKSPACE, to which GitHub takes paths as relative
	// (not to the root of the git repository). With "", files are named as the
	// Result names them.
	Workspace string
	// Touched returns the absolute paths of the files that the change under test
	// touches, as [Touched.Files]; their findings come first. It is asked only
	// when there are more findings than GitHub shows. nil, an error, or no paths:
	// the order stays.
	Touched func() ([]string, error)
}

// Annotations returns what to show of a failed run, the most important first:
// at most nine findings and one that counts the others. A failure without a
// finding has one annotation, with the Result's sentence. A success has none.
//
// Findings at the same place are one annotation.
func (a Annotator) Annotations(r runner.Result) []Annotation {
	if r.Outcome == runner.Success {
		return nil
	}
	var out []Annotation
	places := newPlaces(a.Workspace, r.Dir)
	found, count := distinct(r.Diagnostics)
	if count > maxAnnotations {
		a.touchedFirst(places, found, r.Diagnostics)
	}
	for _, i := range found[:min(len(found), maxAnnotations)] {
		out = append(out, places.annotation(r.Diagnostics[i], r))
	}
	if len(out) == 0 {
		out = []Annotation{{Title: labelled(outcomeWords(r.Outcome), r.Package), Message: sentence(r)}}
	}
	if r.Hint != "" {
		out[0].Message += "\nhint: " + r.Hint
	}
	if more := count - len(out); more > 0 {
		out = append(out, Annotation{Title: outcomeWords(r.Outcome), Message: fmt.Sprintf("and %d more: see the log and the job summary", more)})
	}
	return a.finish(out, r)
}

// finish sets what is the same for all of a Result: of a tolerated one, which
// leaves the job green, all are warnings.
func (a Annotator) finish(all []Annotation, r runner.Result) []Annotation {
	level := LevelError
	if r.Tolerated {
		level = LevelWarning
	}
	for i := range all {
		all[i] = all[i].within(level)
	}
	return all
}

// within cuts the texts to what GitHub keeps.
func (a Annotation) within(level Level) Annotation {
	a.Level = level
	a.Title, a.Message = cut(a.Title, maxTitle), cut(a.Message, maxMessage)
	return a
}

// spot is what makes a finding another one.
type spot struct {
	kind, file   string
	line, column int
	message      string // only where the line does not tell
}

// distinct returns the indexes of the findings at different places, and how
// many findings there are, counted once as far as places are remembered.
func distinct(all []runner.Diagnostic) (found []int, count int) {
	seen := map[spot]bool{}
	for i, d := range all {
		s := spot{kind: d.Kind, file: d.File, line: d.Line, column: d.Column}
		if d.File == "" || d.Line == 0 {
			s.message = d.Message
		}
		if seen[s] {
			continue
		}
		if count++; len(seen) < maxPlaces {
			seen[s] = true
			found = append(found, i)
		}
	}
	return found, count
}

// touchedFirst moves the findings in files of the change to the front.
func (a Annotator) touchedFirst(places places, found []int, all []runner.Diagnostic) {
	if a.Touched == nil {
		return
	}
	paths, err := a.Touched()
	if err != nil {
		return
	}
	touched := map[string]bool{}
	for _, path := range paths {
		if name, ok := places.relative(path); ok {
			touched[name] = true
		}
	}
	var rest []int
	first := found[:0]
	for _, i := range found {
		if name, ok := places.relative(all[i].File); ok && touched[name] {
			first = append(first, i)
		} else {
			rest = append(rest, i)
		}
	}
	copy(found[len(first):], rest)
}

// warnings annotates faults that did not change the result. all are the first
// ones, of count.
func warnings(all []runner.Warned, count int) []Annotation {
	var out []Annotation
	for _, w := range all[:min(len(all), maxAnnotations)] {
		message := w.Message
		if w.Hint != "" {
			message += "\nhint: " + w.Hint
		}
		out = append(out, Annotation{Title: "gorun", Message: message}.within(LevelWarning))
	}
	if more := count - len(out); more > 0 {
		out = append(out, Annotation{Title: "gorun", Message: fmt.Sprintf("and %d more warnings: see the log", more)}.within(LevelWarning))
	}
	return out
}

func (p places) annotation(d runner.Diagnostic, r runner.Result) Annotation {
	a := Annotation{Line: d.Line, Column: d.Column, Title: title(d, r), Message: message(d, r)}
	name, ok := p.relative(d.File)
	switch {
	case ok:
		a.File = name
	case d.File != "":
		a.Line, a.Column = 0, 0
		a.Message = "at " + place(d) + ": " + a.Message
	default:
		a.Line, a.Column = 0, 0
	}
	return a
}

// title says what kind of finding it is, and in which package or function.
func title(d runner.Diagnostic, r runner.Result) string {
	switch {
	case d.Kind == "error":
		return labelled(outcomeWords(r.Outcome), d.Package)
	case d.Function != "":
		return kindWords(d.Kind) + " in " + d.Function
	}
	return kindWords(d.Kind)
}

// labelled says whose a word is, where that is known.
func labelled(word, whose string) string {
	if whose == "" {
		return word
	}
	return word + ": " + whose
}

// message is the go command's, or what became of the program that was at this
// place.
func message(d runner.Diagnostic, r runner.Result) string {
	switch {
	case d.Kind == "error" || r.Error == "":
		return cmp.Or(d.Message, kindWords(d.Kind))
	case d.Kind == "timeout":
		return r.Error + "; it was here"
	}
	return r.Error
}

func kindWords(kind string) string {
	switch kind {
	case "race":
		return "data race"
	case "timeout":
		return "time limit"
	}
	return kind
}

func outcomeWords(o runner.Outcome) string { return strings.ReplaceAll(string(o), "_", " ") }

// sentence is what went wrong, also when the Result has no words for it.
func sentence(r runner.Result) string {
	return cmp.Or(r.Error, fmt.Sprintf("%s, exit status %d", outcomeWords(r.Outcome), r.ExitStatus))
}

// place is "file:line:column", as far as it is known.
func place(d runner.Diagnostic) string {
	text := d.File
	for _, n := range []int{d.Line, d.Column} {
		if n > 0 && text != "" {
			text += fmt.Sprintf(":%d", n)
		}
	}
	return text
}
