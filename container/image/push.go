package image

import (
	"cmp"
	"context"
	"fmt"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// Push uploads the image to a registry, with the credentials of the user's
// docker configuration unless the options name others, and returns the
// reference by digest. A ref without a tag gets "latest", as everywhere.
func Push(ctx context.Context, img v1.Image, ref string, progress Progress, options ...remote.Option) (string, error) {
	write := func(to name.Reference, options ...remote.Option) error { return remote.Write(to, img, options...) }
	return push(ctx, "image", img, ref, write, progress, options)
}

// PushIndex is [Push] for an index and its images.
func PushIndex(ctx context.Context, index v1.ImageIndex, ref string, progress Progress, options ...remote.Option) (string, error) {
	write := func(to name.Reference, options ...remote.Option) error {
		return remote.WriteIndex(to, index, options...)
	}
	return push(ctx, "index", index, ref, write, progress, options)
}

// digester is an image or an index.
type digester interface{ Digest() (v1.Hash, error) }

func push(ctx context.Context, what string, content digester, ref string, write func(name.Reference, ...remote.Option) error, progress Progress, options []remote.Option) (string, error) {
	tag, err := name.ParseReference(ref)
	if err != nil {
		return "", fmt.Errorf("pushing the %s: %w", what, err)
	}
	digest, err := content.Digest()
	if err != nil {
		return "", fmt.Errorf("pushing the %s: %w", what, err)
	}
	updates, stop := pushUpdates("pushing "+ref, progress)
	options = append([]remote.Option{remote.WithAuthFromKeychain(authn.DefaultKeychain), remote.WithContext(ctx), remote.WithProgress(updates)}, options...)
	err = write(tag, options...)
	stop()
	if err != nil {
		return "", fmt.Errorf("pushing the %s to %s: %w", what, ref, cmp.Or(context.Cause(ctx), err))
	}
	return tag.Context().Digest(digest.String()).String(), nil
}

// pushUpdates reports what remote.Write sends, until it closes the channel or
// stop is called: it does not close it when an option is bad.
func pushUpdates(task string, progress Progress) (updates chan v1.Update, stop func()) {
	updates, pushed, shown := make(chan v1.Update), make(chan struct{}), make(chan struct{})
	go func() {
		defer close(shown)
		for {
			select {
			case u, ok := <-updates:
				if !ok {
					return
				}
				progress.report(task, u.Complete, u.Total)
			case <-pushed:
				return
			}
		}
	}()
	return updates, func() { close(pushed); <-shown }
}
