package completeness

import (
	"os"
	"testing"

	"github.com/org/gorun-action/internal/testenv"
)

func TestMain(m *testing.M) {
	testenv.OnDisk() // what lies below /dev is nobody's sources
	os.Exit(m.Run())
}
