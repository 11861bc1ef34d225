package report

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"os"
	"time"
	"unicode/utf8"
)

const (
	// maxPiece is the most bytes of a line that one record holds. It bounds the
	// memory of a stream, and is what a pipe holds on Linux: a longer line does
	// not come in one piece anyway.
	maxPiece = 64 << 10
	// flushAt bounds the memory of a Write of many short lines, whose records
	// are much longer than they are. One Write of a pipe's 64 KiB in lines of
	// ordinary length stays below it, and is one write to the destination.
	flushAt = 256 << 10
	// promptAfter is how long the beginning of a line waits for its end: a
	// program that asks a question has stopped by then, and one that writes a
	// line in several steps has not.
	promptAfter = time.Second
)

// stream turns the bytes of one stream into output records.
type stream struct {
	j    *JSON
	name string
	head []byte // every record of one Write begins with it

	limit     int    // maxPiece; a test makes it shorter
	line      []byte // the beginning of a line whose end has not come; at most limit
	continued bool   // an earlier piece of line has been written
	closed    bool

	timer    *time.Timer
	waiting  bool // the timer runs for this line
	deadline time.Time
}

// Stream returns a writer that turns the output of the program into output
// records of that stream, "stdout" or "stderr". Each name is used once.
//
// A line ends at "\n" only. Its record has one of
//
//   - json, if the whole line is a JSON object ("{" first, "}" last, no "\r",
//     nested at most 200 deep): the line itself, byte for byte, so that a
//     json.RawMessage has exactly the program's bytes
//   - base64, if the piece is not valid UTF-8
//   - line, the piece as a string
//
// and "partial":true if no newline follows: the last line of a stream that
// does not end in one; each piece but the last of a line longer than 64 KiB,
// which is cut between characters; and the beginning of a line whose next byte
// did not come for a second, such as a prompt. So
//
//	line (or json, or the decoded base64) + ("\n" unless partial)
//
// of all records of a stream, joined, are exactly its bytes. [Reassemble] does
// that.
//
// Write returns when the destination has taken every record that it
// completed: a slow destination slows the program, and nothing is dropped.
// Several streams may be written to at once. Close writes a line that has not
// ended, and must come before Finished is reported; it does not close the
// destination. After Finished, Write fails.
func (j *JSON) Stream(name string) io.WriteCloser {
	s := &stream{j: j, name: name, limit: maxPiece, line: make([]byte, 0, maxPiece)}
	s.timer = time.AfterFunc(promptAfter, s.expire)
	s.timer.Stop()
	j.mu.Lock()
	defer j.mu.Unlock()
	j.streams = append(j.streams, s)
	return s
}

func (s *stream) Write(p []byte) (int, error) {
	s.j.mu.Lock()
	defer s.j.mu.Unlock()
	switch {
	case s.j.finished:
		return 0, errFinished
	case s.closed:
		return 0, fmt.Errorf("writing to the closed stream %s: %w", s.name, os.ErrClosed)
	case s.j.w.err != nil:
		return 0, s.j.w.err
	}
	s.stamp()
	for rest := p; len(rest) > 0; {
		line, after, ended := bytes.Cut(rest, newline)
		s.add(line, ended)
		rest = after
	}
	if err := s.j.flush(); err != nil {
		return 0, err
	}
	s.wait()
	return len(p), nil
}

// Close may be called more than once.
func (s *stream) Close() error {
	s.j.mu.Lock()
	defer s.j.mu.Unlock()
	s.end()
	return s.j.w.err
}

// end writes the rest of a stream that does not end in a newline.
func (s *stream) end() {
	if s.closed {
		return
	}
	s.closed = true
	s.timer.Stop()
	if len(s.line) > 0 {
		s.stamp()
		s.emit(s.line, piece{partial: true, object: !s.continued})
		s.j.flush()
	}
	s.line = nil
}

var newline = []byte("\n")

