package image

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"golang.org/x/mod/sumdb/dirhash"

	"github.com/org/gorun-action/container"
)

const (
	fakeRelease = "1.26.99"
	fakeModule  = "v0.0.1-go1.26.99.linux-amd64"
	fakePrefix  = "golang.org/toolchain@" + fakeModule + "/"
)

// longName does not fit into a USTAR header.
var longName = "src/" + strings.Repeat("very", 30) + ".go"

// fakeFiles is a toolchain in small.
func fakeFiles() map[string]string {
	return map[string]string{
		"VERSION":                    "go" + fakeRelease + "\ntime 2026-11-02T20:36:21Z\n",
		"bin/go":                     "#!go",
		"bin/gofmt":                  "#!gofmt",
		"pkg/tool/linux_amd64/asm":   strings.Repeat("asm ", 50_000),
		"pkg/include/textflag.h":     "h",
		"lib/wasm/go_js_wasm_exec":   "#!/bin/sh",
		"lib/wasm/wasm_exec.js":      "js",
		"src/_go.mod":                "module std\n",
		"src/bin/go":                 "not a command",
		"src/cmd/go_linux_arm_exec":  "not below lib",
		"src/unicode/\u00e9.go":      "package unicode",
		longName:                     "package long",
		"src/cmd/vet/testdata/x.txt": "",
	}
}

// writeZip makes a module zip of files below prefix.
func writeZip(t testing.TB, prefix string, files map[string]string, method uint16) string {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for name, content := range files { // in the order of a map: none
		w, err := z.CreateHeader(&zip.FileHeader{Name: prefix + name, Method: method})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, content); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "module.zip")
	if err := os.WriteFile(file, b.Bytes(), 0o666); err != nil {
		t.Fatal(err)
	}
	return file
}

func fakeZip(t testing.TB) string { return writeZip(t, fakePrefix, fakeFiles(), zip.Deflate) }

// fakeToolchain returns the entry of the lock for a zip, without its digests.
func fakeToolchain(t testing.TB, zip string) container.Toolchain {
	t.Helper()
	sum, err := dirhash.HashZip(zip, dirhash.Hash1)
	if err != nil {
		t.Fatal(err)
	}
	return container.Toolchain{Version: fakeRelease, Platform: "linux/amd64", Sum: sum}
}

func fakeImage(t testing.TB) v1.Image {
	t.Helper()
	zip := fakeZip(t)
	img, err := Assemble(t.Context(), zip, t.TempDir(), fakeToolchain(t, zip), nil)
	if err != nil {
		t.Fatal(err)
	}
	return img
}

// listing returns the entries of a layer, one a line.
func listing(t *testing.T, l v1.Layer) []string {
	t.Helper()
	r, err := l.Uncompressed()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var lines []string
	for tr := tar.NewReader(r); ; {
		h, err := tr.Next()
		if err == io.EOF {
			return lines
		}
		if err != nil {
			t.Fatal(err)
		}
		if h.Uid != 0 || h.Gid != 0 || h.Uname != "" || h.Gname != "" || !h.ModTime.Equal(epoch) {
			t.Errorf("%s: owner %d:%d %q:%q, time %s", h.Name, h.Uid, h.Gid, h.Uname, h.Gname, h.ModTime)
		}
		lines = append(lines, fmt.Sprintf("%c %04o %s %d", h.Typeflag, h.Mode, h.Name, h.Size))
	}
}

