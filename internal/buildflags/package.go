package buildflags

import (
	"slices"
	"strings"
)

// Package tells the package argument, or the files of a file list, apart from
// the program's arguments.
//
// The package is "." when none is given, and a "--" right after the package or
// right after the flags is the separator and belongs to nobody. With compat
// the rules are those of cmd/go/internal/run: a "--" after the flags ends the
// flags, one after the package is the program's, and a package must be given.
func (p Parsed) Package(compat bool) (pkg, args []string, err error) {
	if !compat && (p.ended || len(p.rest) == 0) {
		return []string{"."}, p.rest, nil
	}
	n, err := packageWords(p.rest)
	if err != nil {
		return nil, nil, err
	}
	pkg, args = p.rest[:n:n], p.rest[n:]
	if !compat && len(args) > 0 && args[0] == "--" {
		args = args[1:]
	}
	return pkg, args, nil
}

// packageWords returns how many words at the start name what to run.
func packageWords(list []string) (int, error) {
	n := slices.IndexFunc(list, func(word string) bool { return !strings.HasSuffix(word, ".go") })
	if n < 0 {
		n = len(list)
	}
	for _, file := range list[:n] {
		if strings.HasSuffix(file, "_test.go") {
			return 0, &UsageError{
				Message: "go: cannot run *_test.go files (" + file + ")",
				Hint:    "go test runs tests; a program's arguments that end in .go go after --",
			}
		}
	}
	switch {
	case n > 0:
		return n, nil
	case len(list) == 0 || strings.HasPrefix(list[0], "-"):
		return 0, &UsageError{Message: "go: no go files listed", Hint: "name a package (\".\" for the current directory) or .go files after the flags"}
	}
	return 1, nil
}

// Rest returns the words from the first one on that is no flag, or after "--".
func (p Parsed) Rest() []string { return p.rest }
