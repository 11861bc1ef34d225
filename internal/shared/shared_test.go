package shared

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/org/gorun-action/internal/buildcache"
	"github.com/org/gorun-action/internal/store/blob"
	"github.com/org/gorun-action/internal/store/entry"
	"github.com/org/gorun-action/runner"
)

// events is a reporter that remembers.
type events struct {
	mu   sync.Mutex
	list []runner.Event
}

func (e *events) Event(event runner.Event) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.list = append(e.list, event)
}

// said is what came of transfers, "store what outcome".
func (e *events) said() (list []string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, event := range e.list {
		if t, ok := event.(runner.Transferred); ok {
			list = append(list, t.Store+" "+t.Op+" "+t.What+" "+t.Outcome)
		}
	}
	e.list = nil
	return list
}

// shelves are a store of this machine: files in a directory.
type shelves struct{ dir string }

func (h shelves) Get(_ context.Context, key string) (runner.Stored, error) {
	path := filepath.Join(h.dir, key)
	data, err := os.ReadFile(path)
	return runner.Stored{Executable: runner.Executable{Path: path, SHA256: entry.DigestOf(data).SHA256, Size: int64(len(data))}, Release: func() {}}, err
}

func (h shelves) Put(_ context.Context, key string, exe runner.Executable, _ runner.Facts) error {
	data, err := os.ReadFile(exe.Path)
	return errors.Join(err, os.WriteFile(filepath.Join(h.dir, key), data, 0o755))
}

func (h shelves) Fill(ctx context.Context, key string, _ runner.Executable, _ runner.Facts, write func(io.Writer) error) (runner.Stored, error) {
	f, err := os.Create(filepath.Join(h.dir, key))
	if err == nil {
		err = errors.Join(write(f), f.Close())
	}
	if err != nil {
		return runner.Stored{}, err
	}
	return h.Get(ctx, key)
}

func (h shelves) Nearest(context.Context, string, int) [][]byte { return nil }

// fixture is a machine with layers.
type fixture struct {
	*testing.T
	*Cache
	events *events
	dirs   []*blob.Dir
	exe    runner.Executable
}

const someKey = "x1-linux.amd64-1-2-3"

func newFixture(t *testing.T, layers ...*blob.Dir) *fixture {
	t.Helper()
	f := &fixture{T: t, events: &events{}, dirs: layers}
	f.Cache = &Cache{
		Local: shelves{t.TempDir()}, History: shelves{}, Reads: true, Writes: true, Keeps: true, Gorun: "v0",
		Record: buildcache.OpenRecord(filepath.Join(t.TempDir(), "record")), Report: f.events, Now: time.Now,
		TempDir: func() (string, func(), error) {
			dir, err := os.MkdirTemp(t.TempDir(), "")
			return dir, func() { os.RemoveAll(dir) }, err
		},
	}
	for i, dir := range layers {
		f.Layers = append(f.Layers, Layer{Name: fmt.Sprint("layer", i), Store: dir, Admin: dir})
	}
	f.exe = runner.Executable{Path: filepath.Join(t.TempDir(), "hello")}
	program := bytes.Repeat([]byte("program "), 100_000)
	if err := os.WriteFile(f.exe.Path, program, 0o755); err != nil {
		t.Fatal(err)
	}
	d := entry.DigestOf(program)
	f.exe.SHA256, f.exe.Size = d.SHA256, d.Size
	return f
}

func newDir(t *testing.T) *blob.Dir {
	t.Helper()
	return &blob.Dir{Root: filepath.Join(t.TempDir(), "store")}
}

func (f *fixture) says(what string, want ...string) {
	f.Helper()
	if got := f.events.said(); !slices.Equal(got, want) {
		f.Errorf("%s: %q, want %q", what, got, want)
	}
}

func facts() runner.Facts {
	return runner.Facts{About: []byte("made of this"), Prefix: "x1-linux.amd64-1-", Toolchain: "1.26.8", Build: time.Minute, Caches: 1 << 30}
}

// What is found in the last store is copied into those before it.
func TestFoundFarIsKeptNear(t *testing.T) {
	near, far := newDir(t), newDir(t)
	writer := newFixture(t, far)
	if err := writer.Put(t.Context(), someKey, writer.exe, facts()); err != nil {
		t.Fatal(err)
	}
	writer.says("writer", "layer0 save executable kept")

	first := newFixture(t, near, far)
	first.finds("first")
	first.Close()
	first.says("first", "layer0 restore executable miss", "layer1 restore executable hit")

	second := newFixture(t, near, far)
	stored := second.finds("second")
	second.says("second", "layer0 restore executable hit")
	if s := stored.Saving; s == nil || s.SavedMS < 50_000 || s.SavedBytes < 1<<29 || s.Bytes <= 0 {
		t.Errorf("it saved %+v", s)
	}
	second.finds("again")
	second.says("again")
}

