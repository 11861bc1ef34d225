package oci

import (
	"errors"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/authn"

	"github.com/org/gorun-action/internal/store/blob"
)

// dropsTags is a registry that removes the tags of a manifest with it, as most
// do. That of go-containerregistry keeps them.
func dropsTags(h http.Handler) http.Handler {
	digests := map[string]string{} // tag → digest
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		reference, ok := strings.CutPrefix(r.URL.Path, "/v2/org/cache/manifests/")
		rec := httptest.NewRecorder()
		h.ServeHTTP(rec, r)
		if ok && r.Method == http.MethodPut {
			digests[reference] = rec.Header().Get("Docker-Content-Digest")
		}
		for tag, digest := range digests {
			if ok && r.Method == http.MethodDelete && digest == reference {
				h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodDelete, "/v2/org/cache/manifests/"+tag, nil))
			}
		}
		for name, values := range rec.Header() {
			w.Header()[name] = values
		}
		w.WriteHeader(rec.Code)
		w.Write(rec.Body.Bytes())
	})
}

// A prefix leads to the newest blob that is left, and to none that is not.
func TestRemoveNewest(t *testing.T) {
	for name, wrap := range map[string]func(http.Handler) http.Handler{"keeps tags": plain, "drops tags": dropsTags} {
		r := open(t, serve(t, wrap), authn.Anonymous)
		put(t, r, "go1-a", "go1-", "go")
		put(t, r, "go1-b", "go1-", "go")
		put(t, r, "go1-x") // not by prefix
		put(t, r, "go1-c", "go1-")
		for _, step := range []struct{ remove, go1, g string }{
			{"go1-c", "go1-b", "go1-b"}, {"go1-b", "go1-a", "go1-a"}, {"go1-a", "", ""},
		} {
			if err := r.Remove(t.Context(), step.remove); err != nil {
				t.Fatalf("%s: removing %s: %v", name, step.remove, err)
			}
			for prefix, want := range map[string]string{"go1-": step.go1, "go": step.g} {
				f, err := r.Find(t.Context(), step.remove, prefix)
				if f.Key != want || want == "" && !errors.Is(err, fs.ErrNotExist) {
					t.Errorf("%s: without %s, %s leads to %q, %v", name, step.remove, prefix, f.Key, err)
				}
			}
		}
	}
}

func TestRemoveRefused(t *testing.T) {
	for name, test := range map[string]struct {
		status int
		body   string
		want   string
	}{
		"405":         {http.StatusMethodNotAllowed, "", "set a rule there"},
		"unsupported": {http.StatusBadRequest, `{"errors":[{"code":"UNSUPPORTED","message":"The operation is unsupported."}]}`, "set a rule there"},
		"forbidden":   {http.StatusForbidden, `{"errors":[{"code":"DENIED","message":"no"}]}`, "the right to delete"},
	} {
		refuses := func(h http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Method == http.MethodDelete {
					http.Error(w, test.body, test.status)
					return
				}
				h.ServeHTTP(w, r)
			})
		}
		r := open(t, serve(t, refuses), authn.Anonymous)
		put(t, r, "k")
		err := r.Remove(t.Context(), "k")
		if err == nil || !strings.Contains(err.Error(), test.want) || errors.Is(err, blob.ErrReadOnly) != (name == "forbidden") {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := r.Find(t.Context(), "k"); err != nil {
			t.Errorf("%s: it is gone: %v", name, err)
		}
	}
}

// One manifest that cannot be had is an error of the whole list, and no hang.
func TestListFails(t *testing.T) {
	breaks := func(h http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodGet && strings.HasSuffix(r.URL.Path, "/manifests/k-7") {
				http.Error(w, "", http.StatusInternalServerError)
				return
			}
			h.ServeHTTP(w, r)
		})
	}
	r := open(t, serve(t, breaks), authn.Anonymous)
	for _, n := range strings.Split("1 2 3 4 5 6 7 8 9", " ") {
		put(t, r, "k-"+n)
	}
	if all, err := r.List(t.Context(), "k-"); err == nil || status(err) != http.StatusInternalServerError {
		t.Errorf("listed %v, %v", all, err)
	}
	if all, err := open(t, serve(t, plain), authn.Anonymous).List(t.Context(), ""); err != nil || len(all) != 0 {
		t.Errorf("an empty repository has %v, %v", all, err)
	}
}
