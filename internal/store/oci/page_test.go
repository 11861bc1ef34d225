package oci

import (
	"errors"
	"io/fs"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/authn"
)

// A web page with 200, as from a network that wants a log-in, is no sign that a
// key is there.
func TestPutAnsweredByAPage(t *testing.T) {
	host := serve(t, func(h http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodHead && strings.Contains(r.URL.Path, "/manifests/") {
				w.Header().Set("Content-Type", "text/html; charset=utf-8")
				return
			}
			h.ServeHTTP(w, r)
		})
	})
	err := open(t, host, authn.Anonymous).Put(t.Context(), "k", nil, strings.NewReader("a blob"))
	if err == nil || errors.Is(err, fs.ErrExist) || !strings.Contains(err.Error(), "a web page answers") {
		t.Errorf("got %v", err)
	}
}
