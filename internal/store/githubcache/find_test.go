package githubcache_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/org/gorun-action/internal/store/blob"
	"github.com/org/gorun-action/internal/store/githubcache"
	"github.com/org/gorun-action/internal/store/githubcache/cachetest"
)

// TestMatchedKeys has a server answer with strange keys.
func TestMatchedKeys(t *testing.T) {
	for _, test := range []struct {
		matched, want string // want "": a miss
		fault         bool
	}{
		{matched: "k-1", want: "k-1"},
		{matched: "k-zz", want: "k-zz"},
		{matched: "other"},
		{matched: "K-1", fault: true},
		{matched: "k/../1", fault: true},
		{matched: "", fault: true},
		{matched: strings.Repeat("k", 513), fault: true},
	} {
		for version, answer := range map[string]map[string]any{
			"v2":       {"ok": true, "matched_key": test.matched, "signed_download_url": "http://blobs.example/1"},
			"v2 camel": {"ok": true, "matchedKey": test.matched, "signedDownloadUrl": "http://blobs.example/1", "more": 1},
			"v1":       {"cacheKey": test.matched, "archiveLocation": "http://blobs.example/1", "result": "hit"},
		} {
			link := serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { json.NewEncoder(w).Encode(answer) }))
			cache := open(t, githubcache.Config{ResultsURL: link, CacheURL: link, Token: "t", Version: version[:2]})
			found, err := cache.Find(t.Context(), "k-1", "q-", "k-")
			switch {
			case test.want != "" && (err != nil || found.Key != test.want || found.Size != -1):
				t.Errorf("%s %.20q: %+v, %v", version, test.matched, found, err)
			case test.want == "" && (err == nil || test.fault != (meaning(err) == errOther)):
				t.Errorf("%s %.20q: %+v, %v", version, test.matched, found, err)
			}
		}
	}
}

// TestOneRequest counts the look-ups that a Find costs.
func TestOneRequest(t *testing.T) {
	for _, version := range []string{"v1", "v2"} {
		service, sent := cachetest.New(cachetest.Options{}), &recorder{}
		link := serve(t, service)
		cache := open(t, githubcache.Config{ResultsURL: link, CacheURL: link, Token: service.Token(onMain), Version: version, Transport: sent})
		for _, key := range []string{"a-1", "a-1.more", "b-1"} {
			if err := cache.Put(t.Context(), key, nil, bytes.NewReader([]byte("x"))); err != nil {
				t.Fatal(err)
			}
		}
		for _, test := range []struct {
			key, prefixes, want string
			requests            int
		}{
			{"a-1", "b- a-", "a-1", 1},
			{"a-2", "c- b- a-", "b-1", 1},
			{"c-1", "c- d-", "", 1},
			{"a-", "b- a-", "b-1", 2}, // the server's answer, a-1.more, says nothing about b-
			{"a-", "", "", 1},
			{"c-1", "c- d- e- f- g- h- i- j- b-", "b-1", 1},
		} {
			sent.sent = nil
			found, err := cache.Find(t.Context(), test.key, strings.Fields(test.prefixes)...)
			if found.Key != test.want || (err == nil) != (test.want != "") || len(sent.sent) != test.requests {
				t.Errorf("%s: Find(%q, %q) is %q, %v with %d requests", version, test.key, test.prefixes, found.Key, err, len(sent.sent))
			}
		}
		sent.sent = nil
		if _, err := cache.Find(t.Context(), "k", strings.Fields("1 2 3 4 5 6 7 8 9 10")...); meaning(err) != errOther || len(sent.sent) > 0 {
			t.Errorf("%s: 11 keys: %v", version, err)
		}
	}
}

// TestScopes follows a pull request: it reads what main has, main does not read
// what it has, and what it has comes first.
func TestScopes(t *testing.T) {
	service := cachetest.New(cachetest.Options{})
	link := serve(t, service)
	as := func(refs ...string) *githubcache.Cache {
		return open(t, githubcache.Config{ResultsURL: link, Token: service.Token(cachetest.Scope{Refs: refs})})
	}
	main, pull := as("refs/heads/main"), as("refs/pull/1/merge", "refs/heads/main")
	put := func(c *githubcache.Cache, key string) {
		t.Helper()
		if err := c.Put(t.Context(), key, nil, bytes.NewReader([]byte("x"))); err != nil {
			t.Fatal(err)
		}
	}
	put(main, "k-main")
	wantKey(t, pull, "k-main", "k-main")
	put(pull, "k-pull")
	wantKey(t, pull, "k-pull", "k-none", "k-")
	wantKey(t, main, "k-main", "k-none", "k-")
	wantKey(t, main, "", "k-pull")
	put(pull, "k-main") // another scope, another entry
	put(main, "k-both")
	wantKey(t, pull, "k-both", "k-both")
	// GitHub's order, and a limit of this store: see the package comment.
	wantKey(t, pull, "k-main", "k-both", "k-")
}

func wantKey(t *testing.T, c *githubcache.Cache, want, key string, prefixes ...string) {
	t.Helper()
	found, err := c.Find(t.Context(), key, prefixes...)
	if found.Key != want || (err == nil) != (want != "") {
		t.Errorf("Find(%q, %q) is %q, %v, want %q", key, prefixes, found.Key, err, want)
	}
}

