package githubactions

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// What other people wrote (paths, messages, arguments) stands in the summary
// in one of three ways, none of which lets it be Markdown or HTML:
//
//   - prose, if it is made of what can mean nothing in Markdown;
//   - code, on one line;
//   - block, on lines of its own.
//
// Escaping with backslashes would do for GitHub's Markdown too, but not for its
// links to people, issues and addresses, and nobody can read it as text.

// prose returns text as it is when that is safe, else as code.
func prose(text string) string {
	text = oneLine(text)
	if neutral(text) {
		return text
	}
	return code(text)
}

// neutral reports whether text is only words: it begins with a letter, so that
// it is no list, heading, quote or table, and the punctuation in it is never
// between letters where it could make a link.
func neutral(text string) bool {
	for i, r := range text {
		switch {
		case unicode.IsLetter(r):
		case i == 0:
			return false
		case unicode.IsDigit(r) || strings.ContainsRune(" ,;'()-", r):
		case r == '.' || r == ':':
			if next := text[i+1:]; next != "" && next[0] != ' ' {
				return false
			}
		default:
			return false
		}
	}
	return text != ""
}

// code returns text as code on one line; "" stays "".
func code(text string) string {
	text = oneLine(text)
	if text == "" {
		return ""
	}
	fence := strings.Repeat("`", longestRun(text)+1)
	if text[0] == '`' || text[len(text)-1] == '`' {
		text = " " + text + " " // the reader takes one blank off each side
	}
	return fence + text + fence
}

// block returns text as a block of code with empty lines around it; "" stays
// "". kind names the language for colours, and is ours.
func block(kind, text string) string {
	text = strings.TrimRight(printable(text), "\n ")
	if text == "" {
		return ""
	}
	fence := strings.Repeat("`", max(longestRun(text), 2)+1)
	return fence + kind + "\n" + text + "\n" + fence + "\n\n"
}

// longestRun is the length of the longest run of backticks: only a fence as
// long could end what a longer one began.
func longestRun(text string) int {
	longest, run := 0, 0
	for i := range len(text) {
		if run++; text[i] != '`' {
			run = 0
		}
		longest = max(longest, run)
	}
	return longest
}

// oneLine is text without line ends, and with single blanks.
func oneLine(text string) string { return strings.Join(strings.Fields(printable(text)), " ") }

// printable replaces what a reader would not see, or would see elsewhere than
// it stands: control characters and those that turn the direction of writing.
// Lines end with "\n" only.
func printable(text string) string {
	text = strings.ReplaceAll(strings.ToValidUTF8(text, "\uFFFD"), "\r\n", "\n")
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return r
		case r == '\r' || r == '\v' || r == '\f' || r == 0x85 || r == 0x2028 || r == 0x2029:
			return '\n'
		case unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r):
			return utf8.RuneError
		}
		return r
	}, text)
}
