package testenv

import (
	"flag"
	"os"
	"runtime"
	"strconv"
	"testing"
)

// FullVar is the variable that asks for the full level: every long proof. Without it `go test ./...`
// is what a person waits for after a change.
const FullVar = "GORUN_TEST_FULL"

// Full reports whether this is the full level.
func Full() bool { return os.Getenv(FullVar) != "" }

// Long leaves a test to the full level. why says what takes long.
func Long(t testing.TB, why string) {
	t.Helper()
	if !Full() {
		t.Skipf("%s: %s=1 runs it, as .ci/run does", why, FullVar)
	}
}

// Times is how often something is done at the default level, and at the full one.
func Times(normal, full int) int {
	if Full() {
		return full
	}
	return normal
}

// Waiting is the M of a package whose tests mostly wait, for an engine, for
// processes or for time to pass: twice as many parallel tests run at once as
// there are processors, unless -parallel says otherwise. At the full level they
// mostly compile, and keep to the number of processors.
type Waiting struct{ M *testing.M }

// Run runs the tests and returns the status to exit with.
func (w Waiting) Run() int {
	flag.Parse()
	given := false
	flag.Visit(func(f *flag.Flag) { given = given || f.Name == "test.parallel" })
	if !given && !Full() {
		if err := flag.Set("test.parallel", strconv.Itoa(2*runtime.GOMAXPROCS(0))); err != nil {
			panic(err) // the testing package has this flag
		}
	}
	return w.M.Run()
}

// DiskDir is a temporary directory on a disk, for what is about the file systems
// that people have: CI has the other ones in memory.
func DiskDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp(diskTemp, "gorun-test-")
	must(t, err)
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// OnDisk has all temporary directories of this process on a disk.
func OnDisk() { os.Setenv("TMPDIR", diskTemp) }

// diskTemp is for what outlives a restart (file-hierarchy(7)).
const diskTemp = "/var/tmp"

// NeedRoot skips a test that only root can make, which is a failure in CI.
func NeedRoot(t testing.TB) {
	t.Helper()
	if os.Getuid() == 0 {
		return
	}
	if os.Getenv("CI") != "" {
		t.Fatal("this needs root")
	}
	t.Skip("NOT TESTED: this needs root")
}
