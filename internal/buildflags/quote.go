package buildflags

import (
	"fmt"
	"strings"
)

const blanks = " \t\n\r"

// SplitQuoted splits s at blanks as the go command does in GOFLAGS, -exec,
// -ldflags and CGO_CFLAGS: single or double quotes may surround a whole word,
// and nothing is an escape (cmd/internal/quoted). It returns nil for no words.
func SplitQuoted(s string) ([]string, error) {
	var list []string
	for {
		s = strings.TrimLeft(s, blanks)
		if s == "" {
			return list, nil
		}
		if quote := s[0]; quote == '"' || quote == '\'' {
			word, rest, ok := strings.Cut(s[1:], string(quote))
			if !ok {
				return nil, fmt.Errorf("unterminated %c string", quote)
			}
			list, s = append(list, word), rest
			continue
		}
		end := strings.IndexAny(s, blanks)
		if end < 0 {
			end = len(s)
		}
		list, s = append(list, s[:end]), s[end:]
	}
}

// JoinQuoted is the inverse of SplitQuoted. It fails on a word that no such
// quoting can carry: one that needs quotes and has both kinds in it. Quotes
// inside a word need none (cmd/internal/quoted.Join adds them all the same).
func JoinQuoted(list []string) (string, error) {
	quoted := make([]string, len(list))
	for i, word := range list {
		switch {
		case word != "" && !strings.ContainsAny(word, blanks) && word[0] != '\'' && word[0] != '"':
			quoted[i] = word
		case !strings.Contains(word, "'"):
			quoted[i] = "'" + word + "'"
		case !strings.Contains(word, `"`):
			quoted[i] = `"` + word + `"`
		default:
			return "", fmt.Errorf("argument %q contains both single and double quotes and cannot be quoted", word)
		}
	}
	return strings.Join(quoted, " "), nil
}

// Quote returns a command line that a POSIX shell splits into exactly these
// words. It fails on a word with a NUL byte, which no command line can carry.
func Quote(list []string) (string, error) {
	quoted := make([]string, len(list))
	for i, word := range list {
		if strings.Contains(word, "\x00") {
			return "", fmt.Errorf("argument %q has a NUL byte and cannot be quoted", word)
		}
		quoted[i] = shellQuote(word)
	}
	return strings.Join(quoted, " "), nil
}

func shellQuote(word string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_./=,:@%+", r)
	}
	if word != "" && strings.IndexFunc(word, func(r rune) bool { return !plain(r) }) < 0 {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}
