package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/rs/zerolog"
	"golang.org/x/sys/unix"

	"github.com/org/gorun-action/cachekeys"
	"github.com/org/gorun-action/container"
	"github.com/org/gorun-action/runner"
)

// timeFormat has a fixed width, so that the times of a log sort as strings.
const timeFormat = "2006-01-02T15:04:05.000000Z"

// A record of a task's progress in 3 s keeps the log of a slow download short,
// and still tells it from a hanging one.
const (
	progressAfter = time.Second
	progressEvery = 3 * time.Second
)

// JSON is the Reporter that writes the log described in the package comment.
// It is safe for concurrent use.
type JSON struct {
	now func() time.Time

	mu       sync.Mutex // held for each record: records do not interleave, times do not run backwards
	w        sticky
	log      zerolog.Logger
	progress throttle
	streams  []*stream
	out      []byte // output records on their way, see stream.Write
	finished bool
}

// NewJSON returns a JSON that writes to w, one or several whole records with
// each Write. now is the clock; nil is time.Now.
func NewJSON(w io.Writer, now func() time.Time) *JSON {
	if now == nil {
		now = time.Now
	}
	j := &JSON{now: now, w: sticky{w: w}, progress: throttle{after: progressAfter, every: progressEvery}}
	j.log = zerolog.New(quiet{&j.w})
	return j
}

// Err returns the first error of the destination. Everything after it is lost.
func (j *JSON) Err() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.w.err
}

// Event writes the record of an event. Finished ends the streams and the log:
// an Event that comes later is ignored.
func (j *JSON) Event(e runner.Event) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.finished {
		return
	}
	now := j.now()
	switch e := e.(type) {
	case runner.Planned:
		j.record(now, zerolog.InfoLevel, "plan", planFields{
			Package: orNone(e.Plan.Package), Dir: e.Plan.Dir, Module: e.Plan.Module,
			GoVersion: e.Plan.GoVersion, GoVersionFrom: e.Plan.GoVersionFrom,
			Target: e.Plan.Target, Exec: e.Plan.Exec, Command: orNone(e.Plan.Command), Key: e.Plan.Key,
		})
	case runner.Progressed:
		if j.progress.due(e.Progress, now) {
			j.record(now, zerolog.InfoLevel, "progress", progressFields(e.Progress))
		}
	case runner.Restored:
		j.record(now, zerolog.InfoLevel, "restore", restoreFieldsOf(e))
	case runner.Transferred:
		j.record(now, zerolog.InfoLevel, "transfer", transferFieldsOf(e))
	case runner.Explained:
		j.record(now, zerolog.InfoLevel, "explain", explainFields{Key: e.Key, Inputs: orNone(e.Inputs)})
	case runner.Saved:
		j.record(now, zerolog.InfoLevel, "save", saveFields{Key: e.Key, Kept: e.Kept, Reasons: e.Reasons, Took: e.Took.Milliseconds()})
	case runner.BuildStarted:
		j.record(now, zerolog.InfoLevel, "build", buildStartFields{Builder: e.Builder, Toolchain: e.Toolchain, Command: orNone(e.Command)})
	case runner.BuildOutput:
		if !e.Parsed {
			j.record(now, zerolog.InfoLevel, "build", buildOutputFields{Output: strings.TrimSuffix(e.Text, "\n")})
		}
	case runner.Built:
		j.record(now, zerolog.InfoLevel, "build", builtFields{Executable: e.Executable, Took: e.Took.Milliseconds()})
	case runner.Diagnosed:
		j.record(now, zerolog.ErrorLevel, "diagnostic", e.Diagnostic)
	case runner.Started:
		j.record(now, zerolog.InfoLevel, "start", startFields{Pid: e.Pid, Command: orNone(e.Command)})
	case runner.Exited:
		j.endStreams() // the program's last words come before its end
		j.record(now, zerolog.InfoLevel, "exit", exitFieldsOf(e.Status, e.Took))
	case runner.Noticed:
		j.record(now, zerolog.InfoLevel, "notice", noticeFields(e))
	case runner.Warned:
		j.record(now, zerolog.WarnLevel, "warning", warningFields{e.Message, e.Hint})
	case runner.Finished:
		j.finish(e.Result)
	}
}

// finish writes what the streams still hold, and the verdict.
func (j *JSON) finish(r runner.Result) {
	j.endStreams()
	level := zerolog.InfoLevel
	switch {
	case r.Tolerated:
		level = zerolog.WarnLevel
	case r.Outcome != runner.Success:
		level = zerolog.ErrorLevel
	}
	j.record(j.now(), level, "result", r)
	j.finished = true
}

func (j *JSON) endStreams() {
	for _, s := range j.streams {
		s.end()
	}
}

// record writes one record. Its own fields are those of the JSON form of v,
// in their order.
func (j *JSON) record(now time.Time, level zerolog.Level, event string, v any) {
	e := j.log.Log().Str("time", now.UTC().Format(timeFormat)).Str("level", level.String()).Str("event", event)
	if err := eachField(v, func(name string, value json.RawMessage) { e.RawJSON(name, value) }); err != nil {
		// Only a value that has no JSON form gets here, and none of ours is
		// one. A log with a hole would be worse than one that says so.
		e.Str("message", fmt.Sprintf("writing the record: %v", err))
	}
	e.Send()
}

