package blob_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/org/gorun-action/internal/store/blob"
	"github.com/org/gorun-action/internal/testenv"
)

// hasty is for real sockets: what a test waits for takes a tenth of the time.
func hasty() blob.TransportOptions {
	return blob.TransportOptions{Stall: 300 * time.Millisecond, FloorAfter: 300 * time.Millisecond, Budget: blob.NewBudget(time.Second)}
}

// most is what a test with hasty options may take, on a busy machine.
const most = 8 * time.Second

func newClient(t *testing.T, o blob.TransportOptions) (*http.Client, *blob.Transport) {
	base := http.DefaultTransport.(*http.Transport).Clone()
	t.Cleanup(base.CloseIdleConnections)
	tr := blob.NewTransport(base, o)
	return &http.Client{Transport: tr}, tr
}

func serve(t testing.TB, f http.HandlerFunc) string {
	s := httptest.NewServer(f)
	t.Cleanup(func() {
		s.CloseClientConnections()
		s.Close()
	})
	return s.URL
}

// raw serves each connection with f, after the head of a request was read.
func raw(t *testing.T, f func(c net.Conn)) (url string, conns *atomic.Int64) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	conns = new(atomic.Int64)
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			conns.Add(1)
			go func() {
				defer c.Close()
				readHead(c)
				f(c)
			}()
		}
	}()
	return "http://" + l.Addr().String() + "/path?sig=secret", conns
}

func readHead(c net.Conn) {
	var head []byte
	b := make([]byte, 1)
	for !bytes.HasSuffix(head, []byte("\r\n\r\n")) {
		if _, err := c.Read(b); err != nil {
			return
		}
		head = append(head, b...)
	}
}

// reset closes a connection with a RST.
func reset(c net.Conn) { c.(*net.TCPConn).SetLinger(0); c.Close() }

// until waits until the other side closes.
func until(c net.Conn) { io.Copy(io.Discard, c) }

// get returns the whole of an answer's body, or whatever error there is.
func get(t *testing.T, c *http.Client, url string) (body []byte, status int, err error) {
	t.Helper()
	began := time.Now()
	defer func() {
		if took := time.Since(began); took > most {
			t.Errorf("it took %s", took)
		}
		if err != nil && strings.Contains(blob.StripQuery(err).Error(), "secret") {
			t.Errorf("the error tells the query: %v", blob.StripQuery(err))
		}
	}()
	resp, err := c.Get(url)
	if err != nil {
		return nil, 0, err
	}
	defer resp.Body.Close()
	body, err = io.ReadAll(resp.Body)
	return body, resp.StatusCode, err
}

func TestTransportAnswers(t *testing.T) {
	t.Parallel()
	for _, status := range []int{200, 201, 204, 206, 304, 400, 401, 403, 404, 405, 409, 410, 412, 413, 416, 422, 501, 507} {
		var n atomic.Int64
		url := serve(t, func(w http.ResponseWriter, r *http.Request) {
			n.Add(1)
			w.WriteHeader(status)
			fmt.Fprint(w, "<html>why</html>")
		})
		c, tr := newClient(t, hasty())
		body, got, err := get(t, c, url)
		hasBody := status != 204 && status != 304
		if err != nil || got != status || hasBody && string(body) != "<html>why</html>" {
			t.Errorf("%d: got %d, %q, %v", status, got, body, err)
		}
		if n.Load() != 1 || tr.Budget().Err() != nil || tr.Budget().Left() != time.Second {
			t.Errorf("%d is no fault: %d requests, %v, %s are left", status, n.Load(), tr.Budget().Err(), tr.Budget().Left())
		}
	}
}

func TestTransportBoundsErrors(t *testing.T) {
	t.Parallel()
	for _, status := range []int{404, 500} {
		url := serve(t, func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(status)
			w.Write(make([]byte, 1<<20))
		})
		c, _ := newClient(t, hasty())
		if body, got, err := get(t, c, url); err != nil || got != status || len(body) != 64<<10 {
			t.Errorf("%d: got %d with %d bytes, %v, want 64 KiB", status, got, len(body), err)
		}
	}
}

