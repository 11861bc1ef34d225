package report

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"
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

func reassembled(t testing.TB, log []byte, stream string) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := Reassemble(bytes.NewReader(log), stream, &out); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
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

// FuzzReassemble: whatever the log is, Reassemble ends, and what it takes for a
// log it takes a second time.
func FuzzReassemble(f *testing.F) {
	f.Add(streamed(f, []byte("a\n{}\n\xff\n end")))
	f.Add([]byte(`{"event":"output","stream":"stdout"}` + "\n"))
	f.Add([]byte(`{"event":"output","stream":"stdout","json":null,"base64":""}` + "\n"))
	f.Add([]byte("no log\n"))
	f.Fuzz(func(t *testing.T, log []byte) {
		var out bytes.Buffer
		if Reassemble(bytes.NewReader(log), "stdout", &out) != nil {
			return
		}
		if again := reassembled(t, streamed(t, out.Bytes()), "stdout"); !bytes.Equal(again, out.Bytes()) {
			t.Errorf("got %q, then %q", out.Bytes(), again)
		}
	})
}

func TestReassemble(t *testing.T) {
	log := string(streamed(t, []byte("one\ntwo")))
	other := strings.ReplaceAll(log, `"stdout"`, `"stderr"`)
	noise := `{"event":"notice","stream":"stdout","line":"no output"}` + "\n"
	for _, c := range []struct{ name, log, want, err string }{
		{"one of two", other + noise + log, "one\ntwo", ""},
		{"cut off", log[:len(log)-5], "one\n", "reading record 2 of the log: unexpected EOF"},
		{"not a record", log + "panic: x\n", "one\ntwo", "reading record 3 of the log: invalid character"},
		{"nothing in it", `{"event":"output","stream":"stdout"}` + "\n", "", "reading record 1 of the log: an output record has neither"},
		{"bad base64", `{"event":"output","stream":"stdout","base64":"?"}` + "\n", "", "illegal base64"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var out strings.Builder
			err := Reassemble(iotest.OneByteReader(strings.NewReader(c.log)), "stdout", &out)
			if out.String() != c.want {
				t.Errorf("got %q, want %q", out.String(), c.want)
			}
			if c.err == "" && err != nil || c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err)) {
				t.Errorf("error %v, want %q", err, c.err)
			}
		})
	}
	if err := Reassemble(iotest.ErrReader(io.ErrNoProgress), "stdout", io.Discard); !errors.Is(err, io.ErrNoProgress) {
		t.Errorf("error of the reader: %v", err)
	}
	if err := Reassemble(strings.NewReader(strings.Repeat(log, 5000)), "stdout", failing{}); !errors.Is(err, errFull) {
		t.Errorf("error of the writer: %v", err)
	}
}

var errFull = errors.New("no space left")

type failing struct{}

func (failing) Write(p []byte) (int, error) { return 0, errFull }

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

// counting counts the writes it gets.
type counting struct {
	bytes.Buffer
	writes, largest int
}

func (c *counting) Write(p []byte) (int, error) {
	c.writes, c.largest = c.writes+1, max(c.largest, len(p))
	return c.Buffer.Write(p)
}

// TestFlush: what a Write completes is in the destination when it returns, in
// one write, unless that would take much memory.
func TestFlush(t *testing.T) {
	var log counting
	s := NewJSON(&log, newClock().now).Stream("stdout")
	write(t, s, "one\ntwo\nthr")
	if got := fields(log.Bytes()); log.writes != 1 || got != `"line":"one"}`+"\n"+`"line":"two"}`+"\n" {
		t.Errorf("after the first Write, %d writes: %s", log.writes, got)
	}
	write(t, s, "ee\n")
	if got := fields(log.Bytes()); log.writes != 2 || !strings.HasSuffix(got, `"line":"three"}`+"\n") {
		t.Errorf("after the second Write, %d writes: %s", log.writes, got)
	}
	log = counting{}
	write(t, s, strings.Repeat("\n", 1<<20))
	if bound := flushAt + 6*maxPiece + 1<<10; log.largest > bound {
		t.Errorf("a write of %d bytes, want at most %d", log.largest, bound)
	}
	log = counting{}
	write(t, s, strings.Repeat(sampleText+"\n", 64<<10/len(sampleText)))
	if log.writes != 1 {
		t.Errorf("%d writes for 64 KiB of ordinary lines, want 1", log.writes)
	}
}

