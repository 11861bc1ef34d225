package githubactions

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// parseList reads a list in one of its three spellings. What begins with "["
// is a JSON array, and must be one. What has several lines is a value on each
// of them, taken as it is but for empty lines and a CR at the end. Anything
// else is shell words, of which nothing is expanded.
func parseList(text string) ([]string, error) {
	trimmed := strings.TrimSpace(text)
	switch {
	case strings.HasPrefix(trimmed, "["):
		var list []string
		if err := json.Unmarshal([]byte(trimmed), &list); err != nil {
			return nil, fmt.Errorf("it begins with [ and is not a JSON array of strings (%v)", err)
		}
		return list, nil
	case strings.ContainsRune(trimmed, '\n'):
		return parseLines(text), nil
	}
	return parseWords(strings.Trim(text, "\r\n"))
}

func parseLines(text string) (list []string) {
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\r\n")
		if strings.TrimSpace(line) != "" {
			list = append(list, line)
		}
	}
	return list
}

// parseWords splits as a POSIX shell does, without a shell: what a shell would
// act upon is an error instead of a surprise.
func parseWords(text string) (list []string, err error) {
	end := 0
	parser := syntax.NewParser(syntax.Variant(syntax.LangPOSIX))
	for word, err := range parser.WordsSeq(strings.NewReader(text)) {
		if err != nil {
			return nil, fmt.Errorf("as shell words: %v; quote what is meant literally, or write one value on each line", err)
		}
		value, err := unquote(word.Parts)
		if err != nil {
			return nil, err
		}
		list, end = append(list, value), int(word.End().Offset())
	}
	if strings.TrimSpace(text[end:]) != "" {
		return nil, errors.New("a # begins a comment in shell words; quote it, or write one value on each line")
	}
	return list, nil
}

func unquote(parts []syntax.WordPart) (string, error) {
	var out strings.Builder
	for _, part := range parts {
		switch part := part.(type) {
		case *syntax.Lit:
			out.WriteString(unescape(part.Value, ""))
		case *syntax.SglQuoted:
			out.WriteString(part.Value)
		case *syntax.DblQuoted:
			for _, inner := range part.Parts {
				lit, ok := inner.(*syntax.Lit)
				if !ok {
					return "", errExpansion
				}
				out.WriteString(unescape(lit.Value, "$`\"\\\n"))
			}
		default:
			return "", errExpansion
		}
	}
	return out.String(), nil
}

var errExpansion = errors.New("nothing is expanded in it: put single quotes around what has a $ or a backquote")

// unescape removes backslashes as POSIX 2.2.1 and 2.2.3 say: only before the
// characters of special, or before each one where that is "".
func unescape(s, special string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	var out strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' || i+1 == len(s) || special != "" && !strings.ContainsRune(special, rune(s[i+1])) {
			out.WriteByte(s[i])
			continue
		}
		if i++; s[i] != '\n' {
			out.WriteByte(s[i])
		}
	}
	return out.String()
}
