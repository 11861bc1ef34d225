package runner

import (
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/org/gorun-action/internal/goenv"
)

// machineVariables belong to a machine and can change an executable: those of
// internal/cfg KnownEnv (Go 1.26), what the go command, the compiler and the
// linker read besides, and what the C compiler and its linker read. What only
// says where things come from (GOPROXY, GOMODCACHE, GOWORK, …), which release
// compiles (GOTOOLCHAIN, GOROOT) and what the target is (GOOS, GOARCH,
// CGO_ENABLED) is not among them, nor is SOURCE_DATE_EPOCH, which is there to
// be the same everywhere.
var machineVariables = []string{
	"GOFLAGS", "GO111MODULE", "GODEBUG", "GOEXPERIMENT", "GOFIPS140",
	"GO386", "GOAMD64", "GOARM", "GOARM64", "GOMIPS", "GOMIPS64", "GOPPC64", "GORISCV64", "GOWASM", "GO_EXTLINK_ENABLED",
	"GOCLOBBERDEADHASH", "GOCOMPILEDEBUG", "GOSSADIR", "GOSSAFUNC", "GO_BUILDER_NAME",
	"AR", "CC", "CXX", "FC", "GCCGO", "PKG_CONFIG", "PKG_CONFIG_PATH", "PKG_CONFIG_LIBDIR", "PKG_CONFIG_SYSROOT_DIR",
	"CGO_CFLAGS", "CGO_CFLAGS_ALLOW", "CGO_CFLAGS_DISALLOW", "CGO_CPPFLAGS", "CGO_CPPFLAGS_ALLOW", "CGO_CPPFLAGS_DISALLOW",
	"CGO_CXXFLAGS", "CGO_CXXFLAGS_ALLOW", "CGO_CXXFLAGS_DISALLOW", "CGO_FFLAGS", "CGO_FFLAGS_ALLOW", "CGO_FFLAGS_DISALLOW",
	"CGO_LDFLAGS", "CGO_LDFLAGS_ALLOW", "CGO_LDFLAGS_DISALLOW",
	"CPATH", "C_INCLUDE_PATH", "CPLUS_INCLUDE_PATH", "OBJC_INCLUDE_PATH", "LIBRARY_PATH", "COMPILER_PATH", "GCC_EXEC_PREFIX", "LD_RUN_PATH", "SDKROOT",
}

// neutralFile is what the go command of a reproducible build reads as GOENV.
const neutralFile = "go.env"

// begin makes the run of a Spec. What its build sees of the environment may be
// less than what the program gets.
func (r *Runner) begin(spec Spec) *run {
	run := &run{Runner: r, spec: spec, caller: spec.Env, result: Result{Cache: Off}}
	if !spec.Reproducible {
		return run
	}
	env, cleared := reproducible(spec.Env)
	run.spec.Env = env
	if len(cleared) > 0 {
		notice := "--reproducible: not used for the build: " + strings.Join(cleared, ", ")
		run.spec.Build.Notices = append(slices.Clone(spec.Build.Notices), notice)
	}
	return run
}

// reproducible returns the configuration of a reproducible build, and the names
// of the variables that had a value and have none in it. What the GOENV file
// and GOROOT/go.env set is in its environment, as far as it counts.
func reproducible(env goenv.Env) (build goenv.Env, cleared []string) {
	for _, name := range machineVariables {
		if strings.TrimSpace(env.Get(name)) != "" {
			cleared = append(cleared, name)
		}
	}
	environ := slices.DeleteFunc(slices.Concat(env.Environ(), env.Configured()), func(kv string) bool {
		name, _, _ := strings.Cut(kv, "=")
		return slices.Contains(machineVariables, name)
	})
	return goenv.Load(append(environ, "GOENV=off"), ""), cleared
}

// neutralized makes the go command of this machine take its defaults for what a
// reproducible build leaves out. GOENV=off would not do: a variable that is
// empty or unset falls through to GOROOT/go.env, and only an empty one in the
// GOENV file stops that (cmd/go/internal/cfg readEnvFile).
func (r *run) neutralized(env []string, dir string) []string {
	if !r.spec.Reproducible {
		return env
	}
	file := filepath.Join(dir, neutralFile)
	if err := os.WriteFile(file, []byte(strings.Join(machineVariables, "=\n")+"=\n"), 0o644); err != nil {
		return env // GOENV=off: as good, unless somebody has edited GOROOT/go.env
	}
	return append(env, "GOENV="+file)
}

// reproducibleWords are the flags of this kind that do the same again.
func (r *run) reproducibleWords() []string {
	switch {
	case r.spec.VerifyBuild:
		return []string{"--verify-build"}
	case r.spec.Reproducible:
		return []string{"--reproducible"}
	}
	return nil
}
