package shared

import (
	"bytes"
	"errors"
	"io/fs"
	"testing"

	"github.com/org/gorun-action/internal/store/blob"
	"github.com/org/gorun-action/internal/store/entry"
)

var (
	onMain  = entry.Origin{Repository: "org/repo", Ref: "refs/heads/main", Event: "push"}
	ofPull  = entry.Origin{Repository: "org/repo", Ref: "refs/pull/7/merge", Event: "pull_request"}
	another = entry.Origin{Repository: "org/repo", Ref: "refs/pull/8/merge", Event: "pull_request"}
)

func put(t *testing.T, l Layer, key string, prefixes ...string) {
	t.Helper()
	if err := l.Store.Put(t.Context(), key, prefixes, bytes.NewReader([]byte(key))); err != nil {
		t.Fatal(err)
	}
}

// finds fails the test unless the layer leads from key and prefixes to want, ""
// for nothing.
func finds(t *testing.T, l Layer, want, key string, prefixes ...string) {
	t.Helper()
	found, err := l.Store.Find(t.Context(), key, prefixes...)
	if want == "" {
		if !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s %q: %q, %v; want nothing", key, prefixes, found.Key, err)
		}
		return
	}
	if err != nil || found.Key != want {
		t.Errorf("%s %q: %q, %v; want %q", key, prefixes, found.Key, err, want)
		return
	}
	head, err := blob.Head(t.Context(), found, 100)
	if err != nil || string(head) != want {
		t.Errorf("%q has %q, %v", want, head, err)
	}
}

// TestScoped: what a pull request leaves is in nobody's way.
func TestScoped(t *testing.T) {
	dir := &blob.Dir{Root: t.TempDir()}
	all := Layer{Store: dir, Admin: dir}
	main, pull, other := all.Scoped(onMain), all.Scoped(ofPull), all.Scoped(another)
	put(t, pull, "b1-go-sum-1", "b1-go-")
	finds(t, pull, "b1-go-sum-1", "b1-go-sum-1")
	finds(t, pull, "b1-go-sum-1", "b1-go-sum-2", "b1-go-")
	finds(t, main, "", "b1-go-sum-1", "b1-go-", "b1-")
	finds(t, other, "", "b1-go-sum-1", "b1-go-", "b1-")

	put(t, main, "b1-go-sum-1") // is not there already
	put(t, main, "b1-go-sum-0")
	put(t, pull, "b1-go-sum-3")
	finds(t, main, "b1-go-sum-0", "b1-go-sum-3", "b1-go-") // the newest of its own, not the newest
	finds(t, pull, "b1-go-sum-3", "b1-go-sum-3", "b1-go-") // the key itself goes before what is near
	finds(t, pull, "b1-go-sum-0", "b1-go-sum-4", "b1-go-")
	finds(t, other, "b1-go-sum-1", "b1-go-sum-1", "b1-go-")

	if err := pull.Admin.Remove(t.Context(), "b1-go-sum-0"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a pull request removes what is not its own: %v", err)
	}
	if err := pull.Admin.Remove(t.Context(), "b1-go-sum-1"); err != nil {
		t.Error(err)
	}
	finds(t, main, "b1-go-sum-1", "b1-go-sum-1")
}

func TestPlain(t *testing.T) {
	for key, want := range map[string]string{
		"x1-linux": "x1-linux", "f0123456789ab-x1-linux": "x1-linux", "f0123456789ag-x1": "f0123456789ag-x1",
		"f0123456789abx": "f0123456789abx", "f0123456789ab-": "", "f": "f", "": "",
	} {
		if got := plain(key); got != want {
			t.Errorf("%q is %q, want %q", key, got, want)
		}
	}
	for key, want := range map[string]string{"x1-a": entry.Executable, "f0123456789ab-b1-a": entry.Pack, "": "", "f0123456789ab-": "", "y": ""} {
		if got := KindOf(key); got != want {
			t.Errorf("%q is a %q, want %q", key, got, want)
		}
	}
}
