package githubcache_test

import (
	"bytes"
	"errors"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/org/gorun-action/internal/store/blob"
	"github.com/org/gorun-action/internal/store/blobtest"
	"github.com/org/gorun-action/internal/store/githubcache"
	"github.com/org/gorun-action/internal/store/githubcache/cachetest"
	"github.com/org/gorun-action/internal/testenv"
)

var errOther = errors.New("none of those that mean something")

// TestRefusals has the first request of a Put refused in each way, and says
// what it means.
func TestRefusals(t *testing.T) {
	for _, test := range []struct {
		version, name string
		status        int
		body          string
		want          error
		words         string
	}{
		{"v2", "denied", 200, `{"ok":false,"message":"cache write denied: token has no writable scopes"}`, blob.ErrReadOnly, "cache write denied: token has no writable scopes"},
		{"v2", "denied by Twirp", 403, `{"code":"permission_denied","msg":"cache write denied: no"}`, blob.ErrReadOnly, "permission_denied: cache write denied: no"},
		{"v2", "denied with another status", 412, `{"code":"failed_precondition","msg":"cache write denied: no"}`, blob.ErrReadOnly, "cache write denied: no"},
		{"v2", "already_exists with another status", 400, `{"code":"already_exists","msg":"it is"}`, fs.ErrExist, ""},
		{"v2", "403", 403, "forbidden", blob.ErrReadOnly, "403 Forbidden: forbidden"},
		{"v2", "401", 401, `{"code":"unauthenticated","msg":"token expired"}`, blob.ErrReadOnly, "token expired"},
		{"v2", "already_exists", 409, `{"code":"already_exists","msg":"cache entry with the same key, version, and scope already exists"}`, fs.ErrExist, ""},
		{"v2", "409", 409, "", fs.ErrExist, ""},
		{"v2", "not ok", 200, `{"ok":false}`, fs.ErrExist, ""},
		{"v2", "not ok, with words", 200, `{"ok":false,"message":"cache entry already exists"}`, fs.ErrExist, ""},
		{"v2", "not ok, of another kind", 200, `{"ok":false,"message":"too large"}`, errOther, "too large"},
		{"v2", "no URL", 200, `{"ok":true}`, errOther, "does not accept"},
		{"v2", "a file's URL", 200, `{"ok":true,"signed_upload_url":"file:///etc/passwd"}`, errOther, "does not accept"},
		{"v2", "no JSON", 200, `<html>`, errOther, "reading the answer"},
		{"v2", "too much", 200, `{"ok":false,"message":"` + strings.Repeat("x", 1<<20) + `"}`, errOther, "longer than"},
		{"v2", "429", 429, `{"code":"resource_exhausted","msg":"slow down"}`, errOther, "429 Too Many Requests: resource_exhausted: slow down"},
		{"v2", "web page", 503, "<!DOCTYPE html><html>Unicorn!</html>", errOther, "503 Service Unavailable: with a web page"},
		{"v2", "no text", 500, "\x00\x01\x02", errOther, "500 Internal Server Error"},
		{"v2", "much text", 500, strings.Repeat("word\n", 1000), errOther, "word word word"},
		{"v1", "409", 409, `{"message":"Cache already exists."}`, fs.ErrExist, ""},
		{"v1", "denied", 403, `{"message":"cache write denied: token has no writable scopes"}`, blob.ErrReadOnly, "cache write denied: token has no writable scopes"},
		{"v1", "401", 401, "", blob.ErrReadOnly, "401 Unauthorized"},
		{"v1", "too large", 400, `{"message":"over the data cap limit"}`, errOther, "400 Bad Request: over the data cap limit"},
		{"v1", "act's way", 500, `{"error":"broken file"}`, errOther, "500 Internal Server Error: broken file"},
		{"v1", "no number", 200, `{"cacheId":"x"}`, errOther, "reading the answer"},
		{"v1", "no id", 200, `{}`, errOther, "invalid cacheId"},
		{"v1", "minus", 200, `{"cacheId":-1}`, errOther, "invalid cacheId"},
	} {
		t.Run(test.version+" "+test.name, func(t *testing.T) {
			link := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Method == http.MethodGet { // v1 looks first
					w.WriteHeader(http.StatusNoContent)
					return
				}
				w.WriteHeader(test.status)
				w.Write([]byte(test.body))
			}))
			cache := open(t, githubcache.Config{ResultsURL: link, CacheURL: link, Token: "s3cret", Version: test.version})
			err := cache.Put(t.Context(), "k", nil, bytes.NewReader([]byte("x")))
			if got := meaning(err); got != test.want || !strings.Contains(err.Error(), test.words) || len(err.Error()) > 400 {
				t.Errorf("Put: %v, which is %v, want %v, %q", err, got, test.want, test.words)
			}
		})
	}
}

