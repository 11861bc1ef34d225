// Package blob keeps blobs under keys where many machines find them: [Dir]
// here, GitHub's cache service in internal/store/githubcache, OCI registries in
// internal/store/oci. All pass the one suite of internal/store/blobtest.
//
// A blob is opaque here: who reads one believes nothing of it before
// internal/store/entry has checked it. [Reader] downloads one in parts, side by
// side and in order; [Transport] gives up on servers that are slow, stuck or
// broken before they cost more than they could save.
package blob

import (
	"context"
	"errors"
	"io"
	"time"
)

// Store keeps blobs under keys. Its methods are safe for concurrent use, and
// return soon after their context is done. A key is 1 to 512 of [a-z0-9.-],
// without ".." and with no "." in front. Blobs never change: another one has
// another key.
type Store interface {
	// Find returns the blob of key, or else of the newest blob whose key begins
	// with the first of prefixes that any key begins with. A miss is
	// fs.ErrNotExist. Who wants an exact hit compares Found.Key.
	Find(ctx context.Context, key string, prefixes ...string) (Found, error)
	// Put keeps content under key. prefixes are the beginnings of key by which
	// Find is to lead to it; a store that finds any beginning ignores them. A key
	// that is there is fs.ErrExist, and a store that this process may only read is
	// ErrReadOnly. After an error nothing is found under key that was not before.
	Put(ctx context.Context, key string, prefixes []string, content Content) error
}

// Admin is what a store can do for those who look after it. Methods that a
// store cannot offer here return an error with a hint.
type Admin interface {
	// List returns what is kept under keys that begin with prefix, the newest
	// first.
	List(ctx context.Context, prefix string) ([]Info, error)
	// Remove removes the blob of a key. fs.ErrNotExist: there is none.
	Remove(ctx context.Context, key string) error
}

// Content is what Put stores: bytes that can be read at any place, more than
// once, and by several goroutines.
type Content interface {
	io.ReaderAt
	Size() int64
}

// Found is a blob that a store has.
type Found struct {
	// Key is the whole key of the blob.
	Key string
	// Size is its size in bytes, -1 where only the first Part will tell.
	Size int64
	// Open reads length bytes from offset on, or to the end when length is
	// negative. It may be called from several goroutines.
	Open func(ctx context.Context, offset, length int64) (Part, error)
}

// Part is a piece of a blob on its way. Body is not nil, and must be closed.
type Part struct {
	Body io.ReadCloser
	// Offset is where Body begins: 0 where a server ignored which part was asked
	// for and sends all of it.
	Offset int64
	// Total is the size of the whole blob, -1 when it is not told.
	Total int64
}

// Info says what a store has under a key.
type Info struct {
	Key     string
	Size    int64     // bytes, -1 when the store does not tell
	Created time.Time // zero when the store does not tell
	Used    time.Time // zero when the store does not tell
}

// ErrReadOnly is wrapped by the error of Put where this process may read only:
// a token without the right, a mode, a mount. It is no fault.
var ErrReadOnly = errors.New("the store may only be read")

// ErrUnavailable is wrapped by errors of a store that was given up for this
// run after a fault; nothing was sent.
var ErrUnavailable = errors.New("the store was given up after a fault")
