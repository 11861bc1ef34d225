package runner

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/org/gorun-action/container"
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
func (r *run) trust(v *view, site container.Site, dir string) error {
	if roots := r.spec.Env.Roots(); len(roots) > 0 {
		file := filepath.Join(dir, "roots.pem")
		if err := os.WriteFile(file, roots, 0o644); err != nil {
			return fmt.Errorf("passing the CA roots: %w", err)
		}
		v.set("SSL_CERT_FILE", file)
	}
	if file := r.spec.Env.Netrc(); file != "" {
		if site.Sees(file) != nil {
			own := filepath.Join(dir, "netrc")
			if err := copyFile(file, own); err != nil {
				return fmt.Errorf("passing the netrc file: %w", err)
			}
			file = own
		}
		v.mount(file, false)
		v.set("NETRC", file)
	}
	v.env = append(v.env, r.spec.Build.Env...)
	return nil
}
