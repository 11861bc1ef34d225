package blob_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/org/gorun-action/internal/store/blob"
)

// A store that redirects to another host sends no token there, and no query of
// its own.
func TestTransportRedirect(t *testing.T) {
	other := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "" || r.Header.Get("Referer") != "" {
			t.Errorf("the other host got %v", r.Header)
		}
		io.WriteString(w, "there")
	})
	other = strings.Replace(other, "127.0.0.1", "localhost", 1)
	from := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer token" {
			t.Errorf("the store got %v", r.Header)
		}
		http.Redirect(w, r, other+"/blob?sig=other", http.StatusTemporaryRedirect)
	})
	c, _ := newClient(t, hasty())
	req, _ := http.NewRequest("GET", from+"/?sig=secret", nil)
	req.Header.Set("Authorization", "Bearer token")
	resp, err := c.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if b, err := io.ReadAll(resp.Body); string(b) != "there" || err != nil {
		t.Errorf("got %q, %v", b, err)
	}
}

func TestTransportObserve(t *testing.T) {
	var mu sync.Mutex
	var seen []blob.Attempt
	o := hasty()
	o.Observe = func(a blob.Attempt) {
		mu.Lock()
		defer mu.Unlock()
		seen = append(seen, a)
	}
	var n int
	at := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if n++; n == 1 {
			w.WriteHeader(503)
			return
		}
		w.Write(make([]byte, 100_000))
	})
	c, _ := newClient(t, o)
	resp, err := c.Post(at+"/a%20path?sig=secret", "text/plain", strings.NewReader("12345"))
	if err != nil {
		t.Fatal(err)
	}
	io.Copy(io.Discard, resp.Body)
	resp.Body.Close()
	host := strings.TrimPrefix(at, "http://")
	want := []blob.Attempt{
		{Method: "POST", Host: host, Path: "/a path", Number: 1, Status: 503, Bytes: 5},
		{Method: "POST", Host: host, Path: "/a path", Number: 2, Status: 200, Bytes: 100_005},
	}
	if len(seen) != len(want) {
		t.Fatalf("told of %+v", seen)
	}
	for i, got := range seen {
		if got.Took <= 0 {
			t.Errorf("attempt %d took %s", i, got.Took)
		}
		if got.Took = 0; got != want[i] {
			t.Errorf("attempt %d is %+v, want %+v", i, got, want[i])
		}
	}
}

func TestTransportSchemes(t *testing.T) {
	tr := blob.NewTransport(http.DefaultTransport, hasty())
	for _, u := range []string{"file:///etc/passwd?secret", "ftp://host/?secret", "gopher://host/"} {
		req, _ := http.NewRequest("GET", u, nil)
		if _, err := tr.RoundTrip(req); err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", u, err)
		}
	}
}

// HTTP/2 has many requests on one connection: one that stalls is ended alone.
func TestTransportHTTP2(t *testing.T) {
	t.Parallel()
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n, _ := io.Copy(io.Discard, r.Body)
		w.Write(make([]byte, n))
		if r.URL.Path == "/stall" {
			w.(http.Flusher).Flush()
			<-r.Context().Done()
		}
	}))
	s.EnableHTTP2 = true
	s.StartTLS()
	defer s.Close()
	tr := blob.NewTransport(s.Client().Transport, hasty())
	c := &http.Client{Transport: tr}
	post := func(path string) (int64, error) {
		resp, err := c.Post(s.URL+path, "text/plain", strings.NewReader(strings.Repeat("x", 1<<20)))
		if err != nil {
			return 0, err
		}
		defer resp.Body.Close()
		if resp.ProtoMajor != 2 {
			t.Errorf("it is HTTP/%d", resp.ProtoMajor)
		}
		return io.Copy(io.Discard, resp.Body)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		if n, err := post("/stall"); n != 1<<20 || err == nil || !strings.Contains(err.Error(), "nothing moved") {
			t.Errorf("the one that stalls: %d bytes, %v", n, err)
		}
	})
	for end := time.Now().Add(500 * time.Millisecond); time.Now().Before(end); {
		if n, err := post("/"); n != 1<<20 || err != nil {
			t.Errorf("another one: %d bytes, %v", n, err)
		}
	}
	wg.Wait()
	if err := tr.Budget().Err(); err != nil {
		t.Error(err)
	}
}

func TestStripQuery(t *testing.T) {
	inner := &url.Error{Op: "Get", URL: "http://user:secret@host/b?sig=secret#secret", Err: context.Canceled}
	for _, err := range []error{inner, &url.Error{Op: "Put", URL: "http://host/a?secret", Err: inner}, &url.Error{Op: "Put", URL: ":%zzsecret", Err: context.Canceled}} {
		got := blob.StripQuery(err)
		if strings.Contains(got.Error(), "secret") || !errors.Is(got, context.Canceled) {
			t.Errorf("%v becomes %v", err, got)
		}
	}
	plain := errors.New("plain")
	if blob.StripQuery(plain) != plain || blob.StripQuery(nil) != nil {
		t.Error("other errors do not stay")
	}
}
