// Package oci keeps blobs in a repository of an OCI registry.
//
// # Format
//
// A blob is an artifact (OCI image specification 1.1, "Guidelines for Artifact
// Usage"): a manifest with one layer, which is the blob as it is.
//
//	{"schemaVersion":2,
//	 "mediaType":"application/vnd.oci.image.manifest.v1+json",
//	 "config":{"mediaType":"application/vnd.oci.empty.v1+json","size":2,"digest":"sha256:44136fa3…"},
//	 "layers":[{"mediaType":"application/vnd.gorun.cache.blob.v1","size":4096,"digest":"sha256:…"}],
//	 "annotations":{"org.gorun.key":"go1.26.8-linux-amd64-3f1c","org.gorun.prefixes":"go1.26.8-linux-,go1.26.8-",
//	                "org.opencontainers.image.created":"2026-11-02T20:36:21.000000005Z"},
//	 "artifactType":"application/vnd.gorun.cache.entry.v1"}
//
// # Tags
//
// The key is the tag. One that is no tag, being longer than 128 characters or
// beginning with "-", is shortened to a tag that ends in "_" and the SHA-256 of
// the key. Each prefix that was given to Put has a tag as well, "newest_" and
// the prefix, which moves to each newer blob. "_" is in no key, so the two do
// not meet.
//
// # Retention
//
// Nothing here removes what is old: that is for `gorunctl cache prune`, or a
// rule of the registry. A rule may remove any tag, by age or by the beginning of
// its name. It should count the last pull where the registry knows it, and may
// leave "newest_" alone: those tags are few, one for each prefix, and each
// keeps one blob. A blob is garbage once no tag leads to its manifest.
//
// # Trust
//
// A registry is believed in nothing: whatever comes from it goes through
// internal/store/entry. What is checked here is checked to give up early.
package oci

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"strings"
	"sync"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/org/gorun-action/internal/store/blob"
)

// Options of a [Repository]. The zero Options will do.
type Options struct {
	// Transport sends every request, to registry, token server and object
	// storage. It does all retries: none are made here. nil is that of
	// go-containerregistry.
	Transport http.RoundTripper
	// Keychain has the credentials; nil is docker's configuration.
	Keychain authn.Keychain
}

// Repository is a blob.Store and a blob.Admin. It is safe for concurrent use.
//
// Tags can be moved, and no registry has a Put that fails when a tag is there:
// of two Puts of one key at the same time both may succeed, and the last one
// stays. Both are of the same key, so either will do.
type Repository struct {
	repo     name.Repository
	keychain authn.Keychain
	wire     *wire
	sessions sync.Map // scope → *http.Client
}

var (
	_ blob.Store = (*Repository)(nil)
	_ blob.Admin = (*Repository)(nil)
)

// New returns the repository "HOST/REPO", without a tag or digest. It sends
// nothing. Registries of this machine (localhost, 127.0.0.1) and those with a
// private address are spoken to in plain HTTP where they have no TLS, as docker
// does it.
func New(ref string, o Options) (*Repository, error) {
	repo, err := name.NewRepository(ref, name.StrictValidation)
	if err == nil && strings.Contains(ref, "//") {
		err = errors.New("it begins with the host") // name takes "https:" for one
	}
	if err != nil {
		return nil, fmt.Errorf("%q is not a repository, HOST/REPO without tag or digest: %w", ref, err)
	}
	if o.Keychain == nil {
		o.Keychain = authn.DefaultKeychain
	}
	return &Repository{repo: repo, keychain: o.Keychain, wire: &wire{base: cmp.Or(o.Transport, remote.DefaultTransport), repo: repo}}, nil
}

// String is HOST/REPO.
func (r *Repository) String() string { return r.repo.Name() }

// Find implements blob.Store. It costs one request for key, and one for each
// prefix that is tried. A tag that leads to something else than a blob of that
// key is an error.
func (r *Repository) Find(ctx context.Context, key string, prefixes ...string) (blob.Found, error) {
	found, err := r.find(ctx, key, prefixes)
	if err != nil {
		return blob.Found{}, fmt.Errorf("looking up a blob in %s: %w", r, told(err))
	}
	return found, nil
}

