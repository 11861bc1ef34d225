package parser

import "unicode"

func (r *Runner) hasPrefix(text []rune, prefix string) bool {
	return r.match(text, prefix)
}

// index is String.IndexOf from a position on.
func (r *Runner) index(text []rune, sub string, from int) int {
	for i := from; i+len(sub) <= len(text); i++ {
		if !(r.Culture && weightless(text[i])) && r.match(text[i:], sub) {
			return i
		}
	}
	return -1
}

// match reports whether text begins with an ASCII prefix.
func (r *Runner) match(text []rune, prefix string) bool {
	for _, c := range text {
		switch {
		case prefix == "":
			return true
		case r.Culture && weightless(c):
		case c == rune(prefix[0]):
			prefix = prefix[1:]
		default:
			return false
		}
	}
	return prefix == ""
}

// weightless reports whether a character counts for nothing when strings are
// compared by a culture's rules: control and format characters, variation
// selectors, fillers.
func weightless(c rune) bool {
	if ' ' <= c && c <= '~' {
		return false
	}
	return unicode.Is(unicode.Cf, c) ||
		unicode.Is(unicode.Cc, c) && !unicode.IsSpace(c) ||
		unicode.Is(unicode.Variation_Selector, c) ||
		unicode.Is(unicode.Other_Default_Ignorable_Code_Point, c)
}
