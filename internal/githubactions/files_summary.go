package githubactions

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// MaxSummary is how many bytes of the 1 MiB that the runner takes for the
// summary of a step are used; a larger summary is dropped whole. The rest is
// room for the runner's copy, in which masks may be longer than what they hide.
const MaxSummary = 1<<20 - 1<<10

// ErrSummaryFull says that what the program wrote leaves no room for a summary.
var ErrSummaryFull = errors.New("the step summary is full")

const cutNote = "\n\n_The rest of this summary was cut: the limit is 1 MiB._\n"

// AppendSummary adds Markdown behind what the program has left in
// GITHUB_STEP_SUMMARY, as a block of its own. What does not fit is cut at the
// end of a line, with a note, and cut is true. The error is [ErrNoFile] without
// a file, [ErrSummaryFull] without room.
func (f File) AppendSummary(markdown string) (cut bool, err error) {
	if f.path == "" {
		return false, fmt.Errorf("%s is not set: %w", f.variable, ErrNoFile)
	}
	_, err = f.rewrite(func(left []byte) ([]byte, string, error) {
		if len(left) > MaxSummary {
			return nil, "", ErrSummaryFull
		}
		kept, _ := decode(left)
		if kept = ended(kept); len(kept) > 0 {
			kept = append(kept, '\n') // Markdown begins a block after a blank line
		}
		var text string
		text, cut = fit(strings.ToValidUTF8(markdown, "\ufffd"), MaxSummary-len(kept))
		if cut && text == "" {
			return nil, "", ErrSummaryFull
		}
		return append(kept, text...), "", nil
	})
	if err != nil {
		return cut, fmt.Errorf("writing to %s: %w", f.variable, err)
	}
	return cut, nil
}

// fit returns as many whole lines as room bytes hold, with a note if these are
// not all. Of one endless line it takes whole characters. It returns nothing
// when not even the note has room.
func fit(markdown string, room int) (text string, cut bool) {
	markdown = strings.TrimSuffix(markdown, "\n") + "\n"
	if len(markdown) <= room {
		return markdown, false
	}
	room -= len(cutNote)
	if room <= 0 {
		return "", true
	}
	end := strings.LastIndexByte(markdown[:room], '\n')
	if end < 0 {
		for end = room; !utf8.RuneStart(markdown[end]); end-- {
		}
	}
	return markdown[:end] + cutNote, true
}
