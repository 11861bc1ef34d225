package runnerimage

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"
)

// maxSize is what a pull of the slim image may cost, in MB.
const maxSize = 85

func TestSize(t *testing.T) {
	t.Parallel()
	img := needRelease(t)
	t.Logf("slim image: %.1f MB compressed, limit %d MB", img.size, maxSize)
	if img.size > maxSize {
		t.Errorf("the slim image has %.1f MB compressed, more than %d", img.size, maxSize)
	}
}

// The image is the same from another directory, made by a gorunctl of another
// architecture where this machine runs one.
func TestSameDigest(t *testing.T) {
	t.Parallel()
	first := needRelease(t)
	dir := t.TempDir()
	arch := runtime.GOARCH
	if arch == "amd64" {
		arch = "386"
	}
	gorunctl, err := buildGorunctl(dir, "GOARCH="+arch)
	if err != nil {
		t.Fatal(err)
	}
	checkout := filepath.Join(dir, "elsewhere")
	for _, part := range []string{"cachekeys", "cmd", "container", "internal", "runner"} {
		if err := os.CopyFS(filepath.Join(checkout, part), os.DirFS(filepath.Join(root(), part))); err != nil {
			t.Fatal(err)
		}
	}
	for _, file := range []string{"go.mod", "go.sum"} {
		data, err := os.ReadFile(filepath.Join(root(), file))
		if err == nil {
			err = os.WriteFile(filepath.Join(checkout, file), data, 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	// It is a 386 that asks, and another platform's image that it makes.
	second, err := makeRunner(gorunctl, checkout, dir, "--platform=linux/"+runtime.GOARCH)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("here                     %s", first.digest)
	t.Logf("elsewhere, by linux/%s  %s", arch, second.digest)
	if first.digest != second.digest {
		t.Error("they differ")
	}
}
