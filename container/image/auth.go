package image

import (
	"encoding/base64"
	"encoding/json"
	"fmt"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
)

// EngineAuth returns the caller's credentials for the registry of ref, as
// `docker login` keeps them, in the form of an engine's X-Registry-Auth header
// (URL-safe base64 of JSON, docker's api/types/registry.AuthConfig). It is ""
// when there are none.
func EngineAuth(ref string) (string, error) {
	parsed, err := name.ParseReference(ref)
	if err != nil {
		return "", fmt.Errorf("reading the image name %q: %w", ref, err)
	}
	auth, err := authn.DefaultKeychain.Resolve(parsed.Context())
	if err != nil || auth == authn.Anonymous {
		return "", nil // without credentials the registry says what is missing
	}
	config, err := auth.Authorization()
	if err != nil {
		return "", fmt.Errorf("reading the credentials for %s: %w", parsed.Context().RegistryStr(), err)
	}
	data, err := json.Marshal(map[string]string{
		"username": config.Username, "password": config.Password,
		"identitytoken": config.IdentityToken, "registrytoken": config.RegistryToken,
	})
	return base64.URLEncoding.EncodeToString(data), err
}
