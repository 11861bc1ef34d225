package buildflags

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

func TestSplitQuoted(t *testing.T) {
	for _, tt := range []struct {
		s    string
		want []string
		err  string
	}{
		{"", nil, ""},
		{" \t\r\n", nil, ""},
		{"a  b\tc\n", []string{"a", "b", "c"}, ""},
		{`'a b' "c 'd'"`, []string{"a b", "c 'd'"}, ""},
		{`''`, []string{""}, ""},
		{`a'b c'd`, []string{"a'b", "c'd"}, ""},
		{`'a'b`, []string{"a", "b"}, ""},
		{`a\ b`, []string{`a\`, "b"}, ""},
		{"a\vb\u00a0c", []string{"a\vb\u00a0c"}, ""},
		{`a 'b`, nil, "unterminated ' string"},
		{`"`, nil, `unterminated " string`},
	} {
		got, err := SplitQuoted(tt.s)
		if message := errorText(err); !slices.Equal(got, tt.want) || (got == nil) != (tt.want == nil) || message != tt.err {
			t.Errorf("SplitQuoted(%q) = %q, %q, want %q, %q", tt.s, got, message, tt.want, tt.err)
		}
	}
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func TestJoinQuotedFails(t *testing.T) {
	if s, err := JoinQuoted([]string{`a 'b' "c"`}); err == nil {
		t.Errorf("joined as %s", s)
	}
}

// A shell gets the words back.
func TestQuote(t *testing.T) {
	list := []string{"gorun", "", "a b", "it's", `"`, "$HOME", "`x`", "*", "~", "a\nb", `\`, "ü", "-ldflags=-X a.b=c", "!", "#", "a;b"}
	line, err := Quote(list)
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("/bin/sh", "-c", `printf '%s\000' `+line).Output()
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Split(strings.TrimSuffix(string(out), "\x00"), "\x00"); !slices.Equal(got, list) {
		t.Errorf("%s\n got %q\nwant %q", line, got, list)
	}
	if plain, _ := Quote([]string{"gorun", "-race", "./cmd/x", "a=b,c"}); plain != "gorun -race ./cmd/x a=b,c" {
		t.Errorf("quotes what needs none: %s", plain)
	}
	if _, err := Quote([]string{"a\x00b"}); err == nil {
		t.Error("quotes a NUL byte")
	}
}
