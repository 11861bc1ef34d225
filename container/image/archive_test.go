package image

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/org/gorun-action/container"
)

// unpack returns the files of an archive, and their names in order.
func unpack(t *testing.T, r io.Reader) (files map[string][]byte, order []string) {
	t.Helper()
	files = map[string][]byte{}
	for tr := tar.NewReader(r); ; {
		h, err := tr.Next()
		if err == io.EOF {
			return files, order
		}
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(tr)
		if err != nil {
			t.Fatal(err)
		}
		if h.Typeflag == tar.TypeReg {
			files[h.Name] = data
			order = append(order, h.Name)
		}
	}
}

func archive(t *testing.T, img v1.Image, names ...string) (map[string][]byte, []string) {
	t.Helper()
	var b bytes.Buffer
	if err := WriteArchive(&b, img, names...); err != nil {
		t.Fatal(err)
	}
	return unpack(t, &b)
}

func decode(t *testing.T, data []byte, into any) {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		t.Fatalf("%s: %v", data, err)
	}
}

// hub is what engines call the registry of names without one.
var hub = strings.TrimPrefix(name.DefaultRegistry, "index.")

// TestArchive reads the archive as both kinds of engine do.
func TestArchive(t *testing.T) {
	img := fakeImage(t)
	files, order := archive(t, img, "gorun/go:1.26.99", "localhost:5000/x/go")
	if want := []string{"oci-layout", "index.json", "manifest.json"}; !slices.Equal(order[:3], want) {
		t.Errorf("the archive starts with %q", order[:3])
	}
	for file, data := range files {
		hash, ok := strings.CutPrefix(file, "blobs/sha256/")
		if sum := sha256.Sum256(data); ok && hex.EncodeToString(sum[:]) != hash {
			t.Errorf("%s has the sum %x", file, sum)
		}
	}
	pin, err := Pin(img, container.Toolchain{})
	if err != nil {
		t.Fatal(err)
	}
	blob := func(digest string) []byte {
		data, ok := files["blobs/"+strings.Replace(digest, ":", "/", 1)]
		if !ok {
			t.Errorf("there is no blob %s", digest)
		}
		return data
	}

	// As an engine with the containerd store.
	var layout struct{ ImageLayoutVersion string }
	if decode(t, files["oci-layout"], &layout); layout.ImageLayoutVersion != "1.0.0" {
		t.Errorf("layout version %q", layout.ImageLayoutVersion)
	}
	var index v1.IndexManifest
	decode(t, files["index.json"], &index)
	var named []string
	for _, m := range index.Manifests {
		named = append(named, m.Annotations["io.containerd.image.name"]+" "+m.Annotations["org.opencontainers.image.ref.name"])
		if m.Digest.String() != pin.Digest || m.MediaType != "application/vnd.oci.image.manifest.v1+json" || m.Platform.String() != "linux/amd64" || m.ArtifactType != "" {
			t.Errorf("index entry %+v", m)
		}
	}
	if want := []string{hub + "/gorun/go:1.26.99 1.26.99", "localhost:5000/x/go:latest latest"}; !slices.Equal(named, want) {
		t.Errorf("names %q, want %q", named, want)
	}
	var manifest v1.Manifest
	decode(t, blob(pin.Digest), &manifest)
	if manifest.Config.Digest.String() != pin.Config || manifest.Config.MediaType != "application/vnd.oci.image.config.v1+json" {
		t.Errorf("config %+v", manifest.Config)
	}
	for _, l := range manifest.Layers {
		if data := blob(l.Digest.String()); int64(len(data)) != l.Size || l.MediaType != "application/vnd.oci.image.layer.v1.tar+gzip" {
			t.Errorf("layer %+v of %d bytes", l, len(data))
		}
	}

	// As an engine with the classic store.
	var docker []dockerManifest
	decode(t, files["manifest.json"], &docker)
	if len(docker) != 1 || !slices.Equal(docker[0].RepoTags, []string{hub + "/gorun/go:1.26.99", "localhost:5000/x/go:latest"}) {
		t.Fatalf("manifest.json %+v", docker)
	}
	if files[docker[0].Config] == nil || docker[0].Config != "blobs/sha256/"+strings.TrimPrefix(pin.Config, "sha256:") {
		t.Errorf("config %s", docker[0].Config)
	}
	for i, l := range docker[0].Layers {
		if want := "blobs/sha256/" + manifest.Layers[i].Digest.Hex; l != want {
			t.Errorf("layer %s, want %s", l, want)
		}
	}
}

func TestArchiveWithoutName(t *testing.T) {
	files, _ := archive(t, fakeImage(t))
	var index v1.IndexManifest
	decode(t, files["index.json"], &index)
	if len(index.Manifests) != 1 || index.Manifests[0].Annotations != nil {
		t.Errorf("index %+v", index)
	}
	if !bytes.Contains(files["manifest.json"], []byte(`"RepoTags":null`)) {
		t.Errorf("manifest.json %s", files["manifest.json"])
	}
}

func TestArchiveFails(t *testing.T) {
	img := fakeImage(t)
	if err := WriteArchive(io.Discard, img, "Not A Name"); err == nil {
		t.Error("no error for a bad name")
	}
	full := errors.New("disk full")
	r, w := io.Pipe()
	r.CloseWithError(full)
	if err := WriteArchive(w, img); !errors.Is(err, full) {
		t.Errorf("error %v", err)
	}
}

// dockerOrSkip runs docker, or skips the test where there is no engine: loudly
// here, and as a failure in CI.
func dockerOrSkip(t *testing.T) func(stdin io.Reader, args ...string) (string, error) {
	t.Helper()
	docker := func(stdin io.Reader, args ...string) (string, error) {
		cmd := exec.Command("docker", args...)
		cmd.Stdin = stdin
		out, err := cmd.CombinedOutput()
		return strings.TrimSpace(string(out)), err
	}
	if out, err := docker(nil, "version", "--format", "{{.Server.Version}}"); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatalf("no container engine: %v: %s", err, out)
		}
		t.Skipf("NOT TESTED, no container engine: %v: %s", err, out)
	}
	return docker
}

// load loads an image into the engine and returns its id, which is the
// config's digest in the classic store and the manifest's in the containerd
// store. The image is removed after the test.
func load(t *testing.T, docker func(io.Reader, ...string) (string, error), img v1.Image, tag string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "image.tar")
	f, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := WriteArchive(f, img, tag); err != nil {
		t.Fatal(err)
	}
	if out, err := docker(nil, "load", "-i", file); err != nil {
		t.Fatalf("docker load: %v: %s", err, out)
	}
	t.Cleanup(func() { docker(nil, "image", "rm", tag) })
	id, err := docker(nil, "image", "inspect", "--format", "{{.Id}}", tag)
	if err != nil {
		t.Fatalf("docker image inspect: %v: %s", err, id)
	}
	return id
}

func TestEngineTakesTheArchive(t *testing.T) {
	docker := dockerOrSkip(t)
	img := fakeImage(t)
	pin, err := Pin(img, container.Toolchain{})
	if err != nil {
		t.Fatal(err)
	}
	if id := load(t, docker, img, "gorun-test/archive:fake"); id != pin.Config && id != pin.Digest {
		t.Errorf("the engine's id is %s, want the config %s or the manifest %s", id, pin.Config, pin.Digest)
	}
}
