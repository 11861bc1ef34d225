package githubactions

import (
	"os/exec"
	"reflect"
	"strings"
	"testing"
)

func TestParseList(t *testing.T) {
	for text, want := range map[string][]string{
		"":                                     nil,
		"  \n ":                                nil,
		"a":                                    {"a"},
		`a "b c" d\ e 'f\g' "h\i\"j"`:          {"a", "b c", "d e", `f\g`, `h\i"j`},
		`'' ""`:                                {"", ""},
		`-ldflags="-s -w" *.go ~ {a,b} a=b if`: {"-ldflags=-s -w", "*.go", "~", "{a,b}", "a=b", "if"},
		`'$HOME' \$x "\$y"`:                    {"$HOME", "$x", "$y"},
		`["a","b c","","[x]"]`:                 {"a", "b c", "", "[x]"},
		"[]":                                   {},
		"\n[\"a\",\n \"b\"]\n":                 {"a", "b"},
		"a b\nc\n":                             {"a b", "c"},
		"a\r\n\r\n  b \r\n":                    {"a", "  b "},
		"-x 'y\n#z $HOME `id`":                 {"-x 'y", "#z $HOME `id`"},
		"\nonly line with blanks  \n":          {"only", "line", "with", "blanks"},
		"a#b":                                  {"a#b"},
	} {
		got, err := parseList(text)
		if err != nil || len(got) != len(want) || len(want) > 0 && !reflect.DeepEqual(got, want) {
			t.Errorf("%q: %q, %v, want %q", text, got, err, want)
		}
	}
	for text, says := range map[string]string{
		"$HOME": "nothing is expanded", "a `id`": "nothing is expanded", `"$(id)"`: "nothing is expanded", "$((1))": "nothing is expanded",
		"a; b": "not a valid word", "a | b": "not a valid word", "a > b": "not a valid word", "(a)": "not a valid word", "a &": "not a valid word",
		"'open": "closing quote", `"open`: "closing quote", "# c": "comment", "a # c": "comment",
		"[a]": "not a JSON array of strings", `["a", 1]`: "not a JSON array of strings", `["a"] b`: "not a JSON array of strings", `["a",]`: "not a JSON array",
	} {
		if got, err := parseList(text); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %q, %v, want an error with %q", text, got, err, says)
		}
	}
}

// FuzzParseWords compares shell words with sh itself, where nothing is expanded.
func FuzzParseWords(f *testing.F) {
	for _, s := range []string{`a "b c" d\ e`, `'f\g' "h\i\"j"`, `a''b "" \\`, "a\\\tb"} {
		f.Add(s)
	}
	sh, err := exec.LookPath("sh")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if strings.ContainsAny(text, "\x00\n\r*?[~{}$`!") { // sh expands, or reads lines
			return
		}
		for _, r := range text {
			if r < ' ' && r != '\t' || r > '~' {
				return
			}
		}
		got, err := parseWords(text)
		if err != nil {
			return
		}
		out, err := exec.Command(sh, "-c", `for w in `+text+"\ndo printf '%s\\0' \"$w\"\ndone").Output()
		if err != nil {
			return // sh has reserved words
		}
		want := strings.Split(string(out), "\x00")
		want = want[:len(want)-1]
		if len(got) != len(want) || len(got) > 0 && !reflect.DeepEqual(got, want) {
			t.Errorf("%q: %q, sh %q", text, got, want)
		}
	})
}
