// Package buildflags knows every flag that gorun passes on to the go command,
// and the ones that the manual page of `go run` names although no Go release
// has them.
//
// Table is the only place with that knowledge: Parse, `gorun -h` and the
// README's table read it, and a test compares it with `go help build`.
package buildflags

// Build is what the flags on a command line ask of the go command.
type Build struct {
	// Args are the flags to hand to the go command, in their order and in the
	// form "-name" or "-name=value". Neither -C, -exec, -json nor -n is in it,
	// nor anything that only the page knows.
	Args []string
	// Exec are the words of -exec, nil when it was not given or empty.
	Exec []string
	// JSON and DryRun report -json and -n.
	JSON, DryRun bool
	// Notices are sentences the user should read once.
	Notices []string
	// settings are all flags of the command line in their order, GOFLAGS first.
	settings []setting
}

type setting struct{ name, value string }

// Value returns the effective value of the go flag name ("mod", "race"), after
// GOFLAGS and the command line: the last one counts. A boolean flag's value is
// "true" or "false"; ok is false when it was given nowhere.
func (b Build) Value(name string) (value string, ok bool) {
	for _, s := range b.settings {
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
