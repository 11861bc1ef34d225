package image

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/org/gorun-action/container"
	"github.com/org/gorun-action/internal/testenv"
)

// locked returns a toolchain of the lock that runs here, and the zip of its
// module. The go command gets the zip, as it does for everybody. Where it
// cannot, the test is skipped loudly, and fails in CI.
func locked(t testing.TB) (container.Toolchain, string) {
	t.Helper()
	testenv.Long(t, "it makes the image of a whole toolchain")
	lock, err := container.PinnedToolchains()
	if err != nil {
		t.Fatal(err)
	}
	tc, release, err := lock.ChooseExact("1.26", "linux/"+runtime.GOARCH)
	if err != nil || release != "" {
		t.Fatalf("no 1.26 is pinned for linux/%s: %v", runtime.GOARCH, err)
	}
	path, err := exec.LookPath("go")
	if err != nil {
		t.Fatal(err)
	}
	g := Go{Executor: realGo{}, Path: path, Dir: t.TempDir(), Env: os.Environ()}
	got, zip, err := g.Download(t.Context(), tc.Version, tc.Platform)
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal(err)
		}
		t.Skipf("NOT TESTED: %v", err)
	}
	if got.Sum != tc.Sum {
		t.Fatalf("go%s %s has the sum %s, the lock %s", tc.Version, tc.Platform, got.Sum, tc.Sum)
	}
	return tc, zip
}

// TestLockedImage makes a pinned image, which is the one that the lock's maker
// made elsewhere, and lets the engine run it.
func TestLockedImage(t *testing.T) {
	tc, zip := locked(t)
	proxy := t.TempDir()
	at := filepath.Join(proxy, filepath.FromSlash(modulePath), "@v", filepath.Base(zip))
	if err := os.MkdirAll(filepath.Dir(at), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(zip, at); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	fetched, err := Fetch(t.Context(), tc, Source{GOPROXY: "file://" + proxy, Dir: dir}, nil)
	if err != nil {
		t.Fatal(err)
	}
	img, err := Assemble(t.Context(), fetched, dir, tc, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := Check(img, tc); err != nil {
		t.Errorf("%v (if the layout was changed on purpose, run gorunctl lock)", err)
	}

	docker := dockerOrSkip(t)
	id := load(t, docker, img, "gorun-tests/locked:"+tc.Version)
	if id != tc.Config && id != tc.Digest {
		t.Errorf("the engine's id is %s, want the config %s or the manifest %s", id, tc.Config, tc.Digest)
	}
	src := t.TempDir()
	if err := os.WriteFile(filepath.Join(src, "main.go"), []byte("package main\n\nfunc main() { print(\"ok\") }\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		options, command []string
		want             string
	}{
		{nil, nil, "go version go" + tc.Version + " " + tc.Platform},
		{nil, []string{"go", "env", "GOROOT", "GOTOOLCHAIN"}, "/usr/local/go\nlocal"},
		{[]string{"-v", src + ":/src:ro", "-e", "GOCACHE=/tmp/cache", "-u", "1234:1234"}, []string{"go", "list", "-f={{.Name}}", "/src/main.go"}, "main"},
	}
	for _, tt := range tests {
		args := slices.Concat([]string{"run", "--rm", "--network=none"}, tt.options, []string{id}, tt.command)
		if out, err := docker(nil, args...); err != nil || out != tt.want {
			t.Errorf("docker %q prints %q, %v; want %q", args, out, err, tt.want)
		}
	}
}

// TestOneByteOfALockedZip changes one byte of a file in a real module.
func TestOneByteOfALockedZip(t *testing.T) {
	tc, zip := locked(t)
	data, err := os.ReadFile(zip)
	if err != nil {
		t.Fatal(err)
	}
	data[len(data)/2] ^= 1
	bad := filepath.Join(t.TempDir(), "bad.zip")
	if err := os.WriteFile(bad, data, 0o666); err != nil {
		t.Fatal(err)
	}
	if err := VerifyZip(t.Context(), bad, "the zip", tc.Sum, nil); !errors.Is(err, container.ErrIntegrity) {
		t.Errorf("error %v", err)
	}
}

// The benchmarks are of a real toolchain; run them with -benchtime=3x.

func BenchmarkVerifyZip(b *testing.B) {
	tc, zip := locked(b)
	for b.Loop() {
		if err := VerifyZip(context.Background(), zip, "it", tc.Sum, nil); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAssemble(b *testing.B) {
	tc, zip := locked(b)
	dir := b.TempDir()
	for b.Loop() {
		img, err := Assemble(context.Background(), zip, dir, tc, nil)
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(ArchiveSize(img))/1e6, "MB")
	}
}

func BenchmarkWriteArchive(b *testing.B) {
	tc, zip := locked(b)
	img, err := Assemble(context.Background(), zip, b.TempDir(), tc, nil)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if err := WriteArchive(io.Discard, img, Name(tc)); err != nil {
			b.Fatal(err)
		}
	}
}

// TestMemoryOfAssemble makes sure that a layer is not kept in memory.
func TestMemoryOfAssemble(t *testing.T) {
	files := fakeFiles()
	noise := bytes.Repeat([]byte("0123456789abcdef"), 4<<20) // 64 MB
	files["src/noise"] = string(noise)
	zip := writeZip(t, fakePrefix, files, 0)
	tc := container.Toolchain{Version: fakeRelease, Platform: "linux/amd64"}
	files, noise = nil, nil
	runtime.GC()

	var peak, before uint64
	stop, stopped := make(chan struct{}), make(chan struct{})
	heap := func() uint64 {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before = heap()
	go func() {
		defer close(stopped)
		for {
			select {
			case <-stop:
				return
			case <-time.After(5 * time.Millisecond):
				peak = max(peak, heap())
			}
		}
	}()
	_, err := Assemble(t.Context(), zip, t.TempDir(), tc, nil)
	close(stop)
	<-stopped
	if err != nil {
		t.Fatal(err)
	}
	// 8 MB of buffers and compressor state, twice that before a collection.
	if grown := int64(peak) - int64(before); grown > 32<<20 {
		t.Errorf("the heap grew by %d MB", grown>>20)
	}
}
