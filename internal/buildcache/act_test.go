//go:build unix

package buildcache

import (
	"archive/tar"
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/org/gorun-action/internal/testenv"
)

// TestAct holds a pack of a large program against the usual way, an archive of
// both caches.
func TestAct(t *testing.T) {
	t.Parallel()
	testenv.Long(t, "it takes minutes")
	act := testenv.NewAct(t)
	m := newMachine(t, "-trimpath")
	must(t, os.CopyFS(m.src, os.DirFS(act.Source)))
	log := string(must2(os.ReadFile(act.Log)))
	if n := len(compiled(log)); n < 500 {
		t.Errorf("%d packages are no large program", n)
	}
	begin := time.Now()
	archive := tarSize(t, act.GoCache, act.ModCache)
	t.Logf("tar and zstd of both caches: %d bytes in %v", archive, time.Since(begin).Round(time.Millisecond))

	begin = time.Now()
	c := m.collectFrom(Dirs{act.GoCache, act.ModCache})
	t.Logf("Collect: %v; %d actions, %d outputs, %d module files", time.Since(begin).Round(time.Millisecond), len(c.Index.actions), len(c.Index.outputs), len(c.Index.files))
	begin = time.Now()
	pack := pack(t, c)
	t.Logf("Write: %v; %d bytes of %d, index %d", time.Since(begin).Round(time.Millisecond), len(pack), c.Index.Raw(), len(c.Index.encode()))
	if ratio := float64(len(pack)) / float64(archive); ratio > 0.3 {
		t.Errorf("the pack has %.3f of the archive, more than 0.3", ratio)
	} else {
		t.Logf("pack/archive: %.3f", ratio)
	}
	measureRestore(t, pack)

	m.restore(pack)
	m.proxy = "off"
	must(t, os.WriteFile(filepath.Join(m.src, "main.go"), append(must2(os.ReadFile(filepath.Join(m.src, "main.go"))), "\nvar changed = 1\n"...), 0o644))
	warm := m.build()
	t.Logf("build with the pack, one file changed: %v, compiled %s", warm.took.Round(time.Millisecond), strings.Join(warm.compiled, " "))
	if len(warm.compiled) != 1 {
		t.Errorf("compiled %d packages, want the main one only", len(warm.compiled))
	}
}

// collectFrom collects all that is in other caches than the machine's own.
func (m *machine) collectFrom(from Dirs) *Contents {
	m.Helper()
	other := *m
	other.cache, other.mods = from.GoCache, from.ModCache
	return other.collect(built{})
}

func must2[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// measureRestore takes the best of three. What counts is what two cores need
// when they do nothing else: this machine may be busy, and the clock says more
// about that.
func measureRestore(t *testing.T, pack []byte) {
	t.Helper()
	best := time.Hour
	for range 3 {
		dir := t.TempDir()
		before := cpuTime(t)
		p, err := Open(bytes.NewReader(pack), Limits{})
		must(t, err)
		stats, err := p.Restore(t.Context(), Dirs{filepath.Join(dir, "a"), filepath.Join(dir, "b")}, Options{})
		must(t, err)
		cpu := cpuTime(t) - before
		t.Logf("Restore: %v, %v on one core; %d files, %d bytes", stats.Time.Round(time.Millisecond), cpu.Round(time.Millisecond), stats.Files, stats.Raw)
		best = min(best, cpu/2)
		must(t, os.RemoveAll(dir))
	}
	if best > 1500*time.Millisecond {
		t.Errorf("restoring takes %v on two cores, more than 1.5 s", best)
	}
}

// cpuTime is what this process has had of all cores.
func cpuTime(t *testing.T) time.Duration {
	t.Helper()
	var u syscall.Rusage
	must(t, syscall.Getrusage(syscall.RUSAGE_SELF, &u))
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// tarSize is how large a zstd archive of directories is.
func tarSize(t *testing.T, dirs ...string) int64 {
	t.Helper()
	var size count
	z, err := zstd.NewWriter(&size)
	must(t, err)
	w := tar.NewWriter(z)
	for _, dir := range dirs {
		must(t, w.AddFS(os.DirFS(dir)))
	}
	must(t, errors.Join(w.Close(), z.Close()))
	return int64(size)
}

type count int64

func (c *count) Write(b []byte) (int, error) {
	*c += count(len(b))
	return len(b), nil
}
