package provision

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strings"

	"github.com/org/gorun-action/container"
	"github.com/org/gorun-action/container/docker"
	"github.com/org/gorun-action/container/image"
	"github.com/org/gorun-action/internal/buildflags"
)

// byDigest is a reference that cannot change what it means: a name with a
// digest, or the id of an image.
var byDigest = regexp.MustCompile(`^(?:[^@\s]+@)?(sha256:[0-9a-f]{64})$`)

func digestOf(ref string) string {
	if m := byDigest.FindStringSubmatch(ref); m != nil {
		return m[1]
	}
	return ""
}

// namedImage is the image of --toolchain-image: the engine's, else pulled.
func (p *Provider) namedImage(ctx context.Context, engine *docker.Engine, ref string, report func(container.Progress)) (docker.Image, error) {
	if digestOf(ref) == "" {
		return docker.Image{}, &buildflags.UsageError{
			Message: fmt.Sprintf("--toolchain-image %s is not pinned by a digest", ref),
			Hint:    pinHint(ctx, engine, ref),
		}
	}
	img, err := has(ctx, engine, ref)
	if err == nil {
		return img, sameDigest(ref, img)
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return img, err
	}
	if !strings.Contains(ref, "@") {
		return img, container.WithHint(fmt.Errorf("the engine has no image %s", ref), "an id names an image that is there already; name one of a registry as repository@sha256:…")
	}
	if err := p.pull(ctx, engine, ref, report); err != nil {
		return img, err
	}
	if img, err = has(ctx, engine, ref); err != nil {
		return img, err
	}
	return img, sameDigest(ref, img)
}

// pinHint is the reference that the user most likely means.
func pinHint(ctx context.Context, engine *docker.Engine, ref string) string {
	img, err := engine.Image(ctx, ref)
	switch {
	case err == nil && len(img.Digests) > 0:
		return "the engine has it as --toolchain-image=" + img.Digests[0]
	case err == nil:
		return "the engine has it as --toolchain-image=" + img.ID
	}
	return "write it as " + ref + "@sha256:…, with the digest that `docker pull` prints"
}

// sameDigest makes sure that the engine found the image by its digest.
func sameDigest(ref string, img docker.Image) error {
	digest := digestOf(ref)
	known := slices.ContainsFunc(img.Digests, func(d string) bool { return strings.HasSuffix(d, "@"+digest) })
	if known || img.ID == digest {
		return nil
	}
	return fmt.Errorf("the engine's image %s %w %s", img.ID, container.ErrIntegrity, digest)
}

// pull gets an image by its digest, with the caller's credentials. A registry
// that answers and does not have the digest contradicts the pin.
func (p *Provider) pull(ctx context.Context, engine *docker.Engine, ref string, report func(container.Progress)) error {
	auth, err := image.EngineAuth(ref)
	if err != nil {
		return err
	}
	err = engine.Pull(ctx, ref, auth, report)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, fs.ErrNotExist), strings.Contains(err.Error(), "manifest unknown"):
		return container.WithHint(fmt.Errorf("nothing in the registry matches %s: the name %w (%v)", ref, container.ErrIntegrity, err), "check the digest: `docker buildx imagetools inspect` prints it for a tag")
	}
	return container.WithHint(err, "check the network and the name, then run again")
}
