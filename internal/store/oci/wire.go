package oci

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"sync/atomic"

	"github.com/google/go-containerregistry/pkg/name"

	"github.com/org/gorun-action/internal/store/blob"
)

// wire remembers that a registry speaks plain HTTP. go-containerregistry tries
// HTTPS first, each time it speaks about credentials, and a transport that
// retries takes long to find that there is none.
type wire struct {
	base  http.RoundTripper
	repo  name.Repository
	plain atomic.Bool
}

var errPlain = errors.New("the registry speaks plain HTTP")

// RoundTrip implements http.RoundTripper.
func (w *wire) RoundTrip(req *http.Request) (*http.Response, error) {
	ours := req.URL.Host == w.repo.RegistryStr() && w.repo.Scheme() == "http"
	if ours && req.URL.Scheme == "https" && w.plain.Load() {
		if req.Body != nil {
			req.Body.Close()
		}
		return nil, errPlain
	}
	resp, err := w.base.RoundTrip(req)
	if err == nil && ours && req.URL.Scheme == "http" && speaks(resp.StatusCode) {
		w.plain.Store(true)
	}
	return resp, err
}

// speaks tells the answers to a ping from that of a server that wants TLS, 400.
func speaks(status int) bool { return status == http.StatusOK || status == http.StatusUnauthorized }

// probe asks a registry of this machine for plain HTTP first: nobody listens
// on that way. Whatever goes wrong shows again when it is asked for HTTPS.
func (w *wire) probe(ctx context.Context) {
	if w.plain.Load() || !isLoopback(w.repo.RegistryStr()) {
		return
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+w.repo.RegistryStr()+"/v2/", nil)
	if err != nil {
		return
	}
	if resp, err := w.RoundTrip(req); err == nil {
		resp.Body.Close()
	}
}

func isLoopback(hostPort string) bool {
	host, _, err := net.SplitHostPort(hostPort)
	if err != nil {
		host = hostPort
	}
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.IsLoopback()
}

// maxWords is how much of what a server says is worth a line in a log.
const maxWords = 500

// words keeps an error's text short: registries, and what stands before them,
// answer with whole pages.
type words struct{ error }

func (w words) Unwrap() error { return w.error }

func (w words) Error() string {
	text := w.error.Error()
	if len(text) <= maxWords {
		return text
	}
	return fmt.Sprintf("%.*s… (%d bytes)", maxWords, text, len(text))
}

// told is an error of a registry as users see it: short, and without the
// signatures that URLs of object storage have. StripQuery drops what is around
// the URL, so this comes before anything that callers tell apart.
func told(err error) error { return words{blob.StripQuery(err)} }
