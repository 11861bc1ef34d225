package githubactions_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/org/gorun-action/internal/githubactions"
)

func TestAppendSummary(t *testing.T) {
	for _, tt := range []struct{ left, markdown, want string }{
		{"", "# gorun", "# gorun\n"},
		{"theirs", "# gorun\n", "theirs\n\n# gorun\n"},
		{"theirs\n", "a\xffb\n", "theirs\n\na\ufffdb\n"},
		{"\xff\xfet\x00", "ours", "t\n\nours\n"},
	} {
		step := newStep(t, "GITHUB_STEP_SUMMARY")
		if note, err := step.ends(tt.left, nil, tt.markdown); note != "" || err != nil {
			t.Errorf("%q: %q, %v", tt.markdown, note, err)
		}
		if got := read(t, step.path); got != tt.want {
			t.Errorf("%q instead of %q", got, tt.want)
		}
	}
}

func TestSummaryIsCut(t *testing.T) {
	const limit = githubactions.MaxSummary
	for name, tt := range map[string]struct {
		left, markdown string
		cut            bool
	}{
		"just fits":         {"", strings.Repeat("a", limit-2), false},
		"just does not":     {"", strings.Repeat("a", limit), true},
		"lines":             {"", strings.Repeat("a line\n", limit/6), true},
		"characters":        {"", strings.Repeat("\u20ac", limit/2), true},
		"beside much":       {strings.Repeat("b", limit/2), strings.Repeat("line\n", limit/8), true},
		"beside almost all": {strings.Repeat("b", limit-70<<10), strings.Repeat("line\n", 20<<10), true},
	} {
		step := newStep(t, "GITHUB_STEP_SUMMARY")
		if note, err := step.ends(tt.left, nil, tt.markdown); note != "" || err != nil {
			t.Errorf("%s: %q, %v", name, note, err)
		}
		got := read(t, step.path)
		if len(got) > limit || !utf8.ValidString(got) || !strings.HasPrefix(got, tt.left) {
			t.Errorf("%s: %d bytes, valid %v", name, len(got), utf8.ValidString(got))
		}
		kept, _, noted := strings.Cut(got, "\n\n_The rest of this summary was cut")
		if noted != tt.cut || name == "lines" && !strings.HasSuffix(kept, "\na line") || name == "lines" && len(kept) < limit-100 {
			t.Errorf("%s: ends in %q", name, got[len(got)-80:])
		}
	}
}

// However much a program wrote, there is room for gorun's own summary.
func TestSummaryOfAProgramIsCut(t *testing.T) {
	for _, n := range []int{githubactions.MaxSummary - 3, githubactions.MaxSummary, 5 << 20} {
		step := newStep(t, "GITHUB_STEP_SUMMARY")
		if note, err := step.ends(strings.Repeat("b\n", n/2), nil, "ours"); note != "" || err != nil {
			t.Errorf("%d bytes: %q, %v", n, note, err)
		}
		if got := read(t, step.path); len(got) > githubactions.MaxSummary || !strings.HasPrefix(got, "b\nb\n") || !strings.HasSuffix(got, "cut: the limit is 1 MiB._\n\nours\n") {
			t.Errorf("%d bytes: %d, %q", n, len(got), got[len(got)-100:])
		}
	}
}
