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
		t.remark(askedLabel(e), strings.Join(append([]string{e.Key}, e.Prefixes...), " "))
		if e.Matched != "" && e.Matched != e.Key {
			t.remark("matched: ", e.Matched)
		}
	}
}

func askedLabel(e runner.Transferred) string {
	if e.Op == "save" {
		return "under: "
	}
	return "asked: "
}

// transferText is "actions restore pack: near, 64.0 MB in 1.2s: it saves …".
func transferText(e runner.Transferred) string {
	text := fmt.Sprintf("%s %s %s: %s", e.Store, e.Op, e.What, strings.ReplaceAll(e.Outcome, "_", " "))
	if e.Bytes > 0 {
		text += ", " + amount(container.Progress{Done: e.Bytes, Unit: "bytes"})
	}
	text += " in " + e.Took.Round(time.Millisecond).String()
	if e.Reason != "" {
		text += ": " + e.Reason
	}
	return text
}
