package report

import (
	"fmt"
	"strings"
	"time"

	"github.com/org/gorun-action/container"
	"github.com/org/gorun-action/runner"
)

// transferred says what a shared store did: always when something of size came
// or went, and everything with --explain.
func (t *Text) transferred(e runner.Transferred) {
	moved := e.Outcome == runner.TransferHit || e.Outcome == runner.TransferNear || e.Outcome == runner.TransferKept
	if !t.explain && (!moved || e.Bytes == 0) {
		return
	}
	t.remark("cache: ", transferText(e))
	if t.explain {
		t.remark("asked: ", strings.Join(append([]string{e.Key}, e.Prefixes...), " "))
		if e.Matched != "" && e.Matched != e.Key {
			t.remark("matched: ", e.Matched)
		}
	}
}

func transferText(e runner.Transferred) string {
	text := fmt.Sprintf("%s %s: %s, %s in %v", e.Store, e.Op+" "+e.What, strings.ReplaceAll(e.Outcome, "_", " "),
		amount(container.Progress{Done: e.Bytes, Unit: "bytes"}), e.Took.Round(time.Millisecond))
	if e.Reason != "" {
		text += ": " + e.Reason
	}
	return text
}
