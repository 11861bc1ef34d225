package githubactions

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/org/gorun-action/runner"
)

// debugText is what an event leaves in the log of a job that is run with debug
// logging; "" is nothing.
func debugText(e runner.Event) string {
	switch e := e.(type) {
	case runner.Planned:
		return fmt.Sprintf("plan: %s for %s in %s", commandLine(e.Plan.Command), e.Plan.Target, e.Plan.Dir)
	case runner.Restored:
		return restoredText(e)
	case runner.BuildStarted:
		return fmt.Sprintf("build: %s", buildTitle(e))
	case runner.Built:
		return fmt.Sprintf("built: sha256:%s, %s, in %s", e.Executable.SHA256, size(e.Executable.Size), duration(e.Took.Milliseconds()))
	case runner.Started:
		return fmt.Sprintf("program: process %d: %s", e.Pid, commandLine(e.Command))
	case runner.Exited:
		return fmt.Sprintf("program: status %d after %s", e.Status.Shell(), duration(e.Took.Milliseconds()))
	case runner.Saved:
		return savedText(e)
	case runner.Transferred:
		return transferredText(e)
	case runner.Finished:
		return resultText(e.Result)
	}
	return ""
}

func restoredText(e runner.Restored) string {
	text := "miss"
	switch {
	case e.Hit:
		text = "hit"
	case e.Key == "":
		text = "no key"
	}
	return fmt.Sprintf("cache: %s in %s: %s%s", text, duration(e.Took.Milliseconds()), cmp.Or(e.Key, "-"),
		indented(append(e.Reasons[:len(e.Reasons):len(e.Reasons)], e.Differences...)))
}

func savedText(e runner.Saved) string {
	text := "not kept"
	if e.Kept {
		text = "kept"
	}
	return fmt.Sprintf("cache: %s in %s: %s%s", text, duration(e.Took.Milliseconds()), cmp.Or(e.Key, "-"), indented(e.Reasons))
}

func transferredText(e runner.Transferred) string {
	text := fmt.Sprintf("shared cache: %s: %s %s: %s, %s in %s", e.Store, e.Op, e.What, e.Outcome, size(e.Bytes), duration(e.Took.Milliseconds()))
	if e.Reason != "" {
		text += ": " + e.Reason
	}
	lines := []string{"key " + e.Key}
	for _, p := range e.Prefixes {
		lines = append(lines, "or one that begins with "+p)
	}
	if e.Matched != "" {
		lines = append(lines, "matched "+e.Matched)
	}
	return text + indented(lines)
}

func resultText(r runner.Result) string {
	t := r.Timings
	return fmt.Sprintf("result: %s in phase %s, status %d; plan %d ms, restore %d ms, toolchain %d ms, build %d ms, run %d ms, total %d ms",
		r.Outcome, r.Phase, r.ExitStatus, t.Plan, t.Restore, t.Toolchain, t.Build, t.Run, t.Total)
}

// indented puts the first reasons on lines of their own.
func indented(reasons []string) string {
	var b strings.Builder
	for i, r := range reasons {
		if i == maxListed {
			fmt.Fprintf(&b, "\n  and %d more", len(reasons)-i)
			break
		}
		b.WriteString("\n  " + r)
	}
	return b.String()
}

// buildTitle names a build: "go run -json ./cmd/hello (go1.26.11, docker)".
func buildTitle(e runner.BuildStarted) string {
	text := cut(commandLine(e.Command), maxTitle)
	if e.Toolchain.Version != "" {
		return fmt.Sprintf("%s (go%s, %s)", text, e.Toolchain.Version, e.Builder)
	}
	return fmt.Sprintf("%s (%s)", text, e.Builder)
}
