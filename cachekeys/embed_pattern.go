package cachekeys

import (
	"bytes"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// embedMarker begins a comment with patterns.
const embedMarker = "//go:embed"

// scanEmbeds returns the patterns of all //go:embed lines of a Go file. The
// loader takes those that are comments of their own; here each occurrence
// counts.
func scanEmbeds(src []byte) []string {
	if bytes.IndexByte(src, '\r') >= 0 {
		src = bytes.ReplaceAll(src, []byte("\r"), nil) // go/scanner leaves them out of comments
	}
	var list []string
	for {
		_, rest, found := bytes.Cut(src, []byte(embedMarker))
		if !found {
			return list
		}
		line, _, _ := bytes.Cut(rest, []byte("\n"))
		list = append(list, embedPatterns(string(line))...)
		src = rest
	}
}

// embedPatterns splits the rest of a //go:embed line into its patterns: bare
// words, "quoted" and `raw` strings between blanks (go/ast/directive.go
// ParseArgs). A line that is not well-formed has none: go/build ignores it, and
// the compiler reports it.
func embedPatterns(args string) []string {
	if trimmed := strings.TrimLeftFunc(args, unicode.IsSpace); len(trimmed) == len(args) {
		return nil // another directive, as //go:embedded
	}
	var list []string
	for {
		args = strings.TrimLeftFunc(args, unicode.IsSpace)
		if args == "" {
			return list
		}
		pattern, rest, ok := cutPattern(args)
		if !ok {
			return nil
		}
		list, args = append(list, pattern), rest
	}
}

func cutPattern(args string) (pattern, rest string, ok bool) {
	if args[0] != '"' && args[0] != '`' {
		n := strings.IndexFunc(args, unicode.IsSpace)
		if n < 0 {
			n = len(args)
		}
		return args[:n], args[n:], true
	}
	quoted, err := strconv.QuotedPrefix(args)
	if err != nil {
		return "", "", false
	}
	pattern, err = strconv.Unquote(quoted)
	rest = args[len(quoted):]
	r, _ := utf8.DecodeRuneInString(rest)
	return pattern, rest, err == nil && (rest == "" || unicode.IsSpace(r))
}

// scanCgoFlags returns the #cgo lines of the header of a Go file from "#cgo"
// on (go/build/build.go saveCgo; modindex/scan.go extractCgoDirectives). The
// loader takes those of the comment on import "C"; here each comment counts.
func scanCgoFlags(header []byte) []string {
	var list []string
	for line := range bytes.Lines(header) {
		_, flags, found := bytes.Cut(line, []byte("#cgo"))
		if !found || len(flags) == 0 || flags[0] != ' ' && flags[0] != '\t' {
			continue
		}
		flags = bytes.TrimSpace(flags)
		list = append(list, "#cgo "+string(bytes.TrimSpace(bytes.TrimSuffix(flags, []byte("*/")))))
	}
	return list
}

// unquoteImport keeps what is no valid string as it is: nothing imports it.
func unquoteImport(quoted string) string {
	inner := quoted[1 : len(quoted)-1]
	if quoted[0] == '`' {
		return strings.ReplaceAll(inner, "\r", "") // go/scanner does so
	}
	if strings.IndexByte(inner, '\\') < 0 {
		return inner
	}
	if path, err := strconv.Unquote(quoted); err == nil {
		return path
	}
	return inner
}

// operandName returns the file name that operand begins with, without its
// delimiters, else the begin of it as an unknown one.
func operandName(operand []byte) string {
	operand = bytes.TrimSpace(operand)
	for _, quotes := range []string{`""`, `''`, `<>`} {
		if len(operand) > 0 && operand[0] == quotes[0] {
			if n := bytes.IndexByte(operand[1:], quotes[1]); n >= 0 {
				return string(operand[1 : n+1])
			}
		}
	}
	return unknownName(operand)
}

func unknownName(operand []byte) string {
	if len(operand) == 0 {
		return ""
	}
	return "?" + string(operand[:min(len(operand), 80)]) // enough to tell what it is
}

// isUnknown reports whether what scanIncludes returned is not the name of a
// file.
func isUnknown(name string) bool { return strings.HasPrefix(name, "?") }
