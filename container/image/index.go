package image

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/org/gorun-action/container"
)

// Index is one image for several platforms. The alias is for callers, as that
// of [Image] is.
type Index = v1.ImageIndex

// NewIndex puts images of different platforms together, in the given order,
// with the annotations that all of them have with the same value.
func NewIndex(images ...v1.Image) (v1.ImageIndex, error) {
	index := mutate.IndexMediaType(empty.Index, types.OCIImageIndex)
	var shared map[string]string
	for _, img := range images {
		config, err := img.ConfigFile()
		if err != nil {
			return nil, fmt.Errorf("making the index: %w", err)
		}
		manifest, err := img.Manifest()
		if err != nil {
			return nil, fmt.Errorf("making the index: %w", err)
		}
		shared = common(shared, manifest.Annotations)
		index = mutate.AppendManifests(index, mutate.IndexAddendum{Add: img, Descriptor: v1.Descriptor{
			Platform: &v1.Platform{OS: config.OS, Architecture: config.Architecture},
		}})
	}
	if len(shared) > 0 {
		index = mutate.Annotations(index, shared).(v1.ImageIndex)
	}
	return index, nil
}

// common returns what a and b agree on; a nil a agrees with everything.
func common(a, b map[string]string) map[string]string {
	both := map[string]string{}
	for k, v := range b {
		if known, ok := a[k]; a == nil || ok && known == v {
			both[k] = v
		}
	}
	return both
}

// WriteLayout writes an OCI layout of an image, or of an index and its images,
// to a new directory, which has its name only when it is whole. The layout's
// own index has an entry under each of the names, as [WriteArchive] has them.
// dir must not exist, or be empty.
func WriteLayout(dir string, content mutate.Appendable, names ...string) error {
	if err := writeLayout(dir, content, names); err != nil {
		return fmt.Errorf("writing the OCI layout %s: %w", dir, err)
	}
	return nil
}

func writeLayout(dir string, content mutate.Appendable, names []string) error {
	if err := os.Remove(dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return container.WithHint(errors.New("something is there already"), "name a directory that does not exist, or remove it first")
	}
	temp, err := os.MkdirTemp(filepath.Dir(dir), "."+filepath.Base(dir)+"-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(temp) // nothing is there any more once it has its name
	if err := fillLayout(temp, content, names); err != nil {
		return err
	}
	if err := os.Chmod(temp, 0o755); err != nil {
		return err
	}
	return os.Rename(temp, dir)
}

func fillLayout(dir string, content mutate.Appendable, names []string) error {
	l, err := layout.Write(dir, empty.Index)
	if err != nil {
		return err
	}
	for _, n := range names {
		tag, err := name.NewTag(n)
		if err != nil {
			return err
		}
		if err := addTo(l, content, layout.WithAnnotations(tagAnnotations(tag))); err != nil {
			return err
		}
	}
	if len(names) == 0 {
		return addTo(l, content)
	}
	return nil
}

// addTo adds an entry to the index of a layout, and the blobs that it needs.
func addTo(l layout.Path, content mutate.Appendable, options ...layout.Option) error {
	switch content := content.(type) {
	case v1.Image:
		config, err := content.ConfigFile()
		if err != nil {
			return err
		}
		return l.AppendImage(content, append(options, layout.WithPlatform(v1.Platform{OS: config.OS, Architecture: config.Architecture}))...)
	case v1.ImageIndex:
		return l.AppendIndex(content, options...)
	}
	return fmt.Errorf("%T is neither an image nor an index", content)
}

// tagAnnotations name an entry of a layout's index.
func tagAnnotations(tag name.Tag) map[string]string {
	return map[string]string{
		"io.containerd.image.name":          engineName(tag),
		"org.opencontainers.image.ref.name": tag.TagStr(),
	}
}
