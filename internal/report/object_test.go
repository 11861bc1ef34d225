package report

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"
)

func nested(n int) string {
	return `{"a":` + strings.Repeat("[", n-1) + strings.Repeat("]", n-1) + `}`
}

var objectCases = []struct {
	line string
	want bool
}{
	{`{}`, true}, {`{ }`, true}, {"{\t\"a\" : 1 , \"b\":[ ] }", true},
	{`{"a":null,"b":true,"c":false,"d":"x","e":[1,{}],"f":{"g":-0.5e+10}}`, true},
	{`{"a":1,"a":2}`, true}, {`{"":"\u0000\"\\\/\b\f\n\r\t\ud800"}`, true}, {`{"é":"€😀"}`, true}, {"{\"a\":\"\x7f\u2028\"}", true},
	{`{"a":0}`, true}, {`{"a":-1}`, true}, {`{"a":10E5}`, true}, {`{"a":1e-5}`, true}, {`{"a":123456789012345678901234567890}`, true},
	{nested(maxDepth), true}, {nested(maxDepth + 1), false},
	{``, false}, {`{`, false}, {`}`, false}, {`[]`, false}, {`"{}"`, false}, {`{}}`, false}, {`{}{}`, false}, {` {}`, false}, {`{} `, false},
	{`{,}`, false}, {`{"a"}`, false}, {`{"a":}`, false}, {`{"a":1,}`, false}, {`{"a" 1}`, false}, {`{"a":1 "b":2}`, false}, {`{1:2}`, false}, {`{'a':1}`, false},
	{`{"a":[1,]}`, false}, {`{"a":[1 2]}`, false}, {`{"a":[}`, false}, {`{"a":[,1]}`, false},
	{`{"a":01}`, false}, {`{"a":1.}`, false}, {`{"a":.5}`, false}, {`{"a":+1}`, false}, {`{"a":1e}`, false}, {`{"a":-}`, false}, {`{"a":NaN}`, false}, {`{"a":0x1}`, false},
	{`{"a":tru}`, false}, {`{"a":nulll}`, false}, {`{"a":True}`, false},
	{`{"a":"}`, false}, {`{"a":"\x"}`, false}, {`{"a":"\u00g0"}`, false}, {`{"a":"\u00}`, false}, {`{"a":"\u000"}`, false}, {`{"a":"\}`, false}, {"{\"a\":\"\x01\"}", false}, {"{\"a\":\"\t\"}", false},
	{"{\"a\":\"\xff\"}", false}, {"{\"a\":\"\xed\xa0\x80\"}", false}, {"{\"a\":\"\xc0\x80\"}", false}, {"{\"a\":\"\xe2\x82\"}", false}, {"{\u00a0}", false},
	{"{\r}", false}, {"{\n}", false}, {"{\x00}", false}, {`{"a":1}/**/`, false}, {`{/**/}`, false},
}

func TestIsObject(t *testing.T) {
	for _, c := range objectCases {
		if got := isObject([]byte(c.line)); got != c.want {
			t.Errorf("isObject(%.60q) = %v", c.line, got)
		}
		checkObjectLine(t, []byte(c.line))
	}
}

// checkObjectLine compares isObject with encoding/json where their rules are
// the same, and tries what it is for.
func checkObjectLine(t *testing.T, line []byte) {
	t.Helper()
	got := isObject(line)
	if got {
		var r struct{ JSON json.RawMessage }
		if err := json.Unmarshal([]byte(`{"json":`+string(line)+`}`), &r); err != nil || string(r.JSON) != string(line) {
			t.Errorf("%.200q comes back as %.200q, %v", line, r.JSON, err)
		}
	}
	if strings.ContainsAny(string(line), "\r\n") || deep(line) > maxDepth {
		return
	}
	want := len(line) > 1 && line[0] == '{' && line[len(line)-1] == '}' && utf8.Valid(line) && json.Valid(line)
	if got != want {
		t.Errorf("isObject(%.200q) = %v, encoding/json says %v", line, got, want)
	}
}

func FuzzIsObject(f *testing.F) {
	for _, c := range objectCases {
		f.Add([]byte(c.line))
	}
	f.Fuzz(func(t *testing.T, line []byte) { checkObjectLine(t, line) })
}

// TestSkipPlain compares it with a look at each byte, for every byte at every
// place of a word.
func TestSkipPlain(t *testing.T) {
	for c := range 256 {
		for at := range 20 {
			for _, after := range []string{"", "\x00", "\"", "\\", "\x80", "\x1f "} {
				b := []byte(strings.Repeat("~", at) + string([]byte{byte(c)}) + after + " !#[]\x7f tail")
				want := 0
				for want < len(b) && plain[b[want]] {
					want++
				}
				if got := skipPlain(b, 0); got != want {
					t.Fatalf("skipPlain(%q) = %d, want %d", b, got, want)
				}
			}
		}
	}
}
