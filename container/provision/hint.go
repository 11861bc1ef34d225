package provision

import (
	"errors"
	"net"
	"strings"
	"syscall"

	"github.com/org/gorun-action/container"
	"github.com/org/gorun-action/internal/buildflags"
)

// hinted adds what to do about an error that has no hint yet. The engine's and
// the go command's words reach us as text.
func hinted(err error) error {
	var usage *buildflags.UsageError
	if container.Hint(err) != "" || errors.As(err, &usage) || errors.Is(err, container.ErrIntegrity) {
		return err
	}
	if hint := hintFor(err); hint != "" {
		return container.WithHint(err, hint)
	}
	return err
}

func hintFor(err error) string {
	text := err.Error()
	var netError net.Error
	switch {
	case strings.Contains(text, "x509: "), strings.Contains(text, "tls: failed to verify"):
		return "the server's certificate is not trusted: name the CA bundle of your network with SSL_CERT_FILE"
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT), errors.Is(err, syscall.EROFS):
		return "make room in the temporary directory, or name another one with TMPDIR"
	case strings.Contains(text, "no space left on device"):
		return "make room where the engine keeps its images: `docker system df` shows what takes it"
	case strings.Contains(text, "401 Unauthorized"), strings.Contains(text, "403 Forbidden"):
		return "the module proxy refuses: check the release, and the credentials in the netrc file or in GOPROXY's URL"
	case errors.As(err, &netError), strings.Contains(text, "dial tcp"), strings.Contains(text, "downloading"), strings.Contains(text, "reading "):
		return "check the network and GOPROXY, then run again"
	}
	return ""
}
