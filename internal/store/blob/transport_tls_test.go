package blob_test

import (
	"crypto/tls"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/org/gorun-action/internal/store/blob"
)

// TestTransportLastingErrors: what would end in the same way again is not tried
// again, and the store is not given up. A registry of this machine is tried with
// TLS first.
func TestTransportLastingErrors(t *testing.T) {
	plain := serve(t, func(http.ResponseWriter, *http.Request) {})
	secure := httptest.NewTLSServer(http.NotFoundHandler())
	t.Cleanup(secure.Close)
	attempts := 0
	o := hasty()
	o.Observe = func(blob.Attempt) { attempts++ }
	c, transport := newClient(t, o)
	left := transport.Budget().Left()
	var certificate *tls.CertificateVerificationError
	for url, is := range map[string]func(error) bool{
		strings.Replace(plain, "http:", "https:", 1): func(err error) bool { return errors.Is(err, http.ErrSchemeMismatch) },
		secure.URL: func(err error) bool { return errors.As(err, &certificate) },
	} {
		attempts = 0
		_, _, err := get(t, c, url)
		if !is(err) || attempts != 1 {
			t.Errorf("%d attempts: %v", attempts, err)
		}
	}
	if now := transport.Budget(); now.Left() != left || now.Err() != nil {
		t.Errorf("%s of %s are left, %v", now.Left(), left, now.Err())
	}
	if _, status, err := get(t, c, plain); status != 200 {
		t.Errorf("then: %d, %v", status, err)
	}
}
