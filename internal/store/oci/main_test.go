package oci

import (
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/registry"
)

// keychain has the same credentials for all. Without it tests would read the
// configuration of who runs them.
type keychain struct{ auth authn.Authenticator }

func (k keychain) Resolve(authn.Resource) (authn.Authenticator, error) { return k.auth, nil }

// serve starts a registry behind wrap, and returns its HOST.
func serve(t testing.TB, wrap func(http.Handler) http.Handler) string {
	s := httptest.NewServer(wrap(registry.New(registry.Logger(log.New(io.Discard, "", 0)))))
	t.Cleanup(s.Close)
	return strings.TrimPrefix(s.URL, "http://")
}

func plain(h http.Handler) http.Handler { return h }

// open returns a repository of a registry.
func open(t testing.TB, host string, auth authn.Authenticator) *Repository {
	t.Helper()
	tr := http.DefaultTransport.(*http.Transport).Clone()
	t.Cleanup(tr.CloseIdleConnections)
	r, err := New(host+"/org/cache", Options{Transport: tr, Keychain: keychain{auth}})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// isBlobGet tells the requests that registries send on to object storage.
func isBlobGet(r *http.Request) bool {
	return r.Method == http.MethodGet && strings.Contains(r.URL.Path, "/blobs/sha256:")
}