// TestLongLine: 64 MiB without a newline, in bounded memory.
func TestLongLine(t *testing.T) {
	const size = 64 << 20
	block := bytes.Repeat([]byte("0123456789abcdef"), 4<<10)
	records, logged := io.Pipe()
	read := make(chan int)
	go func() {
		n := 0
		err := Reassemble(records, "stdout", writerFunc(func(p []byte) (int, error) { n += len(p); return len(p), nil }))
		if err != nil {
			t.Error(err)
		}
		read <- n
	}()
	var before, after runtime.MemStats
	s := NewJSON(logged, nil).Stream("stdout")
	runtime.GC()
	runtime.ReadMemStats(&before)
	for range size / len(block) {
		write(t, s, string(block))
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	logged.Close()
	if n := <-read; n != size {
		t.Errorf("reassembled %d bytes, want %d", n, size)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > 4<<20 {
		t.Errorf("%d bytes more on the heap", grown)
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

// TestNoAllocation: what a line costs does not grow the heap.
func TestNoAllocation(t *testing.T) {
	s := NewJSON(io.Discard, nil).Stream("stdout")
	block := []byte(strings.Repeat(sampleText+"\n"+sampleObject+"\n", 300))
	if n := testing.AllocsPerRun(100, func() { s.Write(block) }); n > 1 {
		t.Errorf("%v allocations for 600 lines", n)
	}
}

// TestPrompt: the beginning of a line shows after a second, a line that comes
// in steps is not cut, and the clock starts anew with each line.
func TestPrompt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		j := NewJSON(&log, newClock().now)
		s := j.Stream("stdout")
		// take returns what has come to the log so far.
		take := func() string {
			synctest.Wait()
			j.mu.Lock()
			defer j.mu.Unlock()
			got := fields(log.Bytes())
			log.Reset()
			return got
		}
		expect := func(want string) {
			t.Helper()
			if got := take(); got != want {
				t.Errorf("got %q, want %q", got, want)
			}
		}
		write(t, s, "name? ")
		time.Sleep(promptAfter - 1)
		expect("")
		time.Sleep(1)
		expect(`"line":"name? ","partial":true}` + "\n")
		write(t, s, "{}\n") // the end of a line is no object
		expect(`"line":"{}"}` + "\n")
		write(t, s, `{"a":`)
		time.Sleep(promptAfter / 2)
		write(t, s, "1}\nx")
		expect(`"json":{"a":1}}` + "\n")
		time.Sleep(promptAfter - 1) // the first line's second is over, x's is not
		expect("")
		time.Sleep(1)
		expect(`"line":"x","partial":true}` + "\n")
		write(t, s, "\n")
		expect(`"line":""}` + "\n")
		write(t, s, "caf\xc3") // the character waits for its second half
		time.Sleep(promptAfter)
		expect(`"line":"caf","partial":true}` + "\n")
		write(t, s, "\xa9\n")
		expect(`"line":"é"}` + "\n")
		write(t, s, "{}")
		time.Sleep(promptAfter)
		expect(`"line":"{}","partial":true}` + "\n")
		write(t, s, "end")
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		expect(`"line":"end","partial":true}` + "\n")
		time.Sleep(time.Hour)
		expect("")
	})
}

// TestLatePrompt: an expiry that had to wait for a slow destination, until the
// program was on its next line, leaves that line alone. (A synctest clock does
// not move while a mutex is waited for, so the expiry is called.)
func TestLatePrompt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		s := NewJSON(&log, newClock().now).Stream("stdout")
		write(t, s, "{")
		time.Sleep(promptAfter - 1)
		write(t, s, "}\n{")
		s.(*stream).expire()
		write(t, s, "}\n")
		s.(*stream).expire()
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		if got, want := fields(log.Bytes()), `"json":{}}`+"\n"+`"json":{}}`+"\n"; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	})
}

// TestBackPressure: Write does not return before the destination has taken the
// records.
func TestBackPressure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, w := io.Pipe()
		s := NewJSON(w, nil).Stream("stdout")
		written := false
		go func() {
			s.Write([]byte("line\n"))
			written = true
		}()
		time.Sleep(time.Hour)
		synctest.Wait()
		if written {
			t.Error("Write returned before anybody read")
		}
		go io.Copy(io.Discard, r)
		synctest.Wait()
		if !written {
			t.Error("Write did not return after the record was read")
		}
		w.Close()
	})
}

func TestStreamErrors(t *testing.T) {
	var log bytes.Buffer
	j := NewJSON(&log, newClock().now)
	s, rest := j.Stream("stdout"), j.Stream("stderr")
	write(t, s, "a")
	for range 2 {
		if err := s.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	}
	if n, err := s.Write([]byte("b")); n != 0 || !errors.Is(err, os.ErrClosed) {
		t.Errorf("Write after Close = %d, %v", n, err)
	}
	write(t, rest, "not closed")
	j.Event(runner.Finished{})
	j.Event(runner.Noticed{Message: "too late"})
	if n, err := rest.Write([]byte("b\n")); n != 0 || !errors.Is(err, os.ErrClosed) {
		t.Errorf("Write after the result = %d, %v", n, err)
	}
	if err := rest.Close(); err != nil {
		t.Errorf("Close after the result: %v", err)
	}
	lines := strings.Split(strings.TrimSpace(log.String()), "\n")
	if len(lines) != 3 || !strings.Contains(lines[1], `"line":"not closed","partial":true`) || !strings.Contains(lines[2], `"event":"result"`) {
		t.Errorf("the result is not last:\n%s", log.String())
	}
}

func TestDestinationError(t *testing.T) {
	j := NewJSON(failing{}, nil)
	s := j.Stream("stdout")
	j.Event(runner.Noticed{Message: "lost"})
	if err := j.Err(); !errors.Is(err, errFull) {
		t.Errorf("Err = %v", err)
	}
	if n, err := s.Write([]byte("a\n")); n != 0 || !errors.Is(err, errFull) {
		t.Errorf("Write = %d, %v", n, err)
	}
	if err := s.Close(); !errors.Is(err, errFull) {
		t.Errorf("Close = %v", err)
	}
	short := NewJSON(writerFunc(func(p []byte) (int, error) { return len(p) / 2, nil }), nil)
	if _, err := short.Stream("stdout").Write([]byte("a\n")); !errors.Is(err, io.ErrShortWrite) {
		t.Errorf("Write to a destination that takes half = %v", err)
	}
}
