package report

import (
	"encoding/binary"
	"math/bits"
	"unicode/utf8"
)

// plain are the bytes that stand for themselves in a JSON string, without those
// of multi-byte characters.
var plain = func() (t [256]bool) {
	for c := ' '; c < utf8.RuneSelf; c++ {
		t[c] = c != '"' && c != '\\'
	}
	return t
}()

// skipPlain returns the index of the first byte of b from i on that is not
// plain; len(b) if there is none. It looks at eight bytes at a time: this is
// the loop in which the output of a program spends its time here.
func skipPlain(b []byte, i int) int {
	for ; i+8 <= len(b); i += 8 {
		if marks := notPlain(binary.LittleEndian.Uint64(b[i:])); marks != 0 {
			return i + bits.TrailingZeros64(marks)/8
		}
	}
	for i < len(b) && plain[b[i]] {
		i++
	}
	return i
}

// notPlain sets the high bit of the lowest byte of x that is not plain, and
// maybe of others above it (a borrow goes upwards only); none if there is none.
// See https://graphics.stanford.edu/~seander/bithacks.html#HasLessInWord.
func notPlain(x uint64) uint64 {
	const (
		ones = 0x0101010101010101
		high = 0x80 * ones
	)
	quote, backslash := x^'"'*ones, x^'\\'*ones
	return (x | (x-' '*ones)&^x | (quote-ones)&^quote | (backslash-ones)&^backslash) & high
}

const hex = "0123456789abcdef"

// appendEscaped appends the inside of text's JSON string, as encoding/json
// writes it without HTML escaping. It returns false, and an unusable dst, if
// text is not valid UTF-8.
func appendEscaped(dst, text []byte) ([]byte, bool) {
	done := 0 // what of text is in dst
	for i := skipPlain(text, 0); i < len(text); i = skipPlain(text, i) {
		c := text[i]
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
