package goenv

import (
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/org/gorun-action/cachekeys"
)

// rootFiles and rootDirs are where crypto/x509 looks on Linux
// (crypto/x509/root_linux.go).
var (
	rootFiles = []string{
		"/etc/ssl/certs/ca-certificates.crt",
		"/etc/pki/tls/certs/ca-bundle.crt",
		"/etc/ssl/ca-bundle.pem",
		"/etc/pki/tls/cacert.pem",
		"/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
		"/etc/ssl/cert.pem",
	}
	rootDirs = []string{"/etc/ssl/certs", "/etc/pki/tls/certs"}
)

// Roots returns the CA roots that crypto/x509 would trust here, as one PEM
// bundle: the first file there is, and the directories' files where
// SSL_CERT_DIR names some or there is no file. It is empty where the system
// keeps its roots elsewhere.
func (e Env) Roots() []byte {
	files, dirs := rootFiles, rootDirs
	if f := e.Get("SSL_CERT_FILE"); f != "" {
		files = []string{f}
	}
	if d := e.Get("SSL_CERT_DIR"); d != "" {
		dirs = strings.Split(d, ":")
	}
	bundle := firstFile(files)
	if len(bundle) > 0 && e.Get("SSL_CERT_DIR") == "" {
		return bundle
	}
	for _, dir := range dirs {
		bundle = append(bundle, certificatesIn(dir, bundle)...)
	}
	return bundle
}

func firstFile(files []string) []byte {
	for _, f := range files {
		if data, err := cachekeys.ReadFile(f); err == nil {
			return append(data, '\n')
		}
	}
	return nil
}

// certificatesIn returns the PEM files of a directory that the bundle does not
// hold yet; most of them are links to what the bundle was made of.
func certificatesIn(dir string, bundle []byte) []byte {
	var out []byte
	seen := string(bundle)
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		data, err := cachekeys.ReadFile(filepath.Join(dir, e.Name()))
		text := strings.TrimSpace(string(data))
		if err != nil || !strings.Contains(text, "-----BEGIN CERTIFICATE-----") || strings.Contains(seen, text) || strings.Contains(string(out), text) {
			continue
		}
		out = slices.Concat(out, []byte(text), []byte("\n"))
	}
	return out
}

// Netrc returns the file that GOAUTH=netrc reads, or "" where there is none
// (cmd/go/internal/auth/netrc.go).
func (e Env) Netrc() string {
	file := e.Get("NETRC")
	if file == "" && e.Get("HOME") != "" {
		file = filepath.Join(e.Get("HOME"), ".netrc")
	}
	if info, err := os.Stat(file); err != nil || !info.Mode().IsRegular() {
		return ""
	}
	return file
}
