package githubcache_test

import (
	"bytes"
	"errors"
	"io/fs"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/org/gorun-action/internal/store/blob"
	"github.com/org/gorun-action/internal/store/githubcache"
	"github.com/org/gorun-action/internal/store/githubcache/cachetest"
)

// dead is a Transport that counts requests and answers none.
type dead struct{ asked []string }

var errDead = errors.New("nobody is there")

func (d *dead) RoundTrip(req *http.Request) (*http.Response, error) {
	d.asked = append(d.asked, req.URL.String())
	return nil, errDead
}

func TestChoice(t *testing.T) {
	const v2, v1 = "https://results.example/twirp/github.actions.results.api.v1.CacheService/GetCacheEntryDownloadURL", "https://cache.example/x/_apis/artifactcache/cache"
	const results, cache = "ACTIONS_RESULTS_URL=https://results.example/ignored/", "ACTIONS_CACHE_URL=https://cache.example/x/"
	for _, test := range []struct{ env, version, asks, missing string }{
		{env: results, asks: v2},
		{env: results + " " + cache, asks: v2},
		{env: results + " GITHUB_SERVER_URL=https://github.com", asks: v2},
		{env: results + " GITHUB_SERVER_URL=https://Some.GHE.com/", asks: v2},
		{env: results + " " + cache + " GITHUB_SERVER_URL=https://git.example", asks: v1},
		{env: results + " " + cache + " GITHUB_SERVER_URL=https://notghe.com", asks: v1},
		{env: results + " " + cache + " ACT=true GITHUB_SERVER_URL=https://github.com", asks: v1},
		{env: cache, asks: v1},
		{env: "ACTIONS_CACHE_URL=https://cache.example/x", asks: v1},
		{env: results + " " + cache, version: "v1", asks: v1},
		{env: results + " ACT=true GITHUB_SERVER_URL=https://git.example", version: "v2", asks: v2},
		{env: "", missing: "neither ACTIONS_RESULTS_URL nor ACTIONS_CACHE_URL is set"},
		{env: results + " ACT=true", missing: "ACTIONS_CACHE_URL is not set"},
		{env: results + " GITHUB_SERVER_URL=https://git.example", missing: "ACTIONS_CACHE_URL is not set"},
		{env: results, version: "v1", missing: "ACTIONS_CACHE_URL is not set"},
		{env: cache, version: "v2", missing: "ACTIONS_RESULTS_URL is not set"},
		{env: results + " ACTIONS_RUNTIME_TOKEN=", missing: "ACTIONS_RUNTIME_TOKEN is not set"},
		{env: results + " ACTIONS_CACHE_MODE=none", missing: "ACTIONS_CACHE_MODE is none"},
	} {
		sent := &dead{}
		c := githubcache.ConfigFromEnv(environment("ACTIONS_RUNTIME_TOKEN=t " + test.env))
		c.Version, c.Transport = test.version, sent
		store, err := githubcache.New(c)
		if test.missing != "" {
			if !errors.Is(err, githubcache.ErrNoService) || !strings.Contains(err.Error(), test.missing) {
				t.Errorf("%s %s: %v, want %q", test.env, test.version, err, test.missing)
			}
			continue
		}
		if err != nil {
			t.Fatalf("%s %s: %v", test.env, test.version, err)
		}
		if _, err := store.Find(t.Context(), "k"); !errors.Is(err, errDead) || len(sent.asked) != 1 || !strings.HasPrefix(sent.asked[0], test.asks) {
			t.Errorf("%s %s: asked %q, %v, want %q", test.env, test.version, sent.asked, err, test.asks)
		}
	}
}

// environment is a getenv on "NAME=value NAME=value", of which the last counts.
func environment(pairs string) func(string) string {
	env := map[string]string{}
	for pair := range strings.FieldsSeq(pairs) {
		name, value, _ := strings.Cut(pair, "=")
		env[name] = value
	}
	return func(name string) string { return env[name] }
}

