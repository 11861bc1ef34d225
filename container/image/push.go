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
	tag, err := name.ParseReference(ref)
	if err != nil {
		return "", fmt.Errorf("pushing the image: %w", err)
	}
	digest, err := img.Digest()
	if err != nil {
		return "", fmt.Errorf("pushing the image: %w", err)
	}
	updates, stop := pushUpdates("pushing "+ref, progress)
	options = append([]remote.Option{remote.WithAuthFromKeychain(authn.DefaultKeychain), remote.WithContext(ctx), remote.WithProgress(updates)}, options...)
	err = remote.Write(tag, img, options...)
	stop()
	if err != nil {
		return "", fmt.Errorf("pushing the image to %s: %w", ref, cmp.Or(context.Cause(ctx), err))
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
