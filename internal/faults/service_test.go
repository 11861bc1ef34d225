package faults

import (
	"context"
	"io"
	"log"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/registry"

	"github.com/org/gorun-action/internal/store/blob"
	"github.com/org/gorun-action/internal/store/githubcache"
	"github.com/org/gorun-action/internal/store/githubcache/cachetest"
	ocistore "github.com/org/gorun-action/internal/store/oci"
)

// service is a store that has what the seed left.
type service struct {
	*proxy           // nil: a directory
	root      string // of a directory
	args, env []string
	close     func()
}

// serve starts a store. A directory is in m.
func serve(t testing.TB, w *world, m *machine, kind string) *service {
	switch kind {
	case dir:
		root := m.path("share")
		return &service{root: root, args: []string{"--cache-to=dir:" + root}, close: func() {}}
	case oci:
		return serveRegistry(w)
	}
	return serveActions(w, kind)
}

func (s *service) fill(t testing.TB, w *world, c cell) {
	must(t, w.fill(context.Background(), s.store(t, c.store), c))
}

// store is a client of ours, for what is not tested here.
func (s *service) store(t testing.TB, kind string) blob.Store {
	switch kind {
	case dir:
		return &blob.Dir{Root: s.root}
	case oci:
		r, err := ocistore.New(s.host()+"/org/cache", ocistore.Options{Transport: &http.Transport{}, Keychain: anonymous{}})
		must(t, err)
		return r
	}
	config := githubcache.ConfigFromEnv(func(name string) string {
		for _, kv := range s.env {
			if value, ok := strings.CutPrefix(kv, name+"="); ok {
				return value
			}
		}
		return ""
	})
	config.Transport = &http.Transport{}
	c, err := githubcache.New(config)
	must(t, err)
	return c
}

type anonymous struct{}

func (anonymous) Resolve(authn.Resource) (authn.Authenticator, error) { return authn.Anonymous, nil }

func (s *service) host() string { return strings.TrimPrefix(s.server.URL, "http://") }

func serveActions(w *world, kind string) *service {
	backend := cachetest.New(cachetest.Options{})
	s := &service{proxy: newProxy(w, backend), args: []string{"--cache-to=actions"}}
	s.evict, s.close = backend.Evict, s.proxy.close
	s.env = []string{"ACTIONS_RUNTIME_TOKEN=" + backend.Token(cachetest.Scope{Refs: []string{"refs/heads/main"}})}
	if kind == v2 {
		s.env = append(s.env, "ACTIONS_RESULTS_URL="+s.server.URL+"/")
	} else {
		s.env = append(s.env, "ACTIONS_CACHE_URL="+s.server.URL+"/")
	}
	return s
}

func serveRegistry(w *world) *service {
	s := &service{proxy: newProxy(w, registry.New(registry.Logger(log.New(io.Discard, "", 0))))}
	s.args, s.close = []string{"--cache-to=oci:" + s.host() + "/org/cache"}, s.proxy.close
	return s
}

// listenAgain gives the store another address after it had gone.
func (s *service) listenAgain(w *world) *service {
	if s.proxy == nil || !s.isGone() {
		return s
	}
	next := &service{proxy: newProxy(w, s.backend), close: s.close}
	next.close = func() { s.proxy.close(); next.proxy.close() }
	for _, list := range []struct{ from, to *[]string }{{&s.args, &next.args}, {&s.env, &next.env}} {
		for _, word := range *list.from {
			*list.to = append(*list.to, strings.ReplaceAll(word, s.host(), next.host()))
		}
	}
	return next
}

func (p *proxy) isGone() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.gone
}

// blobFile is where a directory keeps an entry.
func (s *service) blobFile(e *entryData) string { return filepath.Join(s.root, "blobs", e.key) }

func remove(t testing.TB, file string) { must(t, os.Remove(file)) }
