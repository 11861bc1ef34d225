package githubactions

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// merge is what a program left with outputs of gorun behind it. These come
// through as they are, whatever the program left:
//
//   - a last line without newline gets one;
//   - from the first line on that the runner would stop at with an error (no
//     "=" and no "<<", a heredoc without end or without name) all is dropped,
//     for the runner would not have taken any of it, and ours neither;
//   - UTF-16 and UTF-32 with a byte order mark become UTF-8, or the runner
//     would read ours in that encoding, too;
//   - an entry that has one of our names goes, for names differ in case alone
//     only to act.
//
// note says in a sentence what was dropped, and is empty most of the time. The
// error says which name or value cannot be written. A name is not empty, and
// has no "=", no "<<", no "<" at its end and no control character. A value may
// hold any bytes; the runner replaces what is no UTF-8 by U+FFFD, and act drops
// a carriage return at the end of a line and newlines at the beginning.
func merge(left []byte, outputs []Entry) (text []byte, note string, err error) {
	var ours []byte
	for _, e := range outputs {
		if ours, err = e.append(ours, newDelimiter()); err != nil {
			return nil, "", err
		}
	}
	kept, note := mend(left, outputs)
	return append(ended(kept), ours...), note, nil
}

// mend returns what stays of what a program left, and says what does not.
func mend(left []byte, ours []Entry) (kept []byte, note string) {
	left, converted := decode(left)
	if converted {
		note = "it was not in UTF-8 and has been converted"
	}
	spans, fault := scan(left)
	if fault != "" {
		note = fault
	}
	end := len(left)
	if fault != "" {
		end = 0
		if len(spans) > 0 {
			end = spans[len(spans)-1].end
		}
	}
	kept = left[:end]
	if slices.ContainsFunc(spans, func(s span) bool { return s.isOneOf(ours) }) {
		kept = without(left, spans, ours)
		note = joined(note, "an entry of the program that has the name of one of gorun's was dropped")
	}
	return slices.Clone(kept), note
}

// span is where one entry stands, with its last newline.
type span struct {
	name       string
	start, end int
}

func (s span) isOneOf(entries []Entry) bool {
	return slices.ContainsFunc(entries, func(e Entry) bool { return strings.EqualFold(e.Name, s.name) })
}

// without returns the entries that do not have one of our names.
func without(text []byte, spans []span, ours []Entry) []byte {
	kept := slices.Clone(text[:spans[0].start]) // a byte order mark
	for _, s := range spans {
		if !s.isOneOf(ours) {
			kept = append(kept, text[s.start:s.end]...)
		}
	}
	return kept
}

// scan finds the entries as the runner does (EnvFileKeyValuePairs in
// FileCommandManager.cs), up to the first fault; there the runner stops.
func scan(text []byte) (spans []span, fault string) {
	pos := len(text) - len(bytes.TrimPrefix(text, []byte("\ufeff")))
	for number := 1; pos < len(text); {
		line, next := nextLine(text, pos)
		s, fault := entry(text, line, pos, next)
		if fault != "" {
			return spans, fmt.Sprintf("what the program left from line %d on was dropped, for the runner would have failed there: %s", number, fault)
		}
		if s.end > 0 {
			spans = append(spans, s)
			next = s.end
		}
		number += bytes.Count(text[pos:next], []byte("\n"))
		pos = next
	}
	return spans, ""
}

// entry returns the entry that begins with a line, or no entry for an empty
// line. Carriage returns belong to the line: the runner on Linux knows newlines
// only.
func entry(text, line []byte, start, next int) (s span, fault string) {
	if len(line) == 0 {
		return span{}, ""
	}
	equals, heredoc := bytes.IndexByte(line, '='), bytes.Index(line, []byte("<<"))
	switch {
	case equals >= 0 && (heredoc < 0 || equals < heredoc):
		return span{string(line[:equals]), start, next}, ""
	case heredoc < 0:
		return span{}, `a line has neither "=" nor "<<"`
	case heredoc == 0 || len(line) == heredoc+len("<<"):
		return span{}, `a "<<" has no name or no delimiter`
	}
	delimiter := line[heredoc+len("<<"):]
	for next < len(text) {
		line, next = nextLine(text, next)
		if bytes.Equal(line, delimiter) {
			return span{string(text[start : start+heredoc]), start, next}, ""
		}
	}
	return span{}, `a "<<" has no end`
}

// nextLine returns the line at pos without its newline, and where the next one
// begins.
func nextLine(text []byte, pos int) (line []byte, next int) {
	n := bytes.IndexByte(text[pos:], '\n')
	if n < 0 {
		return text[pos:], len(text)
	}
	return text[pos : pos+n], pos + n + 1
}

// decode returns the text in UTF-8 as .NET's StreamReader takes it: in another
// encoding where a byte order mark says so, and with U+FFFD for what is not
// valid, for two bytes that differ may then be the same delimiter. A mark that
// is part of the text gets one before it, for the first one goes.
func decode(data []byte) (text []byte, converted bool) {
	has := func(mark string) bool { return bytes.HasPrefix(data, []byte(mark)) }
	switch {
	case has("\xff\xfe\x00\x00"):
		text = fromUTF32(data[4:], binary.LittleEndian)
	case has("\x00\x00\xfe\xff"):
		text = fromUTF32(data[4:], binary.BigEndian)
	case has("\xff\xfe"):
		text = fromUTF16(data[2:], binary.LittleEndian)
	case has("\xfe\xff"):
		text = fromUTF16(data[2:], binary.BigEndian)
	case utf8.Valid(data):
		return data, false
	default:
		return []byte(string([]rune(string(data)))), false
	}
	if bytes.HasPrefix(text, []byte("\ufeff")) {
		text = append([]byte("\ufeff"), text...)
	}
	return text, true
}

func fromUTF16(data []byte, order binary.ByteOrder) []byte {
	var units []uint16
	for ; len(data) >= 2; data = data[2:] {
		units = append(units, order.Uint16(data))
	}
	if len(data) > 0 {
		units = append(units, utf8.RuneError)
	}
	return []byte(string(utf16.Decode(units)))
}

func fromUTF32(data []byte, order binary.ByteOrder) []byte {
	var runes []rune
	for ; len(data) >= 4; data = data[4:] {
		runes = append(runes, rune(order.Uint32(data)))
	}
	if len(data) > 0 {
		runes = append(runes, utf8.RuneError)
	}
	return []byte(string(runes))
}
