package container

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"go/version"
	"slices"
)

// Toolchain is one Go release for one platform, and the image that holds it.
type Toolchain struct {
	// Version is the release without its "go": "1.26.11".
	Version string `json:"version"`
	// Platform is "os/arch": "linux/amd64".
	Platform string `json:"platform"`
	// Sum is the h1: hash of the golang.org/toolchain module's zip, as go.sum
	// writes it.
	Sum string `json:"sum"`
	// Digest is the digest of the image's manifest: what a registry pulls by,
	// and the image's id in an engine with the containerd store.
	Digest string `json:"digest"`
	// Config is the digest of the image's configuration: the image's id in an
	// engine with the classic store.
	Config string `json:"config"`
}

// Lock pins toolchains. The one that gorun carries is toolchains.json.
type Lock struct {
	// Default is the version taken when nothing asks for another.
	Default string `json:"default"`
	// Toolchains are ordered by version, then platform.
	Toolchains []Toolchain `json:"toolchains"`
}

//go:embed toolchains.json
var embeddedLock []byte

// PinnedToolchains returns the lock that gorun was built with.
func PinnedToolchains() (Lock, error) { return ParseLock(embeddedLock) }

// ParseLock reads a lock and refuses one that pins nothing or holds unknown
// fields, incomplete entries or versions that are no Go release.
func ParseLock(data []byte) (Lock, error) {
	var l Lock
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&l); err != nil {
		return Lock{}, fmt.Errorf("reading the toolchain lock: %w", err)
	}
	for _, t := range l.Toolchains {
		if !version.IsValid("go"+t.Version) || t.Platform == "" || t.Sum == "" || t.Digest == "" || t.Config == "" {
			return Lock{}, fmt.Errorf("reading the toolchain lock: the entry for go%s %s is not complete", t.Version, t.Platform)
		}
	}
	return l, nil
}

// Find returns the entry of exactly that version and platform.
func (l Lock) Find(ver, platform string) (Toolchain, bool) {
	i := slices.IndexFunc(l.Toolchains, func(t Toolchain) bool { return t.Version == ver && t.Platform == platform })
	if i < 0 {
		return Toolchain{}, false
	}
	return l.Toolchains[i], true
}
