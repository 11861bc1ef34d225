// Package blobtest says by tests what a blob.Store has to do.
package blobtest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/org/gorun-action/internal/store/blob"
)

// Limits say what a store cannot do. The zero Limits are those of one that can
// do all.
type Limits struct {
	// LastWins: of Puts of one key at the same time more than one may succeed,
	// and the last one stays. One after the other is fs.ErrExist all the same.
	LastWins bool
	// NoEmpty: a blob of no bytes cannot be stored.
	NoEmpty bool
	// NoRanges: parts begin at 0, whatever was asked for.
	NoRanges bool
	// Tick is how far apart two Puts must be for the store to know which one was
	// later; 0 is any time.
	Tick time.Duration
}

// Run runs the tests, each on a store of its own. open returns an empty one,
// which need not be closed: what open starts, t.Cleanup ends.
//
// A prefix is only looked up if it was given to Put.
func Run(t *testing.T, open func(t *testing.T) blob.Store, limits Limits) {
	tests := map[string]func(*suite){
		"Miss":             (*suite).miss,
		"Whole":            (*suite).whole,
		"Empty":            (*suite).empty,
		"Ranges":           (*suite).ranges,
		"Beyond":           (*suite).beyond,
		"Together":         (*suite).together,
		"Reader":           (*suite).reader,
		"ExactFirst":       (*suite).exactFirst,
		"NoPrefixNoHit":    (*suite).noPrefixNoHit,
		"KeyIsPrefix":      (*suite).keyIsPrefix,
		"FirstPrefixFirst": (*suite).firstPrefixFirst,
		"Newest":           (*suite).newest,
		"LongKeys":         (*suite).longKeys,
		"ManyKeys":         (*suite).manyKeys,
		"BadKeys":          (*suite).badKeys,
		"Exists":           (*suite).exists,
		"Race":             (*suite).race,
		"Cancelled":        (*suite).cancelled,
		"CancelledReading": (*suite).cancelledReading,
		"CancelledPut":     (*suite).cancelledPut,
		"UnreadableSource": (*suite).unreadableSource,
		"ShortSource":      (*suite).shortSource,
		"List":             (*suite).list,
		"Remove":           (*suite).remove,
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) { test(&suite{t, open(t), limits}) })
	}
}

type suite struct {
	*testing.T
	store  blob.Store
	limits Limits
}

// Content returns a blob of size bytes that are the same for the same seed.
func Content(seed string, size int) []byte {
	b := make([]byte, size)
	rand.NewChaCha8(sha256.Sum256([]byte(seed))).Read(b)
	return b
}

func (s *suite) put(key string, content []byte, prefixes ...string) {
	s.Helper()
	if err := s.store.Put(s.Context(), key, prefixes, bytes.NewReader(content)); err != nil {
		s.Fatalf("Put(%q): %v", key, err)
	}
}

// later makes the next Put a later one.
func (s *suite) later() { time.Sleep(s.limits.Tick) }

func (s *suite) find(want, key string, prefixes ...string) blob.Found {
	s.Helper()
	found, err := s.store.Find(s.Context(), key, prefixes...)
	if err != nil || found.Key != want {
		s.Fatalf("Find(%q, %q) is %q, %v, want %q", key, prefixes, found.Key, err, want)
	}
	return found
}

func (s *suite) misses(key string, prefixes ...string) {
	s.Helper()
	found, err := s.store.Find(s.Context(), key, prefixes...)
	if !errors.Is(err, fs.ErrNotExist) {
		s.Fatalf("Find(%q, %q) is %q, %v, want a miss", key, prefixes, found.Key, err)
	}
}

// read reads length bytes from offset on, as who knows that a server may send
// all of a blob.
func (s *suite) read(found blob.Found, offset, length int64) ([]byte, error) {
	p, err := found.Open(s.Context(), offset, length)
	if err != nil {
		return nil, err
	}
	defer p.Body.Close()
	if p.Offset != offset && p.Offset != 0 || s.limits.NoRanges && p.Offset != 0 {
		return nil, fmt.Errorf("the part begins at %d, not %d", p.Offset, offset)
	}
	got, err := io.ReadAll(p.Body)
	if err != nil {
		return nil, err
	}
	if p.Total >= 0 && found.Size >= 0 && p.Total != found.Size {
		return nil, fmt.Errorf("the part is of %d bytes in total, but %d were found", p.Total, found.Size)
	}
	if p.Offset == offset && (length < 0 || int64(len(got)) <= length) {
		return got, nil
	}
	if p.Offset != 0 || p.Total >= 0 && p.Total != int64(len(got)) {
		return nil, fmt.Errorf("%d bytes came from %d on, not %d from %d on", len(got), p.Offset, length, offset)
	}
	return cut(got, offset, length), nil
}

func cut(all []byte, offset, length int64) []byte {
	all = all[min(offset, int64(len(all))):]
	if length < 0 {
		return all
	}
	return all[:min(length, int64(len(all)))]
}

func (s *suite) holds(found blob.Found, want []byte) {
	s.Helper()
	got, err := s.read(found, 0, -1)
	if err != nil {
		s.Fatalf("reading %q: %v", found.Key, err)
	}
	if !bytes.Equal(got, want) {
		s.Fatalf("%q has other bytes than were put: %d instead of %d", found.Key, len(got), len(want))
	}
	if found.Size >= 0 && found.Size != int64(len(want)) {
		s.Fatalf("%q was found with %d bytes, not %d", found.Key, found.Size, len(want))
	}
}

func cancelledContext(s *suite) context.Context {
	ctx, cancel := context.WithCancel(s.Context())
	cancel()
	return ctx
}
