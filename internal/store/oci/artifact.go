package oci

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/org/gorun-action/internal/store/blob"
)

const (
	artifactType  = "application/vnd.gorun.cache.entry.v1"
	blobType      = "application/vnd.gorun.cache.blob.v1"
	keyNote       = "org.gorun.key"
	prefixesNote  = "org.gorun.prefixes" // separated by commas, which no key has
	createdNote   = "org.opencontainers.image.created"
	emptyConfig   = "{}"
	maxBlob       = 64 << 30 // more than any cache keeps; it bounds what is reserved
	sha256Hex     = 64
	manifestMedia = types.OCIManifestSchema1
)

// errOther is about a manifest that no gorun wrote.
var errOther = errors.New("it is not one of gorun's")

// artifact is a manifest of ours.
type artifact struct {
	key      string
	prefixes []string
	created  time.Time
	layer    v1.Descriptor
	// raw is the manifest itself, and digest its own.
	raw    []byte
	digest v1.Hash
}

func newArtifact(key string, prefixes []string, layer, config v1.Descriptor, created time.Time) (artifact, error) {
	notes := map[string]string{keyNote: key, createdNote: created.UTC().Format(time.RFC3339Nano)}
	if len(prefixes) > 0 {
		notes[prefixesNote] = strings.Join(prefixes, ",")
	}
	raw, err := json.Marshal(v1.Manifest{
		SchemaVersion: 2, MediaType: manifestMedia, ArtifactType: artifactType,
		Config: config, Layers: []v1.Descriptor{layer}, Annotations: notes,
	})
	if err != nil {
		return artifact{}, err
	}
	return parseArtifact(raw)
}

// parseArtifact reads the manifest of a blob. Every other one is errOther.
func parseArtifact(raw []byte) (artifact, error) {
	a, err := readArtifact(raw)
	if err != nil {
		return artifact{}, fmt.Errorf("%w: %w", errOther, err)
	}
	return a, nil
}

func readArtifact(raw []byte) (artifact, error) {
	if len(raw) > maxManifest {
		return artifact{}, fmt.Errorf("it has more than %d bytes", maxManifest)
	}
	var m v1.Manifest
	if err := json.Unmarshal(raw, &m); err != nil {
		return artifact{}, err
	}
	if err := checkManifest(m); err != nil {
		return artifact{}, err
	}
	created, err := time.Parse(time.RFC3339Nano, m.Annotations[createdNote])
	if err != nil {
		return artifact{}, fmt.Errorf("reading when it was made: %w", err)
	}
	digest, _, err := v1.SHA256(bytes.NewReader(raw))
	a := artifact{key: m.Annotations[keyNote], created: created.UTC(), layer: m.Layers[0], raw: raw, digest: digest}
	if all := m.Annotations[prefixesNote]; all != "" {
		a.prefixes = strings.Split(all, ",")
	}
	return a, errors.Join(err, checkKeys(a.key, a.prefixes))
}

func checkManifest(m v1.Manifest) error {
	if m.MediaType != manifestMedia || m.ArtifactType != artifactType || len(m.Layers) != 1 || m.Layers[0].MediaType != blobType {
		return errors.New("it has other media types")
	}
	layer := m.Layers[0]
	if layer.Size < 0 || layer.Size > maxBlob || layer.Digest.Algorithm != "sha256" || len(layer.Digest.Hex) != sha256Hex {
		return errors.New("its blob has an impossible size or digest")
	}
	return nil
}

// exact returns the artifact of a key.
func (r *Repository) exact(ctx context.Context, key string) (artifact, error) {
	a, err := r.artifact(ctx, keyTag(key))
	if err == nil && a.key != key {
		return artifact{}, fmt.Errorf("the tag of %s leads to the blob of %s", key, a.key)
	}
	return a, err
}

// newest returns the artifact that the last Put with a prefix made.
func (r *Repository) newest(ctx context.Context, prefix string) (artifact, error) {
	a, err := r.artifact(ctx, prefixTag(prefix))
	if err == nil && !strings.HasPrefix(a.key, prefix) {
		return artifact{}, fmt.Errorf("the tag of the prefix %s leads to the blob of %s", prefix, a.key)
	}
	return a, err
}

// hasPrefix reports whether Find is to find it by a prefix.
func (a artifact) hasPrefix(prefix string) bool { return slices.Contains(a.prefixes, prefix) }

func (a artifact) info() blob.Info {
	return blob.Info{Key: a.key, Size: a.layer.Size, Created: a.created}
}

// RawManifest and MediaType let remote.Put send it.
func (a artifact) RawManifest() ([]byte, error)        { return a.raw, nil }
func (a artifact) MediaType() (types.MediaType, error) { return manifestMedia, nil }
