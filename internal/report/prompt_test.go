package report

import (
	"bytes"
	"testing"
	"testing/synctest"
	"time"
)

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
		time.Sleep(promptAfter - time.Nanosecond)
		expect("")
		time.Sleep(time.Nanosecond)
		expect(`"line":"name? ","partial":true}` + "\n")
		write(t, s, "{}\n") // the end of a line is no object
		expect(`"line":"{}"}` + "\n")
		write(t, s, `{"a":`)
		time.Sleep(promptAfter / 2)
		write(t, s, "1}\nx")
		expect(`"json":{"a":1}}` + "\n")
		time.Sleep(promptAfter - time.Nanosecond) // the first line's second is over, x's is not
		expect("")
		time.Sleep(time.Nanosecond)
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
		time.Sleep(promptAfter - time.Nanosecond)
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
