package main

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"github.com/org/gorun-action/internal/testenv"
	"github.com/org/gorun-action/runner"
)

// machine is where one program is built: a directory and settings of its own.
type machine struct {
	*testing.T
	dir string
	env []string
}

func newMachine(t *testing.T, builder, name string, env ...string) machine {
	t.Helper()
	caches := testenv.CacheDir(t)
	m := machine{T: t, dir: filepath.Join(t.TempDir(), name)}
	put(t, filepath.Join(m.dir, "go.mod"), "module example.com/m\n\ngo 1.26\n")
	put(t, filepath.Join(m.dir, "cmd/where/main.go"), "package main\n\nimport \"runtime\"\n\nfunc main() {\n\t_, file, _, _ := runtime.Caller(0)\n\tprintln(file)\n}\n")
	m.env = append(os.Environ(), "GORUN_BUILDER="+builder, "GORUN_CACHE_DIR="+caches, "GORUN_CACHE_MODE=off", "GOTELEMETRY=off", "GOTOOLCHAIN=local",
		"GOMODCACHE="+testenv.GoEnv(t, "GOMODCACHE"), "HOME="+filepath.Join(m.dir, "home"))
	if builder == "host" {
		m.env = append(m.env, "GOCACHE="+testenv.GoEnv(t, "GOCACHE"))
	}
	m.env = append(m.env, env...)
	return m
}

// build returns the SHA-256 of what gorun builds there.
func (m machine) build(flags ...string) string {
	m.Helper()
	self, err := os.Executable()
	if err != nil {
		m.Fatal(err)
	}
	var log bytes.Buffer
	verdict := filepath.Join(m.dir, "verdict.json")
	cmd := exec.Command(self, slices.Concat(flags, []string{"--verdict-file=" + verdict, "--log-format=json", "./cmd/where"})...)
	cmd.Args[0], cmd.Dir, cmd.Env, cmd.Stderr = "gorun", m.dir, m.env, &log
	err = cmd.Run()
	data, readErr := os.ReadFile(verdict)
	var r runner.Result
	if err != nil || readErr != nil || json.Unmarshal(data, &r) != nil || r.Executable == nil {
		m.Fatalf("gorun %v: %v\n%s", flags, err, &log)
	}
	return r.Executable.SHA256
}

// Two machines that have nothing in common but the sources and the toolchain
// build the same bytes with --reproducible, and not without.
func TestReproducibleOnTwoMachines(t *testing.T) {
	t.Parallel()
	testenv.Long(t, "each machine compiles the standard library")
	for _, builder := range []string{"host", "docker"} {
		t.Run(builder, func(t *testing.T) {
			if builder == "docker" {
				testenv.NeedEngine(t)
			}
			file := filepath.Join(t.TempDir(), "env")
			put(t, file, "GOAMD64=v2\nCGO_CFLAGS=-O3\nGOFLAGS=-tags=one\n")
			// Another directory and one flag make another program. With all that
			// differs below, each machine would compile a standard library to show it.
			plain, other := newMachine(t, "host", "plain", "GOENV=off"), newMachine(t, "host", "other", "GOENV=off", "GOFLAGS=-ldflags=-buildid=x")
			if a, b := plain.build(), other.build(); a == b {
				t.Errorf("without --reproducible both are %s: the test cannot fail", a)
			}
			one := newMachine(t, builder, "one", "GOENV="+file)
			two := newMachine(t, builder, "two", "GOENV=off", "GOAMD64=v3", "GOFLAGS=-tags=two -ldflags=-buildid=x", "GOEXPERIMENT=fieldtrack", "GODEBUG=gotypesalias=0", "CGO_LDFLAGS=-g")
			if a, b := one.build("--reproducible"), two.build("--reproducible"); a != b {
				t.Errorf("with --reproducible they are %s and %s", a, b)
			}
		})
	}
}

// GOROOT/go.env is what a variable falls through to that is set nowhere else.
func TestReproducibleWithAnEditedToolchain(t *testing.T) {
	t.Parallel()
	testenv.Long(t, "it compiles the standard library several times")
	real, root := testenv.GoEnv(t, "GOROOT"), t.TempDir()
	entries, err := os.ReadDir(real)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.Name() != "go.env" {
			if err := os.Symlink(filepath.Join(real, e.Name()), filepath.Join(root, e.Name())); err != nil {
				t.Fatal(err)
			}
		}
	}
	put(t, filepath.Join(root, "go.env"), "GOTOOLCHAIN=local\nGOAMD64=v3\nGOFLAGS=-ldflags=-buildid=edited\n")
	plain := newMachine(t, "host", "plain")
	edited := newMachine(t, "host", "edited", "GOROOT="+root)
	if a, b := plain.build("-trimpath", "-buildvcs=false"), edited.build("-trimpath", "-buildvcs=false"); a == b {
		t.Errorf("without --reproducible both are %s: the test cannot fail", a)
	}
	if a, b := plain.build("--reproducible"), edited.build("--reproducible"); a != b {
		t.Errorf("with --reproducible they are %s and %s", a, b)
	}
}
