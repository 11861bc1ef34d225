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

// leave returns a file of the runner in which a program has left something.
func leave(t testing.TB, variable, left string) (githubactions.File, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, []byte(left), 0o600); err != nil {
		t.Fatal(err)
	}
	return at(variable, path), path
}

// at returns the file that a variable names.
func at(variable, path string) githubactions.File {
	return githubactions.NewFile(variable, func(name string) string { return map[string]string{variable: path}[name] })
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
		file, path := leave(t, "GITHUB_OUTPUT", tt.left)
		note, err := file.Append(outputs...)
		if err != nil || !strings.Contains(note, tt.note) || (note == "") != (tt.note == "") {
			t.Errorf("%s: error %v, note %q", tt.name, err, note)
		}
		got, err := parser.File([]byte(read(t, path)))
		if diff := cmp.Diff(append(tt.kept, entries(outputs)...), got); diff != "" || err != nil {
			t.Errorf("%s: error %v, %s", tt.name, err, diff)
		}
		if tt.note == "" && !strings.HasPrefix(string([]rune(read(t, path))), string([]rune(tt.left))) {
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
	file, path := leave(t, "GITHUB_OUTPUT", "a<<E\nopen")
	if _, err := file.Append(outputs...); err != nil {
		t.Fatal(err)
	}
	got, err := parser.ActFile([]byte(read(t, path)))
	want := map[string]string{}
	for _, e := range outputs {
		want[e.Name] = strings.ReplaceAll(strings.TrimLeft(e.Value, "\n"), "\r\n", "\n")
	}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Error(err, diff)
	}
}

func TestEnvironmentKeepsCase(t *testing.T) {
	file, path := leave(t, "GITHUB_ENV", "path=a\n")
	if note, err := file.Append(githubactions.Entry{Name: "PATH", Value: "b"}); note != "" || err != nil {
		t.Error(note, err)
	}
	got, _ := parser.File([]byte(read(t, path)))
	if diff := cmp.Diff(pairs("path", "a", "PATH", "b"), got); diff != "" {
		t.Error(diff)
	}
}

func TestRefusedNames(t *testing.T) {
	for _, name := range []string{"", "a=b", "a<<b", "a<", "a\nb", "a\rb", "a\x00", "\ufeffa", "a\xff", "a\u0085"} {
		file, path := leave(t, "GITHUB_OUTPUT", "a=b\nbroken")
		_, err := file.Append(githubactions.Entry{Name: "fine"}, githubactions.Entry{Name: name})
		if err == nil || !strings.Contains(err.Error(), "GITHUB_OUTPUT") {
			t.Errorf("%q: %v", name, err)
		}
		if read(t, path) != "a=b\nbroken" {
			t.Errorf("%q: the file has changed", name)
		}
	}
}

func TestNoFile(t *testing.T) {
	file := at("GITHUB_OUTPUT", "")
	if _, err := file.Append(outputs...); !errors.Is(err, githubactions.ErrNoFile) {
		t.Error(err)
	}
	if _, err := file.AppendSummary("x"); !errors.Is(err, githubactions.ErrNoFile) {
		t.Error(err)
	}
}

// TestSpecialFiles has programs that put something else in the file's place.
func TestSpecialFiles(t *testing.T) {
	elsewhere := filepath.Join(t.TempDir(), "elsewhere")
	for name, make := range map[string]func(path string) error{
		"removed":       func(string) error { return nil },
		"link":          func(path string) error { return os.Symlink(elsewhere, path) },
		"link to /proc": func(path string) error { return os.Symlink("/proc/self/fd/1", path) },
		"pipe":          func(path string) error { return syscall.Mkfifo(path, 0o600) },
		"directory":     func(path string) error { return os.Mkdir(path, 0o700) },
	} {
		path := filepath.Join(t.TempDir(), "file")
		if err := make(path); err != nil {
			t.Fatal(err)
		}
		note, err := at("GITHUB_OUTPUT", path).Append(outputs...)
		if err != nil || (note == "") != (name == "removed") {
			t.Errorf("%s: error %v, note %q", name, err, note)
			continue // reading a pipe would hang
		}
		got, err := parser.File([]byte(read(t, path)))
		if diff := cmp.Diff(entries(outputs), got); diff != "" || err != nil {
			t.Errorf("%s: error %v, %s", name, err, diff)
		}
	}
	if _, err := os.Lstat(elsewhere); !errors.Is(err, os.ErrNotExist) {
		t.Error("a link was followed")
	}
	if _, err := at("GITHUB_OUTPUT", "/dev/null").Append(outputs...); err == nil {
		t.Error("a device was written to or removed")
	}
}

// FuzzFile looks for what a program can leave, or what can be in a value, so
// that entries of gorun do not come through exactly, or others do.
func FuzzFile(f *testing.F) {
	for _, left := range []string{"", "a=b\n", "a<<E\nb\nE\n", "a<<E\nb", "\ufeffa=b\nc", "\xff\xfea\x00=\x00", "OUT=1\nx", "a<<\xfe\nb\n\xff\n"} {
		f.Add([]byte(left), "out", "value\nEOF\nout=forged\n")
	}
	path := filepath.Join(f.TempDir(), "file")
	f.Fuzz(func(t *testing.T, left []byte, name, value string) {
		if err := os.WriteFile(path, left, 0o600); err != nil {
			t.Fatal(err)
		}
		ours := []githubactions.Entry{{Name: "fixed", Value: value}, {Name: name, Value: value + "\r"}}
		if _, err := at("GITHUB_OUTPUT", path).Append(ours...); err != nil {
			if read(t, path) != string(left) {
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
		got, err := parser.File([]byte(read(t, path)))
		if diff := cmp.Diff(append(want, entries(ours)...), got, cmpopts.EquateEmpty()); diff != "" || err != nil {
			t.Error(err, diff)
		}
	})
}
