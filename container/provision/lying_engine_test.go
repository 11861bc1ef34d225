package provision

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/org/gorun-action/container"
	"github.com/org/gorun-action/container/docker"
)

// An engine that has another image under a digest is not believed: neither for
// an image of the lock nor for one that is named.
func TestAnotherImageUnderTheDigest(t *testing.T) {
	asked, other := "sha256:"+strings.Repeat("a", 64), "sha256:"+strings.Repeat("b", 64)
	for _, tt := range []struct {
		id, repository string
		lock, named    bool // it is the one
	}{
		{other, "", false, false},
		{other, "golang@" + other, false, false},
		{asked, "", true, true},
		{other, "golang@" + asked, false, true}, // the digest of a manifest is not the id
	} {
		engine := lyingEngine(t, tt.id, tt.repository)
		_, err := has(t.Context(), engine, asked, asked)
		if (err == nil) != tt.lock || err != nil && !errors.Is(err, container.ErrIntegrity) {
			t.Errorf("the lock's, with the engine's %s, %q: %v", tt.id, tt.repository, err)
		}
		img, err := engine.Image(t.Context(), asked)
		if err != nil {
			t.Fatal(err)
		}
		err = sameDigest("golang@"+asked, img)
		if (err == nil) != tt.named || err != nil && !errors.Is(err, container.ErrIntegrity) {
			t.Errorf("the named one, with the engine's %s, %q: %v", tt.id, tt.repository, err)
		}
	}
}

// lyingEngine answers every question for an image with the same one.
func lyingEngine(t *testing.T, id, repository string) *docker.Engine {
	t.Helper()
	digests := "[]"
	if repository != "" {
		digests = fmt.Sprintf("[%q]", repository)
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Api-Version", "1.41")
		if strings.HasSuffix(r.URL.Path, "/json") {
			fmt.Fprintf(w, `{"Id":%q,"RepoDigests":%s,"Config":{}}`, id, digests)
		}
	}))
	t.Cleanup(server.Close)
	t.Setenv("DOCKER_HOST", strings.Replace(server.URL, "http://", "tcp://", 1))
	engine, err := docker.Connect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { engine.Close() })
	return engine
}
