package oci

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"github.com/org/gorun-action/internal/store/blob"
)

// atOnce is how many manifests List reads at the same time: registries limit
// clients by rate, and people wait for no more than a few hundred of them.
const atOnce = 4

// List implements blob.Admin. It costs one request for each 1000 tags, and one
// for each blob. Tags that are not of blobs are passed over.
func (r *Repository) List(ctx context.Context, prefix string) ([]blob.Info, error) {
	all, err := r.list(ctx, prefix)
	if err != nil {
		return nil, fmt.Errorf("listing the blobs in %s: %w", r, told(err))
	}
	infos := make([]blob.Info, len(all))
	for i, a := range all {
		infos[i] = a.info()
	}
	return infos, nil
}

// list returns the artifacts whose keys begin with prefix, the newest first.
func (r *Repository) list(ctx context.Context, prefix string) ([]artifact, error) {
	tags, err := r.tags(ctx, prefix)
	if err != nil {
		return nil, err
	}
	all, err := r.artifacts(ctx, tags)
	all = slices.DeleteFunc(all, func(a artifact) bool { return !strings.HasPrefix(a.key, prefix) })
	slices.SortFunc(all, func(a, b artifact) int {
		return cmp.Or(b.created.Compare(a.created), strings.Compare(a.key, b.key))
	})
	return all, err
}

// tags returns the tags of keys that may begin with prefix. Without a
// repository there are none.
func (r *Repository) tags(ctx context.Context, prefix string) ([]string, error) {
	options, err := r.writing(ctx, transport.PullScope)
	if err != nil {
		return nil, err
	}
	tags, err := remote.List(r.repo, options...)
	if status(err) == http.StatusNotFound {
		return nil, nil
	}
	return slices.DeleteFunc(tags, func(tag string) bool { return !mayBegin(tag, prefix) }), err
}

// artifacts reads the manifests of tags, a few at a time. What is gone by now,
// or is another one's, is left out.
func (r *Repository) artifacts(ctx context.Context, tags []string) ([]artifact, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	read := make([]artifact, len(tags))
	next := make(chan int)
	var readers sync.WaitGroup
	for range min(atOnce, len(tags)) {
		readers.Go(func() {
			for i := range next {
				if err := r.listed(ctx, tags[i], &read[i]); err != nil {
					cancel(err) // the others fail fast
				}
			}
		})
	}
	for i := range tags {
		next <- i
	}
	close(next)
	readers.Wait()
	read = slices.DeleteFunc(read, func(a artifact) bool { return a.key == "" })
	return read, context.Cause(ctx)
}

func (r *Repository) listed(ctx context.Context, tag string, to *artifact) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	a, err := r.artifact(ctx, tag)
	switch {
	case errors.Is(err, errOther), errors.Is(err, fs.ErrNotExist):
		return nil
	case err == nil && keyTag(a.key) == tag:
		*to = a
	}
	return err
}

// Remove implements blob.Admin. Many registries remove a blob's bytes only
// when they collect garbage, and some let nobody remove anything by this way.
//
// Where a prefix led to the blob, it then leads to the newest one that is left.
func (r *Repository) Remove(ctx context.Context, key string) error {
	if err := r.remove(ctx, key); err != nil {
		return fmt.Errorf("removing a blob from %s: %w", r, refused(told(err)))
	}
	return nil
}

func (r *Repository) remove(ctx context.Context, key string) error {
	if err := blob.CheckKey(key); err != nil {
		return err
	}
	a, err := r.exact(ctx, key)
	if err != nil {
		return err
	}
	if err := r.handOver(ctx, a); err != nil {
		return err
	}
	if err := r.delete(ctx, a.digest.String()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return r.untag(ctx, a)
}

// handOver moves the tags of prefixes that lead to a blob to the newest other one.
func (r *Repository) handOver(ctx context.Context, a artifact) error {
	for _, prefix := range a.prefixes {
		newest, err := r.newest(ctx, prefix)
		if errors.Is(err, fs.ErrNotExist) || err == nil && newest.digest != a.digest {
			continue
		}
		if err != nil {
			return err
		}
		if err := r.moveTag(ctx, prefix, a); err != nil {
			return err
		}
	}
	return nil
}

func (r *Repository) moveTag(ctx context.Context, prefix string, from artifact) error {
	all, err := r.list(ctx, prefix)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(all, func(a artifact) bool { return a.key != from.key && a.hasPrefix(prefix) })
	if i < 0 {
		return nil
	}
	options, err := r.writing(ctx, transport.DeleteScope)
	if err != nil {
		return err
	}
	return r.tag(all[i], []string{prefixTag(prefix)}, options)
}

// untag removes the tags that still lead to a manifest: some registries drop
// them with it, others keep the manifest until the last tag is gone.
func (r *Repository) untag(ctx context.Context, a artifact) error {
	for _, tag := range append(prefixTags(a.prefixes), keyTag(a.key)) {
		left, err := r.artifact(ctx, tag)
		if errors.Is(err, fs.ErrNotExist) || err == nil && left.digest != a.digest {
			continue
		}
		if err == nil {
			err = r.delete(ctx, tag)
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

func (r *Repository) delete(ctx context.Context, reference string) error {
	req, err := r.request(ctx, http.MethodDelete, "manifests", reference)
	if err != nil {
		return err
	}
	resp, err := r.do(req, transport.DeleteScope, http.StatusOK, http.StatusAccepted)
	if err != nil {
		return err
	}
	return resp.Body.Close()
}

// refused adds a hint to the answers of registries that remove nothing.
func refused(err error) error {
	var answer *transport.Error
	if !errors.As(err, &answer) {
		return err
	}
	unsupported := slices.ContainsFunc(answer.Errors, func(d transport.Diagnostic) bool { return d.Code == transport.UnsupportedErrorCode })
	switch {
	case unsupported, answer.StatusCode == http.StatusMethodNotAllowed:
		return fmt.Errorf("the registry does not allow manifests to be removed this way; allow it in its settings, or set a rule there that removes old tags: %w", err)
	case answer.StatusCode == http.StatusUnauthorized, answer.StatusCode == http.StatusForbidden:
		return fmt.Errorf("%w; log in with the right to delete: %w", blob.ErrReadOnly, err)
	}
	return err
}
