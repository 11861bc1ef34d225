package githubcache_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/org/gorun-action/internal/store/blob"
	"github.com/org/gorun-action/internal/store/blobtest"
	"github.com/org/gorun-action/internal/store/githubcache"
	"github.com/org/gorun-action/internal/store/githubcache/cachetest"
)

// clock is one that a test sets.
type clock struct{ ahead atomic.Int64 }

func (c *clock) now() time.Time { return time.Now().Add(time.Duration(c.ahead.Load())) }

// kit is a service with one blob, "k", and a Cache of it.
type kit struct {
	service *cachetest.Service
	clock   *clock
	sent    *recorder
	cache   *githubcache.Cache
	content []byte
}

func newKit(t *testing.T, version string) *kit {
	t.Helper()
	k := &kit{clock: &clock{}, sent: &recorder{}, content: blobtest.Content("k", 100_000)}
	k.service = cachetest.New(cachetest.Options{Now: k.clock.now, URLLife: time.Minute})
	link := serve(t, k.service)
	k.cache = open(t, githubcache.Config{ResultsURL: link, CacheURL: link, Token: k.service.Token(onMain), Version: version, Transport: k.sent})
	k.put(t, k.content)
	return k
}

func (k *kit) put(t *testing.T, content []byte) {
	t.Helper()
	if err := k.cache.Put(t.Context(), "k", nil, bytes.NewReader(content)); err != nil {
		t.Fatal(err)
	}
}

func (k *kit) find(t *testing.T) blob.Found {
	t.Helper()
	found, err := k.cache.Find(t.Context(), "k")
	if err != nil {
		t.Fatal(err)
	}
	k.sent.sent = nil
	return found
}

// lookUps is how many were sent since find.
func (k *kit) lookUps() (n int) {
	for _, line := range k.sent.sent {
		if strings.Contains(line, "GetCacheEntryDownloadURL?") || strings.Contains(line, "/cache?") {
			n++
		}
	}
	return n
}

// parts opens n parts side by side.
func parts(ctx context.Context, found blob.Found, n int) []error {
	errs := make([]error, n)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			part, err := found.Open(ctx, int64(i)*1000, 1000)
			if err == nil {
				_, err = io.Copy(io.Discard, part.Body)
				part.Body.Close()
			}
			errs[i] = err
		})
	}
	wg.Wait()
	return errs
}

func TestExpiredLink(t *testing.T) {
	for _, version := range []string{"v1", "v2"} {
		k := newKit(t, version)
		found := k.find(t)
		for round := 1; round <= 2; round++ {
			k.clock.ahead.Add(int64(2 * time.Minute))
			if err := errors.Join(parts(t.Context(), found, 16)...); err != nil {
				t.Fatalf("%s: %v", version, err)
			}
			if n := k.lookUps(); n != round {
				t.Errorf("%s: %d look-ups after %d expiries", version, n, round)
			}
		}
	}
}

func TestEvicted(t *testing.T) {
	for _, version := range []string{"v1", "v2"} {
		k := newKit(t, version)
		found := k.find(t)
		k.service.Evict("k")
		for _, err := range parts(t.Context(), found, 16) {
			if !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "evicted") {
				t.Errorf("%s: %v", version, err)
			}
		}
		if n := k.lookUps(); n != 1 {
			t.Errorf("%s: %d look-ups", version, n)
		}
	}
}

// TestAnotherKeyInItsPlace: the service then finds what begins with the key.
func TestAnotherKeyInItsPlace(t *testing.T) {
	k := newKit(t, "v2")
	found := k.find(t)
	k.service.Evict("k")
	if err := k.cache.Put(t.Context(), "k-longer", nil, bytes.NewReader([]byte("x"))); err != nil {
		t.Fatal(err)
	}
	if _, err := found.Open(t.Context(), 0, -1); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Open: %v", err)
	}
}

