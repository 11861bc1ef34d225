// Package entry says what is written into a store that many machines share, and
// whether what is read there may be believed.
//
// # Format
//
// An entry is one blob: a head and a payload.
//
//	gorun-entry 1\n   14 bytes
//	uint32            big-endian: length of the manifest, at most 64 KiB
//	manifest          JSON, see below
//	uint8             length of the seal: 32 or 64
//	seal              SHA-256 of, or Ed25519 signature over, "gorun-entry 1\n" and the manifest
//	about             what the writer says about its result, one zstd frame, at most 1 MiB;
//	                  as many bytes as the manifest says, none when it says nothing
//	payload           to the end, as many bytes as the manifest says
//
// The payload of an executable is the program as one zstd stream with a window
// of at most 8 MiB; that of a pack belongs to internal/buildcache.
//
// The manifest has one spelling, that of encoding/json for [Manifest]: no
// blanks, fields in order, no other and no double ones. Any other is refused.
// Broken into lines, one is
//
//	{"kind":"executable","key":"go1.26.8-linux-amd64-3f1c","name":"hello",
//	"payload":{"sha256":"9f86d081…","size":623912},
//	"content":{"sha256":"2c26b46b…","size":1623912},
//	"about":{"sha256":"fcde2b2e…","size":44},
//	"toolchain":"go1.26.8","gorun":"v1.2.0",
//	"origin":{"repository":"org/app","ref":"refs/heads/main","event":"push"},
//	"created":"2026-11-02T20:36:21Z",
//	"build":{"coldMS":38000,"unpacked":91234567,"files":4120},
//	"signer":"gorun-cache-pub-1:A6EHv/POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg="}
//
// The seal binds the manifest, and the manifest binds all the rest by digests:
// no bit of an entry can change without being noticed, signed or not.
//
// # Trust
//
// A digest finds accidents. Who may write into the store can make another
// entry that is consistent, and without a key it can say that it comes from
// anywhere: the rules on origins ([Trust]) then rest on the store's own, such
// as the scopes of GitHub's cache. With a key ([VerifyKey]) only who has the
// private one can make an entry that is read.
package entry

import (
	"errors"
	"fmt"
	"io"
)

// magic begins an entry and, by being the first part of what is sealed, keeps
// a signature from meaning anything elsewhere.
const magic = "gorun-entry 1\n"

// Limits that keep a foreign entry from costing more than it could be worth.
const (
	maxManifest = 64 << 10
	maxAbout    = 1 << 20
	// maxAboutPlain is what about may grow to: the inputs of a program with
	// thousands of packages take a few MiB.
	maxAboutPlain = 16 << 20
	// maxProgram: linkers reach code and data by 32-bit offsets.
	maxProgram = 2 << 30
	// maxPayload is what GitHub's cache keeps for a whole repository.
	maxPayload = 10 << 30
	// maxWindow is the memory that a reader needs for history, and bounds it.
	maxWindow = 8 << 20
)

// What is wrong with an entry. Each error of this package that is about an
// entry wraps exactly one; errors of the reader or writer it was given wrap none.
var (
	// ErrDamaged: it is not what a gorun wrote for this key. Bytes are missing,
	// changed or too many, or it breaks a limit.
	ErrDamaged = errors.New("the cache entry is damaged")
	// ErrUntrusted: it is whole, but this run must not use what that run wrote.
	ErrUntrusted = errors.New("the cache entry is not trusted here")
	// ErrSignature: a signature is needed and there is none, or the one there is
	// is wrong or made by another key.
	ErrSignature = errors.New("the signature of the cache entry is not accepted")
)

func damaged(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{ErrDamaged}, args...)...)
}

// cutOff is the error about a Read that did not get all of what there must be.
func cutOff(what string, err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return damaged("it ends within its %s", what)
	}
	return fmt.Errorf("reading the %s of a cache entry: %w", what, err)
}