// TestReadOnlyToken reads and does not write.
func TestReadOnlyToken(t *testing.T) {
	for _, version := range []string{"v1", "v2"} {
		service := cachetest.New(cachetest.Options{})
		link := serve(t, service)
		as := func(readOnly bool) *githubcache.Cache {
			token := service.Token(cachetest.Scope{Refs: onMain.Refs, ReadOnly: readOnly})
			return open(t, githubcache.Config{ResultsURL: link, CacheURL: link, Token: token, Version: version})
		}
		if err := as(false).Put(t.Context(), "k", nil, bytes.NewReader([]byte("x"))); err != nil {
			t.Fatal(err)
		}
		wantKey(t, as(true), "k", "k")
		err := as(true).Put(t.Context(), "new", nil, bytes.NewReader([]byte("x")))
		if meaning(err) != blob.ErrReadOnly || !strings.Contains(err.Error(), "token has no writable scopes") {
			t.Errorf("%s: Put: %v", version, err)
		}
	}
}

// TestLookUpBeforePut: v1 puts what it may not look for, and nothing where the
// look-up is a fault.
func TestLookUpBeforePut(t *testing.T) {
	for status, want := range map[int]error{403: nil, 401: nil, 500: errOther} {
		service := cachetest.New(cachetest.Options{})
		link := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodGet {
				w.WriteHeader(status)
				return
			}
			service.ServeHTTP(w, r)
		}))
		cache := open(t, githubcache.Config{CacheURL: link, Token: service.Token(onMain)})
		err := cache.Put(t.Context(), "k", nil, bytes.NewReader([]byte("x")))
		if meaning(err) != want || len(service.Keys()) == 1 != (want == nil) {
			t.Errorf("%d: %v, %q can be found", status, err, service.Keys())
		}
	}
}

// TestV1LooksFirst: a key that is there is put no second time, one that only
// begins another is.
func TestV1LooksFirst(t *testing.T) {
	for matched, want := range map[string]error{"k": fs.ErrExist, "k-longer": nil} {
		var reserved bool
		link := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodGet {
				fmt.Fprintf(w, `{"cacheKey":%q,"archiveLocation":"http://blobs.example/1"}`, matched)
				return
			}
			reserved = true
			io.WriteString(w, `{"cacheId":1}`)
		}))
		err := open(t, githubcache.Config{CacheURL: link}).Put(t.Context(), "k", nil, bytes.NewReader([]byte("x")))
		if meaning(err) != want || reserved != (want == nil) {
			t.Errorf("%s is there: %v, reserved: %t", matched, err, reserved)
		}
	}
}

// TestV1PutsOnce: servers like act's take a key twice. Of two Puts at the same
// time one must know of the other.
func TestV1PutsOnce(t *testing.T) {
	uploading, release := make(chan bool), make(chan bool)
	var reserved atomic.Int32
	link := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.Method {
		case http.MethodGet:
			w.WriteHeader(http.StatusNoContent)
		case http.MethodPatch:
			uploading <- true
			<-release
		default:
			fmt.Fprintf(w, `{"cacheId":%d}`, reserved.Add(1)) // the answer to a commit is not looked at
		}
	}))
	cache := open(t, githubcache.Config{CacheURL: link})
	put := func(key string) error { return cache.Put(t.Context(), key, nil, bytes.NewReader([]byte("x"))) }
	first := make(chan error)
	go func() { first <- put("k") }()
	<-uploading
	if err := put("k"); meaning(err) != fs.ErrExist || reserved.Load() != 1 {
		t.Errorf("the second Put: %v, %d reservations", err, reserved.Load())
	}
	close(release)
	if err := <-first; err != nil {
		t.Errorf("the first Put: %v", err)
	}
}

// forgetful loses the answer to the first request of each kind, as a network
// may, and sends it again the way a Transport does.
type forgetful struct{ lost map[string]bool }

func (f forgetful) RoundTrip(req *http.Request) (*http.Response, error) {
	kind := req.Method + req.URL.Query().Get("comp") + req.URL.Query().Get("blockid")
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil || f.lost[kind] || req.Method == http.MethodPost {
		return resp, err
	}
	f.lost[kind] = true
	resp.Body.Close()
	again := req.Clone(req.Context())
	if req.GetBody != nil {
		if again.Body, err = req.GetBody(); err != nil {
			return nil, err
		}
	}
	return http.DefaultTransport.RoundTrip(again)
}

func TestRequestsCanBeSentAgain(t *testing.T) {
	for _, version := range []string{"v1", "v2"} {
		for _, size := range []int{0, 1000, 8<<20 - 1} {
			service := cachetest.New(cachetest.Options{})
			link := serve(t, service)
			cache := open(t, githubcache.Config{ResultsURL: link, CacheURL: link, Token: service.Token(onMain), Version: version, Transport: forgetful{map[string]bool{}}})
			content := bytes.Repeat([]byte("0123456789abcdef"), size/16+1)[:size]
			if err := cache.Put(t.Context(), "k", nil, bytes.NewReader(content)); err != nil {
				t.Errorf("%s, %d bytes: %v", version, size, err)
				continue
			}
			if got := readAll(t, cache, "k"); !bytes.Equal(got, content) {
				t.Errorf("%s: %d bytes became %d", version, size, len(got))
			}
		}
	}
}

func readAll(t *testing.T, c *githubcache.Cache, key string) []byte {
	t.Helper()
	found, err := c.Find(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	part, err := found.Open(t.Context(), 0, -1)
	if err != nil {
		t.Fatal(err)
	}
	defer part.Body.Close()
	data, err := io.ReadAll(part.Body)
	if err != nil {
		t.Fatal(fmt.Errorf("reading: %w", err))
	}
	return data
}
