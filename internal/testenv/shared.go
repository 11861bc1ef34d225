package testenv

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"github.com/rogpeppe/go-internal/lockedfile"
)

// Dir is the directory that all tests share and that outlives them, as a user's
// caches outlive a run.
func Dir(t testing.TB) string {
	t.Helper()
	return get(t, dir)
}

// CacheDir is gorun's cache directory of all tests.
func CacheDir(t testing.TB) string {
	t.Helper()
	return filepath.Join(Dir(t), "gorun")
}

var dir = sync.OnceValues(func() (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	dir := filepath.Join(cache, "gorun-tests")
	return dir, os.MkdirAll(dir, 0o755)
})

// Shared returns the path of a file or directory in Dir that fill makes when
// it is not there. All processes wait for the one that makes it, and find it
// whole or not at all. name says what it depends on.
func Shared(t testing.TB, name string, fill func(path string) error) string {
	t.Helper()
	path := filepath.Join(Dir(t), name)
	unlock, err := lock(path)
	must(t, err)
	defer unlock()
	if _, err := os.Stat(path); err == nil {
		return path
	}
	making := path + ".making"
	must(t, os.RemoveAll(making)) // of a test that was killed
	if err := fill(making); err != nil {
		t.Fatalf("making %s: %v", name, err)
	}
	must(t, os.Rename(making, path))
	return path
}

// lock keeps other tests of this machine out until its result is called.
func lock(path string) (unlock func(), err error) {
	return lockedfile.MutexAt(path + ".lock").Lock()
}

// goEnv is what the go command says of itself at the first question.
var goEnv = sync.OnceValues(func() (env map[string]string, err error) {
	out, err := exec.Command("go", "env", "-json").Output()
	if err == nil {
		err = json.Unmarshal(out, &env)
	}
	return env, err
})

// GoEnv is a variable of `go env`, as it was when this process first asked.
func GoEnv(t testing.TB, name string) string {
	t.Helper()
	return get(t, goEnv)[name]
}

// Module is the directory of the checkout.
func Module(t testing.TB) string {
	t.Helper()
	return get(t, module)
}

var module = sync.OnceValues(func() (string, error) {
	env, err := goEnv()
	return filepath.Dir(env["GOMOD"]), err
})

// run runs a command in dir, with more in its environment.
func run(dir string, env []string, name string, args ...string) error {
	cmd := exec.Command(name, args...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), env...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", cmd, err, out)
	}
	return nil
}

func get[T any](t testing.TB, once func() (T, error)) T {
	t.Helper()
	v, err := once()
	must(t, err)
	return v
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
