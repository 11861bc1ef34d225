package oci

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/authn"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/org/gorun-action/internal/store/blob"
	"github.com/org/gorun-action/internal/store/blobtest"
)

var update = flag.Bool("update", false, "write the golden files")

func put(t *testing.T, r *Repository, key string, prefixes ...string) {
	t.Helper()
	if err := r.Put(t.Context(), key, prefixes, bytes.NewReader(blobtest.Content(key, 1000))); err != nil {
		t.Fatal(err)
	}
}

func TestNew(t *testing.T) {
	for _, ref := range []string{"", "cache", "org/cache", "registry.example", "registry.example/", "registry.example/a:tag", "registry.example/a@sha256:" + strings.Repeat("0", 64), "registry.example/A", "https://registry.example/a", "registry.example/a b"} {
		if r, err := New(ref, Options{}); err == nil || !strings.Contains(err.Error(), "HOST/REPO") {
			t.Errorf("%q is %v, %v", ref, r, err)
		}
	}
	for _, ref := range []string{"registry.example/org/cache", "localhost:5000/cache", "127.0.0.1:5000/a/b/c"} {
		if r, err := New(ref, Options{}); err != nil || r.String() != ref {
			t.Errorf("%q is %v, %v", ref, r, err)
		}
	}
}

func TestFormat(t *testing.T) {
	empty := v1.Descriptor{MediaType: types.OCIEmptyJSON, Size: 2, Digest: sum("{}")}
	layer := v1.Descriptor{MediaType: blobType, Size: 4, Digest: sum("blob")}
	a, err := newArtifact("go1.26.8-linux-amd64-3f1c", []string{"go1.26.8-linux-", "go1.26.8-"}, layer, empty, time.Date(2026, 11, 2, 20, 36, 21, 5, time.UTC))
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join("testdata", "manifest.golden")
	if *update {
		if err := os.WriteFile(file, a.raw, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if diff := cmp.Diff(string(want), string(a.raw)); diff != "" || err != nil {
		t.Error(diff, err)
	}
}

func sum(text string) v1.Hash {
	h, _, err := v1.SHA256(strings.NewReader(text))
	if err != nil {
		panic(err)
	}
	return h
}

// Every key and prefix has a tag that registries take, and no two have one.
func TestTags(t *testing.T) {
	valid := regexp.MustCompile(`^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$`) // OCI distribution specification 1.1
	long := strings.Repeat("k", 120)
	seen := map[string]string{}
	for _, key := range []string{"a", "newest", "newest-a", "-", "-a", "--", long, long + "12345678", long + "123456789", "-" + long, long + strings.Repeat("a", 392), long + strings.Repeat("a", 391) + "b"} {
		for what, tag := range map[string]string{"key " + key: keyTag(key), "prefix " + key: prefixTag(key)} {
			if !valid.MatchString(tag) || seen[tag] != "" {
				t.Errorf("the %s has the tag %q, and so has %s", what, tag, seen[tag])
			}
			seen[tag] = what
			if strings.HasPrefix(what, "key") && (!mayBegin(tag, key[:1]) || strings.HasPrefix(tag, newestTag)) {
				t.Errorf("the %s is not seen in the tag %q", what, tag)
			}
			if strings.HasPrefix(what, "prefix") && mayBegin(tag, "") {
				t.Errorf("the tag %q of the %s is taken for a key", tag, what)
			}
		}
	}
}

func TestReadOnly(t *testing.T) {
	forbids := func(h http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodPost || r.Method == http.MethodPut {
				http.Error(w, `{"errors":[{"code":"DENIED","message":"no"}]}`, http.StatusForbidden)
				return
			}
			h.ServeHTTP(w, r)
		})
	}
	for name, r := range map[string]*Repository{
		"403":            open(t, serve(t, forbids), authn.Anonymous),
		"a token":        open(t, serve(t, newTokens(t).guard), authn.Anonymous),
		"no token":       open(t, serve(t, refusing(t).guard), user),
		"no credentials": open(t, serve(t, basicAuth), authn.Anonymous),
	} {
		err := r.Put(t.Context(), "k", []string{"k"}, strings.NewReader("x"))
		if !errors.Is(err, blob.ErrReadOnly) {
			t.Errorf("%s: %v", name, err)
		}
		if err != nil && strings.Contains(err.Error(), user.Password) {
			t.Errorf("%s: %v shows the password", name, err)
		}
	}
}

// refusing is a token server that logs nobody in.
func refusing(t *testing.T) *tokens {
	s := newTokens(t)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) }))
	t.Cleanup(server.Close)
	s.realm = strings.Replace(server.URL, "127.0.0.1", "localhost", 1)
	return s
}

