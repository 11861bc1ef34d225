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
	"sync"

	"github.com/org/gorun-action/internal/store/blob"
	"github.com/org/gorun-action/internal/store/entry"
	"github.com/org/gorun-action/runner"
)

// Get implements runner.Store.
func (c *Cache) Get(ctx context.Context, key string) (runner.Stored, error) {
	stored, local := c.Local.Get(ctx, key)
	if local == nil {
		return stored, nil
	}
	if !c.reads(entry.Executable, key) {
		return stored, local
	}
	for i := range c.Layers {
		stored, err := c.fetch(ctx, i, key)
		if err == nil || !errors.Is(err, fs.ErrNotExist) {
			return stored, err
		}
	}
	return runner.Stored{}, local
}

// reads reports whether layers are asked, and says why not.
func (c *Cache) reads(what, key string) bool {
	if !c.Reads && c.Unread != "" {
		for i := range c.Layers {
			c.begin(i, restoring, what, key).end(runner.TransferSkipped, c.Unread, 0)
		}
	}
	return c.Reads
}

// Filler is a runner.Store that takes a program while it is unpacked.
type Filler interface {
	// Fill is Put, with the program of that name written by write, and Get. write
	// is called once, or not at all when nothing can be kept.
	Fill(ctx context.Context, key string, exe runner.Executable, facts runner.Facts, write func(io.Writer) error) (runner.Stored, error)
}

// fetch gets an executable from a layer. fs.ErrNotExist: it has none that can be
// used, and that was reported.
func (c *Cache) fetch(ctx context.Context, layer int, key string) (runner.Stored, error) {
	stored, err := c.fetchTo(ctx, layer, key, c.unpackHere)
	if errors.Is(err, errNotKept) {
		return c.fetchTo(ctx, layer, key, c.unpackApart)
	}
	return stored, err
}

// errNotKept: the disk failed while an executable was unpacked into the store
// here.
var errNotKept = errors.New("it cannot be kept here")

func (c *Cache) fetchTo(ctx context.Context, layer int, key string, unpack func(context.Context, *entry.Opened) (runner.Stored, error)) (runner.Stored, error) {
	t := c.begin(layer, restoring, entry.Executable, key)
	opened, download, err := t.look(ctx)
	if err != nil {
		return runner.Stored{}, t.failed(ctx, err, received(download))
	}
	defer download.Close()
	stored, err := unpack(ctx, opened)
	if errors.Is(err, errNotKept) {
		t.end(runner.TransferSkipped, err.Error(), download.Bytes())
		return runner.Stored{}, err
	}
	if err != nil {
		t.discard(ctx, err)
		return runner.Stored{}, t.failed(ctx, err, download.Bytes())
	}
	t.found("", download.Bytes())
	stored.Saving = t.saves(opened.Manifest, download.Bytes())
	c.copyUp(ctx, layer, download, key, nil)
	return stored, nil
}

func received(r *copied) int64 {
	if r == nil {
		return 0
	}
	return r.Bytes()
}

// saves is what the run is spared by an executable.
func (t *transfer) saves(m entry.Manifest, moved int64) *runner.Saving {
	s := &runner.Saving{Store: t.layer.Name, What: m.Kind, Bytes: moved}
	if m.Build != nil {
		s.SavedMS = max(0, m.Build.ColdMS-t.c.Now().Sub(t.begin).Milliseconds())
		s.SavedBytes = max(0, m.Build.Unpacked-moved)
	}
	return s
}

// unpackHere unpacks the program of an entry into the store here. Where it
// cannot be kept, it is run from another place.
func (c *Cache) unpackHere(ctx context.Context, opened *entry.Opened) (runner.Stored, error) {
	local, ok := c.Local.(Filler)
	about, err := opened.About()
	if !c.Keeps || !ok || err != nil {
		return c.unpackApart(ctx, opened)
	}
	m, begun := opened.Manifest, false
	var reading error
	stored, err := local.Fill(ctx, m.Key, executable(m, m.Name), runner.Facts{About: about}, func(w io.Writer) error {
		begun = true
		reading = opened.Program(w)
		return reading
	})
	switch {
	case err == nil && stored.SHA256 != m.Content.SHA256:
		stored.Release() // somebody else put it meanwhile
		return runner.Stored{}, errNotKept
	case err != nil && !begun:
		return c.unpackApart(ctx, opened)
	case err != nil && (reading == nil || isLocal(reading)):
		return runner.Stored{}, fmt.Errorf("%w: %w", errNotKept, err)
	}
	return stored, err
}