func TestBadConfig(t *testing.T) {
	for _, c := range []githubcache.Config{
		{Version: "v3", CacheURL: "https://cache.example/"},
		{CacheURL: "cache.example"},
		{CacheURL: "ftp://cache.example/"},
		{ResultsURL: "https://results.example/?secret=s3cret", Token: "t"},
		{ResultsURL: "https://results.example/", CacheURL: "https://u:s3cret@cache.example/", Token: "t"},
		{ResultsURL: "https://results.exa mple/s3cret", Token: "t"},
	} {
		_, err := githubcache.New(c)
		if err == nil || errors.Is(err, githubcache.ErrNoService) || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("New(%+v): %v", c, err)
		}
	}
}

func TestModes(t *testing.T) {
	for _, test := range []struct {
		mode      string
		find, put error // nil: the request is sent
	}{
		{"", nil, nil}, {"write", nil, nil}, {"read", nil, blob.ErrReadOnly}, {"write-only", fs.ErrNotExist, nil}, {"new-mode", nil, nil},
	} {
		sent := &dead{}
		cache := open(t, githubcache.Config{ResultsURL: "https://results.example", Token: "t", Mode: test.mode, Transport: sent})
		_, findErr := cache.Find(t.Context(), "k", "p-")
		putErr := cache.Put(t.Context(), "k", nil, bytes.NewReader([]byte("x")))
		asked := 0
		for _, e := range []struct{ want, got error }{{test.find, findErr}, {test.put, putErr}} {
			if e.want == nil {
				e.want = errDead
				asked++
			}
			if !errors.Is(e.got, e.want) {
				t.Errorf("mode %q: %v, want %v", test.mode, e.got, e.want)
			}
		}
		if len(sent.asked) != asked {
			t.Errorf("mode %q: %d requests, want %d", test.mode, len(sent.asked), asked)
		}
	}
}

// TestFallbackIsRemembered counts what a server that knows no v2 is asked.
func TestFallbackIsRemembered(t *testing.T) {
	for name, notFound := range map[string]http.HandlerFunc{
		"bad_route": func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(404)
			w.Write([]byte(`{"code":"bad_route","msg":"no handler"}`))
		},
		"bare 404": func(w http.ResponseWriter, r *http.Request) { http.NotFound(w, r) },
		"web page": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(404); w.Write([]byte("<html>")) },
	} {
		t.Run(name, func(t *testing.T) {
			service := cachetest.New(cachetest.Options{NoV2: true})
			var asked atomic.Int32
			mux := http.NewServeMux()
			mux.Handle("/", service)
			mux.HandleFunc("/twirp/", func(w http.ResponseWriter, r *http.Request) { asked.Add(1); notFound(w, r) })
			link := serve(t, mux)
			c := githubcache.Config{ResultsURL: link, CacheURL: link, Token: service.Token(onMain)}
			cache := open(t, c)
			if err := cache.Put(t.Context(), "k", nil, bytes.NewReader([]byte("x"))); err != nil {
				t.Fatal(err)
			}
			if _, err := cache.Find(t.Context(), "k"); err != nil {
				t.Fatal(err)
			}
			if n := asked.Load(); n != 1 {
				t.Errorf("v2 was asked %d times", n)
			}
			c.Version = "v2"
			if _, err := open(t, c).Find(t.Context(), "k"); !errors.Is(err, githubcache.ErrNoService) {
				t.Errorf("v2 that was asked for: %v", err)
			}
		})
	}
}

// TestNoFallback: what is no missing v2 does not lead to v1.
func TestNoFallback(t *testing.T) {
	service := cachetest.New(cachetest.Options{})
	answer := http.StatusInternalServerError
	mux := http.NewServeMux()
	mux.HandleFunc("/_apis/", func(http.ResponseWriter, *http.Request) { t.Error("v1 was asked") })
	mux.HandleFunc("/twirp/", func(w http.ResponseWriter, r *http.Request) {
		if answer == http.StatusOK {
			service.ServeHTTP(w, r)
			return
		}
		w.WriteHeader(answer)
	})
	link := serve(t, mux)
	cache := open(t, githubcache.Config{ResultsURL: link, CacheURL: link, Token: service.Token(onMain)})
	for _, step := range []struct {
		status int
		miss   bool
	}{{500, false}, {401, false}, {200, true}, {404, false}} {
		answer = step.status
		_, err := cache.Find(t.Context(), "k")
		if err == nil || errors.Is(err, fs.ErrNotExist) != step.miss {
			t.Errorf("after %d: %v", step.status, err)
		}
	}
}
