package githubcache

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"sync/atomic"

	"github.com/org/gorun-action/internal/store/blob"
)

// format is what the "version" of our entries is made of: it sets them apart
// from those of other actions, and from those of another format of ours.
const format = "gorun blob 1"

const maxKeys = 10 // in one look-up, prefixes and key; a limit of the service

func formatVersion() string {
	sum := sha256.Sum256([]byte(format))
	return hex.EncodeToString(sum[:])
}

// Cache is the cache service, as a blob.Store. Its methods are safe for
// concurrent use. None tries a request again: that is the Transport's work.
type Cache struct {
	mode   string
	client *client
	v2     *v2 // nil: not here
	v1     *v1 // nil: not here
	noV2   atomic.Bool
}

// service is one of the two protocols.
type service interface {
	// lookUp asks for keys[0], or what begins with one of keys. No hit is
	// fs.ErrNotExist.
	lookUp(ctx context.Context, keys []string) (hit, error)
	put(ctx context.Context, key string, content blob.Content) error
}

// hit is what a service found: the key, and where the bytes are.
type hit struct{ key, url string }

// Find returns the blob of key, or else of a prefix, in the order of
// [blob.Store] within each ref (see the package comment). Size is -1: the
// service does not tell. key and prefixes are 10 at most.
func (c *Cache) Find(ctx context.Context, key string, prefixes ...string) (blob.Found, error) {
	if err := checkKeys(key, prefixes); err != nil {
		return blob.Found{}, err
	}
	if c.mode == "write-only" {
		return blob.Found{}, fmt.Errorf("looking up %s: ACTIONS_CACHE_MODE is write-only: %w", key, fs.ErrNotExist)
	}
	h, err := c.find(ctx, key, prefixes)
	if err != nil {
		return blob.Found{}, fmt.Errorf("looking up %s in GitHub's cache: %w", key, err)
	}
	return blob.Found{Key: h.key, Size: -1, Open: newSource(c, h).open}, nil
}

// find asks once, and once more when the answer says nothing about prefixes:
// services take the key itself as a prefix, too, and prefer what they find.
func (c *Cache) find(ctx context.Context, key string, prefixes []string) (hit, error) {
	h, err := c.lookUp(ctx, append([]string{key}, prefixes...))
	if err != nil || h.key == key {
		return h, err
	}
	if strings.HasPrefix(h.key, key) && len(prefixes) > 0 {
		if h, err = c.lookUp(ctx, prefixes); err != nil {
			return hit{}, err
		}
	}
	for _, prefix := range prefixes {
		if strings.HasPrefix(h.key, prefix) {
			return h, nil
		}
	}
	return hit{}, fs.ErrNotExist
}

func (c *Cache) lookUp(ctx context.Context, keys []string) (hit, error) {
	var h hit
	err := c.use(func(s service) (err error) {
		h, err = s.lookUp(ctx, keys)
		return err
	})
	if err != nil {
		return hit{}, err
	}
	if blob.CheckKey(h.key) != nil {
		return hit{}, fmt.Errorf("the service answered with an unknown key, %.64q", h.key)
	}
	return h, nil
}

// Put keeps content under key; prefixes do not matter. See the package comment
// for the two ways in which the service does not quite do what [blob.Store]
// says. A token that may only read is blob.ErrReadOnly, with the server's words.
func (c *Cache) Put(ctx context.Context, key string, prefixes []string, content blob.Content) error {
	if err := checkKeys(key, nil); err != nil {
		return err
	}
	if c.mode == "read" {
		return fmt.Errorf("putting %s into GitHub's cache: %w: ACTIONS_CACHE_MODE is read", key, blob.ErrReadOnly)
	}
	err := c.use(func(s service) error { return s.put(ctx, key, content) })
	if err != nil {
		return fmt.Errorf("putting %s into GitHub's cache: %w", key, err)
	}
	return nil
}

// use does something with v2 if there is one, else with v1. That the server
// knows no v2 shows only at the first request.
func (c *Cache) use(do func(service) error) error {
	if c.v2 == nil || c.noV2.Load() {
		return do(c.v1)
	}
	err := do(c.v2)
	if c.v1 == nil || !errors.Is(err, errNoV2) {
		return err
	}
	c.noV2.Store(true)
	return do(c.v1)
}

func checkKeys(key string, prefixes []string) error {
	if len(prefixes) >= maxKeys {
		return fmt.Errorf("GitHub's cache takes %d keys and prefixes in a look-up, not %d", maxKeys, len(prefixes)+1)
	}
	for _, k := range append([]string{key}, prefixes...) {
		if err := blob.CheckKey(k); err != nil {
			return err
		}
	}
	return nil
}
