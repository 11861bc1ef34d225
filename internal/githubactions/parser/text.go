package parser

import (
	"encoding/binary"
	"slices"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// Lines returns the lines of a stream as .NET's StreamReader reads them: "\n",
// "\r\n" and "\r" end one, and a last one without an end is one, too.
func Lines(data []byte) []string {
	text := strings.ReplaceAll(Text(data), "\r\n", "\n")
	lines := strings.Split(strings.ReplaceAll(text, "\r", "\n"), "\n")
	if lines[len(lines)-1] == "" {
		lines = lines[:len(lines)-1]
	}
	return lines
}

// marks are the byte order marks that StreamReader knows; a longer one goes
// first where it begins with a shorter one.
var marks = []struct {
	mark   string
	decode func([]byte) string
}{
	{"\xff\xfe\x00\x00", utf32(binary.LittleEndian)},
	{"\x00\x00\xfe\xff", utf32(binary.BigEndian)},
	{"\xff\xfe", utf16s(binary.LittleEndian)},
	{"\xfe\xff", utf16s(binary.BigEndian)},
	{"\xef\xbb\xbf", utf8s},
}

// Text decodes as StreamReader does: by the byte order mark, else UTF-8; what
// is not valid becomes U+FFFD.
func Text(data []byte) string {
	for _, m := range marks {
		if strings.HasPrefix(string(data[:min(len(data), len(m.mark))]), m.mark) {
			return m.decode(data[len(m.mark):])
		}
	}
	return utf8s(data)
}

func utf8s(data []byte) string { return string([]rune(string(data))) }

func utf16s(order binary.ByteOrder) func([]byte) string {
	return func(data []byte) string {
		var units []uint16
		for piece := range slices.Chunk(data, 2) {
			if len(piece) < 2 {
				units = append(units, utf8.RuneError)
				break
			}
			units = append(units, order.Uint16(piece))
		}
		return string(utf16.Decode(units))
	}
}

func utf32(order binary.ByteOrder) func([]byte) string {
	return func(data []byte) string {
		var runes []rune
		for piece := range slices.Chunk(data, 4) {
			if len(piece) < 4 {
				runes = append(runes, utf8.RuneError)
				break
			}
			runes = append(runes, rune(order.Uint32(piece)))
		}
		return string(runes)
	}
}
