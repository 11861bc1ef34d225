package cachekeys

import (
	"crypto/sha256"
	"hash"

	"github.com/twmb/murmur3"
)

// SHA256 is the fingerprint of everything that leaves the machine.
func SHA256() Fingerprint { return Fingerprint{"sha256", sha256.New} }

// Murmur3 is Murmur3-128, which -murmur asks for. It finds changes, and keeps
// out nobody who wants two files to look the same.
func Murmur3() Fingerprint {
	return Fingerprint{"murmur3", func() hash.Hash { return murmur3.New128() }}
}