func executable(m entry.Manifest, path string) runner.Executable {
	return runner.Executable{Path: path, SHA256: m.Content.SHA256, Size: m.Content.Size}
}

// isLocal reports whether an error is one of a file.
func isLocal(err error) bool {
	_, ok := errors.AsType[*fs.PathError](err)
	return ok
}

// unpackApart unpacks the program of an entry into a directory of its own, with
// its own name. Only a whole and right one is returned.
func (c *Cache) unpackApart(_ context.Context, opened *entry.Opened) (runner.Stored, error) {
	dir, clean, err := c.TempDir()
	if err != nil {
		return runner.Stored{}, err
	}
	program := filepath.Join(dir, opened.Manifest.Name)
	f, err := os.OpenFile(program, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o755)
	if err == nil {
		err = errors.Join(opened.Program(f), f.Close())
	}
	if err != nil {
		clean()
		return runner.Stored{}, err
	}
	return runner.Stored{Executable: executable(opened.Manifest, program), Release: sync.OnceFunc(clean), Temporary: true}, nil
}

// Put implements runner.Store. What layers do with it is reported; the error is
// that of the store here.
func (c *Cache) Put(ctx context.Context, key string, exe runner.Executable, facts runner.Facts) error {
	err := c.Local.Put(ctx, key, exe, facts)
	if c.Writes && len(c.Layers) > 0 {
		c.putAll(ctx, key, exe, facts)
	}
	return err
}

func (c *Cache) putAll(ctx context.Context, key string, exe runner.Executable, facts runner.Facts) {
	m := entry.Manifest{
		Kind: entry.Executable, Key: key, Name: filepath.Base(exe.Path), Toolchain: facts.Toolchain,
		Build: &entry.Build{ColdMS: facts.Build.Milliseconds(), Unpacked: facts.Caches},
	}
	c.sendAll(ctx, m, []string{facts.Prefix}, facts.About, func(w io.Writer) (payload entry.Digest, content entry.Digest, err error) {
		return compress(w, exe)
	})
}

// compress writes the payload of an executable, which must be the one that was
// built, whatever its program did meanwhile.
func compress(w io.Writer, exe runner.Executable) (payload, content entry.Digest, err error) {
	f, err := os.Open(exe.Path)
	if err != nil {
		return payload, content, err
	}
	defer f.Close()
	payload, content, err = entry.CompressProgram(w, f)
	if err == nil && content.SHA256 != exe.SHA256 {
		err = fmt.Errorf("%s changed after it was built", exe.Path)
	}
	return payload, content, err
}

// Nearest implements runner.History.
func (c *Cache) Nearest(ctx context.Context, prefix string, n int) [][]byte {
	list := c.History.Nearest(ctx, prefix, n)
	if !c.Explain || !c.Reads {
		return list
	}
	for _, layer := range c.Layers {
		if about := c.about(ctx, layer, prefix); about != nil {
			list = append(list, about)
		}
	}
	return list
}

// headLimit is how much of an entry is read to see what it was made of.
const headLimit = 1<<20 + 128<<10

// about is what the newest executable of a program in a layer was made of.
func (c *Cache) about(ctx context.Context, layer Layer, prefix string) []byte {
	found, err := layer.Store.Find(ctx, prefix+"newest", prefix)
	if err != nil {
		return nil
	}
	head, err := blob.Head(ctx, found, headLimit)
	if err != nil {
		return nil
	}
	want := entry.Want{Kind: entry.Executable, Key: prefix + "newest", Prefixes: []string{prefix}, Matched: found.Key}
	opened, err := entry.Open(bytes.NewReader(head), want, c.Trust)
	if err != nil {
		return nil
	}
	about, _ := opened.About()
	return about
}
