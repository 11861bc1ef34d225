package githubcache_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/org/gorun-action/internal/store/githubcache"
	"github.com/org/gorun-action/internal/store/githubcache/cachetest"
)

func openREST(t *testing.T, link, token string) *githubcache.REST {
	t.Helper()
	rest, err := githubcache.NewREST(githubcache.RESTConfig{APIURL: link, Repository: "org/repo", Token: token})
	if err != nil {
		t.Fatal(err)
	}
	return rest
}

func TestRESTConfig(t *testing.T) {
	for env, want := range map[string]string{
		"GITHUB_REPOSITORY=org/repo GITHUB_TOKEN=t":                              "",
		"GITHUB_REPOSITORY=org/repo GITHUB_TOKEN=t GITHUB_API_URL=https://g/api": "",
		"GITHUB_REPOSITORY=org/repo":                                             "GITHUB_TOKEN is not set",
		"GITHUB_TOKEN=t":                                                         "GITHUB_REPOSITORY",
		"GITHUB_TOKEN=t GITHUB_REPOSITORY=org/repo/more":                         "GITHUB_REPOSITORY",
		"GITHUB_TOKEN=t GITHUB_REPOSITORY=/repo":                                 "GITHUB_REPOSITORY",
		"GITHUB_TOKEN=t GITHUB_REPOSITORY=org/repo GITHUB_API_URL=g/api":         "GITHUB_API_URL",
	} {
		_, err := githubcache.NewREST(githubcache.RESTConfigFromEnv(environment(env)))
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", env, err, want)
		}
	}
}

// TestRights says which permission is missing.
func TestRights(t *testing.T) {
	service := cachetest.New(cachetest.Options{})
	link := serve(t, service)
	cache := open(t, githubcache.Config{ResultsURL: link, Token: service.Token(onMain)})
	for _, test := range []struct{ token, list, remove string }{
		{"unknown", "is not accepted", "is not accepted"},
		{service.RESTToken(""), "actions: read", "actions: write"},
		{service.RESTToken("read"), "", "actions: write"},
		{service.RESTToken("write"), "", ""},
	} {
		if err := cache.Put(t.Context(), "k", nil, bytes.NewReader([]byte("x"))); err != nil && meaning(err) != fs.ErrExist {
			t.Fatal(err)
		}
		rest := openREST(t, link, test.token)
		_, listErr := rest.List(t.Context(), "")
		removeErr := rest.Remove(t.Context(), "k")
		for _, e := range []struct {
			err  error
			want string
		}{{listErr, test.list}, {removeErr, test.remove}} {
			if (e.err == nil) != (e.want == "") || e.err != nil && (!strings.Contains(e.err.Error(), e.want) || meaning(e.err) != errOther) {
				t.Errorf("%v, want %q", e.err, e.want)
			}
		}
	}
}

// TestListPages lists more than a page has, of several refs, among entries of
// others.
func TestListPages(t *testing.T) {
	service := cachetest.New(cachetest.Options{})
	link := serve(t, service)
	pull := cachetest.Scope{Refs: []string{"refs/pull/1/merge"}}
	for _, scope := range []cachetest.Scope{onMain, pull} {
		cache := open(t, githubcache.Config{ResultsURL: link, Token: service.Token(scope)})
		for i := range 130 {
			if err := cache.Put(t.Context(), fmt.Sprintf("k-%03d", i), nil, bytes.NewReader([]byte("x"))); err != nil {
				t.Fatal(err)
			}
		}
	}
	infos, err := openREST(t, link, service.RESTToken("read")).List(t.Context(), "k-")
	if err != nil || len(infos) != 130 || infos[0].Key != "k-129" || infos[129].Key != "k-000" || infos[0].Size != 1 || time.Since(infos[0].Used) > time.Hour {
		t.Errorf("%d, %v: %+v", len(infos), err, infos)
	}
}

func TestListForeign(t *testing.T) {
	entry := func(key, version string) map[string]any {
		return map[string]any{"key": key, "version": version, "size_in_bytes": 5, "created_at": "2026-11-24T10:00:00.123456Z", "last_accessed_at": "2026-11-24T11:00:00Z"}
	}
	link := serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		json.NewEncoder(w).Encode(map[string]any{"total_count": 5, "actions_caches": []any{
			entry("k-ours", ourVersion), entry("k-theirs", "0123"), entry("k-Linux", ourVersion), entry("other", ourVersion), entry("k-ours", ourVersion),
		}})
	}))
	infos, err := openREST(t, link, "t").List(t.Context(), "k-")
	if err != nil || len(infos) != 1 || infos[0].Key != "k-ours" || infos[0].Created.Hour() != 10 || infos[0].Used.Hour() != 11 {
		t.Errorf("%+v, %v", infos, err)
	}
}
