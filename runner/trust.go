package runner

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/org/gorun-action/internal/goenv"
)

// configured are the variables that reach the go command in a container when
// the environment or the GOENV file sets them: the KnownEnv of
// internal/cfg in Go 1.26 that configure a build, what cmd/go reads besides
// (facts in work/exec.go), and the proxies.
var configured = []string{
	"AR", "CC", "CXX", "FC", "GCCGO", "PKG_CONFIG", "PKG_CONFIG_PATH", "PKG_CONFIG_LIBDIR", "PKG_CONFIG_SYSROOT_DIR",
	"CGO_CFLAGS", "CGO_CFLAGS_ALLOW", "CGO_CFLAGS_DISALLOW", "CGO_CPPFLAGS", "CGO_CPPFLAGS_ALLOW", "CGO_CPPFLAGS_DISALLOW",
	"CGO_CXXFLAGS", "CGO_CXXFLAGS_ALLOW", "CGO_CXXFLAGS_DISALLOW", "CGO_ENABLED", "CGO_FFLAGS", "CGO_FFLAGS_ALLOW",
	"CGO_FFLAGS_DISALLOW", "CGO_LDFLAGS", "CGO_LDFLAGS_ALLOW", "CGO_LDFLAGS_DISALLOW",
	"GO111MODULE", "GO386", "GOAMD64", "GOARM", "GOARM64", "GOAUTH", "GODEBUG", "GOEXPERIMENT", "GOFIPS140", "GOFLAGS",
	"GOINSECURE", "GOMIPS", "GOMIPS64", "GONOPROXY", "GONOSUMDB", "GOPPC64", "GOPRIVATE", "GOPROXY", "GORISCV64",
	"GOSUMDB", "GOVCS", "GOWASM", "GOWORK", "GO_EXTLINK_ENABLED",
	"HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "no_proxy", "all_proxy",
	"SOURCE_DATE_EPOCH", "TZ",
}

// containerEnv is the go command's environment in a container. The target is
// always named: the program runs here, whatever the container is.
func containerEnv(env goenv.Env) []string {
	var out []string
	for _, name := range configured {
		if value := env.Get(name); value != "" {
			out = append(out, name+"="+value)
		}
	}
	return append(out, "GOOS="+env.GOOS(), "GOARCH="+env.GOARCH(), "GOENV=off", "GOTOOLCHAIN=local", "GOPATH="+containerGOPATH(env))
}

// containerGOPATH only matters to GOPATH mode; modules have GOMODCACHE.
func containerGOPATH(env goenv.Env) string {
	if path := env.GOPATH(); path != "" {
		return path
	}
	return "/go"
}

// trust gives the container this machine's CA roots and the user's netrc.
func (r *run) trust(v *view, dir string) error {
	if roots := hostRoots(r.spec.Env); len(roots) > 0 {
		file := filepath.Join(dir, "roots.pem")
		if err := os.WriteFile(file, roots, 0o644); err != nil {
			return fmt.Errorf("passing the CA roots: %w", err)
		}
		v.set("SSL_CERT_FILE", file)
	}
	if file := netrc(r.spec.Env); file != "" {
		v.mount(file, false)
		v.set("NETRC", file)
	}
	v.env = append(v.env, r.spec.Build.Env...)
	return nil
}

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

// hostRoots returns what crypto/x509 would trust here, as one bundle: the
// first file there is, and the directories' files where SSL_CERT_DIR names
// some or there is no file. It is empty where the system keeps its roots
// elsewhere; the image has its own.
func hostRoots(env goenv.Env) []byte {
	files, dirs := rootFiles, rootDirs
	if f := env.Get("SSL_CERT_FILE"); f != "" {
		files = []string{f}
	}
	if d := env.Get("SSL_CERT_DIR"); d != "" {
		dirs = strings.Split(d, ":")
	}
	bundle := firstFile(files)
	if len(bundle) > 0 && env.Get("SSL_CERT_DIR") == "" {
		return bundle
	}
	for _, dir := range dirs {
		bundle = append(bundle, certificatesIn(dir, bundle)...)
	}
	return bundle
}

func firstFile(files []string) []byte {
	for _, f := range files {
		if data, err := os.ReadFile(f); err == nil {
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
		data, err := os.ReadFile(filepath.Join(dir, e.Name()))
		text := strings.TrimSpace(string(data))
		if err != nil || !strings.Contains(text, "-----BEGIN CERTIFICATE-----") || strings.Contains(seen, text) || strings.Contains(string(out), text) {
			continue
		}
		out = slices.Concat(out, []byte(text), []byte("\n"))
	}
	return out
}

// netrc returns the file that GOAUTH=netrc reads, or "" where there is none
// (cmd/go/internal/auth/netrc.go).
func netrc(env goenv.Env) string {
	file := env.Get("NETRC")
	if file == "" && env.Get("HOME") != "" {
		file = filepath.Join(env.Get("HOME"), ".netrc")
	}
	if info, err := os.Stat(file); err != nil || !info.Mode().IsRegular() {
		return ""
	}
	return file
}
