package buildflags

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// toolFlags is one value of -asmflags, -gcflags, -gccgoflags or -ldflags:
// "arg list" for the packages on the command line, or "pattern=arg list".
// For a package, the last value that matches it counts.
type toolFlags struct {
	pattern string   // as written, with its "="; "" for none
	args    string   // as written, without blanks around it
	words   []string // of args
}

// parseToolFlags fails as cmd/go/internal/load PerPackageFlag.Set does.
func parseToolFlags(value string) (toolFlags, error) {
	v := strings.TrimSpace(value)
	var t toolFlags
	if v != "" && v[0] != '-' {
		pattern, args, ok := strings.Cut(v, "=")
		switch {
		case !ok:
			return t, errors.New("missing =<value> in <pattern>=<value>")
		case pattern == "":
			return t, errors.New("missing <pattern> in <pattern>=<value>")
		case v[0] == '\'' || v[0] == '"':
			return t, fmt.Errorf("parameter may not start with quote character %c", v[0])
		}
		t.pattern, v = pattern+"=", strings.TrimSpace(args)
	}
	t.args = v
	var err error
	t.words, err = SplitQuoted(v)
	return t, err
}

// mustToolFlags parses a value that Parse or parseGOFLAGS has accepted.
func mustToolFlags(value string) toolFlags {
	t, _ := parseToolFlags(value)
	return t
}

// before and after return the value with more words in front of or behind its own.
func (t toolFlags) before(words string) string {
	return t.pattern + strings.TrimSpace(words+" "+t.args)
}

func (t toolFlags) after(words string) string {
	return t.pattern + strings.TrimSpace(t.args+" "+words)
}

// has returns the first word that gives the flag name, "" when none does.
func (t toolFlags) has(name string) string {
	i := slices.IndexFunc(t.words, func(word string) bool {
		n, _ := goflagName(word)
		return n == name
	})
	if i < 0 {
		return ""
	}
	return t.words[i]
}

// switches returns the first word that sets the boolean flag name to on, ""
// when none does.
func (t toolFlags) switches(name string, on bool) string {
	i := slices.IndexFunc(t.words, func(word string) bool {
		n, _ := goflagName(word)
		_, value, hasValue := strings.Cut(word, "=")
		if !hasValue {
			value = "true"
		}
		set, err := strconv.ParseBool(value)
		return n == name && err == nil && set == on
	})
	if i < 0 {
		return ""
	}
	return t.words[i]
}

// linkmode returns the last -linkmode among the words, "" when there is none.
func (t toolFlags) linkmode() (mode string) {
	for i, word := range t.words {
		name, value, hasValue := strings.Cut(word, "=")
		if name != "-linkmode" && name != "--linkmode" {
			continue
		}
		if !hasValue && i+1 < len(t.words) {
			value = t.words[i+1]
		}
		mode = value
	}
	return mode
}

// spaced returns a value of the page's comma-separated form in Go's form, with
// blanks; ok is false when it is not unambiguously that form. It is when it
// has a comma, neither blanks nor quotes, and every piece starts with "-" and
// has no "=". "-Wl,-z" is gcc's own way to write one flag.
func spaced(value string) (goForm string, ok bool) {
	t, err := parseToolFlags(value)
	if err != nil || !strings.Contains(t.args, ",") || strings.ContainsAny(t.args, blanks+`'"=`) {
		return "", false
	}
	pieces := strings.Split(t.args, ",")
	for _, piece := range pieces {
		if len(piece) < 2 || piece[0] != '-' || slices.Contains([]string{"-Wl", "-Wa", "-Wp"}, piece) {
			return "", false
		}
	}
	return t.pattern + strings.Join(pieces, " "), true
}