func (r *Repository) find(ctx context.Context, key string, prefixes []string) (blob.Found, error) {
	if err := checkKeys(key, prefixes); err != nil {
		return blob.Found{}, err
	}
	a, err := r.exact(ctx, key)
	for i := 0; i < len(prefixes) && errors.Is(err, fs.ErrNotExist); i++ {
		a, err = r.newest(ctx, prefixes[i])
	}
	if err != nil {
		return blob.Found{}, err
	}
	return blob.Found{Key: a.key, Size: a.layer.Size, Open: r.opener(a.layer)}, nil
}

func checkKeys(key string, prefixes []string) error {
	for _, k := range append([]string{key}, prefixes...) {
		if err := blob.CheckKey(k); err != nil {
			return err
		}
	}
	return nil
}

// maxManifest is ten times what ours take with the longest keys and prefixes.
const maxManifest = 64 << 10

// artifact returns what a tag or digest leads to; nothing is fs.ErrNotExist.
func (r *Repository) artifact(ctx context.Context, reference string) (artifact, error) {
	req, err := r.request(ctx, http.MethodGet, "manifests", reference)
	if err != nil {
		return artifact{}, err
	}
	req.Header.Set("Accept", string(types.OCIManifestSchema1))
	resp, err := r.do(req, transport.PullScope, http.StatusOK)
	if err != nil {
		return artifact{}, err
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(io.LimitReader(resp.Body, maxManifest+1))
	if err != nil {
		return artifact{}, fmt.Errorf("reading a manifest: %w", err)
	}
	a, err := parseArtifact(data)
	if err != nil {
		return artifact{}, fmt.Errorf("the manifest of %s: %w", reference, err)
	}
	return a, nil
}

func (r *Repository) request(ctx context.Context, method, kind, reference string) (*http.Request, error) {
	u := url.URL{Scheme: r.repo.Scheme(), Host: r.repo.RegistryStr(), Path: "/v2/" + r.repo.RepositoryStr() + "/" + kind + "/" + reference}
	return http.NewRequestWithContext(ctx, method, u.String(), nil)
}

// do sends a request with the right to scope. An answer with another status
// than those is an error, which for 404 is fs.ErrNotExist.
func (r *Repository) do(req *http.Request, scope string, statuses ...int) (*http.Response, error) {
	client, err := r.session(req.Context(), scope)
	if err != nil {
		return nil, err
	}
	resp, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	if err := transport.CheckError(resp, statuses...); err != nil {
		resp.Body.Close()
		return nil, miss(err)
	}
	return resp, nil
}

// miss makes an error that says 404 wrap fs.ErrNotExist.
func miss(err error) error {
	if status(err) == http.StatusNotFound {
		return fmt.Errorf("%w: %w", fs.ErrNotExist, err)
	}
	return err
}

// status is what a registry answered, 0 when it did not.
func status(err error) int {
	var answer *transport.Error
	if errors.As(err, &answer) {
		return answer.StatusCode
	}
	return 0
}

// session returns the client for a scope, which has spoken to the registry
// about credentials once. Several may do so at the same time: waiting for
// another one's context would be worse.
func (r *Repository) session(ctx context.Context, scope string) (*http.Client, error) {
	if c, ok := r.sessions.Load(scope); ok {
		return c.(*http.Client), nil
	}
	auth, err := authn.Resolve(ctx, r.keychain, r.repo)
	if err != nil {
		return nil, fmt.Errorf("reading the credentials for %s: %w", r.repo.RegistryStr(), err)
	}
	r.wire.probe(ctx)
	t, err := transport.NewWithContext(ctx, r.repo.Registry, auth, r.wire, []string{r.repo.Scope(scope)})
	if err != nil {
		return nil, err
	}
	c := &http.Client{Transport: t}
	r.sessions.Store(scope, c)
	return c, nil
}
