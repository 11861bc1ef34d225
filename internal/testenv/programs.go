package testenv

import (
	"crypto/sha256"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// Gorun is gorun of this checkout: static, so that it runs in any container.
func Gorun(t testing.TB) string {
	t.Helper()
	return get(t, gorun)
}

// Gorunctl is gorunctl of this checkout.
func Gorunctl(t testing.TB) string {
	t.Helper()
	return get(t, gorunctl)
}

var (
	gorun    = sync.OnceValues(func() (string, error) { return build("gorun") })
	gorunctl = sync.OnceValues(func() (string, error) { return build("gorunctl") })
)

// build builds a command where the last test left it, which links nothing when
// nothing has changed.
func build(name string) (string, error) {
	root, err := module()
	if err != nil {
		return "", err
	}
	if err := watchSources(root); err != nil {
		return "", err
	}
	shared, err := dir()
	if err != nil {
		return "", err
	}
	bin := filepath.Join(shared, "bin", fmt.Sprintf("%x", sha256.Sum256([]byte(root)))[:16])
	if err := os.MkdirAll(bin, 0o755); err != nil {
		return "", err
	}
	file := filepath.Join(bin, name)
	unlock, err := lock(file)
	if err != nil {
		return "", err
	}
	defer unlock()
	return file, run(root, []string{"CGO_ENABLED=0"}, "go", "build", "-o", file, "./cmd/"+name)
}

// watchSources looks at every directory with sources of this module. `go test`
// takes note of what a test looked at, and does not take its result from the
// cache when that has changed; of a go command that the test starts it knows
// nothing (cmd/go/internal/test, computeTestInputsID).
func watchSources(root string) error {
	return filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		if name := filepath.Base(path); err == nil && e.IsDir() && path != root && (strings.HasPrefix(name, ".") || name == "testdata") {
			return fs.SkipDir
		}
		return err
	})
}

// sum is the SHA-256 of files, in their order.
func sum(files ...string) (string, error) {
	h := sha256.New()
	for _, name := range files {
		f, err := os.Open(name)
		if err != nil {
			return "", err
		}
		defer f.Close()
		if _, err := io.Copy(h, f); err != nil {
			return "", err
		}
	}
	return fmt.Sprintf("%x", h.Sum(nil)), nil
}
