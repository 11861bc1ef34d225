package githubcache_test

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/org/gorun-action/internal/store/blob"
	"github.com/org/gorun-action/internal/store/blobtest"
	"github.com/org/gorun-action/internal/store/githubcache"
	"github.com/org/gorun-action/internal/testenv"
)

// actModule is the release that internal/acttest has, too. It is built in a
// module of its own: in ours it would bring five more.
const actModule = "github.com/nektos/act/pkg/artifactcache@v0.2.89"

// TestAct runs the suite on the cache service of nektos/act, which is v1 with
// other manners: it takes a key twice, and tells no two times of a second apart.
func TestAct(t *testing.T) {
	testenv.Long(t, "it downloads and compiles act's server")
	program := buildActServer(t)
	blobtest.Run(t, func(t *testing.T) blob.Store {
		return open(t, githubcache.Config{CacheURL: startActServer(t, program), Act: true})
	}, blobtest.Limits{Tick: 1100 * time.Millisecond})
}

func buildActServer(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	source, err := os.ReadFile(filepath.Join("testdata", "actserver", "main.go"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "main.go"), source, 0o666); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"mod", "init", "actserver"}, {"get", actModule}, {"build", "-o", "actserver", "."}} {
		cmd := exec.CommandContext(t.Context(), "go", args...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "GOFLAGS=-mod=mod", "GOWORK=off")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("go %s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
	return filepath.Join(dir, "actserver")
}

// startActServer returns the ACTIONS_CACHE_URL of an empty server.
func startActServer(t *testing.T, program string) string {
	t.Helper()
	cmd := exec.Command(program, t.TempDir())
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		stdin.Close()
		cmd.Wait()
	})
	link, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		t.Fatalf("act's server does not say where it is: %v", err)
	}
	return strings.TrimSpace(link)
}
