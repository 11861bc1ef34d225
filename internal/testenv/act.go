package testenv

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// ActModule is the pinned release of nektos/act. Its module is checked by the
// go command against the checksum database like every other.
const ActModule = "github.com/nektos/act@v0.2.89"

// Act is nektos/act, a program of more than 500 packages, and what the go
// command left when it built that from nothing, with -trimpath. Whoever writes
// into a directory takes a copy.
type Act struct {
	Executable                string
	Source, GoCache, ModCache string
	// Log is the file that has what the build wrote for -x.
	Log string
}

// NewAct builds act, or finds it. The first one takes minutes.
func NewAct(t testing.TB) Act {
	t.Helper()
	dir := Shared(t, "act", func(path string) error { return actIn(path).build(GoEnv(t, "GOMODCACHE"), GoEnv(t, "GOPROXY")) })
	return actIn(dir)
}

func actIn(dir string) Act {
	in := func(name string) string { return filepath.Join(dir, name) }
	return Act{Executable: in("act"), Source: in("source"), GoCache: in("gocache"), ModCache: in("gomodcache"), Log: in("log")}
}

func (a Act) build(modCache, proxy string) error {
	source, err := moduleSource(ActModule)
	if err != nil {
		return err
	}
	if err := errors.Join(os.CopyFS(a.Source, os.DirFS(source)), writable(a.Source)); err != nil {
		return err
	}
	cmd := exec.Command("go", "build", "-x", "-trimpath", "-modcacherw", "-o", a.Executable, ".")
	cmd.Dir = a.Source
	cmd.Env = append(os.Environ(), "GOFLAGS=", "GOWORK=off", "GOTOOLCHAIN=local", "GOCACHE="+a.GoCache, "GOMODCACHE="+a.ModCache,
		"GOPROXY=file://"+filepath.ToSlash(filepath.Join(modCache, "cache", "download"))+","+proxy)
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("building act: %w\n%s", err, out)
	}
	return os.WriteFile(a.Log, out, 0o644)
}

// moduleSource is the directory of a module version in the module cache.
func moduleSource(module string) (string, error) {
	cmd := exec.Command("go", "mod", "download", "-json", module)
	cmd.Dir = os.TempDir() // outside of any module
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%s: %w\n%s", cmd, err, out)
	}
	var m struct{ Dir string }
	return m.Dir, json.Unmarshal(out, &m)
}

// writable lets the owner change a copy of a module.
func writable(dir string) error {
	return filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Chmod(path, 0o755)
	})
}
