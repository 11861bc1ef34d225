package image

import (
	"debug/elf"
	"encoding/json"
	"io"
	"log"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/validate"
)

// fakePair is a runner image for two platforms.
func fakePair(t *testing.T) v1.ImageIndex {
	t.Helper()
	amd := fakeRunner(t)
	arm := amd
	arm.Toolchain.Platform, arm.Gorun = "linux/arm64", executable(t, elf.EM_AARCH64)
	zip := fakeZip(t)
	base, err := Assemble(t.Context(), zip, t.TempDir(), fakeToolchain(t, zip), nil)
	if err != nil {
		t.Fatal(err)
	}
	other, err := AssembleRunner(t.Context(), base, t.TempDir(), arm)
	if err != nil {
		t.Fatal(err)
	}
	index, err := NewIndex(assembleFake(t, amd), other)
	if err != nil {
		t.Fatal(err)
	}
	return index
}

func TestIndex(t *testing.T) {
	index := fakePair(t)
	m, err := index.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	if len(m.Manifests) != 2 || m.Manifests[0].Platform.Architecture != "amd64" || m.MediaType != "application/vnd.oci.image.index.v1+json" {
		t.Errorf("manifest %+v", m)
	}
	if m.Annotations["org.opencontainers.image.version"] != "1.2.3" {
		t.Errorf("annotations %v", m.Annotations)
	}
	want, _ := index.Digest()
	if got, _ := fakePair(t).Digest(); got != want {
		t.Errorf("made twice: %s and %s", want, got)
	}
}

func TestPushIndex(t *testing.T) {
	server := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	defer server.Close()
	index := fakePair(t)
	ref := strings.TrimPrefix(server.URL, "http://") + "/gorun:1"
	got, err := PushIndex(t.Context(), index, ref, nil)
	if err != nil {
		t.Fatal(err)
	}
	digest, _ := index.Digest()
	if want := strings.TrimSuffix(ref, ":1") + "@" + digest.String(); got != want {
		t.Errorf("pushed %s, want %s", got, want)
	}
	parsed, _ := name.ParseReference(ref)
	back, err := remote.Index(parsed)
	if err != nil {
		t.Fatal(err)
	}
	if err := validate.Index(back); err != nil {
		t.Error(err)
	}
	for _, bad := range []string{"Not A Name", strings.TrimPrefix(closedPort(t), "http://") + "/x"} {
		if _, err := PushIndex(t.Context(), index, bad, nil); err == nil || !strings.Contains(err.Error(), "pushing the index") {
			t.Errorf("%s: %v", bad, err)
		}
	}
}

func TestWriteLayout(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "layout")
	index := fakePair(t)
	if err := WriteLayout(dir, index, "gorun:1", "git.example/gorun:latest"); err != nil {
		t.Fatal(err)
	}
	l, err := layout.ImageIndexFromPath(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := validate.Index(l); err != nil {
		t.Error(err)
	}
	m, _ := l.IndexManifest()
	digest, _ := index.Digest()
	if len(m.Manifests) != 2 || m.Manifests[1].Digest != digest || m.Manifests[1].Annotations["io.containerd.image.name"] != "git.example/gorun:latest" {
		t.Errorf("entries %+v", m.Manifests)
	}
	// One image has no index of its own.
	img := assembleFake(t, fakeRunner(t))
	single := filepath.Join(t.TempDir(), "single")
	if err := WriteLayout(single, img); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(filepath.Join(single, "index.json"))
	if err != nil {
		t.Fatal(err)
	}
	var entry v1.IndexManifest
	if err := json.Unmarshal(data, &entry); err != nil {
		t.Fatal(err)
	}
	if want, _ := img.Digest(); len(entry.Manifests) != 1 || entry.Manifests[0].Digest != want || entry.Manifests[0].Platform.Architecture != "amd64" {
		t.Errorf("entries %+v", entry.Manifests)
	}
}

// A layout is there as a whole or not at all, and takes nobody's place.
func TestWriteLayoutFails(t *testing.T) {
	parent := t.TempDir()
	dir := filepath.Join(parent, "layout")
	img := assembleFake(t, fakeRunner(t))
	if err := WriteLayout(dir, img, "Not A Name"); err == nil {
		t.Error("a bad name gives no error")
	}
	if left, _ := os.ReadDir(parent); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
	os.MkdirAll(filepath.Join(dir, "mine"), 0o755)
	if err := WriteLayout(dir, img); err == nil || !strings.Contains(err.Error(), "something is there already") {
		t.Errorf("over a full directory: %v", err)
	}
	if _, err := os.Stat(filepath.Join(dir, "mine")); err != nil {
		t.Error(err)
	}
}
