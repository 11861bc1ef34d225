package buildcache

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"
)

// target writes into both directories, several files at a time. GOCACHE names
// are made from digests; those of modules go through an os.Root.
type target struct {
	index   *Index
	sizes   []int64
	dir     string // GOCACHE
	mods    *os.Root
	modules bool
	places  []place
	skip    []bool // by module
	old     time.Time

	raw, files atomic.Int64
}

func newTarget(x *Index, to Dirs, o Options) (*target, error) {
	t := &target{index: x, sizes: x.sizes(), dir: to.GoCache, old: o.Old, modules: to.ModCache != ""}
	if err := makeCache(to.GoCache, x); err != nil {
		return nil, err
	}
	if !t.modules {
		return t, nil
	}
	if err := t.makeModules(to.ModCache, o.Skip); err != nil {
		t.close()
		return nil, err
	}
	return t, nil
}

// makeCache makes the directories that the pack needs (the go command makes the
// others), and tells the go command that there is nothing to trim yet.
func makeCache(dir string, x *Index) error {
	if dir == "" {
		return errors.New("no directory for GOCACHE")
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return err
	}
	var needed [256]bool
	for _, o := range x.outputs {
		needed[o.sum[0]] = true
	}
	for _, a := range x.actions {
		needed[a.id[0]] = true
	}
	for i := range needed {
		if !needed[i] {
			continue
		}
		if err := os.Mkdir(filepath.Join(dir, fmt.Sprintf("%02x", i)), 0o777); err != nil {
			return err
		}
	}
	now := fmt.Sprint(time.Now().Unix())
	return os.WriteFile(filepath.Join(dir, "trim.txt"), []byte(now), 0o666)
}

// makeModules makes all directories of modules. Unlike the go command's they
// can be removed by whoever made them.
func (t *target) makeModules(dir string, skip func(ModuleVersion) bool) (err error) {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return err
	}
	if t.mods, err = os.OpenRoot(dir); err != nil {
		return err
	}
	for _, m := range t.index.modules {
		p, err := newPlace(m.ModuleVersion)
		if err != nil {
			return err
		}
		skipped := skip != nil && skip(m.ModuleVersion)
		t.places, t.skip = append(t.places, p), append(t.skip, skipped)
		if m.dir && !skipped {
			if err := t.mods.MkdirAll(filepath.FromSlash(p.dir()), 0o777); err != nil {
				return err
			}
		}
	}
	return t.makeParents()
}

func (t *target) makeParents() error {
	last := ""
	for _, f := range t.index.files {
		dir := filepath.Dir(filepath.FromSlash(t.places[f.module].file(f)))
		if dir == last || t.skips(f) {
			continue
		}
		if err := t.mods.MkdirAll(dir, 0o777); err != nil {
			return err
		}
		last = dir
	}
	return nil
}

// skips reports whether a file is not wanted. What a skipped module requires is
// still known, and saves a request.
func (t *target) skips(f file) bool {
	return !t.modules || t.skip[f.module] && (f.kind == tree || f.kind == ziphash)
}

// name is the name of the file i below its directory.
func (t *target) name(i int) string {
	if i < len(t.index.outputs) {
		return entryName(t.index.outputs[i].sum, "-d")
	}
	f := t.index.files[i-len(t.index.outputs)]
	if !t.modules {
		return f.name
	}
	return filepath.FromSlash(t.places[f.module].file(f))
}

// here is the directory of modules that a worker wrote to last: to walk down to
// it for each file would take longer than writing.
type here struct {
	dir  string
	root *os.Root
}

func (h *here) create(mods *os.Root, name string) (_ *os.File, err error) {
	if dir := filepath.Dir(name); h.root == nil || dir != h.dir {
		h.close()
		if h.root, err = mods.OpenRoot(dir); err != nil {
			return nil, err
		}
		h.dir = dir
	}
	return h.root.OpenFile(filepath.Base(name), createFlags, 0o444)
}

func (h *here) close() {
	if h.root != nil {
		h.root.Close()
	}
	h.root = nil
}

const createFlags = os.O_WRONLY | os.O_CREATE | os.O_EXCL

// create makes the file i, which must not be there.
func (t *target) create(i int, h *here) (io.WriteCloser, error) {
	if i >= len(t.index.outputs) && t.skips(t.index.files[i-len(t.index.outputs)]) {
		return nowhere{io.Discard}, nil
	}
	t.files.Add(1)
	t.raw.Add(t.sizes[i])
	if i < len(t.index.outputs) {
		return os.OpenFile(filepath.Join(t.dir, t.name(i)), createFlags, 0o666)
	}
	return h.create(t.mods, t.name(i))
}

type nowhere struct{ io.Writer }

func (nowhere) Close() error { return nil }

// writeAction writes the action file i. It is called when all outputs are good.
func (t *target) writeAction(i int) error {
	a := t.index.actions[i]
	name := filepath.Join(t.dir, entryName(a.id, "-a"))
	f, err := os.OpenFile(name, createFlags, 0o666)
	if err != nil {
		return err
	}
	_, err = f.WriteString(a.entry(t.index.outputs[a.output], t.old))
	t.files.Add(1)
	return errors.Join(err, f.Close(), os.Chtimes(name, t.old, t.old))
}

func (t *target) close() {
	if t.mods != nil {
		t.mods.Close()
	}
}
