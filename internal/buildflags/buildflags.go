// Package buildflags knows every flag that gorun passes on to the go command,
// and the ones that the manual page of `go run` names although no Go release
// has them.
//
// Table is the only place with that knowledge: Parse, `gorun -h` and the
// README's table read it, and a test compares it with `go help build`.
//
// A command line becomes a build in three steps, because gorun's own flags
// (--compat, --strict-flags) decide how the later ones go:
//
//	parsed, err := Parse(argv, own)              // flags, Go's flag package rules
//	pkg, args, err := parsed.Package(compat)     // package and program arguments
//	build, err := parsed.Build(Options{...})     // the page's flags in Go's spelling
package buildflags

import "iter"

// Build is what the flags on a command line ask of the go command.
type Build struct {
	// Args are the flags to hand to the go command, in their order and in the
	// form "-name" or "-name=value". Neither -C, -exec, -json nor -n is in it,
	// nor anything that only the page knows.
	Args []string
	// Env are variables ("name=value") that the go command must see instead of
	// the caller's: CGO_CFLAGS for -buildflags, GOFLAGS for -mod auto.
	Env []string
	// Dir is the value of -C, "" when it was not given.
	Dir string
	// Exec are the words of -exec, nil when it was not given or empty.
	Exec []string
	// ExecGiven reports that -exec was given, if only as "-exec=": then the go
	// command does not look for go_$GOOS_$GOARCH_exec either.
	ExecGiven bool
	// JSON and DryRun report -json and -n, from GOFLAGS or the command line.
	// The go command reads GOFLAGS itself: who passes GOFLAGS on and wants
	// another value than it has must say so on the command line (-n=false).
	JSON, DryRun bool
	// Murmur reports -murmur: local change detection uses Murmur3-128.
	Murmur bool
	// Interpreter is the value of -ldlgo when it was passed on, else "". A
	// statically linked program does not use it.
	Interpreter string
	// NeedsC says why the build cannot do without a C compiler ("-race"), ""
	// when no flag asks for one. Packages that use cgo may need one all the same.
	NeedsC string
	// Notices are sentences the user should read once.
	Notices []string
	// settings are all of Go's flags in their order, GOFLAGS first.
	settings []setting
}

type setting struct{ name, value string }

// Value returns the effective value of the go flag name ("mod", "race"), after
// GOFLAGS and the command line: the last one counts. A boolean flag's value is
// "true" or "false"; ok is false when it was given nowhere.
func (b Build) Value(name string) (value string, ok bool) {
	return last(b.settings, name)
}

func last(settings []setting, name string) (value string, ok bool) {
	for _, s := range settings {
		if s.name == name {
			value, ok = s.value, true
		}
	}
	return value, ok
}

// UsageError is a command line that cannot be understood: what is wrong, and
// what to write instead.
type UsageError struct{ Message, Hint string }

func (e *UsageError) Error() string { return e.Message }

// Settings returns all of Go's flags in their order, those of GOFLAGS first,
// each with its canonical value.
func (b Build) Settings() iter.Seq2[string, string] {
	return func(yield func(name, value string) bool) {
		for _, s := range b.settings {
			if !yield(s.name, s.value) {
				return
			}
		}
	}
}
