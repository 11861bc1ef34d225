package report

import (
	"cmp"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/org/gorun-action/cachekeys"
	"github.com/org/gorun-action/runner"
)

// The rules of the text for people:
//
//   - A run that succeeds has one line, its last one, and one before it for
//     whatever came from a shared store or went there: it took its time.
//   - The go command's text is shown as it comes, verbatim and once.
//   - A run that fails ends with "gorun: " and one sentence, then what is
//     known of: the place, "hint: " and what to do, "reproduce: " and a command.
//   - Everything of ours begins with "gorun: ", so that it is told from the
//     program's own standard error beside it.
//   - What moves is only on a terminal, only of a task that takes its time, and
//     never there while the program runs.

// A line in 5 s is enough where the lines stay.
const textProgressEvery = 5 * time.Second

// maxPointers bounds the pointers to panics and races; a racy program reports
// thousands.
const maxPointers = 10

// TextOptions say what the destination can show.
type TextOptions struct {
	// Color allows colours. The caller has looked at NO_COLOR and TERM.
	Color bool
	// Terminal allows a progress bar; without it progress is lines.
	Terminal bool
	// Width of the terminal in columns; 0 is 80.
	Width int
	// Now is the clock; nil is time.Now.
	Now func() time.Time
}

// Text is the Reporter for people. It is safe for concurrent use. Errors of the
// destination are ignored: there is nowhere left to report them.
type Text struct {
	opts  TextOptions
	quiet bool

	mu       sync.Mutex
	w        io.Writer
	bar      bar
	progress throttle
	running  bool // the program has the terminal
	explain  bool // the user asked why
	open     bool // the last text has not ended its line
	spoken   bool // the go command had something to say
	pointers []string
	more     int // pointers beyond maxPointers
}

// NewText returns a Text that writes to w.
func NewText(w io.Writer, opts TextOptions) *Text {
	if opts.Now == nil {
		opts.Now = time.Now
	}
	if opts.Width <= 0 {
		opts.Width = 80
	}
	return &Text{
		opts:     opts,
		w:        w,
		bar:      bar{w: w, width: opts.Width},
		progress: throttle{after: progressAfter, every: textProgressEvery},
	}
}

// NewQuiet returns a Text that shows a failure only: the go command's text, and
// what a failed run ends with. It is for standard error where a file has the
// records.
func NewQuiet(w io.Writer, opts TextOptions) *Text {
	t := NewText(w, opts)
	t.quiet = true
	return t
}

// Event shows an event.
func (t *Text) Event(e runner.Event) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if p, ok := e.(runner.Progressed); ok {
		t.progressed(p)
		return
	}
	t.bar.clear()
	switch e := e.(type) {
	case runner.BuildOutput:
		t.verbatim(e.Text)
	case runner.Diagnosed:
		t.diagnosed(e.Diagnostic)
	case runner.Explained:
		t.explained(e)
	case runner.Restored:
		t.restored(e)
	case runner.Saved:
		t.saved(e)
	case runner.Transferred:
		t.transferred(e)
	case runner.Started:
		t.running = true
	case runner.Exited:
		t.running = false
	case runner.Noticed:
		t.remark("", e.Message)
	case runner.Warned:
		t.warned(e)
	case runner.Finished:
		t.finished(e.Result)
	}
}

func (t *Text) progressed(p runner.Progressed) {
	switch now := t.opts.Now(); {
	case t.quiet || t.running:
	case t.opts.Terminal:
		t.bar.show(p.Progress, now)
	case t.progress.due(p.Progress, now):
		t.line("", p.Task+": "+amount(p.Progress))
	}
}

// diagnosed keeps the place of a panic or a race for the end: the program's own
// text has to come first. An error is in the go command's text.
func (t *Text) diagnosed(d runner.Diagnostic) {
	switch {
	case d.Kind == "error":
	case len(t.pointers) == maxPointers:
		t.more++
	default:
		t.pointers = append(t.pointers, pointer(d))
	}
}

// explained lists the inputs of the key, and makes the rest of the run say why
// there was no executable.
func (t *Text) explained(e runner.Explained) {
	t.explain = true
	t.remark("key: ", cmp.Or(e.Key, "none"))
	for _, line := range strings.Split(strings.TrimSuffix(cachekeys.Text(e.Inputs), "\n"), "\n") {
		t.remark("input: ", line)
	}
}

func (t *Text) restored(e runner.Restored) {
	if !t.explain {
		return
	}
	t.remark("cache: ", strings.ReplaceAll(cacheWord(e), "_", " "))
	for _, reason := range e.Reasons {
		t.remark("no key: ", reason)
	}
	for i, d := range e.Differences {
		if i == maxDifferences {
			t.remark("", fmt.Sprintf("and %d more", len(e.Differences)-i))
			return
		}
		t.remark("differs: ", d)
	}
}

