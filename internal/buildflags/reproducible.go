package buildflags

import "fmt"

// reproducibleFlags keep paths and the version control's state out of the
// executable; why says it of the value that does not.
var reproducibleFlags = []struct{ name, value, why string }{
	{"trimpath", "true", "without -trimpath the executable names directories of this machine"},
	{"buildvcs", "false", "the version control's state is not the same in every copy of the sources"},
}

// reproducible adds the flags of Options.Reproducible to the command line.
func (t *translation) reproducible() error {
	if !t.Reproducible {
		return nil
	}
	for _, f := range reproducibleFlags {
		switch value, given := last(t.cli, f.name); {
		case !given:
			t.cli = append(t.cli, setting{f.name, f.value})
		case value != f.value:
			return &UsageError{
				Message: fmt.Sprintf("--reproducible and -%s=%s contradict each other: %s", f.name, value, f.why),
				Hint:    "drop one of the two; --verify-build implies --reproducible",
			}
		}
	}
	return nil
}
