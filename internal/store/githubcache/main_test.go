package githubcache_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/org/gorun-action/internal/store/blob"
	"github.com/org/gorun-action/internal/store/blobtest"
	"github.com/org/gorun-action/internal/store/githubcache"
	"github.com/org/gorun-action/internal/store/githubcache/cachetest"
)

// onMain is the scope of a token that most tests have.
var onMain = cachetest.Scope{Refs: []string{"refs/heads/main"}}

// serve returns the URL of a handler on the loopback address.
func serve(t *testing.T, h http.Handler) string {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	return server.URL
}

// open returns the store that c names.
func open(t *testing.T, c githubcache.Config) *githubcache.Cache {
	t.Helper()
	cache, err := githubcache.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return cache
}

// kept is a Cache whose entries can be looked after.
type kept struct {
	*githubcache.Cache
	rest *githubcache.REST
}

func (k kept) List(ctx context.Context, prefix string) ([]blob.Info, error) {
	return k.rest.List(ctx, prefix)
}

func (k kept) Remove(ctx context.Context, key string) error { return k.rest.Remove(ctx, key) }

func openKept(t *testing.T, service *cachetest.Service, version string) blob.Store {
	t.Helper()
	link := serve(t, service)
	rest, err := githubcache.NewREST(githubcache.RESTConfig{APIURL: link, Repository: "org/repo", Token: service.RESTToken("write")})
	if err != nil {
		t.Fatal(err)
	}
	return kept{open(t, githubcache.Config{ResultsURL: link, CacheURL: link + "/", Token: service.Token(onMain), Version: version}), rest}
}

func TestV2(t *testing.T) {
	blobtest.Run(t, func(t *testing.T) blob.Store { return openKept(t, cachetest.New(cachetest.Options{NoV1: true}), "v2") }, blobtest.Limits{})
}

func TestV2IgnoresRanges(t *testing.T) {
	blobtest.Run(t, func(t *testing.T) blob.Store {
		return openKept(t, cachetest.New(cachetest.Options{NoV1: true, IgnoreRanges: true}), "v2")
	}, blobtest.Limits{NoRanges: true})
}

func TestV1(t *testing.T) {
	blobtest.Run(t, func(t *testing.T) blob.Store { return openKept(t, cachetest.New(cachetest.Options{NoV2: true}), "v1") }, blobtest.Limits{})
}

// TestFallback uses v1 although v2 was to be expected.
func TestFallback(t *testing.T) {
	blobtest.Run(t, func(t *testing.T) blob.Store { return openKept(t, cachetest.New(cachetest.Options{NoV2: true}), "") }, blobtest.Limits{})
}
