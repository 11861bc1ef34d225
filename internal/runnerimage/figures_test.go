package runnerimage

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

// maxSize is what a pull of the slim image may cost, in MB.
const maxSize = 85

func TestSize(t *testing.T) {
	img := needSlim(t)
	t.Logf("slim image: %.1f MB compressed, limit %d MB", img.size, maxSize)
	if img.size > maxSize {
		t.Errorf("the slim image has %.1f MB compressed, more than %d", img.size, maxSize)
	}
}

// The image is the same from another directory, made by a gorunctl of another
// architecture where this machine runs one.
func TestSameDigest(t *testing.T) {
	first := needSlim(t)
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

const rounds = 15

// TestOverhead requires that an unchanged program is restored, and measures
// what gorun adds to it. How much is judged by who reads it: the machine that
// runs all tests has other things to do (limit 50 ms on a quiet one).
func TestOverhead(t *testing.T) {
	needSlim(t)
	options := append(mount(workspace(t, probe)), "-v", warmed+":/cache")
	unchanged := append(slices.Clone(options), slimTag, ".")
	log := run(t, "", unchanged...) // keeps it, if it is not there
	log = run(t, "", unchanged...)
	started := regexp.MustCompile(`"command":\["(/cache/[^"]+)"`).FindStringSubmatch(log.stderr)
	if log.status != 0 || started == nil {
		t.Fatalf("nothing was restored: status %d, %s", log.status, log.stderr)
	}
	bare := append(slices.Clone(options), "--entrypoint", started[1], slimTag)
	if strings.Contains(log.stderr, `"event":"build"`) {
		t.Errorf("it was built again: %s", log.stderr)
	}
	with, without := alternating(t, unchanged, bare)
	t.Logf("medians of %d: docker run of an unchanged program %v, of its executable %v: %v more", rounds, with, without, with-without)
}

// alternating returns the medians of two commands that take turns.
func alternating(t *testing.T, a, b []string) (time.Duration, time.Duration) {
	t.Helper()
	var as, bs []time.Duration
	for range rounds {
		as, bs = append(as, took(t, a)), append(bs, took(t, b))
	}
	slices.Sort(as)
	slices.Sort(bs)
	return as[rounds/2], bs[rounds/2]
}

func took(t *testing.T, args []string) time.Duration {
	t.Helper()
	begin := time.Now()
	if out, err := exec.Command("docker", append([]string{"run", "--rm"}, args...)...).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return time.Since(begin)
}
