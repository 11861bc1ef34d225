package main

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"io"
	"log"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/registry"
)

// fakeGorun writes an ELF file for a machine.
func fakeGorun(t *testing.T, machine elf.Machine) string {
	t.Helper()
	h := elf.Header64{Type: uint16(elf.ET_EXEC), Machine: uint16(machine), Version: 1, Ehsize: 64}
	copy(h.Ident[:], elf.ELFMAG+"\x02\x01\x01")
	var b bytes.Buffer
	binary.Write(&b, binary.LittleEndian, h)
	file := filepath.Join(t.TempDir(), "gorun")
	if err := os.WriteFile(file, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// runnerWorld is a world with a release for both platforms, and the beginning
// of a command line for both.
func runnerWorld(t *testing.T) (w *world, both []string) {
	w = newWorld(t)
	w.publish("1.26.97", "linux/amd64", "1")
	w.publish("1.26.97", "linux/arm64", "2")
	w.run(0, "lock", "--file", w.lock, "1.26.97")
	return w, []string{
		"image", "runner", "--file", w.lock, "--platform=linux/arm64,linux/amd64",
		"--gorun=linux/amd64=" + fakeGorun(t, elf.EM_X86_64), "--gorun=linux/arm64=" + fakeGorun(t, elf.EM_AARCH64),
	}
}

func TestRunnerForOnePlatform(t *testing.T) {
	w, _ := runnerWorld(t)
	one := []string{"image", "runner", "--file", w.lock, "--platform=linux/arm64", "--gorun", fakeGorun(t, elf.EM_AARCH64)}
	said, _ := w.run(0, one...)
	if !regexp.MustCompile(`^gorun linux/arm64\ndigest  sha256:[0-9a-f]{64}\nconfig  sha256:[0-9a-f]{64}\nsize    0\.\d MB compressed\n$`).MatchString(said) {
		t.Errorf("says\n%s", said)
	}
	dir := t.TempDir()
	file, layout := filepath.Join(dir, "image.tar"), filepath.Join(dir, "layout")
	out, _ := w.run(0, append(one, "--tag=gorun:1", "--output=tar:"+file)...)
	if out != said+"written "+file+"\n" {
		t.Errorf("says\n%s", out)
	}
	onDisk, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got := manifestTags(t, onDisk); !strings.HasSuffix(got, "/gorun:1") {
		t.Errorf("the archive has the tag %s", got)
	}
	out, errs := w.run(0, append(one, "--tag=gorun:1", "--output=tar:-")...)
	if out != string(onDisk) || errs != said+"written -\n" {
		t.Errorf("standard output has %d bytes, the file %d; stderr:\n%s", len(out), len(onDisk), errs)
	}
	w.run(0, append(one, "--output=oci-layout:"+layout)...)
	if _, err := os.Stat(filepath.Join(layout, "oci-layout")); err != nil {
		t.Error(err)
	}
	w.environ = append(w.environ, "SOURCE_DATE_EPOCH=1767323045")
	if dated, _ := w.run(0, one...); dated == said {
		t.Error("SOURCE_DATE_EPOCH changes nothing")
	}
}

// An image that cannot be written leaves what was there.
func TestRunnerLeavesNothingHalf(t *testing.T) {
	w, _ := runnerWorld(t)
	dir := t.TempDir()
	file := filepath.Join(dir, "image.tar")
	if err := os.WriteFile(file, []byte("before"), 0o600); err != nil {
		t.Fatal(err)
	}
	w.run(1, "image", "runner", "--file", w.lock, "--platform=linux/amd64", "--gorun", fakeGorun(t, elf.EM_AARCH64), "--output=tar:"+file)
	if data, _ := os.ReadFile(file); string(data) != "before" {
		t.Errorf("the file has %d other bytes", len(data))
	}
	if left, _ := os.ReadDir(dir); len(left) != 1 {
		t.Errorf("left behind: %v", left)
	}
}

func TestRunnerForTwoPlatforms(t *testing.T) {
	w, both := runnerWorld(t)
	server := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	defer server.Close()
	repository := strings.TrimPrefix(server.URL, "http://") + "/gorun"
	layout := filepath.Join(t.TempDir(), "layout")
	out, _ := w.run(0, append(both, "--version=1.2.3", "--tag", repository+":1", "--tag", repository+":1.2.3", "--push", "--output=oci-layout:"+layout)...)
	w.wants(out, "gorun linux/amd64\ndigest  sha256:", "gorun linux/arm64\ndigest  sha256:", "written "+layout)
	digest := regexp.MustCompile(`index   (sha256:[0-9a-f]{64})`).FindStringSubmatch(out)
	if digest == nil {
		t.Fatalf("it names no index:\n%s", out)
	}
	for _, tag := range []string{":1", ":1.2.3"} {
		w.wants(out, "pushed  "+repository+"@"+digest[1]+" as "+repository+tag+"\n")
	}
}

func TestRunnerMisuse(t *testing.T) {
	w, both := runnerWorld(t)
	for args, want := range map[string]string{
		"--output=gorun.tar":         "write tar:file or oci-layout:directory",
		"--output=tar:":              "write tar:file or oci-layout:directory",
		"--output=tar:gorun.tar":     "a tar for docker load has one platform",
		"--load":                     "an engine loads the image of one platform",
		"--push":                     "name where to with --tag",
		"--gorun=x":                  "it is for one platform: write os/arch=file",
		"--gorun=linux/riscv64=x":    "that is none of the platforms: linux/amd64, linux/arm64",
		"--tag=Not-A-Name":           "it is not the name of an image",
		"--go-version=1.x":           `go version "1.x" is not a Go release`,
		"--platform=linux/amd64 now": "takes no arguments",
	} {
		_, errs := w.run(2, append(both, strings.Fields(args)...)...)
		w.wants(errs, want)
	}
	w.environ = append(w.environ, "SOURCE_DATE_EPOCH=yesterday")
	_, errs := w.run(2, both...)
	w.wants(errs, "SOURCE_DATE_EPOCH=yesterday", "write it as seconds since 1970")
}

// Without --gorun the go command compiles one, and says why it cannot.
func TestRunnerCompiles(t *testing.T) {
	w, _ := runnerWorld(t)
	t.Chdir(t.TempDir())
	one := []string{"image", "runner", "--file", w.lock, "--platform=linux/amd64"}
	_, errs := w.run(1, one...)
	w.wants(errs, "gorunctl: compiling gorun for linux/amd64 with go1.26.97: ", "hint: run this in a checkout of gorun, or name an executable with --gorun")
	w.environ = append(w.environ, "PATH=/nowhere")
	_, errs = w.run(1, one...)
	w.wants(errs, "there is no go command on PATH", "hint: install Go, or name an executable with --gorun")
}
