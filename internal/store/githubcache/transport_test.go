package githubcache_test

import (
	"bytes"
	"io"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/org/gorun-action/internal/store/blob"
	"github.com/org/gorun-action/internal/store/blobtest"
	"github.com/org/gorun-action/internal/store/githubcache"
	"github.com/org/gorun-action/internal/store/githubcache/cachetest"
)

// TestRoughService puts and reads a blob as a run does, on a service that has
// each request sent twice, and whose links expire in the middle of it.
func TestRoughService(t *testing.T) {
	for _, version := range []string{"v1", "v2"} {
		for _, size := range []int{9<<20 + 1, 33 << 20} {
			clock, content := &clock{}, blobtest.Content(version, size)
			service := cachetest.New(cachetest.Options{Now: clock.now, URLLife: time.Minute})
			var seen sync.Map
			link := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if _, again := seen.LoadOrStore(r.Method+r.URL.String()+r.Header.Get("Range")+r.Header.Get("Content-Range"), true); !again {
					w.WriteHeader(http.StatusServiceUnavailable)
					return
				}
				service.ServeHTTP(w, r)
			}))
			c := githubcache.Config{ResultsURL: link, CacheURL: link, Token: service.Token(onMain), Version: version}
			c.Transport = blob.NewTransport(http.DefaultTransport, blob.TransportOptions{Budget: blob.NewBudget(time.Minute)})
			cache := open(t, c)
			if err := cache.Put(t.Context(), "k", nil, bytes.NewReader(content)); err != nil {
				t.Fatalf("%s: %v", version, err)
			}
			found, err := cache.Find(t.Context(), "k")
			if err != nil {
				t.Fatalf("%s: %v", version, err)
			}
			r := blob.NewReader(t.Context(), found, blob.ReadOptions{})
			got := make([]byte, 1<<20)
			if _, err := io.ReadFull(r, got); err != nil {
				t.Fatalf("%s: %v", version, err)
			}
			clock.ahead.Add(int64(time.Hour))
			rest, err := io.ReadAll(r)
			if err != nil || !bytes.Equal(append(got, rest...), content) {
				t.Errorf("%s: %d of %d bytes, %v", version, len(got)+len(rest), size, err)
			}
			r.Close()
		}
	}
}
