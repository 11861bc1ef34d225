package shared

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/org/gorun-action/internal/store/blob"
	"github.com/org/gorun-action/internal/store/entry"
	"github.com/org/gorun-action/runner"
)

// here is a store that has nothing. fill is what it does to be filled.
type here struct {
	fill func(name string, write func(io.Writer) error) (runner.Stored, error)
}

func (here) Get(context.Context, string) (runner.Stored, error) {
	return runner.Stored{}, fs.ErrNotExist
}

func (here) Put(context.Context, string, runner.Executable, runner.Facts) error { return nil }

func (h here) Fill(_ context.Context, _ string, exe runner.Executable, _ runner.Facts, write func(io.Writer) error) (runner.Stored, error) {
	return h.fill(exe.Path, write)
}

type outcomes []string

func (o *outcomes) Event(e runner.Event) {
	if t, ok := e.(runner.Transferred); ok {
		*o = append(*o, t.Op+" "+t.Outcome)
	}
}

// newCache is a cache with one layer, which has an executable under the key k.
func newCache(t *testing.T) (c *Cache, program []byte, events *outcomes) {
	t.Helper()
	dir := t.TempDir()
	program, events = []byte("a program"), &outcomes{}
	c = &Cache{
		Local: here{}, Layers: []Layer{{Name: "dir", Store: &blob.Dir{Root: filepath.Join(dir, "layer")}}},
		Reads: true, Writes: true, Keeps: true, Trust: entry.Trust{}, Gorun: "test", Report: events, Now: time.Now,
		TempDir: func() (string, func(), error) {
			tmp, err := os.MkdirTemp(dir, "tmp-")
			return tmp, func() { os.RemoveAll(tmp) }, err
		},
	}
	file := filepath.Join(dir, "hello")
	if err := os.WriteFile(file, program, 0o755); err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(program)
	if err := c.Put(t.Context(), "k", runner.Executable{Path: file, SHA256: hex.EncodeToString(sum[:])}, runner.Facts{Prefix: "k"}); err != nil {
		t.Fatal(err)
	}
	return c, program, events
}

// TestExecutableStaysWhatever has stores here that take the executable, take
// none, and fail in the middle: it is run all the same.
func TestExecutableStaysWhatever(t *testing.T) {
	kept := filepath.Join(t.TempDir(), "hello")
	full := &fs.PathError{Op: "write", Path: kept, Err: errors.New("no space left on device")}
	for name, c := range map[string]struct {
		fill func(string, func(io.Writer) error) (runner.Stored, error)
		path string // "" is a temporary one
	}{
		"takes it": {func(_ string, write func(io.Writer) error) (runner.Stored, error) {
			f, err := os.Create(kept)
			sum := sha256.New()
			err = errors.Join(err, write(io.MultiWriter(f, sum)), f.Close())
			exe := runner.Executable{Path: kept, SHA256: hex.EncodeToString(sum.Sum(nil))}
			return runner.Stored{Executable: exe, Release: func() {}}, err
		}, kept},
		"takes none": {func(string, func(io.Writer) error) (runner.Stored, error) { return runner.Stored{}, errors.New("no") }, ""},
		"fails in the middle": {func(_ string, write func(io.Writer) error) (runner.Stored, error) {
			return runner.Stored{}, write(failing{full})
		}, ""},
		"fails after all": {func(_ string, write func(io.Writer) error) (runner.Stored, error) {
			return runner.Stored{}, errors.Join(write(io.Discard), full)
		}, ""},
		"has another meanwhile": {func(string, func(io.Writer) error) (runner.Stored, error) {
			return runner.Stored{Executable: runner.Executable{Path: kept, SHA256: "other"}, Release: func() {}}, nil
		}, ""},
	} {
		t.Run(name, func(t *testing.T) { stays(t, c.fill, c.path) })
	}
}

func stays(t *testing.T, fill func(string, func(io.Writer) error) (runner.Stored, error), path string) {
	c, program, events := newCache(t)
	c.Local = here{fill}
	stored, err := c.Get(t.Context(), "k")
	if err != nil {
		t.Fatalf("%v, %q", err, *events)
	}
	defer stored.Release()
	if path != "" && (stored.Path != path || stored.Temporary) || path == "" && !stored.Temporary {
		t.Errorf("it is %+v", stored)
	}
	if data, err := os.ReadFile(stored.Path); err != nil || string(data) != string(program) || filepath.Base(stored.Path) != "hello" {
		t.Errorf("%s has %q, %v", stored.Path, data, err)
	}
	if last := (*events)[len(*events)-1]; last != "restore hit" {
		t.Errorf("the events are %q", *events)
	}
}

type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }

// TestDamagedIsNoExecutable: what the layer has is damaged, and goes.
func TestDamagedIsNoExecutable(t *testing.T) {
	c, _, events := newCache(t)
	c.Local = here{func(_ string, write func(io.Writer) error) (runner.Stored, error) {
		return runner.Stored{}, write(io.Discard)
	}}
	dir := c.Layers[0].Store.(*blob.Dir)
	c.Layers[0].Store = flipped{dir}
	if _, err := c.Get(t.Context(), "k"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the error is %v", err)
	}
	if last := (*events)[len(*events)-1]; last != "restore refused" {
		t.Errorf("the events are %q", *events)
	}
}

// flipped is a store whose blobs have a wrong last byte.
type flipped struct{ blob.Store }

func (s flipped) Find(ctx context.Context, key string, prefixes ...string) (blob.Found, error) {
	found, err := s.Store.Find(ctx, key, prefixes...)
	open := found.Open
	found.Open = func(ctx context.Context, offset, length int64) (blob.Part, error) {
		p, err := open(ctx, offset, length)
		if err == nil {
			data, _ := io.ReadAll(p.Body)
			data[len(data)-1] ^= 1
			p.Body = io.NopCloser(bytes.NewReader(data))
		}
		return p, err
	}
	return found, err
}
