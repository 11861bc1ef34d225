package image

import (
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/org/gorun-action/container"
)

// TestPush pushes to a real registry, in this process, and pulls it back.
func TestPush(t *testing.T) {
	var agent atomic.Value
	reg := registry.New(registry.Logger(log.New(io.Discard, "", 0)))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		agent.Store(r.UserAgent())
		reg.ServeHTTP(w, r)
	}))
	defer server.Close()
	img := fakeImage(t)
	host := strings.TrimPrefix(server.URL, "http://")
	var last container.Progress
	got, err := Push(t.Context(), img, host+"/gorun/go:1.26.99", func(p container.Progress) { last = p }, remote.WithUserAgent("test"))
	if err != nil {
		t.Fatal(err)
	}
	digest, _ := img.Digest()
	if want := host + "/gorun/go@" + digest.String(); got != want {
		t.Errorf("pushed %s, want %s", got, want)
	}
	if last.Task != "pushing "+host+"/gorun/go:1.26.99" || last.Done == 0 || last.Done != last.Total {
		t.Errorf("last report %+v", last)
	}
	if !strings.HasPrefix(agent.Load().(string), "test") {
		t.Errorf("the options were not used: %q", agent.Load())
	}
	for _, ref := range []string{got, host + "/gorun/go:1.26.99"} {
		parsed, err := name.ParseReference(ref)
		if err != nil {
			t.Fatal(err)
		}
		back, err := remote.Image(parsed)
		if err != nil {
			t.Fatal(err)
		}
		if d, _ := back.Digest(); d != digest {
			t.Errorf("%s is %s, want %s", ref, d, digest)
		}
	}
}

func TestPushFails(t *testing.T) {
	img := fakeImage(t)
	for _, ref := range []string{"Not A Name", strings.TrimPrefix(closedPort(t), "http://") + "/x"} {
		if _, err := Push(t.Context(), img, ref, nil); err == nil || !strings.Contains(err.Error(), "pushing the image") {
			t.Errorf("%s: error %v", ref, err)
		}
	}
}

func TestPushReportsABadOption(t *testing.T) {
	if _, err := Push(t.Context(), fakeImage(t), "127.0.0.1:1/x", nil, remote.WithJobs(-1)); err == nil {
		t.Error("no error")
	}
}