func (f *fixture) finds(what string) runner.Stored {
	f.Helper()
	stored, err := f.Get(f.Context(), someKey)
	if err != nil || stored.SHA256 != f.exe.SHA256 {
		f.Fatalf("%s: %+v, %v", what, stored, err)
	}
	data, err := os.ReadFile(stored.Path)
	if err != nil || entry.DigestOf(data).SHA256 != f.exe.SHA256 {
		f.Fatalf("%s: %v", what, err)
	}
	return stored
}

// What is not signed makes way for what a run with a key signs, and for nothing
// else: not for who cannot sign, and not where it is evidence.
func TestSignedTakesThePlaceOfUnsigned(t *testing.T) {
	dir := newDir(t)
	unsigned := newFixture(t, dir)
	if err := unsigned.Put(t.Context(), someKey, unsigned.exe, facts()); err != nil {
		t.Fatal(err)
	}
	key, err := entry.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	keyed := func(signer *entry.SigningKey, strict bool) *fixture {
		f := newFixture(t, dir)
		f.Trust.Key, f.Signer, f.Strict = key.Public(), signer, strict
		return f
	}
	for what, f := range map[string]*fixture{"reader": keyed(nil, false), "strict": keyed(key, true)} {
		if _, err := f.Get(t.Context(), someKey); err == nil || f.Strict == errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: %v", what, err)
		}
		f.says(what, "layer0 restore executable refused")
		unsigned.finds("behind the " + what)
		unsigned.Local = shelves{t.TempDir()}
	}
	signer := keyed(key, false)
	if _, err := signer.Get(t.Context(), someKey); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the unsigned one: %v", err)
	}
	if err := signer.Put(t.Context(), someKey, signer.exe, facts()); err != nil {
		t.Fatal(err)
	}
	signer.says("signer", "layer0 restore executable refused", "layer0 save executable kept")
	keyed(nil, false).finds("the signed one")
}

// A store that fails is one warning, and the next one is asked.
func TestFaultIsNoFailure(t *testing.T) {
	whole := newDir(t)
	writer := newFixture(t, whole)
	if err := writer.Put(t.Context(), someKey, writer.exe, facts()); err != nil {
		t.Fatal(err)
	}
	f := newFixture(t, whole, whole)
	f.Layers[0].Store = broken{}
	f.finds("behind a broken one")
	warnings := 0
	for _, e := range f.events.list {
		if _, ok := e.(runner.Warned); ok {
			warnings++
		}
	}
	if warnings != 1 {
		t.Errorf("%d warnings", warnings)
	}
	f.says("broken", "layer0 restore executable fault", "layer1 restore executable hit")
}

type broken struct{}

func (broken) Find(context.Context, string, ...string) (blob.Found, error) {
	return blob.Found{}, io.ErrUnexpectedEOF
}

func (broken) Put(context.Context, string, []string, blob.Content) error { return io.ErrUnexpectedEOF }

// A program that changed its own file after it was built is not kept.
func TestChangedExecutableIsNotKept(t *testing.T) {
	f := newFixture(t, newDir(t))
	if err := os.WriteFile(f.exe.Path, []byte("another one"), 0o755); err != nil {
		t.Fatal(err)
	}
	f.putAll(t.Context(), someKey, f.exe, facts())
	f.says("changed", "layer0 save executable fault")
	if _, err := f.dirs[0].Find(t.Context(), someKey); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("it was kept: %v", err)
	}
}

// Where nothing may be kept here, the program is run from where it was put, and
// goes afterwards.
func TestTemporary(t *testing.T) {
	shared := newDir(t)
	writer := newFixture(t, shared)
	if err := writer.Put(t.Context(), someKey, writer.exe, facts()); err != nil {
		t.Fatal(err)
	}
	f := newFixture(t, shared)
	f.Keeps = false
	stored := f.finds("temporary")
	stored.Release()
	if _, err := os.Stat(stored.Path); !stored.Temporary || !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%+v is still there: %v", stored, err)
	}
}

// With --explain the newest entry of the program says what it was made of.
func TestAbouts(t *testing.T) {
	shared := newDir(t)
	writer := newFixture(t, shared)
	if err := writer.Put(t.Context(), someKey, writer.exe, facts()); err != nil {
		t.Fatal(err)
	}
	f := newFixture(t, shared)
	if list := f.Nearest(t.Context(), "x1-linux.amd64-1-", 8); list != nil {
		t.Errorf("without --explain: %q", list)
	}
	f.Explain = true
	list := f.Nearest(t.Context(), "x1-linux.amd64-1-", 8)
	if len(list) != 1 || !strings.Contains(string(list[0]), "made of this") {
		t.Errorf("with --explain: %q", list)
	}
}
