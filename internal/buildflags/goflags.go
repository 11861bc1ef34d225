package buildflags

import (
	"fmt"
	"slices"
	"strings"
)

// parseGOFLAGS returns the flags in $GOFLAGS that `go run` knows, with
// canonical values. It fails as the go command does (cmd/go/internal/base
// goflags.go); flags that `go run` does not know are ignored, as other go
// commands may.
func parseGOFLAGS(goflags string) ([]setting, error) {
	list, err := SplitQuoted(goflags)
	if err != nil {
		return nil, goflagsError("go: parsing $GOFLAGS: %v", err)
	}
	index := newIndex()
	var settings []setting
	for _, word := range list {
		name, ok := goflagName(word)
		if !ok {
			return nil, goflagsError("go: parsing $GOFLAGS: non-flag %q", word)
		}
		f := index[name]
		if !f.InGo {
			continue
		}
		value, err := goflagValue(f, word)
		if err != nil {
			return nil, err
		}
		settings = append(settings, setting{name, value})
	}
	return settings, nil
}

// goflagName returns the name in -name, --name, -name=value or --name=value.
func goflagName(word string) (string, bool) {
	name, ok := strings.CutPrefix(word, "-")
	name = strings.TrimPrefix(name, "-")
	if !ok || name == "" || name[0] == '-' || name[0] == '=' {
		return "", false
	}
	name, _, _ = strings.Cut(name, "=")
	return name, true
}

func goflagValue(f Flag, word string) (string, error) {
	_, value, hasValue := strings.Cut(word, "=")
	if !hasValue {
		if !f.Bool {
			return "", goflagsError("go: flag needs an argument: -%s (from $GOFLAGS)", f.Name)
		}
		return "true", nil
	}
	if f.Name == "C" {
		return "", goflagsError("go: invalid value %q for flag -C (from $GOFLAGS): %v", value, errChdir)
	}
	canonical, err := f.kind.normalize(value)
	switch {
	case err == nil:
		return canonical, nil
	case f.Bool:
		return "", goflagsError("go: invalid boolean value %q for flag -%s (from $GOFLAGS): %v", value, f.Name, err)
	}
	return "", goflagsError("go: invalid value %q for flag -%s (from $GOFLAGS): %v", value, f.Name, err)
}

func goflagsError(format string, args ...any) *UsageError {
	return &UsageError{
		Message: fmt.Sprintf(format, args...),
		Hint:    "GOFLAGS is a list of -flag and -flag=value, separated by blanks; see its value with: go env GOFLAGS",
	}
}

// withoutGOFLAG returns a GOFLAGS that parseGOFLAGS has accepted without the
// flag name. It is never "", because the go command takes an empty variable
// for an unset one and would read the GOENV file instead.
func withoutGOFLAG(goflags, name string) string {
	list, _ := SplitQuoted(goflags)
	list = slices.DeleteFunc(list, func(word string) bool {
		n, _ := goflagName(word)
		return n == name
	})
	if len(list) == 0 {
		return " "
	}
	joined, _ := JoinQuoted(list) // words of SplitQuoted can always be joined
	return joined
}
