// Package cachetest is a cache service of GitHub Actions for tests and
// measurements: real code that keeps everything in memory, and speaks
//
//   - v2: Twirp over JSON below /twirp/, with Azure's block blobs below /blobs/
//   - v1: below /_apis/artifactcache/
//   - the part of GitHub's REST interface about caches, below /repos/
//
// on one http.Handler. What it knows of the real ones is from actions/toolkit
// (packages/cache/src), the Twirp specification (v7, errors and routing), the
// reference of Azure's Blob service (Put Blob, Put Block, Put Block List, Get
// Blob, service SAS), GitHub's documentation of dependency caching (scopes,
// order of look-ups) and what the service is reported to say. The tests of this
// package hold it to the requests of the official client.
package cachetest

import (
	"crypto/rand"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// Options are how a Service differs from the usual one. They must not be
// changed while it serves.
type Options struct {
	// Now is the clock; nil is time.Now.
	Now func() time.Time
	// URLLife is how long a signed URL is good; 0 is 10 minutes.
	URLLife time.Duration
	// IgnoreRanges makes downloads send the whole blob, whatever is asked for.
	IgnoreRanges bool
	// NoV2 and NoV1 leave a protocol out: all of it is 404.
	NoV2, NoV1 bool
}

// Scope is what a token is good for.
type Scope struct {
	// Refs are where look-ups look, in this order: usually the own ref, the base
	// branch, the default branch. Puts go to the first.
	Refs []string
	// ReadOnly is a token without any writable scope, as untrusted triggers get.
	ReadOnly bool
}

// Service is the server. Its methods are safe for concurrent use.
type Service struct {
	options Options
	mux     *http.ServeMux
	secret  string // of signed URLs

	mu      sync.Mutex
	tokens  map[string]Scope
	rights  map[string]string // REST token to "read", "write" or ""
	entries []*entry          // in the order of their reservations
	lastID  int64
}

// entry is a reservation, and once it is done what can be found.
type entry struct {
	id            int64
	key, version  string
	ref           string
	created, used time.Time
	done          bool
	blob          []byte            // nil: nothing is committed
	pending       map[string][]byte // blocks that are in no list yet
	committed     map[string][]byte // blocks of the last list
	chunks        map[int64][]byte  // v1: by offset
}

// New returns an empty service.
func New(o Options) *Service {
	s := &Service{options: o, mux: http.NewServeMux(), secret: rand.Text(), tokens: map[string]Scope{}, rights: map[string]string{}}
	if !o.NoV2 {
		s.mux.HandleFunc("/twirp/", s.twirp)
	}
	if !o.NoV1 {
		s.routeV1()
	}
	s.mux.HandleFunc("/blobs/{id}", s.blobs)
	s.routeREST()
	return s
}

// ServeHTTP serves all protocols.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.mux.ServeHTTP(w, r) }

// Token returns a new ACTIONS_RUNTIME_TOKEN.
func (s *Service) Token(scope Scope) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	token := rand.Text()
	s.tokens[token] = scope
	return token
}

// Evict removes all entries of a key, as the service does with old ones: also
// while one is downloaded.
func (s *Service) Evict(key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.remove(key)
}

// Keys returns the keys that can be found from some ref, the oldest first.
func (s *Service) Keys() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var keys []string
	for _, e := range s.entries {
		if e.done {
			keys = append(keys, e.key)
		}
	}
	return keys
}

func (s *Service) now() time.Time {
	if s.options.Now != nil {
		return s.options.Now()
	}
	return time.Now()
}

func (s *Service) scope(r *http.Request) (Scope, bool) {
	token, bearer := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	s.mu.Lock()
	defer s.mu.Unlock()
	scope, known := s.tokens[token]
	return scope, bearer && known
}

// lookUp is the order of GitHub's documentation: ref by ref, in each the key,
// what begins with the key, and what begins with each further key; among several
// the newest.
func (s *Service) lookUp(scope Scope, version string, keys []string) *entry {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, ref := range scope.Refs {
		if e := s.newest(ref, version, func(key string) bool { return key == keys[0] }); e != nil {
			return e
		}
		for _, k := range keys {
			if e := s.newest(ref, version, func(key string) bool { return strings.HasPrefix(key, k) }); e != nil {
				return e
			}
		}
	}
	return nil
}

func (s *Service) newest(ref, version string, match func(key string) bool) *entry {
	for _, e := range slices.Backward(s.entries) {
		if e.done && e.ref == ref && e.version == version && match(e.key) {
			e.used = s.now()
			return e
		}
	}
	return nil
}

// reserve returns nil when the key is taken, be it only by a reservation.
func (s *Service) reserve(scope Scope, key, version string) *entry {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.find(scope, key, version) != nil {
		return nil
	}
	s.lastID++
	e := &entry{id: s.lastID, key: key, version: version, ref: scope.Refs[0], created: s.now(), used: s.now()}
	s.entries = append(s.entries, e)
	return e
}

// find returns the entry or reservation of the own ref. The caller holds mu.
func (s *Service) find(scope Scope, key, version string) *entry {
	for _, e := range s.entries {
		if e.ref == scope.Refs[0] && e.key == key && e.version == version {
			return e
		}
	}
	return nil
}

// byID returns nil when there is none. The caller holds mu.
func (s *Service) byID(id int64) *entry {
	for _, e := range s.entries {
		if e.id == id {
			return e
		}
	}
	return nil
}

// remove returns what was removed. The caller holds mu.
func (s *Service) remove(key string) (gone []*entry) {
	s.entries = slices.DeleteFunc(s.entries, func(e *entry) bool {
		if e.key == key {
			gone = append(gone, e)
		}
		return e.key == key
	})
	return gone
}

// validKey is what the official client checks before it asks (checkKey in
// cache.ts).
func validKey(key string) bool { return key != "" && len(key) <= 512 && !strings.Contains(key, ",") }
