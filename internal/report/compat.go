package report

import (
	"fmt"
	"io"
	"strings"
	"sync"

	"github.com/org/gorun-action/container"
	"github.com/org/gorun-action/runner"
)

// Compat is the Reporter that says what go run says, and nothing else: the go
// command's own text, and at the end "exit status 3" or "signal: killed".
// Where go run would not have been in the situation, because neither the go
// command nor the program had a word, it has the sentence of the failure: a
// failure without any text helps nobody. It is safe for concurrent use.
type Compat struct {
	mu     sync.Mutex
	w      io.Writer
	spoken bool
	status *container.ExitStatus
}

// NewCompat returns a Compat that writes to w.
func NewCompat(w io.Writer) *Compat { return &Compat{w: w} }

// Event shows an event.
func (c *Compat) Event(e runner.Event) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch e := e.(type) {
	case runner.BuildOutput:
		io.WriteString(c.w, e.Text)
		c.spoken = true
	case runner.Exited:
		c.status = &e.Status
	case runner.Finished:
		c.finished(e.Result)
	}
}

func (c *Compat) finished(r runner.Result) {
	switch {
	case r.Phase == runner.PhaseInputs:
		io.WriteString(c.w, refusal(r.Error))
	case c.status == nil:
		if r.Outcome != runner.Success && !c.spoken {
			fmt.Fprintf(c.w, "gorun: %s\n", failure(r))
		}
	// The words of os.ProcessState, which go run prints.
	case c.status.Signal != 0:
		fmt.Fprintf(c.w, "signal: %v\n", c.status.Signal)
	case c.status.Code != 0:
		fmt.Fprintf(c.w, "exit status %d\n", c.status.Code)
	}
}

// refusal is what go run says of a command line that it cannot understand: its
// own sentence, or that of the flag package and how it is used.
func refusal(message string) string {
	if strings.HasPrefix(message, "go: ") {
		return message + "\n"
	}
	return message + "\nusage: go run [build flags] [-exec xprog] package [arguments...]\nRun 'go help run' for details.\n"
}
