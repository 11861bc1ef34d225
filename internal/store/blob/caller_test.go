package blob_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/iotest"
	"time"
)

// A caller that takes its time, to read or to send, is no fault.
func TestTransportSlowCaller(t *testing.T) {
	t.Parallel()
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		n, err := io.Copy(io.Discard, r.Body)
		if n != 3000 || err != nil {
			t.Errorf("got %d bytes, %v", n, err)
		}
		w.Write(make([]byte, 16<<20))
	})
	o := hasty()
	o.Stall, o.FloorAfter = 500*time.Millisecond, 500*time.Millisecond
	c, tr := newClient(t, o)
	src := slow{bytes.NewReader(make([]byte, 3000)), 1000}
	resp, err := c.Post(url, "text/plain", src)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	reader := slow{resp.Body, 4 << 20}
	for range 4 {
		if n, err := reader.Read(make([]byte, reader.n)); n != reader.n || err != nil {
			t.Fatalf("got %d bytes, %v", n, err)
		}
	}
	if left := tr.Budget().Left(); left != time.Second {
		t.Errorf("%s are left", left)
	}
}

// slow fills n bytes at most each time, after a while.
type slow struct {
	io.Reader
	n int
}

func (s slow) Read(p []byte) (int, error) {
	time.Sleep(600 * time.Millisecond)
	return io.ReadFull(s.Reader, p[:min(s.n, len(p))])
}

func TestTransportCallersErrors(t *testing.T) {
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		<-r.Context().Done()
	})
	c, tr := newClient(t, hasty())
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	req, _ := http.NewRequestWithContext(ctx, "GET", url, nil)
	if _, err := c.Do(req); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	burning := errors.New("the disk is on fire")
	if err := put(c, url, io.MultiReader(strings.NewReader("x"), iotest.ErrReader(burning))); !errors.Is(err, burning) {
		t.Errorf("got %v", err)
	}
	if p := tr.Budget(); p.Err() != nil || p.Left() != time.Second {
		t.Errorf("these are no faults of the store: %v, %s", p.Err(), p.Left())
	}
}
