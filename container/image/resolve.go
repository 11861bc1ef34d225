package image

import (
	"context"
	"fmt"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/org/gorun-action/container"
)

// ValidName reports whether a name, with or without a tag or a digest, is one
// that registries and engines take.
func ValidName(ref string) bool {
	_, err := name.ParseReference(ref)
	return err == nil
}

// Resolve returns the digest that the registry has for a name now, with the
// caller's credentials.
func Resolve(ctx context.Context, ref string) (string, error) {
	parsed, err := name.ParseReference(ref)
	if err != nil {
		return "", fmt.Errorf("resolving the image name: %w", err)
	}
	desc, err := remote.Head(parsed, remote.WithContext(ctx), remote.WithAuthFromKeychain(authn.DefaultKeychain))
	if err != nil {
		return "", fmt.Errorf("resolving the image name: %w", err)
	}
	return desc.Digest.String(), nil
}

// MadeFrom reports whether an image says, in its labels, that it was made from
// the module of tc with the sum of tc.
func MadeFrom(labels map[string]string, tc container.Toolchain) bool {
	mod, err := moduleVersion(tc.Version, tc.Platform)
	return err == nil && tc.Sum != "" && labels[labelModule] == modulePath+"@"+mod && labels[labelSum] == tc.Sum
}
