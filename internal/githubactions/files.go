package githubactions

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"
	"unicode"
	"unicode/utf8"
)

// ErrNoFile says that the variable that names a file is not set: there is no
// runner, or one that does not know the file. Nothing was written; it is no
// reason for a run to fail.
var ErrNoFile = errors.New("no file is named")

// maxFile bounds what is read of a file that a program has left. The runner
// takes 1 MB of outputs for a whole job.
const maxFile = 64 << 20

// Entry is one value for the runner.
type Entry struct {
	Name, Value string
}

// File is a file that the runner reads when the step is over.
type File struct {
	variable, path string
}

// NewFile returns the file that a variable of the environment names:
// GITHUB_OUTPUT, GITHUB_ENV, GITHUB_STATE or GITHUB_STEP_SUMMARY.
func NewFile(variable string, getenv func(string) string) File {
	return File{variable: variable, path: getenv(variable)}
}

// Append writes entries behind what the program has left, all or none, in one
// write. It must come when the program has ended; then the entries come through
// as they are, whatever the program left:
//
//   - a last line without newline gets one;
//   - from the first line on that the runner would stop at with an error (no
//     "=" and no "<<", a heredoc without end or without name) all is dropped,
//     for the runner would not have taken any of it, and ours neither;
//   - UTF-16 and UTF-32 with a byte order mark become UTF-8, or the runner
//     would read ours in that encoding, too;
//   - an entry that has one of our names goes, for names differ in case alone
//     only to act; not in GITHUB_ENV, where case counts;
//   - what is no file any more (a link, a pipe) is replaced by one.
//
// note says in a sentence what was dropped or replaced, and is empty most of
// the time. The error is [ErrNoFile] without a file, and says which name or
// value cannot be written. A name is not empty, and has no "=", no "<<", no "<"
// at its end and no control character. A value may hold any bytes; the runner
// replaces what is no UTF-8 by U+FFFD, and act drops a carriage return at the
// end of a line and newlines at the beginning.
func (f File) Append(entries ...Entry) (note string, err error) {
	if f.path == "" {
		return "", fmt.Errorf("%s is not set: %w", f.variable, ErrNoFile)
	}
	var ours []byte
	for _, e := range entries {
		if ours, err = e.append(ours, newDelimiter()); err != nil {
			return "", fmt.Errorf("writing to %s: %w", f.variable, err)
		}
	}
	note, err = f.rewrite(func(left []byte) ([]byte, string, error) {
		kept, note := f.mend(left, entries)
		return append(ended(kept), ours...), note, nil
	})
	if err != nil {
		return "", fmt.Errorf("writing to %s: %w", f.variable, err)
	}
	if note != "" {
		note = f.variable + ": " + note
	}
	return note, nil
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

// rewrite makes of the file what change makes of its bytes. What change only
// adds is appended in one write; what it takes away at the end is cut off
// before.
func (f File) rewrite(change func(left []byte) ([]byte, string, error)) (note string, err error) {
	replaced, err := f.replaceSpecial()
	if err != nil {
		return "", err
	}
	file, err := openRegular(f.path)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	left, err := io.ReadAll(io.LimitReader(file, maxFile+1))
	if err != nil {
		return "", err
	}
	want, note, err := change(left)
	if err != nil {
		return "", err
	}
	return strings.TrimPrefix(replaced+"; "+note, "; "), replace(file, left, want)
}

// replaceSpecial removes what is no regular file. A terminal or another device
// stays: it was there before the program, and somebody wants to see the output.
func (f File) replaceSpecial() (note string, err error) {
	info, err := os.Lstat(f.path)
	if errors.Is(err, os.ErrNotExist) || err == nil && info.Mode().IsRegular() {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	if strings.HasPrefix(f.path, "/dev/") || strings.HasPrefix(f.path, "/proc/") || info.Mode()&os.ModeDevice != 0 {
		return "", fmt.Errorf("%s is not a regular file", f.path)
	}
	return fmt.Sprintf("it was no regular file any more (%v) and has been replaced", info.Mode().Type()), os.Remove(f.path)
}

// openRegular fails, and does not hang, should the program still be there and
// make the file a pipe or a link now.
func openRegular(path string) (*os.File, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_APPEND|os.O_CREATE|syscall.O_NONBLOCK|syscall.O_NOFOLLOW, 0o644)
	if err != nil {
		return nil, err
	}
	info, err := file.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%s is not a regular file", path)
	}
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return file, nil
}

// replace turns left into want, and leaves alone what is the same.
func replace(file *os.File, left, want []byte) error {
	same := commonPrefix(left, want)
	if same < len(left) {
		if err := file.Truncate(int64(same)); err != nil {
			return err
		}
	}
	_, err := file.Write(want[same:])
	return err
}

func commonPrefix(a, b []byte) int {
	if bytes.HasPrefix(b, a) {
		return len(a)
	}
	n := min(len(a), len(b))
	for i := range n {
		if a[i] != b[i] {
			return i
		}
	}
	return n
}
