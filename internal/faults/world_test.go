package faults

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/org/gorun-action/internal/buildcache"
	"github.com/org/gorun-action/internal/store/blob"
	"github.com/org/gorun-action/internal/store/entry"
	"github.com/org/gorun-action/internal/testenv"
)

// The programs. They do the same, but not one has the executable key of
// another; their packs have the same standard library.
const (
	seedProgram   = iota // what every store has, with its pack
	otherProgram         // another one with other modules, which no store has
	readProgram          // wants the pack of the seed
	writeProgram         // wants the pack of the seed, and leaves one: it has other modules
	readerAfter          // as readProgram, in the next run
	writerAfter          // as writeProgram, in the next run
	programsCount        // how many there are
)

// source is a program that needs nothing but the runtime, so that all of it
// compiles in seconds. Its status, its streams and its arguments are seen.
const source = `package main

import "syscall"

func main() {
	syscall.Write(1, []byte("to stdout\n"))
	syscall.Write(2, []byte("to stderr\n"))
	syscall.Exit(3)
}

// This is program %d.
`

// otherModules is a go.sum that makes another build prefix.
const otherModules = "golang.org/x/text v0.3.0 h1:g61tztE5qeGQ89tm6NTjjM9VPIm088od1l6aSorWRWg=\n"

// world is what all cells share.
type world struct {
	root string
	// gorun is the real one.
	gorun string
	// warm is a build cache that no pack is restored for, and few one that has
	// so little that a pack is.
	warm, few string
	programs  [programsCount]program
	entries   map[string]*entryData // by kind and program
}

type program struct {
	dir string
	ref *result // what becomes of it without cache
}

// entryData is an entry that a run left.
type entryData struct {
	kind, key string
	prefixes  []string
	data      []byte
	created   time.Time
}

func (w *world) entry(kind string, program int) *entryData {
	return w.entries[fmt.Sprint(kind, program)]
}

// newWorld fills a store with gorun.
func newWorld(t *testing.T) *world {
	w := &world{root: t.TempDir(), entries: map[string]*entryData{}}
	w.gorun, w.warm, w.few = testenv.Gorun(t), filepath.Join(w.root, "warm"), filepath.Join(w.root, "few")
	for i := range w.programs {
		w.programs[i].dir = w.writeProgram(t, i)
	}
	w.seed(t, seedProgram)
	w.unpack(t)
	w.seed(t, otherProgram)
	for i := range w.programs {
		p := &w.programs[i]
		p.ref = newMachine(t, w).run(t, task{program: i, mode: "off", gocache: w.warm})
		if p.ref.err != nil || p.ref.status != 3 || p.ref.stdout != "to stdout\n" || p.ref.stderr != "to stderr\ngorun: the program exited with status 3\n" {
			t.Fatalf("program %d without a cache: %+v", i, p.ref)
		}
	}
	return w
}

func (w *world) writeProgram(t *testing.T, i int) string {
	dir := filepath.Join(w.root, fmt.Sprint("program", i))
	must(t, os.Mkdir(dir, 0o755))
	write(t, filepath.Join(dir, "go.mod"), "module example.com/tiny\n\ngo 1.24\n")
	write(t, filepath.Join(dir, "main.go"), fmt.Sprintf(source, i))
	if i == otherProgram || i == writeProgram || i == writerAfter {
		write(t, filepath.Join(dir, "go.sum"), otherModules)
	}
	return dir
}

