package entry

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/org/gorun-action/internal/store/blob"
)

// Seal returns the head of an entry, signed when key is not nil. It fills in
// About and Signer, and brings Created to whole seconds of UTC. about is plain
// text or JSON of any sort; none is nil.
func Seal(m Manifest, about []byte, key *SigningKey) (head []byte, err error) {
	if about, err = compressAbout(about); err != nil {
		return nil, fmt.Errorf("sealing a cache entry: %w", err)
	}
	m = m.filled(about, key)
	if err := m.check(); err != nil {
		return nil, fmt.Errorf("sealing a cache entry: %w", err)
	}
	manifest, err := json.Marshal(m)
	if err != nil || len(manifest) > maxManifest {
		return nil, fmt.Errorf("sealing a cache entry with a manifest of %d bytes: %w", len(manifest), err)
	}
	return assemble(manifest, sealOf(manifest, key), about), nil
}

func (m Manifest) filled(about []byte, key *SigningKey) Manifest {
	m.Created, m.About, m.Signer = m.Created.UTC().Truncate(time.Second), nil, ""
	if len(about) > 0 {
		d := DigestOf(about)
		m.About = &d
	}
	if key != nil {
		m.Signer = key.Public().String()
	}
	return m
}

func assemble(manifest, seal, about []byte) []byte {
	head := binary.BigEndian.AppendUint32([]byte(magic), uint32(len(manifest)))
	head = append(head, manifest...)
	head = append(head, byte(len(seal)))
	head = append(head, seal...)
	return append(head, about...)
}

func compressAbout(about []byte) ([]byte, error) {
	if len(about) == 0 {
		return nil, nil
	}
	if len(about) > maxAboutPlain {
		return nil, fmt.Errorf("about has %d bytes, more than %d", len(about), maxAboutPlain)
	}
	enc, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(maxWindow))
	if err != nil {
		return nil, err
	}
	return enc.EncodeAll(about, nil), enc.Close()
}

// Content is the whole entry, as a store takes it.
func Content(head []byte, payload blob.Content) blob.Content {
	return joined{head, payload}
}

type joined struct {
	head    []byte
	payload blob.Content
}

func (j joined) Size() int64 { return int64(len(j.head)) + j.payload.Size() }

func (j joined) ReadAt(p []byte, off int64) (int, error) {
	size := int64(len(j.head))
	if off < 0 {
		return 0, fmt.Errorf("reading a cache entry from %d on", off)
	}
	if off >= size {
		return j.payload.ReadAt(p, off-size)
	}
	n := copy(p, j.head[off:])
	if n == len(p) {
		return n, nil
	}
	m, err := j.payload.ReadAt(p[n:], 0)
	return n + m, err
}