func TestLayout(t *testing.T) {
	layers, err := fakeImage(t).Layers()
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"5 0755 usr/ 0",
		"5 0755 usr/local/ 0",
		"5 0755 usr/local/go/ 0",
		"0 0644 usr/local/go/VERSION 36",
		"5 0755 usr/local/go/bin/ 0",
		"0 0755 usr/local/go/bin/go 4",
		"0 0755 usr/local/go/bin/gofmt 7",
		"5 0755 usr/local/go/lib/ 0",
		"5 0755 usr/local/go/lib/wasm/ 0",
		"0 0755 usr/local/go/lib/wasm/go_js_wasm_exec 9",
		"0 0644 usr/local/go/lib/wasm/wasm_exec.js 2",
		"5 0755 usr/local/go/pkg/ 0",
		"5 0755 usr/local/go/pkg/include/ 0",
		"0 0644 usr/local/go/pkg/include/textflag.h 1",
		"5 0755 usr/local/go/pkg/tool/ 0",
		"5 0755 usr/local/go/pkg/tool/linux_amd64/ 0",
		"0 0755 usr/local/go/pkg/tool/linux_amd64/asm 200000",
		"5 0755 usr/local/go/src/ 0",
		"5 0755 usr/local/go/src/bin/ 0",
		"0 0644 usr/local/go/src/bin/go 13",
		"5 0755 usr/local/go/src/cmd/ 0",
		"0 0644 usr/local/go/src/cmd/go_linux_arm_exec 13",
		"5 0755 usr/local/go/src/cmd/vet/ 0",
		"5 0755 usr/local/go/src/cmd/vet/testdata/ 0",
		"0 0644 usr/local/go/src/cmd/vet/testdata/x.txt 0",
		"0 0644 usr/local/go/src/go.mod 11",
		"5 0755 usr/local/go/src/unicode/ 0",
		"0 0644 usr/local/go/src/unicode/\u00e9.go 15",
		"0 0644 usr/local/go/" + longName + " 12",
	}
	if got := listing(t, layers[0]); !slices.Equal(got, want) {
		t.Errorf("toolchain layer:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	certs := len(certificates())
	want = []string{
		"5 0755 etc/ 0",
		fmt.Sprintf("0 0644 etc/group %d", len(group)),
		fmt.Sprintf("0 0644 etc/nsswitch.conf %d", len(nsswitch)),
		fmt.Sprintf("0 0644 etc/passwd %d", len(passwd)),
		"5 0755 etc/ssl/ 0",
		"5 0755 etc/ssl/certs/ 0",
		fmt.Sprintf("0 0644 etc/ssl/certs/ca-certificates.crt %d", certs),
		"5 0700 root/ 0",
		"5 1777 tmp/ 0",
	}
	if got := listing(t, layers[1]); !slices.Equal(got, want) {
		t.Errorf("base layer:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestCertificates(t *testing.T) {
	n := 0
	for rest := []byte(certificates()); len(rest) > 0; n++ {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			t.Fatalf("after %d certificates: no PEM", n)
		}
	}
	if n < 100 {
		t.Errorf("only %d certificates", n)
	}
}

func TestConfig(t *testing.T) {
	zip := fakeZip(t)
	tc := fakeToolchain(t, zip)
	img, err := Assemble(t.Context(), zip, t.TempDir(), tc, nil)
	if err != nil {
		t.Fatal(err)
	}
	c, err := img.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	raw, _ := json.Marshal(c.Config)
	want := `{"Cmd":["go","version"],"Env":["PATH=/usr/local/go/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin","GOTOOLCHAIN=local"],` +
		`"Labels":{"gorun.toolchain.module":"golang.org/toolchain@` + fakeModule + `","gorun.toolchain.sum":"` + tc.Sum + `",` +
		`"org.opencontainers.image.licenses":"BSD-3-Clause","org.opencontainers.image.title":"Go toolchain","org.opencontainers.image.version":"1.26.99"},"WorkingDir":"/"}`
	if string(raw) != want {
		t.Errorf("config\n%s\nwant\n%s", raw, want)
	}
	if c.OS != "linux" || c.Architecture != "amd64" || !c.Created.Equal(epoch) || len(c.History) != 2 || len(c.RootFS.DiffIDs) != 2 {
		t.Errorf("config %+v", c)
	}
}

// TestGoldenDigest fails when anything changes the bytes of an image: the
// layout, or one of the modules that go into them. Then every pin has changed
// too, and `gorunctl lock` has to be run.
func TestGoldenDigest(t *testing.T) {
	const golden = "sha256:59ba81e3c5645e511d4c1324e9976da9a926757ec9139400d3dbfed77a6ad19f"
	for _, method := range []uint16{zip.Deflate, zip.Store} { // how the zip was made does not count
		file := writeZip(t, fakePrefix, fakeFiles(), method)
		img, err := Assemble(t.Context(), file, t.TempDir(), fakeToolchain(t, file), nil)
		if err != nil {
			t.Fatal(err)
		}
		pin, err := Pin(img, container.Toolchain{})
		if err != nil {
			t.Fatal(err)
		}
		if pin.Digest != golden {
			t.Errorf("digest %s, want %s", pin.Digest, golden)
		}
	}
}

func TestCheck(t *testing.T) {
	img := fakeImage(t)
	good, err := Pin(img, container.Toolchain{Version: fakeRelease, Platform: "linux/amd64"})
	if err != nil {
		t.Fatal(err)
	}
	if err := Check(img, good); err != nil {
		t.Error(err)
	}
	for _, change := range []func(*container.Toolchain){
		func(tc *container.Toolchain) { tc.Digest = "sha256:other" },
		func(tc *container.Toolchain) { tc.Config = "sha256:other" },
	} {
		bad := good
		change(&bad)
		err := Check(img, bad)
		if !errors.Is(err, container.ErrIntegrity) || !strings.Contains(err.Error(), "pinned sha256:other, got sha256:") {
			t.Errorf("error %v", err)
		}
	}
}

// nothingIn fails the test when something was left behind in dir.
func nothingIn(t *testing.T, dir string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		t.Errorf("%s was left behind", e.Name())
	}
}

// TestAssembleDamagedZip covers content that is not what the directory says.
func TestAssembleDamagedZip(t *testing.T) {
	file := writeZip(t, fakePrefix, fakeFiles(), zip.Store)
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	i := bytes.Index(data, []byte("asm asm"))
	data[i] ^= 1
	if err := os.WriteFile(file, data, 0o666); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	_, err = Assemble(t.Context(), file, dir, container.Toolchain{Version: fakeRelease, Platform: "linux/amd64"}, nil)
	if !errors.Is(err, zip.ErrChecksum) || strings.Count(err.Error(), "checksum") != 1 {
		t.Errorf("error %v", err)
	}
	nothingIn(t, dir)
}

func TestAssembleEndsWithItsContext(t *testing.T) {
	zip := fakeZip(t)
	ctx, cancel := context.WithCancelCause(t.Context())
	cause := errors.New("no more")
	dir := t.TempDir()
	_, err := Assemble(ctx, zip, dir, fakeToolchain(t, zip), func(container.Progress) { cancel(cause) })
	if !errors.Is(err, cause) {
		t.Errorf("error %v", err)
	}
	nothingIn(t, dir)
}

func TestAssembleWithoutDirectory(t *testing.T) {
	zip := fakeZip(t)
	_, err := Assemble(t.Context(), zip, filepath.Join(t.TempDir(), "none"), fakeToolchain(t, zip), nil)
	if !errors.Is(err, os.ErrNotExist) {
		t.Errorf("error %v", err)
	}
}

// TestFailedCompressorEndsTheLayer writes to a file that was closed.
func TestFailedCompressorEndsTheLayer(t *testing.T) {
	f, err := os.Create(filepath.Join(t.TempDir(), "layer"))
	if err != nil {
		t.Fatal(err)
	}
	f.Close()
	_, err = fillLayer(t.Context(), f, func(w *tarball) error {
		noise := bytes.Repeat([]byte{1, 9, 7, 3}, 4<<20)
		return w.file("x", 0o644, int64(len(noise)), bytes.NewReader(noise))
	})
	if !errors.Is(err, os.ErrClosed) {
		t.Errorf("error %v", err)
	}
}

// TestLayerDoesNotDependOnTheCut writes one content in pieces of several sizes.
func TestLayerDoesNotDependOnTheCut(t *testing.T) {
	content := bytes.Repeat([]byte("package main; func main() {}\n"), 100_000)
	digests := map[string]bool{}
	for _, piece := range []int{1 << 20, 32 << 10, 997, 100} {
		l, err := writeLayer(t.Context(), t.TempDir(), func(w *tarball) error {
			rest := bytes.NewReader(content)
			return w.file("x", 0o644, int64(len(content)), readerFunc(func(p []byte) (int, error) {
				return rest.Read(p[:min(len(p), piece)])
			}))
		})
		if err != nil {
			t.Fatal(err)
		}
		digests[l.digest.String()+l.diffID.String()] = true
	}
	if len(digests) != 1 {
		t.Errorf("%d layers of one content", len(digests))
	}
}

func TestProgress(t *testing.T) {
	zip := fakeZip(t)
	var last container.Progress
	_, err := Assemble(t.Context(), zip, t.TempDir(), fakeToolchain(t, zip), func(p container.Progress) {
		if p.Done < last.Done {
			t.Errorf("%d after %d", p.Done, last.Done)
		}
		last = p
	})
	if err != nil {
		t.Fatal(err)
	}
	if last.Task != "assembling go1.26.99 linux/amd64" || last.Done != last.Total || last.Total < 200_000 || last.Unit != "bytes" {
		t.Errorf("last report %+v", last)
	}
}

func TestModuleVersion(t *testing.T) {
	if got, err := moduleVersion("1.27rc1", "linux/arm64"); got != "v0.0.1-go1.27rc1.linux-arm64" || err != nil {
		t.Errorf("%s, %v", got, err)
	}
	for _, bad := range [][2]string{{"1.x", "linux/amd64"}, {"1.26.8/../..", "linux/amd64"}, {"1.26.8-x", "linux/amd64"}, {"1.26.8", "linux"}, {"1.26.8", "linux/amd64/v3"}, {"1.26.8", "../.."}, {"", ""}} {
		if got, err := moduleVersion(bad[0], bad[1]); err == nil {
			t.Errorf("moduleVersion(%q) = %s", bad, got)
		}
	}
}