func TestTransportRetries(t *testing.T) {
	t.Parallel()
	for _, status := range []int{408, 429, 500, 502, 503, 504} {
		var n atomic.Int64
		url := serve(t, func(w http.ResponseWriter, r *http.Request) {
			b, err := io.ReadAll(r.Body)
			if err != nil || string(b) != "the body" {
				t.Errorf("the body is %q, %v", b, err)
			}
			if n.Add(1) <= 2 {
				w.Header().Set("Retry-After", time.Now().Add(-time.Hour).UTC().Format(http.TimeFormat)) // over
				w.WriteHeader(status)
			}
			fmt.Fprint(w, n.Load())
		})
		c, tr := newClient(t, hasty())
		resp, err := c.Post(url, "text/plain", strings.NewReader("the body"))
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if resp.StatusCode != 200 || string(b) != "3" || err != nil {
			t.Errorf("%d twice, then: %d, %q, %v", status, resp.StatusCode, b, err)
		}
		if left := tr.Budget().Left(); left > 900*time.Millisecond || tr.Budget().Err() != nil {
			t.Errorf("%s are left after two faults, %v", left, tr.Budget().Err())
		}
	}
}

// After the last try the store is given up, and the answer told.
func TestTransportGivesUp(t *testing.T) {
	t.Parallel()
	var n atomic.Int64
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		n.Add(1)
		http.Error(w, "down for lunch", http.StatusServiceUnavailable)
	})
	c, tr := newClient(t, hasty())
	if body, status, err := get(t, c, url); err != nil || status != 503 || string(body) != "down for lunch\n" {
		t.Errorf("got %d, %q, %v", status, body, err)
	}
	sent := n.Load()
	if sent < 3 || sent > 5 {
		t.Errorf("it was sent %d times", sent)
	}
	began := time.Now()
	_, err := c.Get(url)
	if !errors.Is(err, blob.ErrUnavailable) || !strings.Contains(err.Error(), "503 Service Unavailable") {
		t.Errorf("after that: %v", err)
	}
	if took := time.Since(began); n.Load() != sent || took > time.Second {
		t.Errorf("%d more were sent, in %s", n.Load()-sent, took)
	}
	if tr.Budget().Err() == nil {
		t.Error("it was not given up")
	}
}

// once is a reader that no request can send again.
type once struct{ io.Reader }

func TestTransportSendsOnce(t *testing.T) {
	t.Parallel()
	var n atomic.Int64
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		n.Add(1)
		w.WriteHeader(500)
	})
	c, tr := newClient(t, hasty())
	resp, err := c.Post(url, "text/plain", once{strings.NewReader("the body")})
	if err != nil || resp.StatusCode != 500 || n.Load() != 1 {
		t.Fatalf("%v, %v, after %d requests", resp, err, n.Load())
	}
	resp.Body.Close()
	if tr.Budget().Err() == nil {
		t.Error("it was not given up")
	}
}

func TestTransportRefused(t *testing.T) {
	t.Parallel()
	c, tr := newClient(t, hasty())
	if _, _, err := get(t, c, "http://"+testenv.Refused(t)+"/?sig=secret"); err == nil || !strings.Contains(err.Error(), "refused") {
		t.Errorf("got %v", err)
	}
	if !errors.Is(tr.Budget().Err(), blob.ErrUnavailable) || strings.Contains(tr.Budget().Err().Error(), "secret") {
		t.Errorf("given up: %v", tr.Budget().Err())
	}
}

const smallHead = "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"
const largeHead = "HTTP/1.1 200 OK\r\nContent-Length: 10000000\r\n\r\n"

func write(s string) func(net.Conn) { return func(c net.Conn) { io.WriteString(c, s) } }

