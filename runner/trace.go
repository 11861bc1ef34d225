package runner

import (
	"bytes"
	"io"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"

	"github.com/org/gorun-action/cachekeys"
)

// maxTraceLine bounds how much of a line of standard error is looked at; the
// lines of a crash are far shorter.
const maxTraceLine = 4 << 10

// maxRaces bounds the data races that are remembered by their place.
const maxRaces = 10

// tracer passes a program's standard error on, byte for byte, and recognises
// what the Go runtime prints when it ends a program (runtime/panic.go,
// runtime/traceback.go, runtime/race): panics, fatal errors, deadlocks, fatal
// signals, data races. It keeps the last crash, since a program may print a
// recovered one before.
//
// Only one goroutine may write at a time.
type tracer struct {
	to        io.Writer
	workspace cachekeys.Workspace
	trimmed   bool // paths begin with the module's path: -trimpath
	silent    bool // GOTRACEBACK=none: no goroutines are printed

	line []byte // the beginning of an incomplete line

	crash    *Diagnostic
	fatal    bool // the crash is no panic: a fatal error or signal
	awaiting bool // a goroutine of the crash, whose frames say where it was
	complete bool // such a goroutine was seen
	races    []Diagnostic
	racing   bool        // the frames are of a race report
	frames   *Diagnostic // what the frames being read are to place, or nil
	function string
}

func (r *run) newTracer(plan Plan) *tracer {
	trim, _ := r.spec.Build.Value("trimpath")
	level := r.spec.Env.Get("GOTRACEBACK")
	return &tracer{to: r.spec.Stderr, workspace: plan.workspace, trimmed: trim == "true", silent: level == "none" || level == "0"}
}

// Write implements io.Writer. What it looks at costs a search for newlines;
// only lines that may belong to a crash cost more.
func (t *tracer) Write(p []byte) (int, error) {
	n, err := t.to.Write(p)
	for len(p) > 0 {
		i := bytes.IndexByte(p, '\n')
		if i < 0 {
			t.keep(p)
			break
		}
		if len(t.line) == 0 {
			t.look(p[:min(i, maxTraceLine)])
		} else {
			t.keep(p[:i])
			t.look(t.line)
			t.line = t.line[:0]
		}
		p = p[i+1:]
	}
	return n, err
}

func (t *tracer) keep(p []byte) {
	t.line = append(t.line, p[:min(len(p), maxTraceLine-len(t.line))]...)
}

// close looks at a last line without its end.
func (t *tracer) close() {
	if len(t.line) > 0 {
		t.look(t.line)
	}
	t.line = nil
}

// heads begin the lines that begin a crash, and how many of their bytes belong
// to the message.
var heads = []string{"panic: ", "fatal error: ", "SIG"}

