package entry

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/org/gorun-action/internal/store/blob"
)

// What an entry holds.
const (
	Executable = "executable"
	Pack       = "pack"
)

// Manifest says what an entry is, and where it comes from. [Seal] refuses
// values that [Open] would.
type Manifest struct {
	// Kind is [Executable] or [Pack].
	Kind string `json:"kind"`
	// Key is the whole key that the entry was made for.
	Key string `json:"key"`
	// Name is the base name of the program; packs have none.
	Name string `json:"name,omitempty"`
	// Payload is of the bytes as they are stored.
	Payload Digest `json:"payload"`
	// Content is of the program itself; zero for a pack.
	Content Digest `json:"content,omitzero"`
	// About is of what the writer says about its result, as stored. Seal sets it.
	About *Digest `json:"about,omitempty"`
	// Toolchain and Gorun are the versions that made it, for people.
	Toolchain string `json:"toolchain"`
	Gorun     string `json:"gorun"`
	Origin    Origin `json:"origin"`
	// Created is in UTC and has no fractions of a second.
	Created time.Time `json:"created"`
	// Build tells what a pack may save; nil when nobody measured.
	Build *Build `json:"build,omitempty"`
	// Signer is the public key of who signed, in the form that ParseKey reads;
	// empty without a signature. It is there whole, and not only its id, so that
	// a damaged signature is found without having a key. Seal sets it.
	Signer string `json:"signer,omitempty"`
}

// Digest binds a number of bytes.
type Digest struct {
	SHA256 string `json:"sha256"` // lower-case hex
	Size   int64  `json:"size"`   // bytes
}

// Build is what a build without any cache did.
type Build struct {
	ColdMS   int64 `json:"coldMS"`   // milliseconds it took
	Unpacked int64 `json:"unpacked"` // bytes of the pack when it is unpacked
	Files    int64 `json:"files"`    // files in the pack
}

// DigestOf returns the digest of data.
func DigestOf(data []byte) Digest {
	sum := sha256.Sum256(data)
	return Digest{SHA256: hex.EncodeToString(sum[:]), Size: int64(len(data))}
}

// digestOf returns the digest of what was written to h.
func digestOf(h hash.Hash, size int64) Digest {
	return Digest{SHA256: hex.EncodeToString(h.Sum(nil)), Size: size}
}

// parseManifest returns the manifest of which data is the one spelling. That
// there is one rules out double and unknown fields, other cases, and blanks.
func parseManifest(data []byte) (Manifest, error) {
	var m Manifest
	if err := json.Unmarshal(data, &m); err != nil {
		return Manifest{}, damaged("its manifest cannot be read: %v", err)
	}
	if again, err := json.Marshal(m); err != nil || !bytes.Equal(again, data) {
		return Manifest{}, damaged("its manifest is not spelled as gorun does")
	}
	if err := m.check(); err != nil {
		return Manifest{}, damaged("%v", err)
	}
	return m, nil
}

// check refuses what no gorun writes.
func (m Manifest) check() error {
	return cmp.Or(blob.CheckKey(m.Key), m.checkKind(), m.checkSizes(), m.checkTexts(), m.checkSigner())
}

func (m Manifest) checkKind() error {
	switch m.Kind {
	case Executable:
		return cmp.Or(checkName(m.Name), m.Content.check("program", maxProgram))
	case Pack:
		if m.Name != "" || m.Content != (Digest{}) {
			return errors.New("its manifest mixes a pack and a program")
		}
		return nil
	}
	return fmt.Errorf("unknown kind of entry %.32q", m.Kind)
}

func (m Manifest) checkSizes() error {
	err := m.Payload.check("payload", maxPayload)
	if m.About != nil {
		err = cmp.Or(err, m.About.check("about", maxAbout))
	}
	if b := m.Build; b != nil && (b.ColdMS < 0 || b.Unpacked < 0 || b.Files < 0) {
		err = cmp.Or(err, errors.New("its manifest counts below zero"))
	}
	return err
}

func (d Digest) check(what string, limit int64) error {
	sum, err := hex.DecodeString(d.SHA256)
	switch {
	case err != nil || len(sum) != sha256.Size || d.SHA256 != strings.ToLower(d.SHA256):
		return fmt.Errorf("the digest of its %s is not a SHA-256", what)
	case d.Size <= 0 || d.Size > limit:
		return fmt.Errorf("its %s has %d bytes, which is not from 1 to %d", what, d.Size, limit)
	}
	return nil
}

// checkName refuses what is no plain name of a file.
func checkName(name string) error {
	if name == "" || name == "." || name == ".." || len(name) > 255 || strings.ContainsAny(name, "/\x00") || !utf8.ValidString(name) {
		return fmt.Errorf("%.64q is not a valid name for a program", name)
	}
	return nil
}

// checkTexts refuses what could not be printed in a log.
func (m Manifest) checkTexts() error {
	o := m.Origin
	for _, text := range []string{m.Toolchain, m.Gorun, o.Repository, o.Ref, o.Event} {
		if len(text) > 1024 || !utf8.ValidString(text) || strings.ContainsFunc(text, unicode.IsControl) {
			return fmt.Errorf("its manifest has the strange text %.64q", text)
		}
	}
	if !m.Created.Equal(m.Created.Truncate(time.Second)) || m.Created.Location() != time.UTC {
		return errors.New("its time is not in whole seconds of UTC")
	}
	return nil
}

func (m Manifest) checkSigner() error {
	if m.Signer == "" {
		return nil
	}
	_, err := parsePublic(m.Signer)
	return err
}
