package parser

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func TestLines(t *testing.T) {
	for _, tt := range []struct {
		data string
		want []string
	}{
		{"", nil},
		{"a", []string{"a"}},
		{"a\n", []string{"a"}},
		{"a\rb\r\nc\n\rd", []string{"a", "b", "c", "", "d"}},
		{"a\vb\fc\u0085d\u2028e\n", []string{"a\vb\fc\u0085d\u2028e"}},
		{"\ufeffa\n\ufeffb\n", []string{"a", "\ufeffb"}},
		{"\xe2\n", []string{"\ufffd"}},
		{"\xff\xfea\x00\n\x00b\x00", []string{"a", "b"}},
		{"\xfe\xff\x00a\x00\n\x00", []string{"a", "\ufffd"}},
		{"\xff\xfe\x00\x00a\x00\x00\x00\n\x00\x00\x00", []string{"a"}},
	} {
		if diff := cmp.Diff(tt.want, Lines([]byte(tt.data)), cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%q: %s", tt.data, diff)
		}
	}
}

func TestRunner(t *testing.T) {
	at := map[string]string{"file": "a.go", "line": "3"}
	for _, tt := range []struct {
		output string
		want   []Command
	}{
		{"::error::x\n", []Command{{"error", nil, "x"}}},
		{"::error file=a.go,line=3::x", []Command{{"error", at, "x"}}},
		{"\u00a0\t ::Error  file=a.go,,line==3 ::x: y::z", []Command{{"Error", at, "x: y::z"}}},
		{"progress\r::debug::x\rmore", []Command{{"debug", nil, "x"}}},
		{"x ::error::x\n::nothing::x\n::error:x\n: :error::x\n:: error::x\n", nil},
		{"::error title=%3A%2C%25%0D%0A::%3A%2C%25%0D%0A", []Command{{"error", map[string]string{"title": ":,%\r\n"}, "%3A%2C%\r\n"}}},
		{"::debug::%250A", []Command{{"debug", nil, "%0A"}}},
		{`{"line":"##[error file=a.go;line=3]x"}`, []Command{{"error", at, `x"}`}}},
		{"##[debug]%3B%5D%3A", []Command{{"debug", nil, ";]%3A"}}},
		{"##[nothing]##[debug]x\n##[debug\n#[debug]x", nil},
		{"::nothing::##[debug]x", []Command{{"debug", nil, "x"}}},
		{"::stop-commands::t\n::error::x\n::stop-commands::u\n::u::\n##[error]x\n::T::\n::error::y", []Command{{"error", nil, "y"}}},
		{"##[stop-commands]t\n::error::x\nsome ##[t]\n::error::y", []Command{{"error", nil, "y"}}},
		{"::stop-commands::\n::stop-commands::debug\n::error::x", []Command{{"error", nil, "x"}}},
		{"::t::\n::stop-commands::t\n::t \n::t\n::tt::\n::error::x\n", nil},
	} {
		got := (&Runner{}).Output([]byte(tt.output))
		if diff := cmp.Diff(tt.want, got, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%q: %s", tt.output, diff)
		}
	}
}

func TestCulture(t *testing.T) {
	for _, tt := range []struct {
		output           string
		ordinal, culture int
	}{
		{"::error::x", 1, 1},
		{"\u200d##[error]x", 1, 1},
		{"::error:\x00:x", 0, 1},
		{"::error\u00ad::x", 0, 0},
		{"\x00::error::x", 0, 0},
		{"x::error::x", 0, 0},
	} {
		if n := len((&Runner{}).Output([]byte(tt.output))); n != tt.ordinal {
			t.Errorf("%q: %d commands", tt.output, n)
		}
		if n := len((&Runner{Culture: true}).Output([]byte(tt.output))); n != tt.culture {
			t.Errorf("%q: %d commands by the culture's rules", tt.output, n)
		}
	}
}

func TestAct(t *testing.T) {
	for _, tt := range []struct {
		output string
		want   []Command
	}{
		{"::error file=a.go::x%0Ay\n::error::cut", []Command{{"error", map[string]string{"file": "a.go"}, "x\ny"}}},
		{"##[set-output name=a]b\r\n", []Command{{"set-output", map[string]string{"name": "a"}, "b"}}},
		{" ::error::x\na\r::error::x\n \n##[error\n", nil},
		{"::stop-commands::t\n::error::x\n::T::\n##[debug]x\n::t::\n::any::y\n", []Command{{"any", nil, "y"}}},
	} {
		got := (&Act{}).Output([]byte(tt.output))
		if diff := cmp.Diff(tt.want, got, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%q: %s", tt.output, diff)
		}
	}
}

func TestFile(t *testing.T) {
	for _, tt := range []struct {
		data  string
		want  []Entry
		fails bool
	}{
		{"", nil, false},
		{"a=b\n\nc=d=e<<f\n=g", []Entry{{"a", "b"}, {"c", "d=e<<f"}, {"", "g"}}, false},
		{"a<<E\nE\nb<<E=\n\nx\r\n\nE=", []Entry{{"a", ""}, {"b", "\nx\r\n"}}, false},
		{"\ufeffa=b\r\n", []Entry{{"a", "b\r"}}, false},
		{"a=b\nc\nd=e", []Entry{{"a", "b"}}, true},
		{"a=b\nc<<E\nd=e\n E\n", []Entry{{"a", "b"}}, true},
		{"c<<E\nd=e", nil, true},
		{"c<<\n\n", nil, true},
		{"<<E\nE\n", nil, true},
		{"c<<E\r\nE\n", nil, true},
	} {
		got, err := File([]byte(tt.data))
		if diff := cmp.Diff(tt.want, got, cmpopts.EquateEmpty()); diff != "" || (err != nil) != tt.fails {
			t.Errorf("%q: error %v, %s", tt.data, err, diff)
		}
	}
}

func TestActFile(t *testing.T) {
	got, err := ActFile([]byte("\ufeffa=b\nc<<E\n\nx\r\n\ny\nE\r\n"))
	if diff := cmp.Diff(map[string]string{"a": "b", "c": "x\n\ny"}, got); diff != "" || err != nil {
		t.Error(err, diff)
	}
	for _, data := range []string{"a=b\n\n", "a\n", "a<<E\n"} {
		if _, err := ActFile([]byte(data)); err == nil {
			t.Errorf("%q was read", data)
		}
	}
}
