package report

import (
	"bytes"
	"unicode/utf8"
)

// maxDepth is how deep an embedded object may nest, itself included. The record
// adds one level, and readers have limits: encoding/json 10000, jq 1.6 256,
// many others a stack.
const maxDepth = 200

// isObject reports whether line is exactly one JSON object (RFC 8259) that
// every reader of the log takes: valid UTF-8, nothing around it, at most
// maxDepth deep, and without "\r", which some take for the end of a line.
//
// encoding/json.Valid needs 320 to 400 ns for a line of 100 bytes, for which
// 200 MB/s leave 500 ns with reading and writing. This needs a third of that
// (BenchmarkObject), and sees to UTF-8 and depth on the way.
func isObject(line []byte) bool {
	if len(line) < 2 || line[0] != '{' || line[len(line)-1] != '}' {
		return false
	}
	return scanValue(line, 0, maxDepth) == len(line)
}

// The scan functions return the index after what begins at b[i], or fail(b).
// An index behind the end of b is allowed everywhere and stays behind it, so
// that a failure need not be looked for at each step.

func fail(b []byte) int { return len(b) + 1 }

// at is 0 behind the end.
func at(b []byte, i int) byte {
	if i < len(b) {
		return b[i]
	}
	return 0
}

func space(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\t') {
		i++
	}
	return i
}

func scanValue(b []byte, i, depth int) int {
	switch at(b, i) {
	case '{':
		if depth > 0 {
			return scanObject(b, i+1, depth-1)
		}
	case '[':
		if depth > 0 {
			return scanArray(b, i+1, depth-1)
		}
	case '"':
		return scanString(b, i+1)
	case 't':
		return scanWord(b, i, "true")
	case 'f':
		return scanWord(b, i, "false")
	case 'n':
		return scanWord(b, i, "null")
	case '-', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9':
		return scanNumber(b, i)
	}
	return fail(b)
}

// scanObject begins behind the "{".
func scanObject(b []byte, i, depth int) int {
	i = space(b, i)
	if at(b, i) == '}' {
		return i + 1
	}
	for at(b, i) == '"' {
		i = space(b, scanString(b, i+1))
		if at(b, i) != ':' {
			break
		}
		i = space(b, scanValue(b, space(b, i+1), depth))
		switch at(b, i) {
		case '}':
			return i + 1
		case ',':
			i = space(b, i+1)
		default:
			return fail(b)
		}
	}
	return fail(b)
}

// scanArray begins behind the "[".
func scanArray(b []byte, i, depth int) int {
	i = space(b, i)
	if at(b, i) == ']' {
		return i + 1
	}
	for {
		i = space(b, scanValue(b, i, depth))
		switch at(b, i) {
		case ']':
			return i + 1
		case ',':
			i = space(b, i+1)
		default:
			return fail(b)
		}
	}
}

// scanString begins behind the opening quote.
func scanString(b []byte, i int) int {
	for i = skipPlain(b, i); i < len(b); i = skipPlain(b, i) {
		switch c := b[i]; {
		case c == '"':
			return i + 1
		case c == '\\':
			i = scanEscape(b, i+1)
		case c < ' ':
			return fail(b)
		default:
			r, n := utf8.DecodeRune(b[i:])
			if r == utf8.RuneError && n == 1 {
				return fail(b)
			}
			i += n
		}
	}
	return fail(b)
}

// scanEscape begins behind the backslash.
func scanEscape(b []byte, i int) int {
	switch at(b, i) {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return i + 1
	case 'u':
		for k := 1; k <= 4; k++ {
			if c := at(b, i+k) | 0x20; !digit(at(b, i+k)) && (c < 'a' || c > 'f') {
				return fail(b)
			}
		}
		return i + 5
	}
	return fail(b)
}

func scanWord(b []byte, i int, word string) int {
	if bytes.HasPrefix(b[i:], []byte(word)) {
		return i + len(word)
	}
	return fail(b)
}

func scanNumber(b []byte, i int) int {
	if b[i] == '-' {
		i++
	}
	if at(b, i) == '0' {
		i++
	} else {
		i = digits(b, i)
	}
	if at(b, i) == '.' {
		i = digits(b, i+1)
	}
	if c := at(b, i); c == 'e' || c == 'E' {
		i++
		if c := at(b, i); c == '+' || c == '-' {
			i++
		}
		i = digits(b, i)
	}
	return i
}

func digit(c byte) bool { return '0' <= c && c <= '9' }

// digits wants at least one.
func digits(b []byte, i int) int {
	if !digit(at(b, i)) {
		return fail(b)
	}
	for digit(at(b, i)) {
		i++
	}
	return i
}
