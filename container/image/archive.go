package image

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/partial"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// WriteArchive writes the image as one tar that `docker load` and
// `ctr images import` take, under the given names ("gorun/go:1.26.11"). Without
// a name it is loaded as an image that is known by its id only.
func WriteArchive(w io.Writer, img v1.Image, names ...string) error {
	tags := make([]name.Tag, len(names))
	for i, n := range names {
		tag, err := name.NewTag(n)
		if err != nil {
			return fmt.Errorf("naming the image: %w", err)
		}
		tags[i] = tag
	}
	if err := writeArchive(&tarball{w: tar.NewWriter(w), dirs: map[string]bool{}}, img, tags); err != nil {
		return fmt.Errorf("writing the image archive: %w", err)
	}
	return nil
}

// archiveFile is a file of the archive.
type archiveFile struct {
	name string
	size int64
	open func() (io.ReadCloser, error)
}

func writeArchive(t *tarball, img v1.Image, tags []name.Tag) error {
	blobs, err := blobsOf(img)
	if err != nil {
		return err
	}
	files, err := indexFiles(img, blobs, tags)
	if err != nil {
		return err
	}
	for _, f := range append(files, blobs...) {
		if err := t.copy(f); err != nil {
			return fmt.Errorf("%s: %w", f.name, err)
		}
	}
	return t.w.Close()
}

func (t *tarball) copy(f archiveFile) error {
	r, err := f.open()
	if err != nil {
		return err
	}
	defer r.Close()
	return t.file(f.name, 0o644, f.size, r)
}

// blobsOf returns the manifest, the config and the layers, in this order.
func blobsOf(img v1.Image) ([]archiveFile, error) {
	manifest, err := img.RawManifest()
	if err != nil {
		return nil, err
	}
	digest, err := img.Digest()
	if err != nil {
		return nil, err
	}
	config, err := img.RawConfigFile()
	if err != nil {
		return nil, err
	}
	configDigest, err := img.ConfigName()
	if err != nil {
		return nil, err
	}
	layers, err := img.Layers()
	if err != nil {
		return nil, err
	}
	files := []archiveFile{inMemory(blobPath(digest), manifest), inMemory(blobPath(configDigest), config)}
	for _, l := range layers {
		d, err := partial.Descriptor(l)
		if err != nil {
			return nil, err
		}
		files = append(files, archiveFile{blobPath(d.Digest), d.Size, l.Compressed})
	}
	return files, nil
}

func blobPath(h v1.Hash) string { return "blobs/" + h.Algorithm + "/" + h.Hex }

func inMemory(name string, data []byte) archiveFile {
	return archiveFile{name, int64(len(data)), func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(data)), nil }}
}

// indexFiles returns the three files that say what the blobs are.
func indexFiles(img v1.Image, blobs []archiveFile, tags []name.Tag) ([]archiveFile, error) {
	index, err := ociIndex(img, tags)
	if err != nil {
		return nil, err
	}
	return jsonFiles([]struct {
		name  string
		value any
	}{
		{"oci-layout", map[string]string{"imageLayoutVersion": "1.0.0"}},
		{"index.json", index},
		{"manifest.json", []dockerManifest{dockerIndex(blobs, tags)}},
	})
}

func jsonFiles(values []struct {
	name  string
	value any
}) ([]archiveFile, error) {
	var files []archiveFile
	for _, v := range values {
		data, err := json.Marshal(v.value)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", v.name, err)
		}
		files = append(files, inMemory(v.name, data))
	}
	return files, nil
}

// dockerManifest is an entry of manifest.json (moby, image/tarexport).
type dockerManifest struct {
	Config   string
	RepoTags []string
	Layers   []string
}

func dockerIndex(blobs []archiveFile, tags []name.Tag) dockerManifest {
	m := dockerManifest{Config: blobs[1].name}
	for _, tag := range tags {
		m.RepoTags = append(m.RepoTags, engineName(tag))
	}
	for _, l := range blobs[2:] {
		m.Layers = append(m.Layers, l.name)
	}
	return m
}

// ociIndex returns index.json. It has one entry for each name, as annotations
// (containerd, pkg/images/annotations.go; the image-spec's annotations.md).
func ociIndex(img v1.Image, tags []name.Tag) (*v1.IndexManifest, error) {
	desc, err := partial.Descriptor(img)
	if err != nil {
		return nil, err
	}
	config, err := img.ConfigFile()
	if err != nil {
		return nil, err
	}
	desc.ArtifactType = "" // which is for what is no image
	desc.Platform = &v1.Platform{OS: config.OS, Architecture: config.Architecture}
	index := &v1.IndexManifest{SchemaVersion: 2, MediaType: types.OCIImageIndex}
	for _, tag := range tags {
		named := desc.DeepCopy()
		named.Annotations = tagAnnotations(tag)
		index.Manifests = append(index.Manifests, *named)
	}
	if len(tags) == 0 {
		index.Manifests = append(index.Manifests, *desc)
	}
	return index, nil
}

// engineName returns a tag as engines write it in full: their name for Docker
// Hub is that of its registry without the first label (distribution/reference).
func engineName(tag name.Tag) string {
	if tag.RegistryStr() == name.DefaultRegistry {
		return strings.TrimPrefix(tag.Name(), "index.")
	}
	return tag.Name()
}
