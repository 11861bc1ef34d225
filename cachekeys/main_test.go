package cachekeys

import (
	"os"
	"testing"

	"github.com/org/gorun-action/internal/testenv"
)

func TestMain(m *testing.M) {
	testenv.OnDisk() // in memory no stamp stands for a content
	os.Exit(m.Run())
}
