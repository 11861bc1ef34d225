package githubactions

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Entry is one value for the runner.
type Entry struct {
	Name, Value string
}

// newDelimiter returns what no value can know before: 128 random bits.
func newDelimiter() string {
	random := make([]byte, 16)
	rand.Read(random) // never fails, see its documentation
	return "ghadelimiter_" + hex.EncodeToString(random)
}

func (e Entry) append(b []byte, delimiter string) ([]byte, error) {
	if err := checkName(e.Name); err != nil {
		return nil, err
	}
	if strings.Contains(e.Name, delimiter) || strings.Contains(e.Value, delimiter) {
		return nil, fmt.Errorf("%s holds its own delimiter", e.Name)
	}
	return fmt.Appendf(b, "%s<<%s\n%s\n%[2]s\n", e.Name, delimiter, e.Value), nil
}

func checkName(name string) error {
	switch {
	case name == "":
		return errors.New("a name is empty")
	case strings.Contains(name, "="), strings.Contains(name, "<<"), strings.HasSuffix(name, "<"):
		return fmt.Errorf(`the name %q has a "=" or "<<", which would end it`, name)
	case strings.ContainsFunc(name, unicode.IsControl), strings.HasPrefix(name, "\ufeff"), !utf8.ValidString(name):
		return fmt.Errorf("the name %q has characters that the runner would take for something else", name)
	}
	return nil
}

// ended returns b with a newline at its end, if there is anything in it.
func ended(b []byte) []byte {
	if len(b) > 0 && b[len(b)-1] != '\n' {
		return append(b, '\n')
	}
	return b
}
