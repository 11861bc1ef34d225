package blob_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/org/gorun-action/internal/store/blob"
)

// trip is a server that answers without a network, in the time of a bubble.
type trip func(*http.Request) (*http.Response, error)

func (f trip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func answer(r *http.Request, status int, header ...string) *http.Response {
	resp := &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader("text")), Request: r}
	for i := 0; i < len(header); i += 2 {
		resp.Header.Set(header[i], header[i+1])
	}
	return resp
}

// take sends a request and returns how long it took.
func take(t *testing.T, tr *blob.Transport) (status int, took time.Duration, err error) {
	req, err := http.NewRequestWithContext(t.Context(), "GET", "http://store.test/path?sig=secret", nil)
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	resp, err := tr.RoundTrip(req)
	if err == nil {
		status = resp.StatusCode
		resp.Body.Close()
	}
	return status, time.Since(began), err
}

// A server that is silent for ever costs less than 10 seconds, whatever is
// asked of it, by how many.
func TestBudgetIsOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := blob.NewTransport(trip(func(r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			return nil, context.Cause(r.Context())
		}), blob.TransportOptions{})
		began := time.Now()
		for range 10 {
			var wg sync.WaitGroup
			for range 4 {
				wg.Go(func() {
					if _, _, err := take(t, tr); err == nil {
						t.Error("there was an answer")
					}
				})
			}
			wg.Wait()
		}
		if took := time.Since(began); took < 6*time.Second || took > 9*time.Second {
			t.Errorf("40 requests took %s", took)
		}
		if _, took, err := take(t, tr); !errors.Is(err, blob.ErrUnavailable) || took != 0 {
			t.Errorf("after that: %v in %s", err, took)
		}
	})
}

// What one request used up the next one does not have.
func TestBudgetIsUsedUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var n int
		tr := blob.NewTransport(trip(func(r *http.Request) (*http.Response, error) {
			if n++; n%2 == 1 {
				time.Sleep(1500 * time.Millisecond)
				return answer(r, 503), nil
			}
			return answer(r, 200), nil
		}), blob.TransportOptions{})
		for i := range 3 {
			if status, _, err := take(t, tr); status != 200 || err != nil {
				t.Errorf("request %d: %d, %v", i, status, err)
			}
		}
		if left := tr.Budget().Left(); left < time.Second || left > 1500*time.Millisecond {
			t.Errorf("after three faults of 1.5 s and three waits %s are left", left)
		}
		if status, took, _ := take(t, tr); status != 503 || took != 1500*time.Millisecond {
			t.Errorf("the fourth: %d in %s", status, took)
		}
		if _, _, err := take(t, tr); !errors.Is(err, blob.ErrUnavailable) {
			t.Errorf("the fifth: %v", err)
		}
	})
}

func TestRetryAfter(t *testing.T) {
	for _, status := range []int{429, 503} {
		for after, want := range map[string]struct {
			wait time.Duration // at least
			late bool
		}{
			"":                              {50 * time.Millisecond, false},
			"0":                             {50 * time.Millisecond, false},
			"2":                             {2 * time.Second, false},
			"5":                             {5 * time.Second, false},
			"7":                             {0, true},
			"3600":                          {0, true},
			"99999999999999999999":          {0, true},
			"-5":                            {50 * time.Millisecond, false},
			"soon":                          {50 * time.Millisecond, false},
			"Sat, 01 Jan 2000 00:00:03 GMT": {3 * time.Second, false}, // bubbles begin then
			"Sat, 01 Jan 2000 01:00:00 GMT": {0, true},
			"Wed, 01 Jan 1997 00:00:00 GMT": {50 * time.Millisecond, false},
		} {
			t.Run(fmt.Sprintf("%d %s", status, after), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) { retryAfter(t, status, after, want.wait, want.late) })
			})
		}
	}
}

func retryAfter(t *testing.T, status int, after string, wait time.Duration, late bool) {
	var n int
	tr := blob.NewTransport(trip(func(r *http.Request) (*http.Response, error) {
		if n++; n == 1 {
			return answer(r, status, "Retry-After", after), nil
		}
		return answer(r, 200), nil
	}), blob.TransportOptions{})
	got, took, err := take(t, tr)
	switch {
	case late && (err == nil || took != 0 || !strings.Contains(err.Error(), "asks to wait") || !errors.Is(tr.Budget().Err(), blob.ErrUnavailable)):
		t.Errorf("got %d after %s, %v; given up: %v", got, took, err, tr.Budget().Err())
	case !late && (err != nil || got != 200 || took < wait || took > wait+200*time.Millisecond):
		t.Errorf("got %d after %s, %v, want to wait for %s", got, took, err, wait)
	}
}

// A server that is slow, but moves, is none that is given up; nor is one that
// needs 1.9 s for each answer.
func TestTransportBears(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := blob.NewTransport(trip(func(r *http.Request) (*http.Response, error) {
			time.Sleep(1900 * time.Millisecond)
			resp := answer(r, 200)
			resp.ContentLength = 3 << 20
			resp.Body = io.NopCloser(&paced{left: 3 << 20})
			return resp, nil
		}), blob.TransportOptions{})
		for range 20 {
			req, _ := http.NewRequestWithContext(t.Context(), "GET", "http://store.test/", nil)
			resp, err := tr.RoundTrip(req)
			if err != nil {
				t.Fatal(err)
			}
			if n, err := io.Copy(io.Discard, resp.Body); n != 3<<20 || err != nil {
				t.Fatalf("%d bytes, %v", n, err)
			}
		}
		if left := tr.Budget().Left(); left != blob.DefaultBudget {
			t.Errorf("%s are left", left)
		}
	})
}

// paced is a body that comes at 300 KiB/s.
type paced struct{ left int }

func (b *paced) Read(p []byte) (int, error) {
	if b.left == 0 {
		return 0, io.EOF
	}
	n := min(len(p), b.left, 30<<10)
	time.Sleep(time.Duration(n) * time.Second / (300 << 10))
	b.left -= n
	return n, nil
}

// Each instant counts once.
func TestBudgetCountsOnce(t *testing.T) {
	at := func(s int) time.Time { return time.Unix(1000, 0).Add(time.Duration(s) * time.Second) }
	p := blob.NewBudget(10 * time.Second)
	for _, w := range []struct{ from, to, left int }{
		{0, 2, 8}, {0, 2, 8}, {1, 3, 7}, {0, 1, 7}, {5, 6, 6}, {6, 5, 6}, {5, 100, 0},
	} {
		p.Waste(at(w.from), at(w.to))
		if left := p.Left(); left != time.Duration(w.left)*time.Second {
			t.Errorf("after %d to %d %s are left, want %d s", w.from, w.to, left, w.left)
		}
	}
	if p.Err() != nil {
		t.Errorf("it was given up: %v", p.Err())
	}
	p.GiveUp(errors.New("first"))
	p.GiveUp(errors.New("second"))
	if err := p.Err(); !errors.Is(err, blob.ErrUnavailable) || !strings.HasSuffix(err.Error(), ": first") {
		t.Errorf("it was given up: %v", err)
	}
	var none *blob.Budget
	none.Waste(at(0), at(100))
	none.GiveUp(errors.New("no"))
	if none.Err() != nil || none.Left() <= 0 {
		t.Error("the budget of nil ends")
	}
}