// seed runs a program on an empty machine, and remembers what it leaves.
func (w *world) seed(t *testing.T, program int) {
	m := newMachine(t, w)
	store := filepath.Join(w.root, "seed")
	r := m.run(t, task{program: program, mode: "readwrite", gocache: m.path("gocache"), args: []string{"--cache-to=dir:" + store}})
	if r.err != nil || r.status != 3 || len(r.warnings) > 0 {
		t.Fatalf("filling a store: %+v", r)
	}
	prefixes := map[string][]string{}
	for _, rec := range r.transfers {
		if rec.Prefixes != nil {
			prefixes[rec.Key] = rec.Prefixes
		}
	}
	list, err := (&blob.Dir{Root: store}).List(t.Context(), "")
	must(t, err)
	for _, info := range list {
		data, err := os.ReadFile(filepath.Join(store, "blobs", info.Key))
		must(t, err)
		e := &entryData{kindOf(info.Key), info.Key, prefixes[info.Key], data, info.Created}
		if at := fmt.Sprint(e.kind, program); prefixes[info.Key] != nil || e.kind == executable && r.key == info.Key {
			w.entries[at] = e
		}
	}
	if w.entry(executable, program) == nil || w.entry(pack, program) == nil {
		t.Fatalf("program %d left %v and %v", program, list, r.transfers)
	}
}

// unpack makes build caches of the seed's pack, so that no cell compiles the
// standard library.
func (w *world) unpack(t *testing.T) {
	e := w.entry(pack, seedProgram)
	for _, gocache := range []string{w.few, w.warm} {
		opened, err := entry.Open(strings.NewReader(string(e.data)), entry.Want{Kind: entry.Pack, Key: e.key, Matched: e.key}, entry.Trust{})
		must(t, err)
		p, err := buildcache.Open(opened.Payload(), buildcache.Limits{})
		must(t, err)
		_, err = p.Restore(t.Context(), buildcache.Dirs{GoCache: gocache}, buildcache.Options{Old: time.Now().Add(-3 * time.Hour)})
		must(t, err)
	}
	for i := range 256 {
		dir := filepath.Join(w.warm, fmt.Sprintf("%02x", i))
		must(t, os.MkdirAll(dir, 0o755))
		for j := range 8 {
			write(t, filepath.Join(dir, fmt.Sprint("full", j)), "")
		}
	}
}

// copyOf links all files of a build cache into a new one.
func copyOf(t testing.TB, gocache, to string) string {
	must(t, filepath.WalkDir(gocache, func(path string, e os.DirEntry, err error) error {
		rel, _ := filepath.Rel(gocache, path)
		switch {
		case err != nil:
			return err
		case e.IsDir():
			return os.MkdirAll(filepath.Join(to, rel), 0o755)
		}
		return os.Link(path, filepath.Join(to, rel))
	}))
	return to
}

// fill puts the seed's entries into a store, and those that a cell takes for
// them.
func (w *world) fill(ctx context.Context, store blob.Store, c cell) error {
	for _, kind := range []string{executable, pack} {
		e := w.entry(kind, seedProgram)
		if err := store.Put(ctx, e.key, e.prefixes, content{e.data}); err != nil {
			return err
		}
	}
	if c.step != lookUp || c.fault != wrongBlob {
		return nil
	}
	e := w.entry(c.kind, otherProgram)
	return store.Put(ctx, e.key, nil, content{e.data})
}

// content is a blob in memory.
type content struct{ data []byte }

func (c content) ReadAt(p []byte, off int64) (int, error) {
	if off >= int64(len(c.data)) {
		return 0, io.EOF
	}
	n := copy(p, c.data[off:])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

func (c content) Size() int64 { return int64(len(c.data)) }

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func write(t testing.TB, file, text string) {
	t.Helper()
	must(t, os.WriteFile(file, []byte(text), 0o644))
}

// environ is that of a run: of this process only what finds the go command.
func environ(more ...string) []string {
	env := []string{"GOENV=off", "GOFLAGS=", "GOPROXY=off", "GOTOOLCHAIN=local", "GOWORK=off"}
	for _, kv := range os.Environ() {
		if name, _, _ := strings.Cut(kv, "="); slices.Contains([]string{"PATH", "GOROOT"}, name) {
			env = append(env, kv)
		}
	}
	return append(env, more...)
}
