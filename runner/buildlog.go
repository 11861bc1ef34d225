package runner

import (
	"bytes"
	"encoding/json"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/org/gorun-action/cachekeys"
	"github.com/org/gorun-action/container"
)

// maxKept bounds what is remembered of the go command's text to say what went
// wrong: the beginning, where the first error stands.
const maxKept = 64 << 10

// buildLog reads what `go run -json` writes, both streams in one: build events
// (go help buildjson) and, between them, other text. Each line becomes a
// BuildOutput, each finding a Diagnosed event once its last line is known.
type buildLog struct {
	run  *run
	dir  string // the working directory, to which file names are relative
	exec string // the helper, as -x shows it
	raw  bool   // the user asked for the events themselves

	mu          sync.Mutex
	compiled    bool    // packages were found and compiled
	tools       bool    // a tool printed something: what -gcflags=-m asks for, a warning of the C compiler
	holding     bool    // events wait until it is clear that they count
	held        []Event // the ones that do
	line        []byte  // an incomplete line
	kept        []byte
	open        *Diagnostic // may still be continued
	diagnostics []Diagnostic
}

func (r *run) newBuildLog(plan Plan, helper string) *buildLog {
	return &buildLog{run: r, dir: plan.Dir, exec: helper, raw: r.spec.Build.JSON}
}

// buildEvent is one event of go help buildjson.
type buildEvent struct{ ImportPath, Action, Output string }

// Write implements io.Writer.
func (l *buildLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.line = append(l.line, p...)
	for {
		line, rest, ok := bytes.Cut(l.line, []byte("\n"))
		if !ok {
			return len(p), nil
		}
		l.take(string(line) + "\n")
		l.line = rest
	}
}

// close takes the last line when it has no end, and gives the last finding.
func (l *buildLog) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.line) > 0 {
		l.take(string(l.line) + "\n")
	}
	l.line = nil
	l.finish()
}

func (l *buildLog) take(line string) {
	var e buildEvent
	if !strings.HasPrefix(line, "{") || json.Unmarshal([]byte(line), &e) != nil || !strings.HasPrefix(e.Action, "build-") {
		l.words(line, "")
		return
	}
	l.compiled = true
	l.tools = l.tools || strings.HasPrefix(e.Output, "# ") // (*Shell).reportCmd in cmd/go/internal/work; -v has no such head
	l.release()
	if l.raw {
		l.run.spec.Stdout.Write([]byte(line)) //nolint:errcheck // a reader that left is not the build's fault
	}
	if e.Output != "" {
		l.words(e.Output, e.ImportPath)
	}
}

// words takes one line of text for people, of the package pkg where an event
// says so.
func (l *buildLog) words(line, pkg string) {
	if shown, ok := strings.CutPrefix(line, l.exec+" "); ok {
		line = l.run.execLine(strings.TrimSpace(shown))
	}
	if len(l.kept) < maxKept {
		l.kept = append(l.kept, line...)
	}
	parsed := l.parse(strings.TrimRight(line, "\n"), pkg)
	if !l.raw || pkg == "" {
		l.event(BuildOutput{Text: line, Parsed: parsed})
	}
}

func (l *buildLog) event(e Event) {
	if l.holding {
		l.held = append(l.held, e)
		return
	}
	l.run.Report.Event(e)
}

// release reports what was held back, and holds nothing back any more.
func (l *buildLog) release() {
	for _, e := range l.held {
		l.run.Report.Event(e)
	}
	l.holding, l.held = false, nil
}

// place matches "file:line:column: message". The ending keeps out what only
// looks like a place, such as a URL with a port.
var place = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^((?:[^:\s][^:]*?)\.(?:go|s|S|c|cc|cpp|cxx|m|h|hh|hpp|hxx|f|F|for|f90|swig|swigcxx|mod|work|sum)):(\d+)(?::(\d+))?: (.*)$`)
})

// parse finds diagnostics, and reports whether the line is part of one.
func (l *buildLog) parse(line, pkg string) bool {
	if m := place().FindStringSubmatch(line); m != nil {
		l.finish()
		l.open = &Diagnostic{Kind: "error", File: l.file(m[1]), Line: number(m[2]), Column: number(m[3]), Message: m[4], Package: pkg}
		return true
	}
	if l.open != nil && strings.HasPrefix(line, "\t") {
		l.open.Message += "\n" + line
		return true
	}
	l.finish()
	return pkg != "" && strings.HasPrefix(line, "# ")
}

func (l *buildLog) finish() {
	if l.open == nil {
		return
	}
	if !slices.Contains(l.diagnostics, *l.open) {
		l.diagnostics = append(l.diagnostics, *l.open)
		l.event(Diagnosed{*l.open})
	}
	l.open = nil
}

// file makes a name of the go command relative to the working directory.
func (l *buildLog) file(name string) string {
	return relative(l.dir, cachekeys.Absolute(l.dir, filepath.FromSlash(name)))
}

func number(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil {
		return 0
	}
	return n
}

// text returns the beginning of what was written.
func (l *buildLog) text() string { return string(l.kept) }

// sentence sums up why the build failed: the place of the first finding, whose
// text the user has, else the go command's first words.
func (l *buildLog) sentence(o Outcome, status container.ExitStatus) string {
	if n := len(l.diagnostics); n > 0 && o == BuildFailed {
		return "the build failed at " + l.diagnostics[0].place() + count(n-1)
	}
	if words := firstWords(l.text()); words != "" {
		return words
	}
	return "the go command " + ending(status) + " without saying why"
}

func count(more int) string {
	switch more {
	case 0:
		return ""
	case 1:
		return " and at 1 more place"
	}
	return " and at " + strconv.Itoa(more) + " more places"
}

// place is "file:line:column", as far as known.
func (d Diagnostic) place() string {
	s := d.File
	for _, n := range []int{d.Line, d.Column} {
		if n > 0 {
			s += ":" + strconv.Itoa(n)
		}
	}
	return s
}

// noise are lines that say what the go command does, not what is wrong.
var noise = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^(# |go: (downloading|finding|extracting|added|upgraded) |WORK=|mkdir |cd |\s*$)`)
})

// firstWords returns the first paragraph of text that is no noise, on one line.
func firstWords(text string) string {
	var words []string
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		continued := strings.HasPrefix(line, "\t")
		if len(words) > 0 && !continued {
			break
		}
		if continued == (len(words) > 0) && !noise().MatchString(line) {
			words = append(words, strings.TrimSpace(line))
		}
	}
	return oneLine(strings.Join(words, " "))
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }
