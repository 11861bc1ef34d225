package githubactions

import (
	"fmt"
	"strings"

	"github.com/org/gorun-action/runner"
)

// What the summary has of each list, and of each text: it is read by somebody
// who wants to know what broke. The log has everything.
const (
	maxListed = 20
	maxText   = 4 << 10
)

// Summary is what the job's page says about a run.
type Summary struct {
	Result runner.Result
	// Restored is what the cache said; nil when it was not asked.
	Restored *runner.Restored
	// Saved is what became of the executable after the build; nil if nothing did.
	Saved *runner.Saved
	// Transfers are the first that brought something from a shared store, or
	// left something there.
	Transfers []runner.Transferred
	// Warned are the first faults that did not change the result, and Warnings
	// says how many there were.
	Warned   []runner.Warned
	Warnings int
	// Image is the reference of the runner image by its digest,
	// "registry/name@sha256:…"; with "" there is no docker command.
	Image string
	// Directory is where gorun began, relative to the workspace and with
	// slashes; "" is the workspace itself.
	Directory string
	// Limit is how many bytes there is room for: what the program wrote into the
	// same summary counts too. 0 is [MaxSummary].
	Limit int
}

// Markdown returns the summary, of Limit bytes at most: if there is too much,
// diagnostics are left out, then everything but the outcome, and it says so.
// It is "" if there is no room for that either. Nothing that comes from the
// sources or the program can be Markdown or HTML in it.
func (s Summary) Markdown() string {
	limit := s.Limit
	if limit <= 0 {
		limit = MaxSummary
	}
	head, tail := s.head(), s.tail()
	if len(head)+len(tail)+len(cutDiagnostics(0))+blockRoom > limit {
		tail = "The rest did not fit into the summary: see the log.\n"
		if len(head)+len(tail) > limit {
			return ""
		}
		return head + tail
	}
	return head + s.diagnostics(limit-len(head)-len(tail)) + tail
}

// head is the outcome in one sentence, and what to do about it.
func (s Summary) head() string {
	r := s.Result
	var b strings.Builder
	icon := "❌"
	switch {
	case r.Outcome == runner.Success:
		icon = "✅"
	case r.Tolerated:
		icon = "⚠️"
	}
	fmt.Fprintf(&b, "### %s %s", icon, heading(r))
	if r.Package != "" {
		fmt.Fprintf(&b, ": %s", code(cut(r.Package, maxTitle)))
	}
	b.WriteString("\n\n")
	// The sentence of a failed build is the place of the first finding, which
	// comes next.
	if r.Outcome != runner.Success && (r.Outcome != runner.BuildFailed || len(r.Diagnostics) == 0) {
		fmt.Fprintf(&b, "%s\n\n", s.sentence())
	}
	if r.Hint != "" {
		fmt.Fprintf(&b, "**Hint:** %s\n\n", prose(cut(r.Hint, maxText)))
	}
	return b.String()
}

// heading is the outcome as a person says it, with the status where that is
// the program's.
func heading(r runner.Result) string {
	switch r.Outcome {
	case runner.Success:
		return "success in " + duration(r.Timings.Total)
	case runner.Failure:
		return fmt.Sprintf("failure, exit code %d", exitCode(r))
	case runner.Timeout:
		return "time limit"
	case runner.OOM:
		return "out of memory"
	case runner.Signal:
		return strings.TrimSpace("killed by " + letters(r.Signal))
	case runner.Race:
		return "data race"
	case runner.Usage:
		return "usage error"
	}
	return outcomeWords(r.Outcome)
}

// letters keeps a signal's name one.
func letters(name string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, name)
}

// sentence begins like one.
func (s Summary) sentence() string {
	text := prose(cut(sentence(s.Result), maxText))
	if text == "" {
		return outcomeWords(s.Result.Outcome) + "."
	}
	if first := text[0]; first >= 'a' && first <= 'z' {
		text = string(first-'a'+'A') + text[1:]
	}
	if !strings.HasSuffix(text, ".") {
		text += "."
	}
	return text
}

// tail is what is known besides the findings.
func (s Summary) tail() string {
	return s.facts() + s.timings() + s.warnings() + s.reproduce()
}

func (s Summary) warnings() string {
	if s.Warnings == 0 {
		return ""
	}
	var items []string
	for _, w := range s.Warned {
		text := prose(cut(w.Message, maxText))
		if w.Hint != "" {
			text += " (hint: " + prose(cut(w.Hint, maxText)) + ")"
		}
		items = append(items, text)
	}
	return "**Warnings**\n\n" + list(items, s.Warnings) + "\n"
}

// list shows the first of count items, which are Markdown.
func list(items []string, count int) string {
	var b strings.Builder
	items = items[:min(len(items), maxListed)]
	for _, item := range items {
		fmt.Fprintf(&b, "- %s\n", item)
	}
	if more := count - len(items); more > 0 {
		fmt.Fprintf(&b, "- and %d more\n", more)
	}
	return b.String()
}
