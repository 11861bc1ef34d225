package runnerimage

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/org/gorun-action/internal/testenv"
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

// The image is the same from another directory.
func TestSameDigest(t *testing.T) {
	t.Parallel()
	first := needRelease(t)
	checkout := filepath.Join(t.TempDir(), "elsewhere")
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
	second, err := makeRunner(testenv.Gorunctl(t), checkout)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("here       %s", first.digest)
	t.Logf("elsewhere  %s", second.digest)
	if first.digest != second.digest {
		t.Error("they differ")
	}
}