// add takes text, which has no newline, and its newline if it ended.
func (s *stream) add(text []byte, ended bool) {
	for len(s.line)+len(text) > s.limit {
		if len(s.line) == 0 { // cut without copying
			n := wholeRunes(text[:s.limit])
			s.emit(text[:n], piece{partial: true})
			text = text[n:]
			continue
		}
		n := s.limit - len(s.line)
		s.line = append(s.line, text[:n]...)
		text = text[n:]
		s.emitBeginning()
	}
	if !ended {
		s.line = append(s.line, text...)
		return
	}
	if len(s.line) > 0 {
		s.line = append(s.line, text...)
		text = s.line
	}
	s.emit(text, piece{object: !s.continued})
	s.line, s.continued = s.line[:0], false
}

// emitBeginning writes what there is of the line as a piece, and keeps the
// bytes of a character that is not complete.
func (s *stream) emitBeginning() {
	n := wholeRunes(s.line)
	s.emit(s.line[:n], piece{partial: true})
	s.line = append(s.line[:0], s.line[n:]...)
}

// wait starts the clock for the beginning of a line that Write has left.
func (s *stream) wait() {
	if len(s.line) > 0 && !s.waiting {
		s.waiting = true
		s.deadline = time.Now().Add(promptAfter)
		s.timer.Reset(promptAfter)
	}
}

// expire writes the beginning of a line that has waited long enough.
func (s *stream) expire() {
	s.j.mu.Lock()
	defer s.j.mu.Unlock()
	// It may have had to wait for a Write that went on to the next line.
	if s.closed || s.j.finished || !s.waiting || time.Now().Before(s.deadline) {
		return
	}
	s.stamp()
	s.emitBeginning()
	s.j.flush()
	s.wait()
}

// wholeRunes returns the length of b without the bytes at its end that begin a
// character and do not complete it; all of b if there is nothing before them.
func wholeRunes(b []byte) int {
	for i := 1; i < utf8.UTFMax && i < len(b); i++ {
		if tail := b[len(b)-i:]; utf8.RuneStart(tail[0]) {
			if !utf8.FullRune(tail) {
				return len(b) - i
			}
			break
		}
	}
	return len(b)
}

// stamp makes the head of the records of one Write.
func (s *stream) stamp() {
	s.head = append(s.head[:0], `{"time":"`...)
	s.head = s.j.now().UTC().AppendFormat(s.head, timeFormat)
	s.head = append(s.head, `","level":"info","event":"output","stream":"`...)
	s.head, _ = appendEscaped(s.head, []byte(s.name))
	s.head = append(s.head, `",`...)
}

// piece says what emit has: partial if no newline follows, and object if it is
// a whole line, which may be embedded.
type piece struct{ partial, object bool }

func (s *stream) emit(text []byte, p piece) {
	s.continued, s.waiting = true, false
	s.j.out = appendOutput(s.j.out, s.head, text, p)
	if len(s.j.out) >= flushAt {
		s.j.flush()
	}
}

// flush hands the output records to the destination.
func (j *JSON) flush() error {
	if len(j.out) > 0 {
		j.w.Write(j.out)
		j.out = j.out[:0]
	}
	return j.w.err
}

// appendOutput appends an output record. It does without zerolog, which takes
// twice as long for the same bytes (BenchmarkRecord) and hands each record to
// the destination by itself, where this has one write for many.
func appendOutput(dst, head, text []byte, p piece) []byte {
	dst = append(dst, head...)
	if p.object && isObject(text) {
		dst = append(dst, `"json":`...)
		dst = append(dst, text...)
	} else {
		dst = appendText(dst, text)
	}
	if p.partial {
		dst = append(dst, `,"partial":true`...)
	}
	return append(dst, '}', '\n')
}

func appendText(dst, text []byte) []byte {
	start := len(dst)
	dst = append(dst, `"line":"`...)
	dst, valid := appendEscaped(dst, text)
	if !valid {
		dst = append(dst[:start], `"base64":"`...)
		dst = base64.StdEncoding.AppendEncode(dst, text)
	}
	return append(dst, '"')
}
