package buildcache

import (
	"bufio"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/org/gorun-action/internal/testenv"
)

// memoryVar makes the test binary write ("write") or restore ("restore") a pack
// in a process of its own, so that what it needs can be measured.
const memoryVar = "GORUN_BUILDCACHE_MEMORY"

// TestMemory holds both ways of a pack of 1 GiB to 128 MiB, with more cores
// than most machines have.
func TestMemory(t *testing.T) {
	t.Parallel()
	testenv.Long(t, "it takes minutes")
	if runtime.GOOS != "linux" {
		t.Skip("the largest resident size is in /proc")
	}
	dir := t.TempDir()
	must(t, fillCache(filepath.Join(dir, "from")))
	for _, way := range []string{"write", "restore"} {
		cmd := exec.Command(must2(os.Executable()), dir)
		cmd.Env = append(os.Environ(), memoryVar+"="+way, "GOMAXPROCS=16")
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v\n%s", way, err, out)
		}
		var kib int
		_, err = fmt.Sscan(string(out), &kib)
		must(t, err)
		t.Logf("%s: at most %d MiB", way, kib>>10)
		if kib > 128<<10 {
			t.Errorf("%s needs %d MiB", way, kib>>10)
		}
	}
	info, err := os.Stat(filepath.Join(dir, "pack"))
	must(t, err)
	t.Logf("the pack has %d bytes", info.Size())
}

// fillCache makes outputs of 1 GiB in all, large and small, of which half can
// be packed.
func fillCache(dir string) error {
	rng := rand.New(rand.NewPCG(5, 6))
	for total := 0; total < 1<<30; {
		size := 1 << (10 + rng.IntN(17)) // up to 64 MiB
		if err := fillEntry(dir, rng, size); err != nil {
			return err
		}
		total += size
	}
	return nil
}

func fillEntry(dir string, rng *rand.Rand, size int) error {
	data := make([]byte, size)
	for i := range data[:size/2] {
		data[i] = byte(rng.Uint32())
	}
	out := output{sha256.Sum256(data), int64(size)}
	id := sha256.Sum256(out.sum[:])
	text := action{id: id}.entry(out, time.Now())
	return errors.Join(writeEntry(filepath.Join(dir, entryName(out.sum, "-d")), data), writeEntry(filepath.Join(dir, entryName(id, "-a")), []byte(text)))
}

func writeEntry(path string, data []byte) error {
	return errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, data, 0o644))
}

// runMemory does it, and writes the largest resident size in KiB. (That of
// rusage begins with what the parent had.)
func runMemory(way, dir string) error {
	if err := inMemory(way, dir); err != nil {
		return err
	}
	status, err := os.ReadFile("/proc/self/status")
	_, rest, _ := strings.Cut(string(status), "VmHWM:")
	fmt.Println(strings.Fields(rest)[0])
	return err
}

func inMemory(way, dir string) error {
	file := filepath.Join(dir, "pack")
	if way == "write" {
		c, err := Collect(Build{GoCache: filepath.Join(dir, "from")})
		if err != nil {
			return err
		}
		return writePack(c, file)
	}
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	p, err := Open(bufio.NewReader(f), Limits{})
	if err != nil {
		return err
	}
	_, err = p.Restore(context.Background(), Dirs{filepath.Join(dir, "to"), filepath.Join(dir, "mods")}, Options{})
	return err
}

func writePack(c *Contents, file string) error {
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	_, err = c.Write(f)
	return errors.Join(err, f.Close())
}

// A cancelled restore stops, whatever is still to come.
func TestCancel(t *testing.T) {
	t.Parallel()
	pack := sample(40 << 20).bytes(t)
	ctx, cancel := context.WithCancel(t.Context())
	in := &cancelling{Reader: strings.NewReader(string(pack)), cancel: cancel, after: len(pack) / 2}
	p, err := Open(in, Limits{})
	must(t, err)
	dir := t.TempDir()
	_, err = p.Restore(ctx, Dirs{filepath.Join(dir, "a"), filepath.Join(dir, "b")}, Options{})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("restoring: %v", err)
	}
	if actions, _ := filepath.Glob(filepath.Join(dir, "a", "*", "*-a")); len(actions) > 0 {
		t.Errorf("%d actions lead to outputs that may not be there", len(actions))
	}
}

// cancelling cancels when so many bytes were read.
type cancelling struct {
	io.Reader
	cancel func()
	after  int
}

func (c *cancelling) Read(b []byte) (int, error) {
	n, err := c.Reader.Read(b)
	if c.after -= n; c.after <= 0 {
		c.cancel()
	}
	return n, err
}

var errSink = errors.New("the disk is full")

// A writer that fails ends the writing, with its error.
func TestWriteFails(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	rng := rand.New(rand.NewPCG(7, 8))
	for range 5 {
		must(t, fillEntry(dir, rng, 3<<20))
	}
	c, err := Collect(Build{GoCache: dir})
	must(t, err)
	for _, room := range []int{0, 100, 1 << 20, 5 << 20} {
		if _, err := c.Write(&sink{room}); !errors.Is(err, errSink) {
			t.Errorf("with room for %d bytes: %v", room, err)
		}
	}
	must(t, os.WriteFile(c.paths[0], make([]byte, 3<<20), 0o644))
	if _, err := c.Write(io.Discard); err == nil || !strings.Contains(err.Error(), "has changed") {
		t.Errorf("a file that has changed: %v", err)
	}
	must(t, os.Truncate(c.paths[4], 5))
	if _, err := c.Write(io.Discard); err == nil {
		t.Error("a file that is shorter now is written")
	}
}

type sink struct{ room int }

func (s *sink) Write(b []byte) (int, error) {
	if s.room -= len(b); s.room < 0 {
		return 0, errSink
	}
	return len(b), nil
}