// TestWaitingEnds: who waits for another goroutine's look-up waits no longer
// than its context.
func TestWaitingEnds(t *testing.T) {
	asked, release := make(chan bool), make(chan bool)
	var lookUps atomic.Int32
	link := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		if lookUps.Add(1) == 2 {
			asked <- true
			<-release
		}
		io.WriteString(w, `{"ok":true,"matched_key":"k","signed_download_url":"http://`+r.Host+`/blob"}`)
	}))
	found, err := open(t, githubcache.Config{ResultsURL: link, Token: "t"}).Find(t.Context(), "k")
	if err != nil {
		t.Fatal(err)
	}
	first := make(chan error)
	go func() {
		_, err := found.Open(t.Context(), 0, -1)
		first <- err
	}()
	<-asked
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := found.Open(ctx, 0, -1); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("the one that waits: %v", err)
	}
	close(release)
	if err := <-first; err == nil || !strings.Contains(err.Error(), "403") {
		t.Errorf("the one that looks up: %v", err)
	}
}

// TestParts has servers answer a request for bytes 10 to 19 in all ways.
func TestParts(t *testing.T) {
	const body = "0123456789"
	for name, test := range map[string]struct {
		status        int
		header        string
		body          string
		offset, total int64
		fails         string
	}{
		"as asked":         {206, "Content-Range: bytes 10-19/100", body, 10, 100, ""},
		"the last ones":    {206, "Content-Range: bytes 10-14/15", body[:5], 10, 15, ""},
		"all":              {200, "", body, 0, 10, ""},
		"all, compressed":  {200, "Content-Encoding: gzip", body, 0, 0, "compressed"},
		"the end":          {416, "Content-Range: bytes */10", "", 10, 10, ""},
		"beyond":           {416, "Content-Range: bytes */9", "", 0, 0, "416"},
		"not beyond":       {416, "Content-Range: bytes */11", "", 0, 0, "416"},
		"beyond something": {416, "", "", 0, 0, "416"},
		"no range":         {206, "", body, 0, 0, "says nothing"},
		"several":          {206, "Content-Type: multipart/byteranges; boundary=x", body, 0, 0, "says nothing"},
		"unknown total":    {206, "Content-Range: bytes 10-19/*", body, 0, 0, "says nothing"},
		"another start":    {206, "Content-Range: bytes 0-9/100", body, 0, 0, "was asked for"},
		"too much":         {206, "Content-Range: bytes 10-20/100", body + "0", 0, 0, "was asked for"},
		"another length":   {206, "Content-Range: bytes 10-19/100", body[:9], 0, 0, "sent 9 bytes as"},
		"over the total":   {206, "Content-Range: bytes 10-19/19", body, 0, 0, "says nothing"},
		"nothing":          {204, "", "", 0, 0, "204"},
		"a web page":       {503, "Content-Type: text/html", "<p>Unicorn!</p>", 0, 0, "web page"},
		"Azure's words":    {400, "x-ms-error-code: OutOfCapacity", "<?xml?>secrets", 0, 0, "400 Bad Request: OutOfCapacity"},
	} {
		t.Run(name, func(t *testing.T) {
			link := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Method == http.MethodPost {
					io.WriteString(w, `{"ok":true,"matched_key":"k","signed_download_url":"http://`+r.Host+`/blob"}`)
					return
				}
				if field, value, ok := strings.Cut(test.header, ": "); ok {
					w.Header().Set(field, value)
				}
				if test.body != "" {
					w.Header().Set("Content-Length", strconv.Itoa(len(test.body)))
				}
				w.WriteHeader(test.status)
				io.WriteString(w, test.body)
			}))
			found, err := open(t, githubcache.Config{ResultsURL: link, Token: "t"}).Find(t.Context(), "k")
			if err != nil {
				t.Fatal(err)
			}
			part, err := found.Open(t.Context(), 10, 10)
			if test.fails != "" {
				if err == nil || !strings.Contains(err.Error(), test.fails) || strings.Contains(err.Error(), "secrets") {
					t.Errorf("Open: %v, want %q", err, test.fails)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			defer part.Body.Close()
			got, err := io.ReadAll(part.Body)
			if string(got) != test.body || err != nil || part.Offset != test.offset || part.Total != test.total {
				t.Errorf("%q from %d of %d, %v", got, part.Offset, part.Total, err)
			}
		})
	}
}

func TestOpenNothing(t *testing.T) {
	k := newKit(t, "v2")
	found := k.find(t)
	part, err := found.Open(t.Context(), 5, 0)
	if err != nil || part.Body == nil || len(must(io.ReadAll(part.Body))) != 0 || len(k.sent.sent) != 0 {
		t.Errorf("no bytes: %+v, %v", part, err)
	}
	if _, err := found.Open(t.Context(), -1, 5); err == nil {
		t.Error("there is a byte before the first")
	}
}
