package shared

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"runtime"

	"github.com/org/gorun-action/internal/goenv"
)

// runners sends what has the runner's credentials. The environment of a step can
// have been written by an earlier one, and does not change who reads them: in
// clear text they go to the service itself and to no proxy, and who answers over
// TLS must have a certificate of this system's roots.
type runners struct{ base *http.Transport }

func newRunners(base *http.Transport) runners {
	base.Proxy = proxyOfTLS
	if namedRoots() != "" {
		roots := x509.NewCertPool()
		roots.AppendCertsFromPEM(goenv.Env{}.Roots()) // without any, nobody is believed
		base.TLSClientConfig = &tls.Config{RootCAs: roots}
	}
	return runners{base}
}

// proxyOfTLS is the proxy for a connection that it cannot look into.
func proxyOfTLS(req *http.Request) (*url.URL, error) {
	if req.URL.Scheme != "https" {
		return nil, nil
	}
	return http.ProxyFromEnvironment(req)
}

// namedRoots is the variable that has crypto/x509 trust other roots than this
// system's, "" where there is none (crypto/x509 root_unix.go; macOS and Windows
// do not ask for it).
func namedRoots() string {
	if runtime.GOOS == "darwin" || runtime.GOOS == "windows" {
		return ""
	}
	for _, name := range []string{"SSL_CERT_FILE", "SSL_CERT_DIR"} {
		if os.Getenv(name) != "" {
			return name
		}
	}
	return ""
}

// RoundTrip implements http.RoundTripper.
func (r runners) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := r.base.RoundTrip(req)
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok && namedRoots() != "" {
		err = fmt.Errorf("%w (%s does not count for GitHub's cache, since an earlier step can have set it)", err, namedRoots())
	}
	return resp, err
}