// What others keep in the repository is no blob, and in nobody's way.
func TestForeign(t *testing.T) {
	r := open(t, serve(t, plain), authn.Anonymous)
	image, err := random.Image(100, 1)
	if err != nil {
		t.Fatal(err)
	}
	for _, tag := range []string{"image", "newest_image", "Image_1"} {
		if err := remote.Write(r.repo.Tag(tag), image); err != nil {
			t.Fatal(err)
		}
	}
	put(t, r, "ours", "our")
	a, err := r.exact(t.Context(), "ours")
	if err != nil {
		t.Fatal(err)
	}
	for _, tag := range []string{"moved", "newest_moved"} { // a replay of our own
		if err := remote.Put(r.repo.Tag(tag), a); err != nil {
			t.Fatal(err)
		}
	}
	for _, query := range [][]string{{"image"}, {"none", "image"}, {"moved"}, {"none", "moved"}} {
		if f, err := r.Find(t.Context(), query[0], query[1:]...); err == nil || errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%q is %q, %v", query, f.Key, err)
		}
	}
	if err := r.Put(t.Context(), "image", nil, strings.NewReader("x")); !errors.Is(err, fs.ErrExist) {
		t.Errorf("an image was replaced: %v", err)
	}
	if err := r.Remove(t.Context(), "image"); err == nil || errors.Is(err, fs.ErrNotExist) {
		t.Errorf("an image was removed: %v", err)
	}
	if all, err := r.List(t.Context(), ""); err != nil || len(all) != 1 || all[0].Key != "ours" {
		t.Errorf("listed %v, %v", all, err)
	}
}

// A server that is not there, or broken, is asked once: retries are the
// business of the transport that New was given.
func TestNoRetries(t *testing.T) {
	for _, at := range []string{"GET /v2/org", "HEAD /v2/org/cache/manifests", "HEAD /v2/org/cache/blobs", "POST", "PATCH", "PUT /v2/org/cache/blobs", "PUT /v2/org/cache/manifests"} {
		var mu sync.Mutex
		asked := 0
		breaks := func(h http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if !strings.HasPrefix(r.Method+" "+r.URL.Path, at) {
					h.ServeHTTP(w, r)
					return
				}
				mu.Lock()
				defer mu.Unlock()
				asked++
				http.Error(w, "<html>", http.StatusServiceUnavailable)
			})
		}
		r := open(t, serve(t, breaks), authn.Anonymous)
		do := func() error { return r.Put(t.Context(), "k", []string{"p"}, strings.NewReader("x")) }
		if strings.HasPrefix(at, "GET") {
			do = func() error { _, err := r.Find(t.Context(), "k", "p"); return err }
		}
		err := do()
		if err == nil || errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrExist) || errors.Is(err, blob.ErrReadOnly) || asked != 1 {
			t.Errorf("%s: asked %d times: %v", at, asked, err)
		}
	}
}

// sink is a registry that keeps nothing. It counts the bytes of blobs.
func sink(n *int64) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got, _ := io.Copy(io.Discard, r.Body)
		w.Header().Set("Location", "/v2/org/cache/blobs/uploads/1")
		switch r.Method {
		case http.MethodHead:
			w.WriteHeader(http.StatusNotFound)
		case http.MethodPost:
			w.WriteHeader(http.StatusAccepted)
		case http.MethodPatch:
			*n += got
			w.WriteHeader(http.StatusAccepted)
		case http.MethodPut:
			w.WriteHeader(http.StatusCreated)
		}
	})
}

// zeros is a large Content.
type zeros int64

func (z zeros) Size() int64 { return int64(z) }
func (z zeros) ReadAt(p []byte, off int64) (int, error) {
	n := int(min(int64(len(p)), max(0, int64(z)-off)))
	clear(p[:n])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

func TestPutTakesLittleMemory(t *testing.T) {
	const size = 256 << 20
	var got int64
	s := httptest.NewServer(sink(&got))
	t.Cleanup(s.Close)
	r := open(t, strings.TrimPrefix(s.URL, "http://"), authn.Anonymous)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if err := r.Put(t.Context(), "large", nil, zeros(size)); err != nil || got != size+int64(len(emptyConfig)) {
		t.Fatalf("sent %d bytes, %v", got, err)
	}
	runtime.ReadMemStats(&after)
	if took := after.TotalAlloc - before.TotalAlloc; took > 8<<20 {
		t.Errorf("Put of %d MiB took %d KiB of memory", size>>20, took>>10)
	}
}

// A Put that fails after the blob was sent leaves nothing under the key.
func TestTagOfKeyComesLast(t *testing.T) {
	var tags []string
	logs := func(h http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if tag, ok := strings.CutPrefix(r.URL.Path, "/v2/org/cache/manifests/"); ok && r.Method == http.MethodPut {
				tags = append(tags, tag)
			}
			h.ServeHTTP(w, r)
		})
	}
	put(t, open(t, serve(t, logs), authn.Anonymous), "key-1", "key-", "key")
	if got, want := fmt.Sprint(tags), "[newest_key- newest_key key-1]"; got != want {
		t.Errorf("wrote %s, want %s", got, want)
	}
}

func TestFindEnds(t *testing.T) {
	stuck, free := make(chan struct{}), make(chan struct{})
	hangs := func(h http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != "/v2/" {
				close(stuck)
				<-free
			}
			h.ServeHTTP(w, r)
		})
	}
	r := open(t, serve(t, hangs), authn.Anonymous)
	defer close(free)
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-stuck; cancel() }()
	if _, err := r.Find(ctx, "k"); !errors.Is(err, context.Canceled) {
		t.Errorf("Find: %v", err)
	}
}
