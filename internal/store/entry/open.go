package entry

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"hash"
	"io"
	"slices"
	"strings"

	"github.com/klauspost/compress/zstd"
)

// Want is what an entry was asked for.
type Want struct {
	Kind string // [Executable] or [Pack]
	// Key is the key that was looked up. Prefixes are beginnings of it that will
	// do too; without any, only Key itself does.
	Key      string
	Prefixes []string
	// Matched is the key under which the store found the entry (blob.Found.Key).
	// The manifest must have the same: a blob moved to another key is not used.
	Matched string
}

// Opened is an entry whose head was checked. It is for one goroutine.
type Opened struct {
	Manifest Manifest
	about    []byte
	payload  *verified
}

// Open reads the head of an entry and checks it: its format, its seal, that it
// is what was wanted, and that it may be trusted. It reads no byte beyond the
// head. r stays the caller's to close. Errors wrap [ErrDamaged], [ErrUntrusted]
// or [ErrSignature], or are r's own.
func Open(r io.Reader, want Want, t Trust) (*Opened, error) {
	m, err := readManifest(r)
	if err != nil {
		return nil, err
	}
	if err := want.check(m); err != nil {
		return nil, err
	}
	if err := t.Admits(m); err != nil {
		return nil, err
	}
	about, err := readAbout(r, m.About)
	if err != nil {
		return nil, err
	}
	return &Opened{m, about, verify(r, m.Payload)}, nil
}

func readManifest(r io.Reader) (Manifest, error) {
	start, err := readN(r, len(magic)+4, "beginning")
	if err != nil {
		return Manifest{}, err
	}
	size := binary.BigEndian.Uint32(start[len(magic):])
	if string(start[:len(magic)]) != magic || size > maxManifest {
		return Manifest{}, damaged("it does not begin as an entry of this format does")
	}
	text, err := readN(r, int(size), "manifest")
	if err != nil {
		return Manifest{}, err
	}
	seal, err := readSeal(r)
	if err != nil {
		return Manifest{}, err
	}
	m, err := parseManifest(text)
	if err != nil {
		return Manifest{}, err
	}
	return m, checkSeal(seal, text, m.Signer)
}

func readSeal(r io.Reader) ([]byte, error) {
	size, err := readN(r, 1, "seal")
	if err != nil {
		return nil, err
	}
	if size[0] != sha256.Size && size[0] != ed25519.SignatureSize {
		return nil, damaged("there is no seal of %d bytes", size[0])
	}
	return readN(r, int(size[0]), "seal")
}

// readAbout leaves what it reads compressed: most callers do not look at it.
func readAbout(r io.Reader, want *Digest) ([]byte, error) {
	if want == nil {
		return nil, nil
	}
	about, err := readN(r, int(want.Size), "about")
	if err == nil && DigestOf(about) != *want {
		return nil, damaged("its about does not have the digest that it says")
	}
	return about, err
}

func readN(r io.Reader, n int, what string) ([]byte, error) {
	b := make([]byte, n)
	if _, err := io.ReadFull(r, b); err != nil {
		return nil, cutOff(what, err)
	}
	return b, nil
}

func (w Want) check(m Manifest) error {
	begins := func(prefix string) bool { return prefix != "" && strings.HasPrefix(m.Key, prefix) }
	switch {
	case m.Kind != w.Kind:
		return damaged("it has the kind %s where the kind %s was wanted", m.Kind, w.Kind)
	case m.Key != w.Matched:
		return damaged("it was made for the key %s and is kept under %.512q", m.Key, w.Matched)
	case m.Key != w.Key && !slices.ContainsFunc(w.Prefixes, begins):
		return damaged("it was made for the key %s, which was not asked for", m.Key)
	}
	return nil
}

// About returns what the writer said about its result, nil for nothing. It
// takes at most 16 MiB.
func (o *Opened) About() ([]byte, error) {
	if len(o.about) == 0 {
		return nil, nil
	}
	dec, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxAboutPlain))
	if err != nil {
		return nil, err
	}
	defer dec.Close()
	about, err := dec.DecodeAll(o.about, nil)
	if err != nil {
		return nil, damaged("its about cannot be unpacked: %v", err)
	}
	return about, nil
}

// Payload reads the bytes as they are stored. It ends with io.EOF only if they
// were as many as the manifest says, with the digest it says, and nothing came
// after them; until then none of them may be believed. It never reads more
// than one byte too many, and returns none.
func (o *Opened) Payload() io.Reader { return o.payload }

// verified is a reader of bytes that must have a digest.
type verified struct {
	r    io.Reader
	want Digest
	left int64
	hash hash.Hash
	err  error // what Read returns from now on
}

func verify(r io.Reader, want Digest) *verified {
	return &verified{r: r, want: want, left: want.Size, hash: sha256.New()}
}

func (v *verified) Read(p []byte) (int, error) {
	if v.err == nil && v.left == 0 {
		v.err = v.end()
	}
	if v.err != nil || len(p) == 0 {
		return 0, v.err
	}
	n, err := v.r.Read(p[:min(int64(len(p)), v.left)])
	v.hash.Write(p[:n])
	v.left -= int64(n)
	if err != nil && v.left > 0 {
		v.err = cutOff("payload", err)
	}
	return n, v.err
}

// end returns io.EOF if all is well.
func (v *verified) end() error {
	var more [1]byte
	n, err := io.ReadFull(v.r, more[:])
	switch {
	case n > 0:
		return damaged("it goes on after its payload")
	case !errors.Is(err, io.EOF):
		return cutOff("end", err)
	case digestOf(v.hash, v.want.Size) != v.want:
		return damaged("its payload does not have the digest that it says")
	}
	return io.EOF
}
