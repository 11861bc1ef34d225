package oci

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/registry"

	"github.com/org/gorun-action/internal/store/blob"
	"github.com/org/gorun-action/internal/store/entry"
)

// All of the way that a program takes: sealed, stored, found, downloaded in
// parts through the transport that runs use, checked. No fault is counted in it.
func TestEntryThroughRegistry(t *testing.T) {
	program := bytes.Repeat([]byte("a program "), 1<<20)
	var payload bytes.Buffer
	m := entry.Manifest{Kind: entry.Executable, Key: "go1-linux-a", Name: "hello"}
	var err error
	if m.Payload, m.Content, err = entry.CompressProgram(&payload, bytes.NewReader(program)); err != nil {
		t.Fatal(err)
	}
	head, err := entry.Seal(m, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	s := newTokens(t)
	tr := blob.NewTransport(http.DefaultTransport, blob.TransportOptions{})
	r, err := New(serve(t, s.guard)+"/org/cache", Options{Transport: tr, Keychain: keychain{user}})
	if err != nil {
		t.Fatal(err)
	}
	left := tr.Budget().Left()
	if err := r.Put(t.Context(), m.Key, nil, entry.Content(head, bytes.NewReader(payload.Bytes()))); err != nil {
		t.Fatal(err)
	}
	got := fetch(t, r, m.Key)
	if !bytes.Equal(got, program) {
		t.Errorf("got %d bytes", len(got))
	}
	if now := tr.Budget().Left(); now != left {
		t.Errorf("faults took %s where there are none", left-now)
	}
}

func fetch(t *testing.T, r *Repository, key string) []byte {
	f, err := r.Find(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	reader := blob.NewReader(t.Context(), f, blob.ReadOptions{Part: 4096})
	defer reader.Close()
	o, err := entry.Open(reader, entry.Want{Kind: entry.Executable, Key: key, Matched: f.Key}, entry.Trust{})
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := o.Program(&out); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// A registry of this machine that has TLS is still found.
func TestLoopbackTLS(t *testing.T) {
	s := httptest.NewTLSServer(registry.New())
	t.Cleanup(s.Close)
	s.Config.ErrorLog = nil
	r, err := New(strings.TrimPrefix(s.URL, "https://")+"/org/cache", Options{Transport: s.Client().Transport, Keychain: keychain{authn.Anonymous}})
	if err != nil {
		t.Fatal(err)
	}
	put(t, r, "k")
	if f, err := r.Find(t.Context(), "k"); err != nil || f.Size != 1000 || r.wire.plain.Load() {
		t.Errorf("found %d bytes, %v", f.Size, err)
	}
}

// Plain HTTP is found at once, and not looked for again.
func TestPlainIsRemembered(t *testing.T) {
	var tried atomic.Int64
	host := serve(t, plain)
	base := roundTripper(func(req *http.Request) (*http.Response, error) {
		if req.URL.Scheme == "https" {
			tried.Add(1)
			return nil, errors.New("there is no TLS")
		}
		return http.DefaultTransport.RoundTrip(req)
	})
	r, err := New(host+"/org/cache", Options{Transport: base, Keychain: keychain{authn.Anonymous}})
	if err != nil {
		t.Fatal(err)
	}
	put(t, r, "k")
	if err := r.Remove(t.Context(), "k"); err != nil || tried.Load() != 0 {
		t.Errorf("HTTPS was tried %d times, %v", tried.Load(), err)
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// Errors have no signatures and no pages in them, and are still what they are.
func TestErrorsAreShort(t *testing.T) {
	r := open(t, serve(t, answers(http.StatusForbidden, strings.Repeat("<p>", 20000), nil)), authn.Anonymous)
	put(t, r, "k")
	f, err := r.Find(t.Context(), "k")
	if err != nil {
		t.Fatal(err)
	}
	_, err = f.Open(t.Context(), 0, -1)
	if err == nil || len(err.Error()) > 2*maxWords || status(err) != http.StatusForbidden {
		t.Errorf("%.2000v", err)
	}
	signed := func(h http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			if isBlobGet(req) {
				http.Redirect(w, req, "http://127.0.0.1:1/blob?sig=secret", http.StatusTemporaryRedirect)
				return
			}
			h.ServeHTTP(w, req)
		})
	}
	r = open(t, serve(t, signed), authn.Anonymous)
	put(t, r, "k")
	if f, err = r.Find(t.Context(), "k"); err != nil {
		t.Fatal(err)
	}
	_, err = f.Open(t.Context(), 0, -1)
	if err == nil || strings.Contains(err.Error(), "secret") || !strings.Contains(err.Error(), "127.0.0.1:1") {
		t.Errorf("a signature is shown, or the host is not: %v", err)
	}
	long := told(fmt.Errorf("%s: %w", strings.Repeat("x", 1000), io.ErrUnexpectedEOF))
	if !errors.Is(long, io.ErrUnexpectedEOF) {
		t.Error("an error is no longer what it was")
	}
}
