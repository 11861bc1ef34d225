package report

import (
	"bytes"
	"errors"
	"io"
	"os"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/org/gorun-action/runner"
)

var errFull = errors.New("no space left")

type failing struct{}

func (failing) Write(p []byte) (int, error) { return 0, errFull }

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
