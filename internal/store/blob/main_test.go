package blob_test

import (
	"os"
	"testing"

	"github.com/org/gorun-action/internal/testenv"
)

func TestMain(m *testing.M) { os.Exit(testenv.Waiting{M: m}.Run()) }
