package githubactions

import (
	"fmt"
	"strings"

	"github.com/org/gorun-action/runner"
)

// blockRoom is what a block takes besides its text, unless that is full of
// backticks.
const blockRoom = 64

// diagnostics is a block of all findings, as many as fit into room bytes.
func (s Summary) diagnostics(room int) string {
	all := s.Result.Diagnostics
	if len(all) == 0 {
		return ""
	}
	var b strings.Builder
	fence := 0 // the longest run of backticks
	for i, d := range all {
		line := printable(finding(d))
		note := cutDiagnostics(len(all) - i)
		fence = max(fence, longestRun(line))
		if b.Len()+len(line)+len(note)+2*fence+blockRoom > room {
			return block("text", b.String()) + note
		}
		b.WriteString(line)
	}
	return block("text", b.String())
}

func cutDiagnostics(n int) string {
	return fmt.Sprintf("%d more diagnostics did not fit into the summary: see the log.\n\n", n)
}

// finding is a diagnostic as the go command writes it, whole.
func finding(d runner.Diagnostic) string {
	text := place(d)
	if text != "" {
		text += ": "
	}
	if d.Kind != "error" {
		text += kindWords(d.Kind)
		if d.Function != "" {
			text += " in " + d.Function
		}
		text += ": "
	}
	return text + strings.TrimRight(d.Message, "\n") + "\n"
}
