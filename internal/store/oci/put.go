package oci

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/partial"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/org/gorun-action/internal/store/blob"
)

// Put implements blob.Store. It reads content twice, for its digest and to
// send it, and keeps none of it in memory. A blob whose bytes the registry
// has, under whichever key, is not sent again.
//
// The tag of the key comes last: after an error nothing is found under key, but
// one of prefixes may lead to the new blob already, which is as good.
func (r *Repository) Put(ctx context.Context, key string, prefixes []string, content blob.Content) error {
	if err := r.put(ctx, key, prefixes, content); err != nil {
		return fmt.Errorf("storing a blob in %s: %w", r, readOnly(told(err)))
	}
	return nil
}

// readOnly makes the refusal of a registry wrap blob.ErrReadOnly.
func readOnly(err error) error {
	if s := status(err); s == http.StatusUnauthorized || s == http.StatusForbidden {
		return fmt.Errorf("%w: %w", blob.ErrReadOnly, err)
	}
	return err
}

func (r *Repository) put(ctx context.Context, key string, prefixes []string, content blob.Content) error {
	if err := checkKeys(key, prefixes); err != nil {
		return err
	}
	if err := r.absent(ctx, key); err != nil {
		return err
	}
	layer, err := newLayer(ctx, content)
	if err != nil {
		return fmt.Errorf("reading what is to be stored: %w", err)
	}
	options, err := r.writing(ctx, transport.PushScope)
	if err != nil {
		return err
	}
	a, err := r.upload(key, prefixes, layer, options)
	if err != nil {
		return err
	}
	return r.tag(a, append(prefixTags(prefixes), keyTag(key)), options)
}

// absent returns fs.ErrExist when there is a manifest under the tag of a key.
func (r *Repository) absent(ctx context.Context, key string) error {
	req, err := r.request(ctx, http.MethodHead, "manifests", keyTag(key))
	if err != nil {
		return err
	}
	req.Header.Set("Accept", string(manifestMedia))
	resp, err := r.do(req, transport.PushScope, http.StatusOK)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	resp.Body.Close()
	if strings.HasPrefix(resp.Header.Get("Content-Type"), "text/html") {
		return errors.New("a web page answers for the registry")
	}
	return fmt.Errorf("%w: the tag %s is there", fs.ErrExist, keyTag(key))
}

// writing are the options of go-containerregistry for writing with a session,
// without retries.
func (r *Repository) writing(ctx context.Context, scope string) ([]remote.Option, error) {
	client, err := r.session(ctx, scope)
	if err != nil {
		return nil, err
	}
	return []remote.Option{
		remote.WithContext(ctx), remote.WithTransport(client.Transport),
		remote.WithRetryBackoff(remote.Backoff{Steps: 1}),
	}, nil
}

// upload sends the blob and the empty config, which the manifest needs.
func (r *Repository) upload(key string, prefixes []string, layer v1.Layer, options []remote.Option) (artifact, error) {
	empty := static.NewLayer([]byte(emptyConfig), types.OCIEmptyJSON)
	var of [2]v1.Descriptor
	for i, l := range []v1.Layer{layer, empty} {
		if err := remote.WriteLayer(r.repo, l, options...); err != nil {
			return artifact{}, err
		}
		d, err := partial.Descriptor(l)
		if err != nil {
			return artifact{}, err
		}
		of[i] = *d
	}
	return newArtifact(key, prefixes, of[0], of[1], time.Now())
}

func prefixTags(prefixes []string) []string {
	var tags []string
	for _, p := range prefixes {
		tags = append(tags, prefixTag(p))
	}
	return tags
}

// tag puts the manifest under each tag, in order.
func (r *Repository) tag(a artifact, tags []string, options []remote.Option) error {
	for _, tag := range tags {
		if err := remote.Put(r.repo.Tag(tag), a, options...); err != nil {
			return fmt.Errorf("writing the tag %s: %w", tag, err)
		}
	}
	return nil
}

// layer is a Content as go-containerregistry sends it.
type layer struct {
	content blob.Content
	digest  v1.Hash
}

var _ v1.Layer = (*layer)(nil)

// newLayer reads all of content once, until ctx is done.
func newLayer(ctx context.Context, content blob.Content) (*layer, error) {
	l := &layer{content: content}
	digest, n, err := v1.SHA256(until{ctx, l.reader()})
	if err == nil && n != content.Size() {
		err = fmt.Errorf("it has %d bytes instead of %d: %w", n, content.Size(), io.ErrUnexpectedEOF)
	}
	l.digest = digest
	return l, err
}

// until is a reader that fails after the end of a context.
type until struct {
	ctx context.Context
	r   io.Reader
}

func (u until) Read(p []byte) (int, error) {
	if err := u.ctx.Err(); err != nil {
		return 0, err
	}
	return u.r.Read(p)
}

func (l *layer) reader() io.Reader { return io.NewSectionReader(l.content, 0, l.content.Size()) }

// Digest and the other methods implement v1.Layer. The bytes are their own
// compressed form.
func (l *layer) Digest() (v1.Hash, error)             { return l.digest, nil }
func (l *layer) DiffID() (v1.Hash, error)             { return l.digest, nil }
func (l *layer) Size() (int64, error)                 { return l.content.Size(), nil }
func (l *layer) MediaType() (types.MediaType, error)  { return blobType, nil }
func (l *layer) Compressed() (io.ReadCloser, error)   { return io.NopCloser(l.reader()), nil }
func (l *layer) Uncompressed() (io.ReadCloser, error) { return l.Compressed() }
