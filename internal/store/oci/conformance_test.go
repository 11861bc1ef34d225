package oci

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-containerregistry/pkg/authn"

	"github.com/org/gorun-action/internal/store/blob"
	"github.com/org/gorun-action/internal/store/blobtest"
)

func conform(t *testing.T, limits blobtest.Limits, start func(t *testing.T) *Repository) {
	limits.LastWins = true
	blobtest.Run(t, func(t *testing.T) blob.Store { return start(t) }, limits)
}

func TestPlain(t *testing.T) {
	conform(t, blobtest.Limits{}, func(t *testing.T) *Repository { return open(t, serve(t, plain), authn.Anonymous) })
}

var user = &authn.Basic{Username: "gopher", Password: "burrow"}

func basicAuth(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name, password, _ := r.BasicAuth()
		if name != user.Username || password != user.Password {
			w.Header().Set("WWW-Authenticate", `Basic realm="test"`)
			http.Error(w, `{"errors":[{"code":"UNAUTHORIZED","message":"log in"}]}`, http.StatusUnauthorized)
			return
		}
		h.ServeHTTP(w, r)
	})
}

func TestBasicAuth(t *testing.T) {
	conform(t, blobtest.Limits{}, func(t *testing.T) *Repository { return open(t, serve(t, basicAuth), user) })
}

// tokens is a token server (distribution, "Token Authentication
// Specification") and the registry that believes it. A token says what it is
// for. Who logs in may do all, others may only pull.
type tokens struct {
	realm string
	used  atomic.Int64 // requests that the registry let pass
}

func newTokens(t testing.TB) *tokens {
	s := &tokens{}
	server := httptest.NewServer(http.HandlerFunc(s.issue))
	t.Cleanup(server.Close)
	// go-containerregistry refuses realms that are private addresses, but not names.
	s.realm = strings.Replace(server.URL, "127.0.0.1", "localhost", 1)
	return s
}

func (s *tokens) issue(w http.ResponseWriter, r *http.Request) {
	_, _, known := r.BasicAuth()
	scope := r.URL.Query()["scope"][0]
	actions := scope[strings.LastIndex(scope, ":")+1:]
	if !known {
		actions = "pull"
	}
	json.NewEncoder(w).Encode(map[string]string{"token": actions + "." + rand.Text()})
}

func (s *tokens) guard(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		need := map[string]string{http.MethodGet: "pull", http.MethodHead: "pull", http.MethodDelete: "delete"}[r.Method]
		if need == "" {
			need = "push"
		}
		token := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
		actions, _, _ := strings.Cut(token, ".")
		if !slices.Contains(strings.Split(actions, ","), need) {
			w.Header().Set("WWW-Authenticate", fmt.Sprintf(`Bearer realm="%s",service="test",scope="repository:org/cache:%s"`, s.realm, need))
			http.Error(w, `{"errors":[{"code":"UNAUTHORIZED","message":"get a token"}]}`, http.StatusUnauthorized)
			return
		}
		s.used.Add(1)
		h.ServeHTTP(w, r)
	})
}

func TestTokenAuth(t *testing.T) {
	s := newTokens(t)
	conform(t, blobtest.Limits{}, func(t *testing.T) *Repository { return open(t, serve(t, s.guard), user) })
	if s.used.Load() == 0 {
		t.Error("no request had a token")
	}
}

// elsewhere is a registry that sends readers of blobs on to another host, as
// those with object storage do. credentials counts what it got of them.
func elsewhere(t testing.TB, credentials *atomic.Int64) func(http.Handler) http.Handler {
	return func(h http.Handler) http.Handler {
		storage := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Authorization") != "" || r.Header.Get("Cookie") != "" {
				credentials.Add(1)
			}
			h.ServeHTTP(w, r)
		}))
		t.Cleanup(storage.Close)
		to, err := url.Parse(storage.URL)
		if err != nil {
			t.Fatal(err)
		}
		return basicAuth(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if !isBlobGet(r) {
				h.ServeHTTP(w, r)
				return
			}
			http.Redirect(w, r, to.JoinPath(r.URL.Path).String(), http.StatusTemporaryRedirect)
		}))
	}
}

func TestRedirected(t *testing.T) {
	conform(t, blobtest.Limits{}, func(t *testing.T) *Repository {
		var credentials atomic.Int64
		r := open(t, serve(t, elsewhere(t, &credentials)), user)
		t.Cleanup(func() {
			if n := credentials.Load(); n > 0 {
				t.Errorf("the storage got credentials %d times", n)
			}
		})
		return r
	})
}

func ignoresRanges(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Header.Del("Range")
		h.ServeHTTP(w, r)
	})
}

func TestIgnoredRanges(t *testing.T) {
	conform(t, blobtest.Limits{NoRanges: true}, func(t *testing.T) *Repository { return open(t, serve(t, ignoresRanges), authn.Anonymous) })
}
