package provision

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/org/gorun-action/container"
	"github.com/org/gorun-action/container/docker"
	"github.com/org/gorun-action/container/image"
	"github.com/org/gorun-action/internal/buildflags"
)

// byDigest is a reference that cannot change what it means: a name with a
// digest, or the id of an image.
var byDigest = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^(?:[^@\s]+@)?(sha256:[0-9a-f]{64})$`)
})

func digestOf(ref string) string {
	if m := byDigest().FindStringSubmatch(ref); m != nil {
		return m[1]
	}
	return ""
}

// named is the image of --toolchain-image: the engine's, else pulled.
func (m images) named(ctx context.Context, ref string) (docker.Image, error) {
	if err := m.checkName(ctx, ref); err != nil {
		return docker.Image{}, err
	}
	img, err := m.engine.Image(ctx, ref)
	if err == nil {
		return img, sameDigest(ref, img)
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return img, err
	}
	if !strings.Contains(ref, "@") {
		return img, container.WithHint(fmt.Errorf("the engine has no image %s", ref), "an id names an image that is there already; name one of a registry as repository@sha256:…")
	}
	if err := m.pull(ctx, ref); err != nil {
		return img, err
	}
	if img, err = m.engine.Image(ctx, ref); err != nil {
		return img, err
	}
	return img, sameDigest(ref, img)
}

// checkName refuses what is no reference by digest.
func (m images) checkName(ctx context.Context, ref string) error {
	name, digest, _ := strings.Cut(ref, "@")
	switch {
	case digestOf(ref) == ref: // an id
		return nil
	case !image.ValidName(name):
		return &buildflags.UsageError{Message: fmt.Sprintf("--toolchain-image %s: %q is not the name of an image", ref, name), Hint: "write it as repository@sha256:…"}
	case digestOf(ref) != "":
		return nil
	case digest != "":
		return &buildflags.UsageError{Message: fmt.Sprintf("--toolchain-image %s: a digest is sha256: and 64 hexadecimal digits", ref), Hint: m.pinHint(ctx, name)}
	}
	return &buildflags.UsageError{Message: fmt.Sprintf("--toolchain-image %s is not pinned by a digest", ref), Hint: m.pinHint(ctx, name)}
}

// resolveTimeout is how long a hint may take.
const resolveTimeout = 5 * time.Second

// pinHint is the reference that the user most likely means: what the engine
// has under that name, else what the registry has.
func (m images) pinHint(ctx context.Context, name string) string {
	img, err := m.engine.Image(ctx, name)
	switch {
	case err == nil && len(img.Digests) > 0:
		return "the engine has it as --toolchain-image=" + img.Digests[0]
	case err == nil:
		return "the engine has it as --toolchain-image=" + img.ID
	}
	ctx, cancel := context.WithTimeout(ctx, resolveTimeout)
	defer cancel()
	if digest, err := image.Resolve(ctx, name); err == nil {
		return "its registry has it as --toolchain-image=" + name + "@" + digest
	}
	return "write it as " + name + "@sha256:…, with the digest that `docker pull " + name + "` prints"
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
// that answers and does not have the digest contradicts the pin; one that
// keeps to itself what it has does not.
func (m images) pull(ctx context.Context, ref string) error {
	auth, err := image.EngineAuth(ref)
	if err != nil {
		return err
	}
	err = m.engine.Pull(ctx, ref, auth, m.report)
	switch {
	case err == nil:
		return nil
	case denied(err):
		return container.WithHint(err, "check the name, and log in to the registry with `docker login`")
	case errors.Is(err, fs.ErrNotExist), strings.Contains(err.Error(), "manifest unknown"):
		return container.WithHint(fmt.Errorf("nothing in the registry matches %s: the name %w (%v)", ref, container.ErrIntegrity, err), "check the digest: `docker buildx imagetools inspect` prints it for a tag")
	}
	return container.WithHint(err, "check the network and the name, then run again")
}

func denied(err error) bool {
	return slices.ContainsFunc([]string{"denied", "unauthorized", "authentication required"}, func(word string) bool {
		return strings.Contains(err.Error(), word)
	})
}