func meaning(err error) error {
	for _, e := range []error{fs.ErrNotExist, fs.ErrExist, blob.ErrReadOnly, githubcache.ErrNoService} {
		if errors.Is(err, e) {
			return e
		}
	}
	if err == nil {
		return nil
	}
	return errOther
}

// TestLaterRefusals: a Put that fails after the reservation leaves nothing, and
// tells of no signature.
func TestLaterRefusals(t *testing.T) {
	for _, version := range []string{"v1", "v2"} {
		for _, size := range []int{100, 9 << 20} {
			for _, at := range []string{"/blobs/", "comp=blocklist", "FinalizeCacheEntryUpload", "PATCH", "POST /_apis/artifactcache/caches/"} {
				service := cachetest.New(cachetest.Options{})
				var refused atomic.Bool // requests come side by side
				link := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if strings.Contains(r.Method+" "+r.URL.String(), at) && r.Method != http.MethodGet {
						refused.Store(true)
						http.Error(w, "no more room", http.StatusInsufficientStorage)
						return
					}
					service.ServeHTTP(w, r)
				}))
				cache := open(t, githubcache.Config{ResultsURL: link, CacheURL: link, Token: service.Token(onMain), Version: version})
				err := cache.Put(t.Context(), "k", nil, bytes.NewReader(blobtest.Content("", size)))
				if !refused.Load() {
					continue // not a request of this protocol and size
				}
				if meaning(err) != errOther || !strings.Contains(err.Error(), "507 Insufficient Storage: no more room") || strings.Contains(err.Error(), "sig=") {
					t.Errorf("%s, %d bytes, refused at %s: %v", version, size, at, err)
				}
				if keys := service.Keys(); len(keys) > 0 {
					t.Errorf("%s, %d bytes, refused at %s: %q can be found", version, size, at, keys)
				}
			}
		}
	}
}

// TestErrorsHideSecrets has connections fail to URLs with secrets in them.
func TestErrorsHideSecrets(t *testing.T) {
	gone := "http://" + testenv.Refused(t)
	link := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Write([]byte(`{"ok":true,"matched_key":"k","signed_download_url":"` + gone + `/p4th?sig=s3cret","signed_upload_url":"` + gone + `/p4th?sig=s3cret"}`))
	}))
	cache := open(t, githubcache.Config{ResultsURL: link, Token: "t0ken", Version: "v2"})
	putErr := cache.Put(t.Context(), "k", nil, bytes.NewReader([]byte("x")))
	found, err := cache.Find(t.Context(), "k")
	if err != nil {
		t.Fatal(err)
	}
	_, openErr := found.Open(t.Context(), 0, -1)
	_, v1Err := open(t, githubcache.Config{CacheURL: gone + "/p4th/", Token: "t0ken"}).Find(t.Context(), "k")
	for _, err := range []error{putErr, openErr, v1Err} {
		if err == nil || strings.Contains(err.Error(), "s3cret") || strings.Contains(err.Error(), "p4th") || strings.Contains(err.Error(), "t0ken") {
			t.Errorf("%v", err)
		}
	}
}

// TestRedirects: the token goes neither to another host nor on in clear text.
func TestRedirects(t *testing.T) {
	var tokens []string
	last := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		tokens = append(tokens, r.Header.Get("Authorization"))
		w.Write([]byte(`{"ok":false}`))
	})
	plain := serve(t, last)
	for _, test := range []struct {
		secure, miss bool
		to           string
	}{
		{false, true, strings.Replace(plain, "127.0.0.1", "localhost", 1)},
		{true, false, plain},
		{false, false, "ftp://127.0.0.1/"},
	} {
		tokens = nil
		start := httptest.NewServer
		if test.secure {
			start = httptest.NewTLSServer
		}
		first := start(http.RedirectHandler(test.to, http.StatusTemporaryRedirect))
		t.Cleanup(first.Close)
		cache := open(t, githubcache.Config{ResultsURL: first.URL, Token: "t0ken", Transport: first.Client().Transport})
		_, err := cache.Find(t.Context(), "k")
		if errors.Is(err, fs.ErrNotExist) != test.miss || strings.Contains(strings.Join(tokens, ""), "t0ken") || len(tokens) == 1 != test.miss {
			t.Errorf("to %s: %v, tokens %q", test.to, err, tokens)
		}
	}
}

// TestTwirpNotFound: a server that has it may say so for a miss, at any time.
func TestTwirpNotFound(t *testing.T) {
	link := serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusNotFound)
		w.Write([]byte(`{"code":"not_found","msg":"no such entry"}`))
	}))
	cache := open(t, githubcache.Config{ResultsURL: link, CacheURL: "http://127.0.0.1:1", Token: "t"})
	if _, err := cache.Find(t.Context(), "k"); meaning(err) != fs.ErrNotExist {
		t.Errorf("Find: %v", err)
	}
}
