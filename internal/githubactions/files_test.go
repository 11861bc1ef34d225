package githubactions_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/org/gorun-action/internal/githubactions"
	"github.com/org/gorun-action/internal/githubactions/parser"
)

// step is a file of the runner, and the program's own in its place.
type step struct {
	testing.TB
	files     *githubactions.Files
	path, own string
}

func newStep(t testing.TB, variable string) step {
	t.Helper()
	s := step{TB: t, path: filepath.Join(t.TempDir(), "file")}
	s.must(os.WriteFile(s.path, nil, 0o600))
	return s.open(variable)
}

// open is what gorun does before there is a program.
func (s step) open(variable string) step {
	s.Helper()
	files, err := githubactions.OpenFiles(func(name string) string { return map[string]string{variable: s.path}[name] })
	s.must(err)
	s.files, s.own = files, files.Environ()[0][1]
	s.Cleanup(func() { files.Remove() })
	return s
}

func (s step) must(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

// ends has the program leave something, and gorun conclude.
func (s step) ends(left string, outputs []githubactions.Entry, markdown string) (note string, err error) {
	s.Helper()
	s.must(os.WriteFile(s.own, []byte(left), 0o600))
	return s.closes(outputs, markdown)
}

func (s step) closes(outputs []githubactions.Entry, markdown string) (note string, err error) {
	notes, err := s.files.Close(outputs, func(int) string { return markdown })
	if _, err := os.Lstat(s.own); err == nil {
		s.Error("the program's own file is still there")
	}
	return strings.Join(notes, "\n"), err
}

func read(t testing.TB, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// outputs are what gorun writes; their values would forge others if they could.
var outputs = []githubactions.Entry{
	{Name: "outcome", Value: "failure"},
	{Name: "exit-code", Value: "1"},
	{Name: "stdout", Value: "x<<EOF\nEOF\noutcome=success\nghadelimiter_\n"},
	{Name: "empty", Value: ""},
	{Name: "newlines", Value: "\n\n"},
	{Name: "bytes", Value: "a\r\nb\rc\x00d\ufeff"},
}

func TestAppend(t *testing.T) {
	for _, tt := range []struct {
		name, left string
		kept       []parser.Entry
		note       string
	}{
		{"nothing", "", nil, ""},
		{"a pair", "a=b\n", pairs("a", "b"), ""},
		{"no newline at the end", "a=b", pairs("a", "b"), ""},
		{"a heredoc", "a<<E\nb\nE", pairs("a", "b"), ""},
		{"empty lines", "\n\na=b\n\n", pairs("a", "b"), ""},
		{"a mark of UTF-8", "\ufeffa=b\n", pairs("a", "b"), ""},
		{"an open heredoc", "a=b\nc<<E\nd\n", pairs("a", "b"), "from line 2 on"},
		{"an open heredoc without newline", "c<<E", nil, "from line 1 on"},
		{"an open heredoc that waits for ours", "a<<E\n1\nE\nc<<outcome<<E\n", pairs("a", "1"), "from line 4 on"},
		{"garbage", "a=b\ngarbage\nc=d\n", pairs("a", "b"), "from line 2 on"},
		{"garbage without newline", "a=b\ngarbage", pairs("a", "b"), "from line 2 on"},
		{"no name", "<<E\nE\n", nil, "from line 1 on"},
		{"no delimiter", "a<<\n\n", nil, "from line 1 on"},
		{"a delimiter with a carriage return", "a<<E\r\nb\nE\n", nil, "has no end"},
		{"one of our names", "outcome=success\na=b\nexit-code<<E\n0\nE\n", pairs("a", "b"), "the name of one of gorun's"},
		{"one of our names in another case", "OUTCOME=success\n", nil, "the name of one of gorun's"},
		{"our names and a fault", "a=b\nOutcome=success\nc=d\ne", pairs("a", "b", "c", "d"), "from line 4 on"},
		{"UTF-16", "\xff\xfea\x00=\x00b\x00\n\x00", pairs("a", "b"), "has been converted"},
		{"the mark of UTF-16 alone", "\xfe\xff", nil, "has been converted"},
		{"UTF-32", "\xff\xfe\x00\x00a\x00\x00\x00=\x00\x00\x00", pairs("a", ""), "has been converted"},
		{"no UTF-8", "a=\xff\n", pairs("a", "\ufffd"), ""},
		{"delimiters that become the same", "a<<\xfe\nb\n\xff\n", pairs("a", "b"), ""},
		{"an open character at the end", "a=b\xe2", pairs("a", "b\ufffd"), ""},
	} {
		step := newStep(t, "GITHUB_OUTPUT")
		note, err := step.ends(tt.left, outputs, "")
		if err != nil || !strings.Contains(note, tt.note) || (note == "") != (tt.note == "") {
			t.Errorf("%s: error %v, note %q", tt.name, err, note)
		}
		got, err := parser.File([]byte(read(t, step.path)))
		if diff := cmp.Diff(append(tt.kept, entries(outputs)...), got); diff != "" || err != nil {
			t.Errorf("%s: error %v, %s", tt.name, err, diff)
		}
		if tt.note == "" && !strings.HasPrefix(string([]rune(read(t, step.path))), string([]rune(tt.left))) {
			t.Errorf("%s: what was left has changed without a note", tt.name)
		}
	}
}

// pairs returns entries of names and values in turn.
func pairs(words ...string) (all []parser.Entry) {
	for i := 0; i < len(words); i += 2 {
		all = append(all, parser.Entry{Name: words[i], Value: words[i+1]})
	}
	return all
}

func entries(from []githubactions.Entry) []parser.Entry {
	var all []parser.Entry
	for _, e := range from {
		all = append(all, parser.Entry{Name: e.Name, Value: string([]rune(e.Value))})
	}
	return all
}

// TestAppendTo act differs in what it loses of a value, and in nothing else.
func TestAppendToAct(t *testing.T) {
	step := newStep(t, "GITHUB_OUTPUT")
	if _, err := step.ends("a<<E\nopen", outputs, ""); err != nil {
		t.Fatal(err)
	}
	got, err := parser.ActFile([]byte(read(t, step.path)))
	want := map[string]string{}
	for _, e := range outputs {
		want[e.Name] = strings.ReplaceAll(strings.TrimLeft(e.Value, "\n"), "\r\n", "\n")
	}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Error(err, diff)
	}
}

// What is not gorun's to judge goes to the runner as it is, behind what was there.
func TestHandedOn(t *testing.T) {
	for _, variable := range []string{"GITHUB_ENV", "GITHUB_PATH", "GITHUB_STATE"} {
		step := newStep(t, variable)
		step.must(os.WriteFile(step.path, []byte("before"), 0o600))
		step = step.open(variable)
		note, err := step.ends("path=a\noutcome=b\nbroken", outputs, "gorun's")
		if got := read(t, step.path); note != "" || err != nil || got != "before\npath=a\noutcome=b\nbroken" {
			t.Errorf("%s: %q, %q, %v", variable, got, note, err)
		}
	}
}

func TestRefusedNames(t *testing.T) {
	for _, name := range []string{"", "a=b", "a<<b", "a<", "a\nb", "a\rb", "a\x00", "\ufeffa", "a\xff", "a\u0085"} {
		step := newStep(t, "GITHUB_OUTPUT")
		_, err := step.ends("a=b\n", []githubactions.Entry{{Name: "fine"}, {Name: name}}, "")
		if err == nil || !strings.Contains(err.Error(), "GITHUB_OUTPUT") {
			t.Errorf("%q: %v", name, err)
		}
		if read(t, step.path) != "" {
			t.Errorf("%q: the file has changed", name)
		}
	}
}

// A runner that names no file is told nothing.
func TestNoFile(t *testing.T) {
	files, err := githubactions.OpenFiles(func(string) string { return "" })
	if err != nil || len(files.Environ()) > 0 {
		t.Fatal(err, files.Environ())
	}
	if notes, err := files.Close(outputs, func(int) string { return "x" }); len(notes) > 0 || err != nil {
		t.Error(notes, err)
	}
}

// inPlace are things that a program can put in the place of a file. Whether
// gorun replaces it is in the value.
func inPlace(elsewhere string) map[string]func(path string) error {
	return map[string]func(path string) error{
		"removed":          os.Remove,
		"unwritable":       func(path string) error { return os.Chmod(path, 0) },
		"link":             func(path string) error { return errors.Join(os.Remove(path), os.Symlink(elsewhere, path)) },
		"link to nothing":  func(path string) error { return errors.Join(os.Remove(path), os.Symlink(elsewhere+"/none", path)) },
		"link to /proc":    func(path string) error { return errors.Join(os.Remove(path), os.Symlink("/proc/self/fd/1", path)) },
		"hard link":        func(path string) error { return errors.Join(os.Remove(path), os.Link(elsewhere, path)) },
		"pipe":             func(path string) error { return errors.Join(os.Remove(path), syscall.Mkfifo(path, 0o600)) },
		"another's output": func(path string) error { return os.WriteFile(path, []byte("outcome=forged\n"), 0o600) },
		"much":             func(path string) error { return os.Truncate(path, 1<<40) },
		"directory":        func(path string) error { return errors.Join(os.Remove(path), os.MkdirAll(path+"/full", 0o700)) },
	}
}

// A program that puts something else in the place of its own file, or of the
// runner's, changes nothing about gorun's outputs: they are there, or there is an
// error.
func TestHostileFiles(t *testing.T) {
	for _, whose := range []string{"its own", "the runner's"} {
		elsewhere := filepath.Join(t.TempDir(), "elsewhere")
		if err := os.WriteFile(elsewhere, []byte("outcome=elsewhere\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		for name, make := range inPlace(elsewhere) {
			step := newStep(t, "GITHUB_OUTPUT")
			path := step.own
			if whose == "the runner's" {
				path = step.path
			}
			step.must(make(path))
			_, err := step.closes(outputs, "")
			if whose == "the runner's" && name == "directory" {
				if err == nil {
					t.Errorf("%s %s: no error", whose, name)
				}
				continue
			}
			got, parseErr := parser.File([]byte(read(t, step.path)))
			var values []string
			for _, e := range got {
				if strings.EqualFold(e.Name, "outcome") {
					values = append(values, e.Value)
				}
			}
			if err != nil || parseErr != nil || len(values) != 1 || values[0] != "failure" {
				t.Errorf("%s %s: outcome %q, %v, %v", whose, name, values, err, parseErr)
			}
			if info, err := os.Lstat(step.path); err != nil || info.Mode() != 0o600 {
				t.Errorf("%s %s: %v, %v", whose, name, info, err)
			}
		}
		if read(t, elsewhere) != "outcome=elsewhere\n" {
			t.Error("a link was followed")
		}
	}
}

// What has the old files open writes to nobody.
func TestLateWriter(t *testing.T) {
	step := newStep(t, "GITHUB_OUTPUT")
	var late []*os.File
	for _, path := range []string{step.own, step.path} {
		file, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
		step.must(err)
		defer file.Close()
		late = append(late, file)
	}
	_, err := step.ends("a=b\n", outputs, "")
	step.must(err)
	for _, file := range late {
		_, err := file.WriteString("outcome=late\n")
		step.must(err)
	}
	if got := read(t, step.path); strings.Contains(got, "late") || !strings.HasPrefix(got, "a=b\n") {
		t.Errorf("%q", got)
	}
}

// What is no file to begin with is refused before there is a program.
func TestNoRegularFile(t *testing.T) {
	for _, path := range []string{os.DevNull, t.TempDir()} {
		if _, err := githubactions.OpenFiles(func(string) string { return path }); err == nil || !strings.Contains(err.Error(), "GITHUB_OUTPUT: open "+path+": it is not a regular file") {
			t.Errorf("%s: %v", path, err)
		}
	}
}

// FuzzFile looks for what a program can leave, or what can be in a value, so
// that entries of gorun do not come through exactly, or others do.
func FuzzFile(f *testing.F) {
	for _, left := range []string{"", "a=b\n", "a<<E\nb\nE\n", "a<<E\nb", "\ufeffa=b\nc", "\xff\xfea\x00=\x00", "OUT=1\nx", "a<<\xfe\nb\n\xff\n"} {
		f.Add([]byte(left), "out", "value\nEOF\nout=forged\n")
	}
	f.Fuzz(func(t *testing.T, left []byte, name, value string) {
		step := newStep(t, "GITHUB_OUTPUT")
		ours := []githubactions.Entry{{Name: "fixed", Value: value}, {Name: name, Value: value + "\r"}}
		if _, err := step.ends(string(left), ours, ""); err != nil {
			if read(t, step.path) != "" {
				t.Fatal("the file has changed, and an error says", err)
			}
			return
		}
		var want []parser.Entry
		theirs, _ := parser.File(left)
		for _, e := range theirs {
			if !strings.EqualFold(e.Name, "fixed") && !strings.EqualFold(e.Name, name) {
				want = append(want, e)
			}
		}
		got, err := parser.File([]byte(read(t, step.path)))
		if diff := cmp.Diff(append(want, entries(ours)...), got, cmpopts.EquateEmpty()); diff != "" || err != nil {
			t.Error(err, diff)
		}
	})
}