// trickle sends a byte so often that nothing stalls.
func trickle(c net.Conn) {
	for {
		if _, err := io.WriteString(c, "x"); err != nil {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// What goes wrong with a small answer is tried again; with a large one it is
// its reader's.
func TestTransportFaults(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		do    []func(net.Conn)
		want  string
		retry bool
	}{
		"reset before":     {[]func(net.Conn){reset}, "", true},
		"stall before":     {[]func(net.Conn){until}, "nothing moved for 300ms", true},
		"stall in head":    {[]func(net.Conn){write("HTTP/1.1 200"), until}, "nothing moved for 300ms", true},
		"no HTTP":          {[]func(net.Conn){write("220 ready for mail\r\n")}, "malformed", true},
		"reset in small":   {[]func(net.Conn){write(smallHead + "x"), reset}, "", true},
		"short small":      {[]func(net.Conn){write(smallHead + "x")}, "unexpected EOF", true},
		"stall in small":   {[]func(net.Conn){write(smallHead + "x"), until}, "nothing moved for 300ms", true},
		"slow small":       {[]func(net.Conn){write(smallHead), trickle}, "slower than 262144", true},
		"reset in large":   {[]func(net.Conn){write(largeHead + "x"), reset}, "", false},
		"short large":      {[]func(net.Conn){write(largeHead + "x")}, "unexpected EOF", false},
		"stall in large":   {[]func(net.Conn){write(largeHead + "x"), until}, "nothing moved for 300ms", false},
		"slow large":       {[]func(net.Conn){write(largeHead), trickle}, "slower than 262144", false},
		"stalled error":    {[]func(net.Conn){write("HTTP/1.1 404 Not Found\r\n\r\n"), until}, "nothing moved for 300ms", true},
		"ends in chunk":    {[]func(net.Conn){write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\nx")}, "unexpected EOF", false},
		"redirect to file": {[]func(net.Conn){write("HTTP/1.1 302 Found\r\nLocation: file:///etc/passwd?secret\r\n\r\n")}, "redirects", true},
		"bad redirect":     {[]func(net.Conn){write("HTTP/1.1 302 Found\r\nLocation: :%zz?secret\r\n\r\n")}, "redirects", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url, conns := raw(t, func(c net.Conn) {
				for _, do := range test.do {
					do(c)
				}
			})
			c, tr := newClient(t, hasty())
			_, _, err := get(t, c, url)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
			if again := conns.Load() > 1; again != test.retry {
				t.Errorf("there were %d connections", conns.Load())
			}
			if gone := tr.Budget().Err(); (gone != nil) != test.retry || gone != nil && strings.Contains(gone.Error(), "secret") {
				t.Errorf("given up: %v", gone)
			}
		})
	}
}

// What a fault in a large body wastes comes off, and three are enough.
func TestTransportCharges(t *testing.T) {
	t.Parallel()
	url, _ := raw(t, func(c net.Conn) { write(largeHead + "x")(c); until(c) })
	c, tr := newClient(t, hasty())
	for range 2 {
		get(t, c, url)
	}
	if left := tr.Budget().Left(); left < 100*time.Millisecond || left > 400*time.Millisecond {
		t.Errorf("after two stalls of 0.3 s %s of 1 s are left", left)
	}
	for range 3 {
		get(t, c, url)
	}
	if err := tr.Budget().Err(); !errors.Is(err, blob.ErrUnavailable) {
		t.Errorf("it was not given up: %v", err)
	}
}

func put(c *http.Client, url string, body io.Reader) error {
	req, err := http.NewRequest("PUT", url, body)
	if err != nil {
		return err
	}
	resp, err := c.Do(req)
	if err == nil {
		resp.Body.Close()
	}
	return err
}

func TestTransportUpload(t *testing.T) {
	t.Parallel()
	large := make([]byte, 64<<20)
	for name, test := range map[string]struct {
		do   func(net.Conn)
		want string
	}{
		"stall": {func(c net.Conn) { time.Sleep(5 * time.Second) }, "nothing moved"},
		"slow": {func(c net.Conn) {
			c.(*net.TCPConn).SetReadBuffer(4096)
			for b := make([]byte, 500); ; time.Sleep(5 * time.Millisecond) {
				if _, err := c.Read(b); err != nil {
					return
				}
			}
		}, "it "},
		"reset": {reset, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url, _ := raw(t, test.do)
			c, tr := newClient(t, hasty())
			began := time.Now()
			err := put(c, url, bytes.NewReader(large))
			if err == nil || !strings.Contains(err.Error(), test.want) || time.Since(began) > most {
				t.Errorf("got %v after %s, want %q", err, time.Since(began), test.want)
			}
			if tr.Budget().Err() == nil {
				t.Error("it was not given up")
			}
		})
	}
}
