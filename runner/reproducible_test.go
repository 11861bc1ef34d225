package runner

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/org/gorun-action/internal/goenv"
)

// keptVariables stay in a reproducible build: where things come from, which
// release compiles, what the target is, and what no executable depends on.
var keptVariables = []string{
	"CGO_ENABLED", "GOARCH", "GOOS", "GOAUTH", "GOBIN", "GOCACHE", "GOCACHEPROG", "GOENV", "GOEXE", "GOGCCFLAGS", "GOHOSTARCH", "GOHOSTOS",
	"GOINSECURE", "GOMOD", "GOMODCACHE", "GONOPROXY", "GONOSUMDB", "GOPATH", "GOPRIVATE", "GOPROXY", "GOROOT", "GOSUMDB", "GOTELEMETRY",
	"GOTELEMETRYDIR", "GOTMPDIR", "GOTOOLCHAIN", "GOTOOLDIR", "GOVCS", "GOVERSION", "GOWORK",
}

// A variable that a new Go release knows must be put into one of the lists.
func TestEveryVariableIsDecided(t *testing.T) {
	out, err := exec.Command("go", "env", "-json").Output()
	if err != nil {
		t.Fatal(err)
	}
	var known map[string]string
	if err := json.Unmarshal(out, &known); err != nil {
		t.Fatal(err)
	}
	for name := range known {
		if slices.Contains(machineVariables, name) == slices.Contains(keptVariables, name) {
			t.Errorf("%s must be kept by a reproducible build or left out of it", name)
		}
	}
	if len(known) < 30 {
		t.Errorf("go env knows only %d variables", len(known))
	}
}

func TestReproducibleConfiguration(t *testing.T) {
	dir := t.TempDir()
	root := write(t, filepath.Join(dir, "root"), map[string]string{"go.env": "GOPROXY=http://root.invalid\nGOAMD64=v2\nGOSUMDB=off\n"})
	file := filepath.Join(write(t, filepath.Join(dir, "user"), map[string]string{"env": "GOPROXY=http://user.invalid\nGOFLAGS=-v\nGOARM=5\nGOARCH=arm64\nGOPRIVATE=example.com\n"}), "env")
	caller := goenv.Load([]string{"GOENV=" + file, "HOME=" + dir, "CGO_CFLAGS=-O3", "GOFLAGS=", "CPATH=/opt", "CGO_ENABLED=1", "GOPRIVATE=", "GODEBUG= ", "A=b"}, root)
	build, cleared := reproducible(caller)
	if diff := cmp.Diff([]string{"GOFLAGS", "GOAMD64", "GOARM", "CGO_CFLAGS", "CPATH"}, cleared); diff != "" {
		t.Errorf("cleared (-want +got):\n%s", diff)
	}
	for _, name := range machineVariables {
		if value := build.Get(name); value != "" {
			t.Errorf("%s is still %q", name, value)
		}
	}
	for name, want := range map[string]string{
		"GOPROXY": "http://user.invalid", "GOSUMDB": "off", "GOPRIVATE": "example.com", "GOARCH": "arm64", "CGO_ENABLED": "1", "HOME": dir, "A": "b", "GOENV": "off",
	} {
		if got := build.Get(name); got != want {
			t.Errorf("%s = %q, want %q", name, got, want)
		}
	}
}

// The go command itself says what it makes of the environment.
func TestNeutralizedForTheGoCommand(t *testing.T) {
	file := filepath.Join(write(t, t.TempDir(), map[string]string{"env": "GOAMD64=v3\nGOFLAGS=-v\nGOPRIVATE=example.com\n"}), "env")
	r := (&Runner{}).begin(Spec{Env: goenv.Load(append(os.Environ(), "GOENV="+file, "GOFLAGS=", "GOAMD64=", "GOPRIVATE="), ""), Reproducible: true})
	cmd := exec.Command("go", "env", "GOAMD64", "GOFLAGS", "GOPRIVATE")
	env, err := r.hostEnv(t.TempDir(), PackCaches{})
	if err != nil {
		t.Fatal(err)
	}
	cmd.Env = env
	out, err := cmd.Output()
	if err != nil || string(out) != "v1\n\nexample.com\n" {
		t.Errorf("go env: %q, %v", out, err)
	}
	if got := goenv.Lookup(r.programEnv(""), "GOENV"); got != file {
		t.Errorf("the program gets GOENV=%q, not the caller's", got)
	}
}