// signalHead is the head of a signal that the runtime does not turn into a
// panic: "SIGABRT: abort".
var signalHead = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^SIG[A-Z]+: [a-z]`)
})

const raceHead = "WARNING: DATA RACE"

func (t *tracer) look(line []byte) {
	if t.frames != nil {
		t.frame(string(line))
		return
	}
	for _, h := range heads {
		if bytes.HasPrefix(line, []byte(h)) && (h != "SIG" || signalHead().Match(line)) {
			message, panicking := strings.CutPrefix(string(line), "panic: ")
			t.crash = &Diagnostic{Kind: "panic", Message: message}
			t.fatal, t.awaiting, t.complete = !panicking, true, false
			return
		}
	}
	switch {
	case bytes.Equal(line, []byte(raceHead)) && len(t.races) < maxRaces:
		t.races = append(t.races, Diagnostic{Kind: "race", Message: "data race"})
		t.frames, t.racing = &t.races[len(t.races)-1], true
	case t.awaiting && bytes.HasPrefix(line, []byte("goroutine ")):
		t.complete, t.awaiting = true, false
		t.frames, t.racing = t.crash, false
	}
}

// frame looks at one line of a stack trace: a function, then its file and
// line. The first frame in a local module is the place of the finding.
func (t *tracer) frame(line string) {
	text := strings.TrimSpace(line)
	switch {
	case t.racing && strings.HasPrefix(line, "====="), !t.racing && text == "":
		// A panic is in the first goroutine; a signal may have found the
		// program's own code in any of them.
		t.frames, t.awaiting = nil, !t.racing && t.fatal
		return
	case line == text: // a heading: "goroutine 7 [running]:", or a function
		t.function = text
		return
	}
	file, number, ok := framePlace(text)
	if !ok {
		t.function = text
		return
	}
	if name, local := t.local(file); local {
		t.frames.File, t.frames.Line = name, number
		t.frames.Function = functionName(t.function)
		t.frames.Package = packageName(t.frames.Function)
		t.frames = nil
	}
}

// framePlace splits "/dir/file.go:12 +0x1d".
func framePlace(text string) (file string, line int, ok bool) {
	text, _, _ = strings.Cut(text, " ")
	i := strings.LastIndexByte(text, ':')
	if i < 0 || !strings.Contains(filepath.Base(text[:i]), ".") {
		return "", 0, false
	}
	line, err := strconv.Atoi(text[i+1:])
	return text[:i], line, err == nil
}

// local returns the name of a file relative to the working directory, when it
// belongs to a local module or, outside of modules, to the working directory.
func (t *tracer) local(file string) (string, bool) {
	if !filepath.IsAbs(file) {
		return t.untrimmed(file)
	}
	if strings.Contains(file, "/vendor/") {
		return "", false
	}
	if len(t.workspace.Modules) == 0 {
		return relative(t.workspace.Dir, file), cachekeys.Within(t.workspace.Dir, file)
	}
	_, ok := t.workspace.Module(file)
	return relative(t.workspace.Dir, file), ok
}

// untrimmed finds the file of a -trimpath name: the module's path, then the
// file ("example.com/m/pkg/file.go"); a file list's begin with "./".
func (t *tracer) untrimmed(file string) (string, bool) {
	if !t.trimmed {
		return "", false
	}
	for _, m := range t.workspace.Modules {
		if rest, ok := strings.CutPrefix(file, m.Path+"/"); ok && m.Path != "" {
			return relative(t.workspace.Dir, filepath.Join(m.Dir, rest)), true
		}
	}
	rest, ok := strings.CutPrefix(file, "command-line-arguments/")
	return rest, ok || strings.HasPrefix(file, "./")
}

// functionName strips the arguments of a frame: "main.(*T).work(0xc0…)" →
// "main.(*T).work".
func functionName(frame string) string {
	if i := strings.LastIndexByte(frame, '('); i > 0 && strings.HasSuffix(frame, ")") {
		return frame[:i]
	}
	return strings.TrimPrefix(frame, "created by ")
}

// packageName is the import path in front of a function's name.
func packageName(function string) string {
	slash := strings.LastIndexByte(function, '/') + 1
	if i := strings.IndexByte(function[slash:], '.'); i >= 0 {
		return function[:slash+i]
	}
	return ""
}

// panicked reports whether the runtime said that it ends the program.
func (t *tracer) panicked() bool { return t.crash != nil && (t.complete || t.silent) }

// raced reports whether a data race was reported.
func (t *tracer) raced() bool { return len(t.races) > 0 }

// sentence says in the runtime's words how the program crashed.
func (t *tracer) sentence() string {
	if t.fatal {
		return "the program crashed: " + t.crash.Message
	}
	return "the program panicked: " + t.crash.Message
}

// found returns the places that belong to an outcome.
func (t *tracer) found(o Outcome) []Diagnostic {
	switch {
	case o == Race:
		return t.races
	case o == Panic:
		return []Diagnostic{*t.crash}
	case o == Timeout && t.panicked() && t.crash.File != "":
		d := *t.crash
		d.Kind, d.Message = "timeout", "the program was here at the time limit"
		return []Diagnostic{d}
	}
	return nil
}
