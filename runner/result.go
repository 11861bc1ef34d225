package runner

import (
	"time"
)

// Outcome is what became of a run, in one word.
type Outcome string

// The outcomes, and the exit status that goes with each (design.md section 4;
// the README has the table).
const (
	Success        Outcome = "success"        // 0
	Failure        Outcome = "failure"        // the program's own
	Panic          Outcome = "panic"          // Go's 2: panic, fatal error, deadlock
	Race           Outcome = "race"           // Go's 66: a data race was reported
	Signal         Outcome = "signal"         // 128 + signal
	OOM            Outcome = "oom"            // 137
	Timeout        Outcome = "timeout"        // 124
	Cancelled      Outcome = "cancelled"      // the program's, else 128 + signal
	Usage          Outcome = "usage"          // 125: bad flags or inputs
	BuildFailed    Outcome = "build_failed"   // 125: compile, load or link error
	Integrity      Outcome = "integrity"      // 125: a hash or digest does not match
	Infrastructure Outcome = "infrastructure" // 125: engine, network, disk, or gorun itself
	NotExecutable  Outcome = "not_executable" // 126
	NotFound       Outcome = "not_found"      // 127
)

// Outcomes returns all of them.
func Outcomes() []Outcome {
	return []Outcome{
		Success, Failure, Panic, Race, Signal, OOM, Timeout, Cancelled,
		Usage, BuildFailed, Integrity, Infrastructure, NotExecutable, NotFound,
	}
}

// Phase is a step of the way of one run.
type Phase string

// The phases in their order.
const (
	PhaseInputs    Phase = "inputs"
	PhasePlan      Phase = "plan"
	PhaseRestore   Phase = "restore"
	PhaseToolchain Phase = "toolchain"
	PhaseBuild     Phase = "build"
	PhaseRun       Phase = "run"
)

// Result is what became of a run: the one source of exit status, log record
// and verdict. Its JSON form is the verdict file and the fields of the last
// log record.
type Result struct {
	Outcome Outcome `json:"outcome"`
	// Phase is the last phase that the run reached.
	Phase Phase `json:"phase"`
	// ExitStatus is gorun's own, 0 to 255.
	ExitStatus int `json:"exit_status"`
	// Tolerated says that the run did not succeed and does not count as a
	// failure: gorun exits with 0 instead of ExitStatus.
	Tolerated bool `json:"tolerated,omitempty"`
	// ProgramStatus is the program's exit code, or 128 + signal; nil when no
	// program ran to an end.
	ProgramStatus *int `json:"program_status,omitempty"`
	// Signal names the signal that ended the program: "SIGTERM".
	Signal string `json:"signal,omitempty"`
	// Error is one sentence about what went wrong, "" on success.
	Error string `json:"error,omitempty"`
	// Hint says what to do about it.
	Hint string `json:"hint,omitempty"`
	// Reproduce is the command line that does the same again.
	Reproduce string `json:"reproduce,omitempty"`

	Package    string      `json:"package,omitempty"`
	Dir        string      `json:"dir,omitempty"`
	Builder    string      `json:"builder,omitempty"`
	Toolchain  *Toolchain  `json:"toolchain,omitempty"`
	Executable *Executable `json:"executable,omitempty"`
	// Cache says where the executable came from: see the Cache constants.
	Cache string `json:"cache"`
	// Key is the executable key, "" where there is none.
	Key string `json:"key,omitempty"`
	// Saving is what a shared store spared this run, nil when none did.
	Saving      *Saving      `json:"saving,omitempty"`
	Command     []string     `json:"command,omitempty"` // the effective go command line
	Timings     Timings      `json:"timings_ms"`
	Diagnostics []Diagnostic `json:"diagnostics,omitempty"`
}

// What a Result says of the cache.
const (
	Off      = "off"      // it was not asked
	Hit      = "hit"      // the executable was there, and ran
	Miss     = "miss"     // it was not there
	NoKey    = "no_key"   // nothing sure can be said of the inputs: the go command decided
	Verified = "verified" // it was there, and a build made the same
)

// Toolchain says which Go built the program.
type Toolchain struct {
	// Version is the release, "1.26.11"; "" when only the go command knows.
	Version string `json:"version,omitempty"`
	// Image is the reference of the image, and Digest what pins it; both are
	// "" on the host.
	Image  string `json:"image,omitempty"`
	Digest string `json:"digest,omitempty"`
	// Path is the go command of a host build.
	Path string `json:"path,omitempty"`
}

// Executable is the linked program.
type Executable struct {
	Path   string `json:"-"`
	SHA256 string `json:"sha256"` // lower-case hex
	Size   int64  `json:"size"`   // bytes
}

// Timings are the wall-clock times of the phases, in milliseconds.
type Timings struct {
	Plan      int64 `json:"plan"`
	Restore   int64 `json:"restore"`
	Toolchain int64 `json:"toolchain"`
	Build     int64 `json:"build"`
	Run       int64 `json:"run"`
	Total     int64 `json:"total"`
}

func (t *Timings) set(p Phase, d time.Duration) {
	ms := d.Milliseconds()
	switch p {
	case PhasePlan:
		t.Plan = ms
	case PhaseRestore:
		t.Restore = ms
	case PhaseToolchain:
		t.Toolchain = ms
	case PhaseBuild:
		t.Build = ms
	case PhaseRun:
		t.Run = ms
	}
}

// Diagnostic is a finding at a place in the user's sources.
type Diagnostic struct {
	// Kind is "error" for what the go command says; "panic", "race" and
	// "timeout" are places where the program was.
	Kind string `json:"kind"`
	// File is relative to the working directory, with slashes; absolute when
	// it lies elsewhere and "" when the place is not known.
	File string `json:"file,omitempty"`
	// Line and Column count from 1; 0 is unknown.
	Line    int    `json:"line,omitempty"`
	Column  int    `json:"column,omitempty"`
	Message string `json:"message"`
	// Package is the import path, and Function the frame's function; "" when
	// not known.
	Package  string `json:"package,omitempty"`
	Function string `json:"function,omitempty"`
}
