package githubactions

import "unicode/utf16"

const ellipsis = "…"

// cut shortens text to limit UTF-16 units, which is how GitHub counts, and
// ends it with an ellipsis when something is missing.
func cut(text string, limit int) string {
	if len(text) <= limit { // never fewer bytes than units
		return text
	}
	units, end := 0, 0 // end is where the ellipsis has room
	for i, r := range text {
		if units <= limit-1 {
			end = i
		}
		if units += utf16.RuneLen(r); units > limit {
			return text[:end] + ellipsis
		}
	}
	return text
}
