package report

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

func reassembled(t testing.TB, log []byte, stream string) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := Reassemble(bytes.NewReader(log), stream, &out); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
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
