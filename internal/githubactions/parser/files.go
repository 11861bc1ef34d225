package parser

import (
	"fmt"
	"strings"
)

// Entry is a pair of a file.
type Entry struct{ Name, Value string }

// File returns the pairs of GITHUB_OUTPUT, GITHUB_STATE or GITHUB_ENV as the
// runner on Linux reads them (EnvFileKeyValuePairs). It takes the pairs before
// an error, too, and the step fails.
func File(data []byte) (pairs []Entry, err error) {
	text := Text(data)
	for text != "" {
		line, rest, _ := strings.Cut(text, "\n")
		text = rest
		if line == "" {
			continue
		}
		equals, heredoc := strings.Index(line, "="), strings.Index(line, "<<")
		switch {
		case equals >= 0 && (heredoc < 0 || equals < heredoc):
			pairs = append(pairs, Entry{line[:equals], line[equals+1:]})
		case heredoc < 0:
			return pairs, fmt.Errorf("invalid format %q", line)
		default:
			name, delimiter := line[:heredoc], line[heredoc+2:]
			if name == "" || delimiter == "" {
				return pairs, fmt.Errorf("invalid format %q: name and delimiter must not be empty", line)
			}
			value, rest, err := upTo(text, delimiter)
			if err != nil {
				return pairs, err
			}
			text = rest
			pairs = append(pairs, Entry{name, value})
		}
	}
	return pairs, nil
}

// upTo returns the lines before the first that is the delimiter, and what comes
// after it.
func upTo(text, delimiter string) (value, rest string, err error) {
	end := 0 // of the value, before its last newline
	for pos := 0; ; {
		if pos >= len(text) {
			return "", "", fmt.Errorf("matching delimiter %q not found", delimiter)
		}
		line, rest, newline := strings.Cut(text[pos:], "\n")
		if line == delimiter {
			return text[:end], rest, nil
		}
		if !newline {
			return "", "", fmt.Errorf("the delimiter %q has no newline before it", delimiter)
		}
		end = pos + len(line)
		pos = end + 1
	}
}
