package githubactions

import (
	"strings"
	"unicode/utf8"
)

// MaxSummary is how many bytes of the 1 MiB that the runner takes for the
// summary of a step are used; a larger summary is dropped whole. The rest is
// room for the runner's copy, in which masks may be longer than what they hide.
const MaxSummary = 1<<20 - 1<<10

const cutNote = "\n\n_The rest of this summary was cut: the limit is 1 MiB._\n"

// ownSummary is room that gorun's own part of a summary always has.
const ownSummary = 64 << 10

// summarize is Markdown of a program with gorun's behind it, as a block of its
// own, in at most limit bytes. What does not fit is cut at the end of a line,
// with a note.
func summarize(left []byte, limit int, markdown func(limit int) string) (text []byte, note string) {
	theirs, _ := decode(left)
	if len(theirs) > 0 {
		text, _ := fit(string(theirs), max(limit-ownSummary, 0))
		theirs = []byte(text)
	}
	if markdown == nil {
		return theirs, ""
	}
	if len(theirs) > 0 {
		theirs = append(theirs, '\n') // Markdown begins a block after a blank line
	}
	room := max(limit-len(theirs), 1)
	ours, cut := fit(strings.ToValidUTF8(markdown(room), "\ufffd"), room)
	if cut && ours == "" {
		return theirs, "it is full: gorun's summary has no room in it"
	}
	return append(theirs, ours...), ""
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
