package report

import "unicode/utf8"

// plain are the bytes that stand for themselves in a JSON string, without those
// of multi-byte characters.
var plain = func() (t [256]bool) {
	for c := ' '; c < utf8.RuneSelf; c++ {
		t[c] = c != '"' && c != '\\'
	}
	return t
}()

const hex = "0123456789abcdef"

// appendEscaped appends the inside of text's JSON string, as encoding/json
// writes it without HTML escaping. It returns false, and an unusable dst, if
// text is not valid UTF-8.
func appendEscaped(dst, text []byte) ([]byte, bool) {
	done := 0 // what of text is in dst
	for i := 0; i < len(text); {
		c := text[i]
		if plain[c] {
			i++
			continue
		}
		if c >= utf8.RuneSelf {
			r, n := utf8.DecodeRune(text[i:])
			if r == utf8.RuneError && n == 1 {
				return dst, false
			}
			// JavaScript took these two for line ends in its strings.
			if r == '\u2028' || r == '\u2029' {
				dst = append(dst, text[done:i]...)
				dst = append(dst, `\u202`...)
				dst = append(dst, hex[r&0xf])
				done = i + n
			}
			i += n
			continue
		}
		dst = append(dst, text[done:i]...)
		dst = appendControl(dst, c)
		i++
		done = i
	}
	return append(dst, text[done:]...), true
}

func appendControl(dst []byte, c byte) []byte {
	switch c {
	case '"', '\\':
		return append(dst, '\\', c)
	case '\b':
		return append(dst, '\\', 'b')
	case '\f':
		return append(dst, '\\', 'f')
	case '\n':
		return append(dst, '\\', 'n')
	case '\r':
		return append(dst, '\\', 'r')
	case '\t':
		return append(dst, '\\', 't')
	}
	return append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&0xf])
}
