package image

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/org/gorun-action/container"
)

// executable writes an ELF file that says what it is and does nothing.
func executable(t testing.TB, machine elf.Machine, programs ...elf.ProgType) string {
	t.Helper()
	const headerSize, programSize = 64, 56
	h := elf.Header64{Type: uint16(elf.ET_EXEC), Machine: uint16(machine), Version: 1, Phoff: headerSize, Ehsize: headerSize, Phentsize: programSize, Phnum: uint16(len(programs))}
	copy(h.Ident[:], elf.ELFMAG)
	h.Ident[elf.EI_CLASS], h.Ident[elf.EI_DATA], h.Ident[elf.EI_VERSION] = byte(elf.ELFCLASS64), byte(elf.ELFDATA2LSB), byte(elf.EV_CURRENT)
	var b bytes.Buffer
	binary.Write(&b, binary.LittleEndian, h)
	for _, p := range programs {
		binary.Write(&b, binary.LittleEndian, elf.Prog64{Type: uint32(p)})
	}
	file := filepath.Join(t.TempDir(), "gorun")
	if err := os.WriteFile(file, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func fakeRunner(t testing.TB) Runner {
	return Runner{
		Toolchain: container.Toolchain{Version: fakeRelease, Platform: "linux/amd64"},
		Gorun:     executable(t, elf.EM_X86_64, elf.PT_LOAD),
		Version:   "1.2.3", Revision: "c0ffee", Source: "https://git.example/gorun",
		Created: time.Date(2026, 1, 2, 3, 4, 5, 6, time.FixedZone("", 3600)),
	}
}

func assembleFake(t testing.TB, r Runner) v1.Image {
	t.Helper()
	img, err := AssembleRunner(t.Context(), fakeImage(t), t.TempDir(), r)
	if err != nil {
		t.Fatal(err)
	}
	return img
}

func TestRunnerLayout(t *testing.T) {
	layers, err := assembleFake(t, fakeRunner(t)).Layers()
	if err != nil {
		t.Fatal(err)
	}
	toolchain, _ := fakeImage(t).Layers()
	if len(layers) != 3 {
		t.Fatalf("%d layers", len(layers))
	}
	for i := range toolchain {
		want, _ := toolchain[i].Digest()
		if got, _ := layers[i].Digest(); got != want {
			t.Errorf("layer %d is %s, the toolchain's %s", i, got, want)
		}
	}
	want := []string{
		"5 1777 cache/ 0", "5 1777 cache/go/ 0", "5 1777 cache/go-build/ 0", "5 1777 cache/gorun/ 0", "5 1777 cache/mod/ 0",
		"5 0755 home/ 0", "5 1777 home/gorun/ 0", "5 0755 src/ 0", "5 0755 etc/ 0", "0 0644 etc/gorun-image 0",
		"5 0755 usr/ 0", "5 0755 usr/local/ 0", "5 0755 usr/local/bin/ 0",
		"0 0755 usr/local/bin/gorun 120", "2 0777 usr/local/bin/gorun-action 0",
	}
	if got := listing(t, layers[2]); !slices.Equal(got, want) {
		t.Errorf("layer:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestRunnerConfig(t *testing.T) {
	img := assembleFake(t, fakeRunner(t))
	file, err := img.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	c := file.Config
	if !slices.Equal(c.Entrypoint, []string{"gorun"}) || c.Cmd != nil || c.WorkingDir != "/src" || c.User != "" {
		t.Errorf("entrypoint %q, cmd %q, directory %q, user %q", c.Entrypoint, c.Cmd, c.WorkingDir, c.User)
	}
	for _, want := range []string{"GOCACHE=/cache/go-build", "GOMODCACHE=/cache/mod", "GORUN_CACHE_DIR=/cache/gorun", "HOME=/home/gorun"} {
		if !slices.Contains(c.Env, want) {
			t.Errorf("the environment has no %s: %q", want, c.Env)
		}
	}
	for name, want := range map[string]string{"version": "1.2.3", "revision": "c0ffee", "source": "https://git.example/gorun", "title": "gorun", "created": "2026-01-02T02:04:05Z"} {
		if got := c.Labels["org.opencontainers.image."+name]; got != want {
			t.Errorf("label %s is %q, want %q", name, got, want)
		}
	}
	if c.Labels[labelModule] != modulePath+"@"+fakeModule {
		t.Errorf("the toolchain's label is %q", c.Labels[labelModule])
	}
	if want := "2026-01-02T02:04:05Z"; file.Created.Format(time.RFC3339) != want || len(file.History) != 3 {
		t.Errorf("created %s, history %v", file.Created, file.History)
	}
	manifest, err := img.Manifest()
	if err != nil || manifest.Annotations["org.opencontainers.image.revision"] != "c0ffee" {
		t.Errorf("annotations %v, %v", manifest.Annotations, err)
	}
}

// Every input has its share in the digest, and nothing else has.
func TestRunnerDigest(t *testing.T) {
	digest := func(change func(*Runner)) string {
		r := fakeRunner(t)
		change(&r)
		d, err := assembleFake(t, r).Digest()
		if err != nil {
			t.Fatal(err)
		}
		return d.String()
	}
	same := digest(func(*Runner) {})
	if again := digest(func(r *Runner) { r.Created = r.Created.UTC() }); again != same {
		t.Errorf("made twice: %s and %s", same, again)
	}
	for name, change := range map[string]func(*Runner){
		"executable": func(r *Runner) { r.Gorun = executable(t, elf.EM_X86_64) },
		"version":    func(r *Runner) { r.Version = "" },
		"revision":   func(r *Runner) { r.Revision = "" },
		"source":     func(r *Runner) { r.Source = "" },
		"time":       func(r *Runner) { r.Created = time.Time{} },
	} {
		if digest(change) == same {
			t.Errorf("another %s makes the same digest", name)
		}
	}
}

func TestRunnerRefuses(t *testing.T) {
	text := filepath.Join(t.TempDir(), "text")
	if err := os.WriteFile(text, []byte("#!/bin/sh\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	for file, want := range map[string]string{
		"/nowhere/gorun": "no such file",
		text:             "reading gorun's executable",
		executable(t, elf.EM_AARCH64, elf.PT_LOAD):             "is for AARCH64, not for linux/amd64",
		executable(t, elf.EM_X86_64, elf.PT_INTERP):            "is not static",
		executable(t, elf.EM_X86_64, elf.PT_LOAD) + "-missing": "no such file",
	} {
		r := fakeRunner(t)
		r.Gorun = file
		_, err := AssembleRunner(t.Context(), fakeImage(t), t.TempDir(), r)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", file, err, want)
		}
	}
	r := fakeRunner(t)
	r.Toolchain.Platform = "linux/s390x"
	if _, err := AssembleRunner(t.Context(), fakeImage(t), t.TempDir(), r); err == nil || !strings.Contains(err.Error(), "no runner image for linux/s390x") {
		t.Errorf("s390x: %v", err)
	}
}

// The full flavour is written down a second time, in the Dockerfile.
func TestDockerfileAgrees(t *testing.T) {
	data, err := os.ReadFile("../../Dockerfile")
	if err != nil {
		t.Fatal(err)
	}
	text := string(data)
	for _, kv := range runnerEnv() {
		if !strings.Contains(text, "    "+kv) {
			t.Errorf("it does not set %s", kv)
		}
	}
	var dirs []string
	for _, dir := range sharedDirs() {
		dirs = append(dirs, "/"+dir)
	}
	if line := "install -d -m 1777 " + strings.Join(dirs, " "); !strings.Contains(text, line) {
		t.Errorf("there is no %q in it", line)
	}
	lock, err := container.PinnedToolchains()
	if err != nil {
		t.Fatal(err)
	}
	if line := "ARG GO=golang:" + lock.Default + "\n"; !strings.Contains(text, line) {
		t.Errorf("there is no %q in it: it has another release than the slim image", line)
	}
	config := fakeRunner(t).config(v1.Config{})
	for _, line := range []string{"WORKDIR " + config.WorkingDir, fmt.Sprintf("ENTRYPOINT [%q]", config.Entrypoint[0]), "ln -s gorun /usr/local/bin/gorun-action"} {
		if !strings.Contains(text, line) {
			t.Errorf("there is no %q in it", line)
		}
	}
}