func (t *Text) saved(e runner.Saved) {
	for _, reason := range e.Reasons {
		if t.explain {
			t.remark("not kept: ", reason)
		}
	}
}

// remark is a line that only a run that says everything has.
func (t *Text) remark(label, text string) {
	if !t.quiet {
		t.line(label, text)
	}
}

func (t *Text) warned(e runner.Warned) {
	text := e.Message
	if e.Hint != "" {
		text += " (hint: " + e.Hint + ")"
	}
	t.remark(t.color(yellow, "warning: "), text)
}

func (t *Text) finished(r runner.Result) {
	for _, p := range t.pointers {
		t.line("", p)
	}
	if t.more > 0 {
		t.line("", fmt.Sprintf("and %d more", t.more))
	}
	if r.Outcome == runner.Success {
		t.remark("", success(r))
		return
	}
	t.write(t.color(red, "gorun: ") + oneLine(t.failure(r)))
	t.field("hint", oneLine(r.Hint))
	t.field("reproduce", r.Reproduce) // to be copied: as it is
	if r.Tolerated {
		t.remark("", "--fail-on does not count this as a failure: the status is 0")
	}
}

// failure is the sentence of a failed run. What the go command has said about
// the sources stands above it already, and only needs its place.
func (t *Text) failure(r runner.Result) string {
	if r.Outcome != runner.BuildFailed || !t.spoken {
		return failure(r)
	}
	text := "the build failed"
	if r.Package != "" {
		text = "the build of " + r.Package + " failed"
	}
	for _, d := range r.Diagnostics {
		if d.Kind == "error" {
			return text + " at " + place(d)
		}
	}
	return text
}

// success is the one line of a run without faults.
func success(r runner.Result) string {
	var b strings.Builder
	build := "build " + seconds(r.Timings.Build)
	if r.Cache == runner.Hit {
		build = "unchanged"
	}
	fmt.Fprintf(&b, "success in %s (%s, run %s", seconds(r.Timings.Total), build, seconds(r.Timings.Run))
	if r.Toolchain != nil && r.Toolchain.Version != "" {
		fmt.Fprintf(&b, ", go%s", r.Toolchain.Version)
	}
	if r.Builder != "" {
		fmt.Fprintf(&b, ", %s", r.Builder)
	}
	return b.String() + ")"
}

func seconds(ms int64) string { return fmt.Sprintf("%.1fs", float64(ms)/1000) }

func failure(r runner.Result) string {
	if r.Error != "" {
		return r.Error
	}
	return fmt.Sprintf("%s, exit status %d", r.Outcome, r.ExitStatus)
}

// pointer is "panic at main.go:12 (main.work): message".
func pointer(d runner.Diagnostic) string {
	text := d.Kind
	if p := place(d); p != "" {
		text += " at " + p
	}
	if d.Function != "" {
		text += " (" + d.Function + ")"
	}
	return text + ": " + d.Message
}

// place is "file:line:column", as far as it is known.
func place(d runner.Diagnostic) string {
	switch {
	case d.File == "" || d.Line == 0:
		return d.File
	case d.Column == 0:
		return fmt.Sprintf("%s:%d", d.File, d.Line)
	}
	return fmt.Sprintf("%s:%d:%d", d.File, d.Line, d.Column)
}

// SGR codes.
const (
	red    = "\x1b[1;31m"
	yellow = "\x1b[1;33m"
	bold   = "\x1b[1m"
	reset  = "\x1b[0m"
)

func (t *Text) color(code, text string) string {
	if !t.opts.Color {
		return text
	}
	return code + text + reset
}

func (t *Text) verbatim(text string) {
	t.spoken = true
	io.WriteString(t.w, text)
	t.open = text != "" && !strings.HasSuffix(text, "\n")
}

func (t *Text) line(label, text string) {
	t.write(t.color(bold, "gorun: ") + label + oneLine(text))
}

func (t *Text) field(name, text string) {
	if text != "" {
		t.write(t.color(bold, name+": ") + text)
	}
}

func (t *Text) write(line string) {
	if t.open {
		line, t.open = "\n"+line, false
	}
	io.WriteString(t.w, line+"\n")
}

// oneLine keeps a text from taking more than its line, or the terminal: what
// it quotes may be the program's.
func oneLine(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || 0x80 <= r && r < 0xa0 {
			return ' '
		}
		return r
	}, strings.TrimSpace(text))
}
