package main

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"io"
	"log"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/registry"

	"github.com/org/gorun-action/container"
)

func TestVerify(t *testing.T) {
	w := newWorld(t)
	for _, p := range []string{"linux/amd64", "linux/arm64"} {
		w.publish("1.26.97", p, "1")
		w.publish("1.26.98", p, "2")
	}
	w.run(0, "lock", "--file", w.lock, "1.26.97", "1.26.98")
	count := func(text, piece string) int { return strings.Count(text, piece) }
	for args, want := range map[string]int{
		"":                       4,
		"--go-version=1.26.97":   2,
		"--go-version=1.26":      2,
		"--platform=linux/arm64": 2,
		"--go-version=1.26 --platform=linux/amd64": 1,
	} {
		out, _ := w.run(0, append([]string{"image", "verify", "--file", w.lock}, strings.Fields(args)...)...)
		if count(out, "matches     sha256:") != want || count(out, "\n") != want {
			t.Errorf("verify %s: %d lines, want %d that match:\n%s", args, count(out, "\n"), want, out)
		}
	}
	_, errs := w.run(1, "image", "verify", "--file", w.lock, "--go-version=1.27")
	w.wants(errs, "the lock pins no go1.27 for any platform", "hint: gorunctl image list")

	// One pin is wrong, the module of another has gone.
	l := w.locked()
	l.Toolchains[0].Digest = "sha256:" + strings.Repeat("0", 64)
	data, _ := l.Encode()
	if err := os.WriteFile(w.lock, data, 0o666); err != nil {
		t.Fatal(err)
	}
	w.environ = append(w.environ, "GOMODCACHE=/nowhere")
	if err := os.Remove(w.path("v0.0.1-go1.26.98.linux-arm64.zip")); err != nil {
		t.Fatal(err)
	}
	out, errs := w.run(1, "image", "verify", "--file", w.lock)
	w.wants(out, "DIFFERS     the image of go1.26.97 linux/amd64 does not match its pinned digest: pinned sha256:000", "NOT CHECKED fetching go1.26.98 linux/arm64")
	w.wants(errs, "2 of 4 images are not proved to be the pinned ones")
	if count(out, "matches     sha256:") != 2 {
		t.Errorf("the other two do not match:\n%s", out)
	}
}

func TestList(t *testing.T) {
	w := newWorld(t)
	w.publish("1.26.97", "linux/amd64", "1")
	w.run(0, "lock", "--file", w.lock, "--platforms=linux/amd64", "1.26.97")
	tc := w.locked().Toolchains[0]
	out, _ := w.run(0, "image", "list", "--file", w.lock)
	w.wants(out, "RELEASE", "1.26.97*  linux/amd64", tc.Sum, tc.Digest, tc.Config)
	out, _ = w.run(0, "image", "list", "--json", "--file", w.lock)
	if data, _ := os.ReadFile(w.lock); out != string(data) {
		t.Errorf("--json prints\n%s\nthe file has\n%s", out, data)
	}
	// The lock that is built in.
	out, _ = w.run(0, "image", "list", "--json")
	if l, err := container.ParseLock([]byte(out)); err != nil || l.Default == "" {
		t.Errorf("%v: %s", err, out)
	}
	_, errs := w.run(1, "image", "list", "--file=/nowhere")
	w.wants(errs, "gorunctl: open /nowhere: no such file")
}

