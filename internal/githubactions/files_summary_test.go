package githubactions_test

import (
	"errors"
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
		file, path := leave(t, "GITHUB_STEP_SUMMARY", tt.left)
		if cut, err := file.AppendSummary(tt.markdown); cut || err != nil {
			t.Errorf("%q: cut %v, %v", tt.markdown, cut, err)
		}
		if got := read(t, path); got != tt.want {
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
		"just fits":         {"", strings.Repeat("a", limit-1), false},
		"just does not":     {"", strings.Repeat("a", limit), true},
		"lines":             {"", strings.Repeat("a line\n", limit/6), true},
		"characters":        {"", strings.Repeat("\u20ac", limit/2), true},
		"beside much":       {strings.Repeat("b", limit/2), strings.Repeat("line\n", limit/8), true},
		"beside almost all": {strings.Repeat("b", limit-200), strings.Repeat("line\n", 100), true},
	} {
		file, path := leave(t, "GITHUB_STEP_SUMMARY", tt.left)
		cut, err := file.AppendSummary(tt.markdown)
		if cut != tt.cut || err != nil {
			t.Errorf("%s: cut %v, %v", name, cut, err)
		}
		got := read(t, path)
		if len(got) > limit || !utf8.ValidString(got) || !strings.HasPrefix(got, tt.left) {
			t.Errorf("%s: %d bytes, valid %v", name, len(got), utf8.ValidString(got))
		}
		kept, _, noted := strings.Cut(got, "\n\n_The rest of this summary was cut")
		if noted != tt.cut || name == "lines" && !strings.HasSuffix(kept, "\na line") || name == "lines" && len(kept) < limit-100 {
			t.Errorf("%s: ends in %q", name, got[len(got)-80:])
		}
	}
}

func TestSummaryIsFull(t *testing.T) {
	for _, n := range []int{githubactions.MaxSummary - 3, githubactions.MaxSummary, githubactions.MaxSummary + 1} {
		left := strings.Repeat("b", n)
		file, path := leave(t, "GITHUB_STEP_SUMMARY", left)
		if _, err := file.AppendSummary("ours"); !errors.Is(err, githubactions.ErrSummaryFull) {
			t.Errorf("%d bytes: %v", n, err)
		}
		if read(t, path) != left {
			t.Errorf("%d bytes: the summary has changed", n)
		}
	}
}
