package runner

import (
	"time"

	"github.com/org/gorun-action/cachekeys"
	"github.com/org/gorun-action/container"
)

// Event is something that happened during a run. The concrete types are the
// ones in this file; a report switches on them.
type Event interface{ event() }

// Reporter is told what happens, as it happens. Event may be called from
// several goroutines at once and must not block for long: what it delays, it
// delays the run.
type Reporter interface{ Event(Event) }

// Planned says that every question of the Spec has an answer.
type Planned struct{ Plan Plan }

// Progressed says how far something that takes its time has come. It comes as
// often as the task reports; who shows it decides how often.
type Progressed struct{ container.Progress }

// Restored says whether the Store had the executable.
type Restored struct {
	// Key is "" when there is none.
	Key string
	Hit bool
	// Executable is the one found.
	Executable *Executable
	// Saving is set when it came from a shared store.
	Saving *Saving
	// Reasons say why there is no key, or why the entry could not be used.
	Reasons []string
	// Differences say, after a miss, what has changed since the nearest entry.
	Differences []string
	Took        time.Duration
}

// Explained lists what the key depends on.
type Explained struct {
	Key    string
	Inputs []cachekeys.Input
}

// Saved says that the executable is kept for later runs, or why it is not.
type Saved struct {
	Key     string
	Kept    bool
	Reasons []string
	Took    time.Duration
}

// BuildStarted says that the go command is about to run.
type BuildStarted struct {
	Builder   string // "host" or "docker"
	Toolchain Toolchain
	Command   []string // the go command line, without the capture
}

// BuildOutput is one line of the go command's own text, with its newline.
// Parsed lines also come as a Diagnosed event (the first line of a diagnostic
// and the ones that continue it), so that a report shows one or the other.
type BuildOutput struct {
	Text   string
	Parsed bool
}

// Built says that the executable is there.
type Built struct {
	Executable Executable
	Took       time.Duration
}

// Diagnosed is a compiler error, or the place of a panic, at a file and line.
type Diagnosed struct{ Diagnostic Diagnostic }

// Started says that the program runs.
type Started struct {
	Pid     int
	Command []string // the program as executed: an emulator first, where one is used
}

// Exited says how the program ended.
type Exited struct {
	Status container.ExitStatus
	Took   time.Duration
}

// Noticed is something the user should know and need not act on.
type Noticed struct{ Message string }

// Warned is a fault that did not change the result.
type Warned struct {
	Message, Hint string
	// Cache says that it is one of a cache. There may be many in a run, of which
	// the first says enough.
	Cache bool
}

// Finished is the last event of every run.
type Finished struct{ Result Result }

func (Planned) event()      {}
func (Progressed) event()   {}
func (Restored) event()     {}
func (Explained) event()    {}
func (Saved) event()        {}
func (BuildStarted) event() {}
func (BuildOutput) event()  {}
func (Built) event()        {}
func (Diagnosed) event()    {}
func (Started) event()      {}
func (Exited) event()       {}
func (Noticed) event()      {}
func (Warned) event()       {}
func (Finished) event()     {}
