package githubactions

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/org/gorun-action/internal/buildflags"
)

// isBoolean takes YAML's own spellings (core schema), as go-githubactions and
// the toolkit do.
func isBoolean(value string) error {
	if !slices.Contains([]string{"true", "True", "TRUE", "false", "False", "FALSE"}, strings.TrimSpace(value)) {
		return errors.New("it is neither true nor false")
	}
	return nil
}

func isOneOf(values ...string) func(string) error {
	return func(value string) error {
		if !slices.Contains(values, strings.TrimSpace(value)) {
			return fmt.Errorf("it must be one of %s", strings.Join(values, ", "))
		}
		return nil
	}
}

func isList(value string) error {
	_, err := parseList(value)
	return err
}

// isEnv never says a value: it may be a secret.
func isEnv(value string) error {
	list, err := parseList(value)
	if err != nil {
		return err
	}
	for n, entry := range list {
		name, _, ok := strings.Cut(entry, "=")
		switch {
		case !ok || name == "":
			return fmt.Errorf("entry %d has no NAME= at its beginning", n+1)
		case strings.ContainsAny(entry, "\x00") || strings.ContainsAny(name, " \t"):
			return fmt.Errorf("entry %d has a name with a blank, or a NUL", n+1)
		}
	}
	return nil
}

// areFlags makes sure that build-flags has flags only: the first other word
// would be taken for the package.
func areFlags(words []string, own []buildflags.Own) error {
	for _, word := range words {
		if name, _, blank := strings.Cut(word, " "); blank && strings.HasPrefix(name, "-") && !strings.Contains(name, "=") {
			return &buildflags.UsageError{
				Message: fmt.Sprintf("input build-flags: %q is one word with a blank in its name", word),
				Hint:    "on several lines, each line is one word: write -tags=e2e, not -tags e2e",
			}
		}
	}
	parsed, err := buildflags.Parse(words, ignoring(own))
	if err != nil {
		return &buildflags.UsageError{Message: "input build-flags: " + err.Error(), Hint: hintOf(err)}
	}
	rest := parsed.Rest()
	if n := slices.Index(words, "--"); n >= 0 {
		rest = words[n:]
	}
	if len(rest) > 0 {
		return &buildflags.UsageError{
			Message: fmt.Sprintf("input build-flags: %q is not a flag", rest[0]),
			Hint:    "the package goes into package, the program's arguments into args",
		}
	}
	return nil
}

// ignoring returns the same flags, which do nothing.
func ignoring(own []buildflags.Own) []buildflags.Own {
	own = slices.Clone(own)
	for i := range own {
		own[i].Set = func(string) error { return nil }
	}
	return own
}

func hintOf(err error) string {
	var usage *buildflags.UsageError
	if errors.As(err, &usage) {
		return usage.Hint
	}
	return ""
}

// isPackage refuses words that a command line would take for something else.
func isPackage(words []string) error {
	files := !slices.ContainsFunc(words, func(w string) bool { return !strings.HasSuffix(w, ".go") })
	switch {
	case len(words) == 0:
		return &buildflags.UsageError{Message: "input package names none", Hint: "leave it out for the working directory"}
	case len(words) > 1 && !files:
		return &buildflags.UsageError{
			Message: fmt.Sprintf("input package: %q are several packages, of which one can run", words),
			Hint:    `a path with a blank is written as a JSON array: ["my dir/cmd"]; the program's arguments go into args`,
		}
	case strings.HasPrefix(words[0], "-"):
		return &buildflags.UsageError{Message: fmt.Sprintf("input package: %q is a flag", words[0]), Hint: "flags go into build-flags"}
	}
	return nil
}

// Secrets returns the values of Env whose names say that they are secret. A
// value of less than four characters is none: masking it would only garble the
// log.
func (in Inputs) Secrets() (values []string) {
	for _, entry := range in.Env {
		name, value, _ := strings.Cut(entry, "=")
		if isSecret(name) && len(value) >= 4 {
			values = append(values, value)
		}
	}
	return values
}

func isSecret(name string) bool {
	name = strings.ToUpper(name)
	return slices.ContainsFunc([]string{"SECRET", "TOKEN", "PASSWORD", "CREDENTIAL", "API_KEY"}, func(s string) bool { return strings.Contains(name, s) })
}
