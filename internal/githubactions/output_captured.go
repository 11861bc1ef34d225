package githubactions

import (
	"fmt"
	"strings"
	"sync"
	"unicode/utf8"
)

// defaultCaptured is far below the 1 MB that GitHub allows for all outputs of a
// job: other steps have outputs too, and what is no UTF-8 grows.
const defaultCaptured = 128 << 10

// Captured is an io.Writer that keeps the first bytes of what a program writes
// and counts the rest. It never fails, and is safe for concurrent use.
type Captured struct {
	limit int

	mu    sync.Mutex
	data  []byte
	total int64
}

// NewCaptured returns a Captured that keeps limit bytes; 0 is 128 KiB.
func NewCaptured(limit int) *Captured {
	if limit <= 0 {
		limit = defaultCaptured
	}
	return &Captured{limit: limit}
}

// Write implements io.Writer.
func (c *Captured) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.total += int64(len(p))
	c.data = append(c.data, p[:min(len(p), c.limit-len(c.data))]...)
	return len(p), nil
}

// String returns the text as $(…) in a shell has it: without the newlines at
// its end. Each run of bytes that is no UTF-8 becomes one U+FFFD, which makes
// the text about twice as long at most. When something is missing, the text ends at
// a whole character, and a last line says so:
//
//	[cut by gorun: 131072 of 9999999 bytes]
//
// A nil Captured is "".
func (c *Captured) String() string {
	if c == nil {
		return ""
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.total == int64(len(c.data)) {
		return trimmed(c.data)
	}
	kept := wholeRunes(c.data)
	note := fmt.Sprintf("[cut by gorun: %d of %d bytes]", len(kept), c.total)
	if text := trimmed(kept); text != "" {
		return text + "\n" + note
	}
	return note
}

func trimmed(data []byte) string {
	return strings.TrimRight(strings.ToValidUTF8(string(data), "\uFFFD"), "\n")
}

// wholeRunes drops the beginning of a character whose end is missing.
func wholeRunes(data []byte) []byte {
	for i := 1; i <= min(len(data), utf8.UTFMax); i++ {
		rest := data[len(data)-i:]
		if utf8.RuneStart(rest[0]) {
			if !utf8.FullRune(rest) {
				return data[:len(data)-i]
			}
			break
		}
	}
	return data
}