// eachField calls f for each field of v's JSON form, in order.
func eachField(v any, f func(name string, value json.RawMessage)) error {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return err
	}
	dec := json.NewDecoder(&buf)
	if _, err := dec.Token(); err != nil {
		return err
	}
	for dec.More() {
		name, err := dec.Token()
		if err != nil {
			return err
		}
		var value json.RawMessage
		if err := dec.Decode(&value); err != nil {
			return err
		}
		f(name.(string), value)
	}
	return nil
}

// sticky stops writing at the first error and remembers it.
type sticky struct {
	w   io.Writer
	err error
}

func (s *sticky) Write(p []byte) (int, error) {
	if s.err != nil {
		return 0, s.err
	}
	n, err := s.w.Write(p)
	if err == nil && n < len(p) {
		err = io.ErrShortWrite
	}
	s.err = err
	return n, err
}

// quiet hides errors from zerolog, which would write them to os.Stderr, the
// program's.
type quiet struct{ s *sticky }

func (q quiet) Write(p []byte) (int, error) {
	q.s.Write(p)
	return len(p), nil
}

// The fields of the records. The package comment documents them, and a test
// compares the two.
type planFields struct {
	Package       []string `json:"package"`
	Dir           string   `json:"dir"`
	Module        string   `json:"module,omitempty"`
	GoVersion     string   `json:"go_version,omitempty"`
	GoVersionFrom string   `json:"go_version_from,omitempty"`
	Target        string   `json:"target"`
	Exec          []string `json:"exec,omitempty"`
	Command       []string `json:"command"`
	Key           string   `json:"key,omitempty"`
}

type restoreFields struct {
	Key         string             `json:"key,omitempty"`
	Cache       string             `json:"cache"`
	Executable  *runner.Executable `json:"executable,omitempty"`
	Reasons     []string           `json:"reasons,omitempty"`
	Differences []string           `json:"differences,omitempty"`
	More        int                `json:"more,omitempty"`
	Saving      *runner.Saving     `json:"saving,omitempty"`
	Took        int64              `json:"took_ms"`
}

// maxDifferences bounds what a record lists; another branch may differ in
// thousands of files.
const maxDifferences = 50

func restoreFieldsOf(e runner.Restored) restoreFields {
	f := restoreFields{Key: e.Key, Cache: cacheWord(e), Executable: e.Executable, Reasons: e.Reasons, Differences: e.Differences, Saving: e.Saving, Took: e.Took.Milliseconds()}
	if more := len(f.Differences) - maxDifferences; more > 0 {
		f.Differences, f.More = f.Differences[:maxDifferences], more
	}
	return f
}

func cacheWord(e runner.Restored) string {
	switch {
	case e.Hit:
		return runner.Hit
	case e.Key == "":
		return runner.NoKey
	}
	return runner.Miss
}

type explainFields struct {
	Key    string            `json:"key,omitempty"`
	Inputs []cachekeys.Input `json:"inputs"`
}

type saveFields struct {
	Key     string   `json:"key"`
	Kept    bool     `json:"kept"`
	Reasons []string `json:"reasons,omitempty"`
	Took    int64    `json:"took_ms"`
}

// orNone makes sure that an array is one, not null.
func orNone[T any](s []T) []T {
	if s == nil {
		return []T{}
	}
	return s
}

type progressFields struct {
	Task  string `json:"task"`
	Done  int64  `json:"done"`
	Total int64  `json:"total,omitempty"`
	Unit  string `json:"unit,omitempty"`
}

type buildStartFields struct {
	Builder   string           `json:"builder"`
	Toolchain runner.Toolchain `json:"toolchain"`
	Command   []string         `json:"command"`
}

type buildOutputFields struct {
	Output string `json:"output"`
}

type builtFields struct {
	Executable runner.Executable `json:"executable"`
	Took       int64             `json:"took_ms"`
}

type startFields struct {
	Pid     int      `json:"pid,omitempty"`
	Command []string `json:"command"`
}

type exitFields struct {
	Status  int    `json:"status"`
	Signal  string `json:"signal,omitempty"`
	OOM     bool   `json:"oom,omitempty"`
	Stopped bool   `json:"stopped,omitempty"`
	Took    int64  `json:"took_ms"`
}

func exitFieldsOf(s container.ExitStatus, took time.Duration) exitFields {
	f := exitFields{Status: s.Shell(), OOM: s.OOM, Stopped: s.Stopped, Took: took.Milliseconds()}
	if s.Signal != 0 {
		f.Signal = unix.SignalName(s.Signal)
	}
	return f
}

type noticeFields struct {
	Message string `json:"message"`
}

type warningFields struct {
	Message string `json:"message"`
	Hint    string `json:"hint,omitempty"`
}

// errFinished is what a stream's writer gets after the result.
var errFinished = fmt.Errorf("writing output after the result record: %w", os.ErrClosed)