func TestBuild(t *testing.T) {
	w := newWorld(t)
	w.publish("1.26.97", "linux/amd64", "1")
	w.publish("1.26.99", "linux/amd64", "2")
	w.run(0, "lock", "--file", w.lock, "--platforms=linux/amd64", "1.26.97")
	build := []string{"image", "build", "--file", w.lock, "--platform=linux/amd64"}
	tc := w.locked().Toolchains[0]
	said := "go1.26.97 linux/amd64\nsum     " + tc.Sum + "\ndigest  " + tc.Digest + "\nconfig  " + tc.Config + "\n"

	out, _ := w.run(0, build...)
	if out != said {
		t.Errorf("says\n%s\nwant\n%s", out, said)
	}
	file := filepath.Join(t.TempDir(), "image.tar")
	out, _ = w.run(0, append(build, "--output", file)...)
	if want := said + "written " + file + "\n"; out != want {
		t.Errorf("says\n%s\nwant\n%s", out, want)
	}
	onDisk, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	out, errs := w.run(0, append(build, "--output=-")...)
	if out != string(onDisk) || errs != said+"written -\n" {
		t.Errorf("standard output has %d bytes, the file %d; stderr:\n%s", len(out), len(onDisk), errs)
	}
	if got := manifestTags(t, onDisk); !strings.HasSuffix(got, "/gorun/toolchain:1.26.97-linux-amd64") || strings.Contains(got, " ") {
		t.Errorf("the archive has the tag %s", got)
	}

	// What is not in the lock comes from the go command.
	out, _ = w.run(0, append(build, "--go-version=1.26.99")...)
	w.wants(out, "go1.26.99 linux/amd64\nsum     h1:", "digest  sha256:")
	_, errs = w.run(1, append(build, "--go-version=1.26.96")...)
	w.wants(errs, "gorunctl: downloading go1.26.96 linux/amd64 with ")
	w.environ = append(w.environ, "PATH=/nowhere")
	_, errs = w.run(1, append(build, "--go-version=1.26.99")...)
	w.wants(errs, "gorunctl: there is no go command on PATH", "hint: install Go")

	// The lock alone does without one.
	w.environ = append(w.environ, "GOMODCACHE=/nowhere")
	if out, _ := w.run(0, build...); out != said {
		t.Errorf("without go:\n%s\nwant\n%s", out, said)
	}
	w.environ = append(w.environ, "GOPROXY=")
	_, errs = w.run(1, build...)
	w.wants(errs, "no module proxy is configured", "hint: set GOPROXY to a module proxy, or install Go")
	w.environ = append(w.environ, "GOPROXY=file://"+w.proxy)
	w.publish("1.26.97", "linux/amd64", "another")
	_, errs = w.run(1, build...)
	w.wants(errs, "does not match its pinned digest: pinned "+tc.Sum+", got h1:")
	_, errs = w.run(1, append(build, "--output=/nowhere/x")...)
	w.wants(errs, "gorunctl: ")
}

// manifestTags returns the tags in an archive's manifest.json.
func manifestTags(t *testing.T, archive []byte) string {
	t.Helper()
	for r := tar.NewReader(bytes.NewReader(archive)); ; {
		h, err := r.Next()
		if err != nil {
			t.Fatal(err)
		}
		if h.Name != "manifest.json" {
			continue
		}
		var m []struct{ RepoTags []string }
		if err := json.NewDecoder(r).Decode(&m); err != nil {
			t.Fatal(err)
		}
		return strings.Join(m[0].RepoTags, " ")
	}
}

func TestBuildPush(t *testing.T) {
	w := newWorld(t)
	w.publish("1.26.97", "linux/amd64", "1")
	w.run(0, "lock", "--file", w.lock, "--platforms=linux/amd64", "1.26.97")
	server := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	defer server.Close()
	repository := strings.TrimPrefix(server.URL, "http://") + "/gorun/toolchain"
	out, _ := w.run(0, "image", "build", "--file", w.lock, "--platform=linux/amd64", "--push", repository+":1.26.97")
	w.wants(out, "pushed  "+repository+"@"+w.locked().Toolchains[0].Digest+"\n")
}

func TestBuildLoad(t *testing.T) {
	if out, err := exec.Command("docker", "version", "--format", "{{.Server.Version}}").CombinedOutput(); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatalf("no container engine: %v: %s", err, out)
		}
		t.Skipf("NOT TESTED, no container engine: %v: %s", err, out)
	}
	w := newWorld(t)
	w.publish("1.26.97", "linux/amd64", "1")
	w.run(0, "lock", "--file", w.lock, "--platforms=linux/amd64", "1.26.97")
	tc := w.locked().Toolchains[0]
	t.Cleanup(func() { exec.Command("docker", "image", "rm", "gorun/toolchain:1.26.97-linux-amd64").Run() })
	out, _ := w.run(0, "image", "build", "--file", w.lock, "--platform=linux/amd64", "--load")
	if !strings.Contains(out, "loaded  "+tc.Config+" as gorun/toolchain:1.26.97-linux-amd64\n") && !strings.Contains(out, "loaded  "+tc.Digest) {
		t.Errorf("says\n%s", out)
	}
}
