package shared

import (
	"crypto/rand"
	"io"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/org/gorun-action/internal/store/entry"
	"github.com/org/gorun-action/runner"
)

// A pack that takes longer to get than the build takes without is left where it
// is, and the log says so.
func TestWhatDoesNotPayIsNotRestored(t *testing.T) {
	f := newFixture(t, newDir(t))
	m := entry.Manifest{Kind: entry.Pack, Key: "b1-linux.amd64-1-2-3-4", Build: &entry.Build{ColdMS: 10_000, Unpacked: 1 << 20, Files: 10}}
	payload := make([]byte, 1<<20)
	rand.Read(payload)
	f.sendAll(t.Context(), m, nil, nil, func(w io.Writer) (entry.Digest, entry.Digest, error) {
		_, err := w.Write(payload)
		return entry.DigestOf(payload), entry.Digest{}, err
	})
	f.says("sent", "layer0 save pack kept")
	f.Record.Downloaded("layer0", 10_000, time.Second) // the payload would take 100 s

	caches, err := f.Restore(t.Context(), runner.PackQuery{Key: m.Key, Prefixes: []string{"b1-linux.amd64-1-"}, GoCache: filepath.Join(t.TempDir(), "cold"), Dir: t.TempDir()})
	if err != nil || caches.Saving != nil || caches.GoCache != "" || filepath.Base(caches.Own) != "cold" {
		t.Errorf("%+v, %v", caches, err)
	}
	reason := f.events.list[len(f.events.list)-1].(runner.Transferred).Reason
	if !strings.Contains(reason, "would take about") {
		t.Errorf("the reason is %q", reason)
	}
	f.says("restored", "layer0 restore pack skipped")
}
