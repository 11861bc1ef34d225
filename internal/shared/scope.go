package shared

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"strings"

	"github.com/org/gorun-action/internal/store/blob"
	"github.com/org/gorun-action/internal/store/entry"
)

// scopeHash is how many bytes of a hash tell pull requests apart.
const scopeHash = 6

// Scoped returns the layer for a run of that origin. What a foreign run leaves is
// not used by others, so it must not be in their way either: under the same key
// nobody could keep a trusted entry, and by a prefix the newest one is found,
// trusted or not. A foreign run keeps everything under keys that begin with "f",
// a hash of its repository and ref, and "-"; it finds those of others first. The
// key in the manifest is without that.
//
// GitHub's cache keeps refs apart by itself, but not the events of one branch.
func (l Layer) Scoped(origin entry.Origin) Layer {
	if !origin.Foreign() {
		return l
	}
	sum := sha256.Sum256([]byte(origin.Repository + "\x00" + origin.Ref))
	begin := "f" + hex.EncodeToString(sum[:scopeHash]) + "-"
	l.Store = scoped{l.Store, begin}
	if l.Admin != nil {
		l.Admin = apartKeeper{l.Admin, begin}
	}
	return l
}

// plain is a key as its manifest has it.
func plain(key string) string {
	const begin = 1 + 2*scopeHash
	if len(key) <= begin || key[0] != 'f' || key[begin] != '-' {
		return key
	}
	if _, err := hex.DecodeString(key[1:begin]); err != nil {
		return key
	}
	return key[begin+1:]
}

type scoped struct {
	store blob.Store
	begin string
}

func (a scoped) own(prefixes []string) []string {
	own := make([]string, len(prefixes))
	for i, p := range prefixes {
		own[i] = a.begin + p
	}
	return own
}

// Find prefers the key itself, whoever has left it.
func (a scoped) Find(ctx context.Context, key string, prefixes ...string) (blob.Found, error) {
	found, err := a.store.Find(ctx, key, prefixes...)
	if err == nil && found.Key == key || err != nil && !errors.Is(err, fs.ErrNotExist) {
		return found, err
	}
	own, ownErr := a.store.Find(ctx, a.begin+key, a.own(prefixes)...)
	own.Key = strings.TrimPrefix(own.Key, a.begin)
	if ownErr == nil && (own.Key == key || err != nil) {
		return own, nil
	}
	if err != nil && !errors.Is(ownErr, fs.ErrNotExist) {
		return found, ownErr
	}
	return found, err
}

// Put keeps content where only runs of the same origin find it.
func (a scoped) Put(ctx context.Context, key string, prefixes []string, content blob.Content) error {
	return a.store.Put(ctx, a.begin+key, a.own(prefixes), content)
}

type apartKeeper struct {
	blob.Admin
	begin string
}

// Remove removes what runs of the same origin left, and nothing else.
func (a apartKeeper) Remove(ctx context.Context, key string) error {
	return a.Admin.Remove(ctx, a.begin+key)
}
