package entry

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"strings"
)

// What the text of a key begins with. The rest is base64 of 32 bytes.
const (
	privateText = "gorun-cache-key-1:"
	publicText  = "gorun-cache-pub-1:"
)

// Key is what GORUN_CACHE_KEY holds: a private key, which signs and verifies, or
// a public one, which only verifies.
type Key struct {
	Signing *SigningKey // nil for a public key
	Verify  *VerifyKey  // never nil
}

// ParseKey reads the text of a key, "gorun-cache-key-1:" and an Ed25519 seed or
// "gorun-cache-pub-1:" and a public key, both in base64. Blanks around it are
// no matter. Errors never contain the key.
func ParseKey(text string) (Key, error) {
	text = strings.TrimSpace(text)
	if strings.HasPrefix(text, publicText) {
		verify, err := parsePublic(text)
		return Key{Verify: verify}, err
	}
	seed, err := decodeKey(text, privateText)
	if err != nil {
		return Key{}, err
	}
	sign := &SigningKey{ed25519.NewKeyFromSeed(seed)}
	return Key{Signing: sign, Verify: sign.Public()}, nil
}

func parsePublic(text string) (*VerifyKey, error) {
	public, err := decodeKey(text, publicText)
	if err != nil {
		return nil, err
	}
	return &VerifyKey{public}, nil
}

// decodeKey returns the 32 bytes of a key's one spelling. It hides the words
// of encoding/base64, which quote what is wrong.
func decodeKey(text, prefix string) ([]byte, error) {
	digits, ok := strings.CutPrefix(text, prefix)
	if !ok {
		return nil, fmt.Errorf("a cache key begins with %q or %q", privateText, publicText)
	}
	key, err := base64.StdEncoding.DecodeString(digits)
	if err != nil || len(key) != ed25519.SeedSize || base64.StdEncoding.EncodeToString(key) != digits {
		return nil, fmt.Errorf("after %q a cache key has %d bytes in base64, with padding", prefix, ed25519.SeedSize)
	}
	return key, nil
}

// SigningKey signs entries. It prints as its id.
type SigningKey struct{ private ed25519.PrivateKey }

// GenerateKey makes a key from 32 bytes of random, or of crypto/rand when it is nil.
func GenerateKey(random io.Reader) (*SigningKey, error) {
	if random == nil {
		random = rand.Reader
	}
	seed := make([]byte, ed25519.SeedSize)
	if _, err := io.ReadFull(random, seed); err != nil {
		return nil, fmt.Errorf("making a cache key: %w", err)
	}
	return &SigningKey{ed25519.NewKeyFromSeed(seed)}, nil
}

// Public returns the key that verifies what k signs.
func (k *SigningKey) Public() *VerifyKey {
	return &VerifyKey{k.private.Public().(ed25519.PublicKey)}
}

// Secret is the text that [ParseKey] reads. It must not be shown.
func (k *SigningKey) Secret() string {
	return privateText + base64.StdEncoding.EncodeToString(k.private.Seed())
}

// Format prints the id, whatever the verb: a key in a struct that somebody
// logs must not be in the log.
func (k *SigningKey) Format(f fmt.State, _ rune) { fmt.Fprintf(f, "key %s", k.Public().ID()) }

// VerifyKey verifies the signatures of entries.
type VerifyKey struct{ public ed25519.PublicKey }

// ID names the key in messages: 8 hex digits of the SHA-256 of its bytes.
func (k *VerifyKey) ID() string {
	sum := sha256.Sum256(k.public)
	return hex.EncodeToString(sum[:4])
}

// String is the text that [ParseKey] reads.
func (k *VerifyKey) String() string {
	return publicText + base64.StdEncoding.EncodeToString(k.public)
}

// sealOf is the digest or signature that binds a manifest. key may be nil.
func sealOf(manifest []byte, key *SigningKey) []byte {
	text := append([]byte(magic), manifest...)
	if key == nil {
		sum := sha256.Sum256(text)
		return sum[:]
	}
	return ed25519.Sign(key.private, text)
}

// checkSeal is the error about a seal that does not bind a manifest in the way
// that the manifest says. One of the other way's length does not, either.
func checkSeal(seal, manifest []byte, signer string) error {
	if signer == "" {
		if !bytes.Equal(seal, sealOf(manifest, nil)) {
			return damaged("its manifest does not have the digest that it says")
		}
		return nil
	}
	key, err := parsePublic(signer)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrSignature, err)
	}
	if !ed25519.Verify(key.public, append([]byte(magic), manifest...), seal) {
		return fmt.Errorf("%w: key %s did not sign this", ErrSignature, key.ID())
	}
	return nil
}
