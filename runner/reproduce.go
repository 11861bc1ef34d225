package runner

import (
	"strings"
)

// reproduce returns the command line that does this run again with the same
// toolchain, for a person to paste.
func (r *run) reproduce() string {
	words := []string{"gorun"}
	switch t := r.result.Toolchain; {
	case r.spec.ToolchainImage != "":
		words = append(words, "--toolchain-image="+r.spec.ToolchainImage)
	case t != nil && t.Version != "" && t.Image != "":
		words = append(words, "--go-version="+t.Version)
	}
	if r.result.Builder == "host" {
		words = append(words, "--builder=host")
	}
	words = append(words, r.spec.Build.Args...)
	if len(r.spec.Build.Exec) > 0 {
		words = append(words, "-exec="+quotedAll(r.spec.Build.Exec))
	}
	words = append(words, r.spec.Package...)
	if len(r.spec.Args) > 0 {
		words = append(append(words, "--"), r.spec.Args...)
	}
	line := make([]string, len(words))
	for i, w := range words {
		line[i] = shellQuoted(w)
	}
	return strings.Join(line, " ")
}

// shellQuoted quotes a word for a POSIX shell where it needs it.
func shellQuoted(word string) string {
	plain := func(c rune) bool {
		return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.ContainsRune("-_./=:@,+%^", c)
	}
	if word != "" && strings.TrimLeftFunc(word, plain) == "" {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}

// quotedAll joins words the way the go command splits them
// (cmd/internal/quoted).
func quotedAll(words []string) string {
	out := make([]string, len(words))
	for i, w := range words {
		out[i] = quoted(w)
	}
	return strings.Join(out, " ")
}

// quoted quotes one word. The go command knows no escapes, so a word with both
// kinds of quotes and blanks cannot be written; it is left as it is, and the
// go command says so.
func quoted(word string) string {
	switch {
	case word != "" && !strings.ContainsAny(word, " \t\r\n'\""):
		return word
	case !strings.Contains(word, "'"):
		return "'" + word + "'"
	}
	return `"` + word + `"`
}

// execLine is what -x shows as the last command: the program as it runs.
func (r *run) execLine(exe string) string {
	words := append(append(append([]string{}, r.spec.Build.Exec...), exe), r.spec.Args...)
	return strings.Join(words, " ") + "\n"
}
