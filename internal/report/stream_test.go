package report

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"unicode/utf8"

	"github.com/org/gorun-action/runner"
)

// streamed writes the chunks to a stream and returns the log.
func streamed(t testing.TB, chunks ...[]byte) []byte { return limited(t, maxPiece, chunks...) }

// limited is streamed with pieces of another length.
func limited(t testing.TB, limit int, chunks ...[]byte) []byte {
	t.Helper()
	var log bytes.Buffer
	s := NewJSON(&log, newClock().now).Stream("stdout")
	s.(*stream).limit = limit
	for _, c := range chunks {
		if n, err := s.Write(c); n != len(c) || err != nil {
			t.Fatalf("Write = %d, %v", n, err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return log.Bytes()
}

// fields returns the records of a log without what all of them share.
func fields(log []byte) string {
	head := `{"time":"2026-01-02T15:04:05.000000Z","level":"info","event":"output","stream":"stdout",`
	return strings.ReplaceAll(string(log), head, "")
}

var streamCases = []struct{ name, in, want string }{
	{"nothing", "", ""},
	{"empty lines", "\n\n", `"line":""}` + "\n" + `"line":""}` + "\n"},
	{"two lines", "a\nb\n", `"line":"a"}` + "\n" + `"line":"b"}` + "\n"},
	{"no final newline", "a\nb", `"line":"a"}` + "\n" + `"line":"b","partial":true}` + "\n"},
	{"carriage return", "a\rb\r\n", `"line":"a\rb\r"}` + "\n"},
	{"control characters", "\x00\x01\b\f\t\x1b\x7f\"\\\n", `"line":"\u0000\u0001\b\f\t\u001b` + "\x7f" + `\"\\"}` + "\n"},
	{"line separators", "\u2027\u2028\u2029\u202a\n", `"line":"` + "\u2027" + `\u2028\u2029` + "\u202a" + `"}` + "\n"},
	{"no HTML escapes", "<&>\n", `"line":"<&>"}` + "\n"},
	{"replacement character", "\ufffd\n", `"line":"` + "\ufffd" + `"}` + "\n"},
	{"invalid UTF-8", "a\xffb\n", `"base64":"Yf9i"}` + "\n"},
	{"surrogate", "\xed\xa0\x80\n", `"base64":"7aCA"}` + "\n"},
	{"cut character", "\xe2\x82", `"base64":"4oI=","partial":true}` + "\n"},
	{"empty object", "{}\n", `"json":{}}` + "\n"},
	{"object", `{"a": 1.0, "b":"\u00e9<"}` + "\n", `"json":{"a": 1.0, "b":"\u00e9<"}}` + "\n"},
	{"object at the end", `{"a":1}`, `"json":{"a":1},"partial":true}` + "\n"},
	{"blank after object", `{"a":1} ` + "\n", `"line":"{\"a\":1} "}` + "\n"},
	{"blank before object", ` {"a":1}` + "\n", `"line":" {\"a\":1}"}` + "\n"},
	{"object and CR", `{"a":1}` + "\r\n", `"line":"{\"a\":1}\r"}` + "\n"},
	{"CR in object", "{\"a\":\r1}\n", `"line":"{\"a\":\r1}"}` + "\n"},
	{"two objects", "{}{}\n", `"line":"{}{}"}` + "\n"},
	{"array", "[1]\n", `"line":"[1]"}` + "\n"},
	{"invalid UTF-8 in object", "{\"a\":\"\xff\"}\n", `"base64":"eyJhIjoi/yJ9"}` + "\n"},
	{"not quite an object", "{a:1}\n", `"line":"{a:1}"}` + "\n"},
}

func TestStream(t *testing.T) {
	for _, c := range streamCases {
		t.Run(c.name, func(t *testing.T) {
			log := streamed(t, []byte(c.in))
			if got := fields(log); got != c.want {
				t.Errorf("got\n%swant\n%s", got, c.want)
			}
			if got := reassembled(t, log, "stdout"); string(got) != c.in {
				t.Errorf("reassembled %q, want %q", got, c.in)
			}
		})
	}
}

// TestPieces: a line is cut where it is longer than maxPiece, between
// characters.
func TestPieces(t *testing.T) {
	full := strings.Repeat("x", maxPiece)
	for _, c := range []struct {
		name, in string
		want     []int // bytes of each piece
	}{
		{"as long as a piece", full + "\n", []int{maxPiece}},
		{"longer by one", full + "x\n", []int{maxPiece, 1}},
		{"no newline", full, []int{maxPiece}},
		{"three pieces", full + full + "xy\n", []int{maxPiece, maxPiece, 2}},
		{"between characters", full[1:] + "\u00e9z\n", []int{maxPiece - 1, 3}},
		{"four bytes", full[3:] + "\U0001f600\n", []int{maxPiece - 3, 4}},
		{"not UTF-8", full[1:] + "\xff\xff\n", []int{maxPiece, 1}},
		{"continuation bytes", strings.Repeat("\x80", maxPiece) + "\x80\n", []int{maxPiece, 1}},
		{"an object's length", `{"a":"` + full[8:] + `"}` + "\n", []int{maxPiece}},
		{"an object that is too long", `{"a":"` + full + `"}` + "\n", []int{maxPiece, 8}},
		{"an object as the last piece", full + "{}\n", []int{maxPiece, 2}},
	} {
		t.Run(c.name, func(t *testing.T) {
			log := streamed(t, []byte(c.in))
			if got := reassembled(t, log, "stdout"); string(got) != c.in {
				t.Fatal("reassembled differs")
			}
			lines := bytes.Split(bytes.TrimSpace(log), []byte("\n"))
			if len(lines) != len(c.want) {
				t.Fatalf("%d pieces, want %d", len(lines), len(c.want))
			}
			for i, line := range lines {
				r := parseOutput(t, line)
				if got := len(pieceOf(r)); got != c.want[i] {
					t.Errorf("piece %d has %d bytes, want %d", i, got, c.want[i])
				}
				if partial := i < len(lines)-1 || !strings.HasSuffix(c.in, "\n"); r.Partial != partial {
					t.Errorf("piece %d: partial is %v", i, r.Partial)
				}
				if r.JSON != nil && len(lines) > 1 {
					t.Errorf("piece %d of a longer line is embedded: %s", i, r.JSON)
				}
			}
		})
	}
}

func parseOutput(t testing.TB, line []byte) outputRecord {
	t.Helper()
	var r outputRecord
	unmarshal(t, line, &r)
	return r
}

func unmarshal(t testing.TB, line []byte, v any) {
	t.Helper()
	if err := json.Unmarshal(line, v); err != nil {
		t.Fatalf("%v in %.200s", err, line)
	}
}

func pieceOf(r outputRecord) []byte {
	switch {
	case r.JSON != nil:
		return r.JSON
	case r.Line != nil:
		return []byte(*r.Line)
	}
	return r.Base64
}

// marshalled is an output record as encoding/json writes it.
func marshalled(t testing.TB, piece []byte, partial bool) []byte {
	t.Helper()
	r := struct {
		Time    string          `json:"time"`
		Level   string          `json:"level"`
		Event   string          `json:"event"`
		Stream  string          `json:"stream"`
		JSON    json.RawMessage `json:"json,omitempty"`
		Line    *string         `json:"line,omitempty"`
		Base64  string          `json:"base64,omitempty"`
		Partial bool            `json:"partial,omitempty"`
	}{Time: newClock().t.Format(timeFormat), Level: "info", Event: "output", Stream: "stdout", Partial: partial}
	switch text := string(piece); {
	case len(piece) > 1 && piece[0] == '{' && piece[len(piece)-1] == '}' && json.Valid(piece) && utf8.Valid(piece) && !strings.Contains(text, "\r"):
		r.JSON = piece
	case utf8.Valid(piece):
		r.Line = &text
	default:
		r.Base64 = base64.StdEncoding.EncodeToString(piece)
	}
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(r); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

// checkStream holds the promises of Stream for any bytes, cut into any chunks:
// the records are those that encoding/json would write, an embedded object is
// the program's own bytes, all together give the bytes of the stream again,
// and the chunks leave no trace.
func checkStream(t testing.TB, data []byte, limit, chunk int) {
	t.Helper()
	log := limited(t, limit, data)
	if got := reassembled(t, log, "stdout"); !bytes.Equal(got, data) {
		t.Fatalf("reassembled %.200q, want %.200q", got, data)
	}
	var chunks [][]byte
	for rest := data; len(rest) > 0; {
		n := min(max(chunk, 1), len(rest))
		chunks, rest = append(chunks, rest[:n]), rest[n:]
	}
	if chunked := limited(t, limit, chunks...); !bytes.Equal(chunked, log) {
		t.Fatalf("in chunks of %d:\n%.500s\nin one:\n%.500s", chunk, chunked, log)
	}
	partial := false
	for line := range bytes.Lines(log) {
		r := parseOutput(t, line)
		if len(pieceOf(r)) > limit {
			t.Fatalf("a piece of %d bytes", len(pieceOf(r)))
		}
		want := marshalled(t, pieceOf(r), r.Partial)
		var compact bytes.Buffer // encoding/json compacts what it embeds
		if err := json.Compact(&compact, line); err != nil {
			t.Fatal(err)
		}
		if whole := !partial && (!r.Partial || r.JSON != nil); whole && compact.String()+"\n" != string(want) && deep(line) <= maxDepth {
			t.Fatalf("got\n%s\nwant\n%s", compact.Bytes(), want)
		}
		partial = r.Partial
	}
}

// deep is not less than the depth of a line.
func deep(line []byte) int { return bytes.Count(line, []byte("{")) + bytes.Count(line, []byte("[")) }

// randomOutput is a mix of what programs write.
func randomOutput(rng *rand.Rand) []byte {
	var b []byte
	for range rng.IntN(20) {
		switch rng.IntN(8) {
		case 0:
			b = fmt.Appendf(b, `{"n":%d, "s":"é"}`, rng.IntN(1000))
		case 1:
			for range rng.IntN(30) {
				b = append(b, byte(rng.IntN(256)))
			}
		case 2:
			b = append(b, strings.Repeat("€", rng.IntN(3)*rng.IntN(maxPiece/2))...)
		case 3:
			b = append(b, "\r\n"...)
		case 4:
			b = append(b, "{}"...)
		case 5:
			b = append(b, strings.Repeat("\x80", rng.IntN(2)*maxPiece)...)
		default:
			b = append(b, "some \"text\"\t\u2028 \x00"...)
		}
		if rng.IntN(3) > 0 {
			b = append(b, '\n')
		}
	}
	return b
}

func TestStreamProperties(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 50 {
		checkStream(t, randomOutput(rng), maxPiece, 1+rng.IntN(2*maxPiece))
	}
	for range 50 {
		data := randomOutput(rng)
		checkStream(t, data[:min(len(data), 2000)], utf8.UTFMax+rng.IntN(100), 1+rng.IntN(200))
	}
}

func FuzzStream(f *testing.F) {
	for _, c := range streamCases {
		f.Add([]byte(c.in), uint8(10), uint8(1))
	}
	f.Add([]byte("€€€\xe2€\n{}\n"), uint8(4), uint8(3))
	// Short pieces: more of them in what a fuzzer tries.
	f.Fuzz(func(t *testing.T, data []byte, limit, chunk uint8) {
		checkStream(t, data, max(int(limit), utf8.UTFMax), int(chunk))
	})
}

// TestConcurrentStreams: records of two streams and of events never mix, and
// each stream keeps its order.
func TestConcurrentStreams(t *testing.T) {
	var log bytes.Buffer
	j := NewJSON(&log, nil)
	want := map[string]*bytes.Buffer{"stdout": {}, "stderr": {}}
	var wg sync.WaitGroup
	for name, copy := range want {
		s := j.Stream(name)
		wg.Go(func() {
			rng := rand.New(rand.NewPCG(uint64(len(name)), uint64(name[3])))
			for range 200 {
				data := randomOutput(rng)
				data = data[:min(len(data), 5000)]
				copy.Write(data)
				if _, err := s.Write(data); err != nil {
					t.Error(err)
				}
			}
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Go(func() {
		for i := range 500 {
			j.Event(runner.Noticed{Message: fmt.Sprint(i)})
		}
	})
	wg.Wait()
	j.Event(runner.Finished{})
	for name, data := range want {
		if !bytes.Equal(reassembled(t, log.Bytes(), name), data.Bytes()) {
			t.Errorf("%s differs", name)
		}
	}
	notices := 0
	s := documentedSchema(t)
	for line := range bytes.Lines(log.Bytes()) {
		s.check(t, line, map[string]int{})
		if m := fmt.Sprintf(`"event":"notice","message":"%d"}`, notices); bytes.Contains(line, []byte(m)) {
			notices++
		}
	}
	if notices != 500 {
		t.Errorf("%d notices in order, want 500", notices)
	}
}
