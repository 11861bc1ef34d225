package blob_test

import (
	"path/filepath"
	"testing"

	"github.com/org/gorun-action/internal/store/blob"
	"github.com/org/gorun-action/internal/store/blobtest"
)

func newDir(t testing.TB) *blob.Dir {
	return &blob.Dir{Root: filepath.Join(t.TempDir(), "a", "store")}
}

func TestDir(t *testing.T) {
	blobtest.Run(t, func(t *testing.T) blob.Store { return newDir(t) }, blobtest.Limits{})
}
