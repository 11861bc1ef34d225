package oci

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/authn"
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/org/gorun-action/internal/store/blobtest"
)

// answers replaces what a registry says to who reads a blob.
func answers(status int, body string, header map[string]string) func(http.Handler) http.Handler {
	return func(h http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if !isBlobGet(r) {
				h.ServeHTTP(w, r)
				return
			}
			for name, value := range header {
				w.Header().Set(name, value)
			}
			w.WriteHeader(status)
			io.WriteString(w, body)
		})
	}
}

// Only what was asked for is a part, and all of it if that was ignored.
func TestWrongParts(t *testing.T) {
	whole, ten := strings.Repeat("x", 1000), strings.Repeat("x", 10)
	ranged := func(text string) map[string]string { return map[string]string{"Content-Range": text} }
	for name, test := range map[string]struct {
		status int
		body   string
		header map[string]string
		ok     bool
	}{
		"right":                 {206, ten, ranged("bytes 100-109/1000"), true},
		"right, no total":       {206, ten, ranged("bytes 100-109/*"), true},
		"all of it":             {200, whole, nil, true},
		"no range":              {206, ten, nil, false},
		"another place":         {206, ten, ranged("bytes 0-9/1000"), false},
		"another total":         {206, ten, ranged("bytes 100-109/1001"), false},
		"another end":           {206, ten, ranged("bytes 100-110/1000"), false},
		"a sign":                {206, ten, ranged("bytes +100-109/1000"), false},
		"another unit":          {206, ten, ranged("lines 100-109/1000"), false},
		"more bytes than said":  {206, ten + "x", ranged("bytes 100-109/1000"), false},
		"fewer bytes than said": {206, "x", ranged("bytes 100-109/1000"), false},
		"all of it, too short":  {200, ten, nil, false},
		"all of it, too long":   {200, whole + "x", nil, false},
		"a page":                {200, "<html>", map[string]string{"Content-Type": "text/html"}, false},
		"not there":             {404, "", nil, false},
		"out of range":          {416, "", nil, false},
		"expired":               {403, "<Error>", nil, false},
		"no content":            {204, "", nil, false},
	} {
		r := open(t, serve(t, answers(test.status, test.body, test.header)), authn.Anonymous)
		put(t, r, "k")
		f, err := r.Find(t.Context(), "k")
		if err != nil {
			t.Fatal(err)
		}
		p, err := f.Open(t.Context(), 100, 10)
		if (err == nil) != test.ok || errors.Is(err, fs.ErrNotExist) != (test.status == 404) {
			t.Errorf("%s: %v", name, err)
		}
		if err == nil {
			p.Body.Close()
		}
	}
}

// The same blob under two keys is sent once.
func TestSameBytes(t *testing.T) {
	patches := 0
	counts := func(h http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodPatch {
				patches++
			}
			h.ServeHTTP(w, r)
		})
	}
	r := open(t, serve(t, counts), authn.Anonymous)
	for _, key := range []string{"a", "b"} {
		if err := r.Put(t.Context(), key, nil, bytes.NewReader(blobtest.Content("", 1000))); err != nil {
			t.Fatal(err)
		}
	}
	if patches != 2 { // the blob, and the empty config
		t.Errorf("sent %d blobs, want 2", patches)
	}
}

// answerer is a registry that says the same to everything but a ping.
type answerer struct {
	status int
	body   []byte
	rng    string
}

func (a answerer) RoundTrip(r *http.Request) (*http.Response, error) {
	resp := &http.Response{StatusCode: a.status, Header: http.Header{}, Request: r, ContentLength: int64(len(a.body)), Body: io.NopCloser(bytes.NewReader(a.body))}
	if r.URL.Path == "/v2/" {
		resp.StatusCode = http.StatusOK
	}
	if a.rng != "" {
		resp.Header.Set("Content-Range", a.rng)
	}
	return resp, nil
}

// FuzzFind: whatever a registry answers, what is found has the key, and a part
// begins where it was asked to or at 0.
func FuzzFind(f *testing.F) {
	manifest := []byte(fmt.Sprintf(`{"schemaVersion":2,"mediaType":%q,"config":{"mediaType":"application/vnd.oci.empty.v1+json","size":2,"digest":"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"},`+
		`"layers":[{"mediaType":%q,"size":4096,"digest":"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"}],`+
		`"annotations":{"org.gorun.key":"go1-a","org.gorun.prefixes":"go1-","org.opencontainers.image.created":"2026-11-02T20:36:21Z"},"artifactType":%q}`, manifestMedia, blobType, artifactType))
	if _, err := parseArtifact(manifest); err != nil {
		f.Fatal(err)
	}
	f.Add(200, manifest, "")
	f.Add(206, manifest, "bytes 10-19/4096")
	f.Add(404, []byte(`{"errors":[{"code":"MANIFEST_UNKNOWN"}]}`), "")
	f.Add(200, []byte(`{"layers":[{}]}`), "")
	f.Fuzz(func(t *testing.T, status int, body []byte, rng string) {
		if status < 200 || status > 599 || status/100 == 3 {
			return // http.Client follows, or does not hand on
		}
		r, err := New("registry.test/org/cache", Options{Transport: answerer{status, body, rng}, Keychain: keychain{authn.Anonymous}})
		if err != nil {
			t.Fatal(err)
		}
		found, err := r.Find(t.Context(), "go1-b", "go1-")
		if err == nil && !strings.HasPrefix(found.Key, "go1-") {
			t.Errorf("found %q", found.Key)
		}
		if err == nil && (found.Size < 0 || status != http.StatusOK) {
			t.Errorf("found %d bytes by %d", found.Size, status)
		}
		p, err := r.open(t.Context(), v1.Descriptor{Digest: sum("x"), Size: 4096}, 10, 10)
		if err == nil && (p.Offset != 10 || len(body) != 10) && (p.Offset != 0 || len(body) != 4096) {
			t.Errorf("a part of %d bytes from %d on", len(body), p.Offset)
		}
	})
}
