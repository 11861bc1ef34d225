package cachekeys

import (
	"runtime"
	"strings"

	"golang.org/x/mod/module"
)

// keyedEnv are the variables of the go command's configuration that can change
// an executable: those of internal/cfg KnownEnv (Go 1.26), and what the go
// command, the compiler and the linker read besides (cmd/go/internal/work
// buildActionID "magic", printLinkerConfig).
var keyedEnv = []string{
	"CGO_ENABLED", "GO111MODULE", "GO386", "GOAMD64", "GOARM", "GOARM64", "GODEBUG", "GOEXPERIMENT", "GOFIPS140",
	"GOMIPS", "GOMIPS64", "GOPPC64", "GORISCV64", "GOWASM", "GO_EXTLINK_ENABLED",
	"GOCLOBBERDEADHASH", "GOCOMPILEDEBUG", "GOSSADIR", "GOSSAFUNC", "GO_BUILDER_NAME", "SOURCE_DATE_EPOCH",
}

// cEnv are those that matter to the C compiler and what runs it.
var cEnv = []string{
	"AR", "CC", "CXX", "FC", "GCCGO", "PKG_CONFIG", "PKG_CONFIG_PATH", "PKG_CONFIG_LIBDIR", "PKG_CONFIG_SYSROOT_DIR",
	"CGO_CFLAGS", "CGO_CFLAGS_ALLOW", "CGO_CFLAGS_DISALLOW", "CGO_CPPFLAGS", "CGO_CPPFLAGS_ALLOW", "CGO_CPPFLAGS_DISALLOW",
	"CGO_CXXFLAGS", "CGO_CXXFLAGS_ALLOW", "CGO_CXXFLAGS_DISALLOW", "CGO_FFLAGS", "CGO_FFLAGS_ALLOW", "CGO_FFLAGS_DISALLOW",
	"CGO_LDFLAGS", "CGO_LDFLAGS_ALLOW", "CGO_LDFLAGS_DISALLOW",
	"CPATH", "C_INCLUDE_PATH", "CPLUS_INCLUDE_PATH", "OBJC_INCLUDE_PATH", "LIBRARY_PATH", "COMPILER_PATH", "GCC_EXEC_PREFIX", "SDKROOT",
}

// sourceEnv say where pkg@version comes from. For what go.sum pins it makes no
// difference. They may hold passwords: only their fingerprint is an input.
var sourceEnv = []string{"GOPROXY", "GOSUMDB", "GONOSUMDB", "GONOPROXY", "GOPRIVATE", "GOINSECURE", "GOTOOLCHAIN", "GOVCS"}

// idleEnv are the variables of `go env` that change no executable, or count in
// another form: GOFLAGS as flags, GOOS and GOARCH as the target, GOWORK and
// GOMOD as the workspace, GOROOT and GOTOOLDIR as the toolchain.
var idleEnv = []string{
	"GOARCH", "GOAUTH", "GOBIN", "GOCACHE", "GOCACHEPROG", "GOENV", "GOEXE", "GOFLAGS", "GOGCCFLAGS", "GOHOSTARCH", "GOHOSTOS",
	"GOMOD", "GOMODCACHE", "GOOS", "GOPATH", "GOROOT", "GOTELEMETRY", "GOTELEMETRYDIR", "GOTMPDIR", "GOTOOLDIR", "GOVERSION", "GOWORK",
}

// env adds the variables that are set.
func (w *walk) env(cgo bool) {
	names := keyedEnv
	if cgo || w.r.Toolchain.Pinned() {
		names = append(names[:len(names):len(names)], cEnv...)
	}
	for _, name := range names {
		if value := w.r.Getenv(name); value != "" {
			w.input(KindEnv, name, value)
		}
	}
	if _, _, versioned := w.r.versioned(); !versioned {
		return
	}
	for _, name := range sourceEnv {
		if value := w.r.Getenv(name); value != "" {
			w.input(KindEnv, name, "fingerprint "+w.ix.sum([]byte(value)))
		}
	}
}

// CgoEnabled reports whether the go command compiles with cgo, as far as that
// can be told without it (cmd/go/internal/cfg defaultContext): CGO_ENABLED,
// else whether the target is this machine's own and there is a C compiler.
func CgoEnabled(r *Request) bool {
	switch r.Getenv("CGO_ENABLED") {
	case "0":
		return false
	case "1":
		return true
	}
	return r.Target == runtime.GOOS+"/"+runtime.GOARCH && (r.Getenv("CC") != "" || findProgram(r, "gcc") != "" || findProgram(r, "clang") != "")
}

// exactVersion reports whether a version names one release of a module for
// all time: neither a query (latest, v1, >v1.2) nor a branch or commit.
func exactVersion(version string) bool {
	return strings.HasPrefix(version, "v") && module.CanonicalVersion(version) == version
}
