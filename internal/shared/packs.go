package shared

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/org/gorun-action/internal/buildcache"
	"github.com/org/gorun-action/internal/store/blob"
	"github.com/org/gorun-action/internal/store/entry"
	"github.com/org/gorun-action/runner"
)

// coldFiles is how many files a build cache has that is of use: the standard
// library of the smallest program has more.
const coldFiles = 256

// restoredAge is how old restored entries of a build cache look: the go command
// renews the time of what it uses when that is more than an hour old.
const restoredAge = 3 * time.Hour

// enough is the part of a pack that must be new for it to be sent: less is
// compiled anew in less time than the next machines would take to get it, and
// a store with room for 10 GB is not filled by a pack for each commit.
const enough = 8

// restoredPack is what this run got.
type restoredPack struct {
	key   string
	index *buildcache.Index
	cold  time.Duration
}

// Restore implements runner.Packs.
func (c *Cache) Restore(ctx context.Context, q runner.PackQuery) (runner.PackCaches, error) {
	if len(c.Layers) == 0 || !c.Reads && !c.Writes {
		return runner.PackCaches{}, nil
	}
	if !buildcache.Cold(q.GoCache, coldFiles) {
		c.skipped(restoring, q.Key, "the build cache of this machine is in use: "+q.GoCache)
		return runner.PackCaches{}, nil
	}
	if c.reads(entry.Pack, q.Key) {
		for i := range c.Layers {
			caches, err := c.restorePack(ctx, i, q)
			if err == nil || !isMiss(err) {
				return caches, err
			}
		}
	}
	return runner.PackCaches{Own: q.GoCache}, nil
}

func (c *Cache) skipped(op, key, reason string) {
	c.begin(0, op, entry.Pack, key).end(runner.TransferSkipped, reason, 0)
}

// restorePack fills private caches from a layer.
func (c *Cache) restorePack(ctx context.Context, layer int, q runner.PackQuery) (runner.PackCaches, error) {
	t := c.begin(layer, restoring, entry.Pack, q.Key, q.Prefixes...)
	opened, download, err := t.look(ctx)
	if err != nil {
		return runner.PackCaches{}, t.failed(ctx, err, received(download))
	}
	defer download.Close()
	pays, reason := c.pays(t, opened.Manifest)
	if !pays {
		t.end(runner.TransferSkipped, reason, download.Bytes())
		return runner.PackCaches{}, os.ErrNotExist
	}
	caches, stats, err := c.unpackPack(ctx, t.shown(opened), q)
	if err != nil {
		os.RemoveAll(q.Dir)
		t.discard(ctx, err)
		return runner.PackCaches{}, t.failed(ctx, err, download.Bytes())
	}
	t.found(reason, download.Bytes())
	c.copyUp(ctx, layer, download, opened.Manifest.Key, q.Prefixes)
	c.remember(t.layer, q.Prefixes[0], download.Reader, stats)
	c.restored.key, c.restored.cold = opened.Manifest.Key, coldBuild(opened.Manifest)
	caches.Cold = c.restored.cold
	caches.Saving = &runner.Saving{Store: t.layer.Name, What: entry.Pack, Bytes: download.Bytes()}
	return caches, nil
}

func coldBuild(m entry.Manifest) time.Duration {
	if m.Build == nil {
		return 0
	}
	return time.Duration(m.Build.ColdMS) * time.Millisecond
}

// pays reports whether to restore a pack takes less time than it saves.
func (c *Cache) pays(t *transfer, m entry.Manifest) (bool, string) {
	b := cmp.Or(m.Build, &entry.Build{})
	return c.Record.Costs().Worth(m.Payload.Size, b.Unpacked, b.Files, coldBuild(m), c.Record.Speed(t.layer.Name))
}

// remember notes what it took, for the next time on this machine.
func (c *Cache) remember(layer Layer, prefix string, download *blob.Reader, stats buildcache.Stats) {
	if speed := download.Speed(); speed > 0 {
		c.Record.Downloaded(layer.Name, download.Bytes(), time.Duration(float64(download.Bytes())/speed*float64(time.Second)))
	}
	c.Record.Restored(prefix, stats)
	_ = c.Record.Save() // without it the next run tries again what does not pay
}

// unpackPack unpacks while the rest is still on its way.
func (c *Cache) unpackPack(ctx context.Context, from io.Reader, q runner.PackQuery) (runner.PackCaches, buildcache.Stats, error) {
	var to buildcache.Dirs
	index, stats, err := unpack(ctx, from, func(index *buildcache.Index) (buildcache.Dirs, buildcache.Options) {
		dirs, skip := c.target(q, index)
		to = dirs
		return dirs, buildcache.Options{Old: c.Now().Add(-restoredAge), Skip: skip}
	})
	if err != nil {
		return runner.PackCaches{}, stats, err
	}
	c.restored.index = index
	return runner.PackCaches{GoCache: to.GoCache, ModCache: to.ModCache}, stats, nil
}

// unpack restores a pack as choose says, and reads its payload to the end: all
// of that must have the digest that the manifest says before any of it is used.
// The error says whose fault it is.
func unpack(ctx context.Context, from io.Reader, choose func(*buildcache.Index) (buildcache.Dirs, buildcache.Options)) (*buildcache.Index, buildcache.Stats, error) {
	payload := &source{r: from}
	pack, err := buildcache.Open(payload, buildcache.Limits{})
	if err != nil {
		return nil, buildcache.Stats{}, payload.blame(err)
	}
	to, options := choose(pack.Index)
	stats, err := pack.Restore(ctx, to, options)
	if err == nil {
		_, err = io.Copy(io.Discard, payload)
	}
	if err != nil {
		return nil, stats, payload.blame(err)
	}
	return pack.Index, stats, nil
}

// source remembers why reading failed.
type source struct {
	r   io.Reader
	err error
}

func (s *source) Read(p []byte) (int, error) {
	n, err := s.r.Read(p)
	if err != nil && err != io.EOF {
		s.err = err
	}
	return n, err
}

// blame says whose fault it is that a pack was not unpacked: the line's, this
// machine's, or else the pack's.
func (s *source) blame(err error) error {
	var local *fs.PathError
	switch {
	case s.err != nil:
		return s.err
	case errors.As(err, &local), errors.Is(err, context.Canceled):
		return err
	}
	return fmt.Errorf("%w: %w", entry.ErrDamaged, err)
}

// target chooses what of a pack is restored: no module of which the build may
// need more than there is, and no modules at all where they could not stand in
// for the real ones.
func (c *Cache) target(q runner.PackQuery, index *buildcache.Index) (buildcache.Dirs, func(buildcache.ModuleVersion) bool) {
	to := buildcache.Dirs{GoCache: filepath.Join(q.Dir, "go-build")}
	_, content := readSums(q.Sums)
	skip := index.Skip(q.Imports, content)
	if q.Modules && slices.ContainsFunc(index.Modules(), func(m buildcache.ModuleVersion) bool { return !skip(m) }) {
		to.ModCache = filepath.Join(q.Dir, "mod")
	}
	return to, skip
}

func readSums(files []string) (all, content []buildcache.ModuleVersion) {
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			continue // a module that needs no other has none
		}
		a, c := buildcache.ReadSums(data)
		all, content = append(all, a...), append(content, c...)
	}
	return all, content
}

// Collect implements runner.Packs.
func (c *Cache) Collect(b runner.PackBuild) (bytes int64, save func(context.Context)) {
	if !c.Writes || len(c.Layers) == 0 {
		return 0, nil
	}
	all, _ := readSums(b.Sums)
	contents, err := buildcache.Collect(buildcache.Build{
		GoCache: cmp.Or(b.Caches.GoCache, b.Caches.Own), Since: since(b), ModCache: cmp.Or(b.Caches.ModCache, b.ModCache),
		Packages: packages(b), Sums: all,
	})
	if err != nil {
		c.skipped(saving, b.Key, err.Error())
		return 0, nil
	}
	if reason := c.nothingNew(b, contents.Index); reason != "" {
		c.skipped(saving, b.Key, reason)
		return contents.Index.Raw(), nil
	}
	return contents.Index.Raw(), func(ctx context.Context) { c.sendPack(ctx, b, contents) }
}

// since is from when on what is in a build cache counts.
func since(b runner.PackBuild) time.Time {
	if b.Caches.GoCache == "" {
		return time.Time{}
	}
	return b.Since
}

// nothingNew says why a pack is not sent, "" when it is.
func (c *Cache) nothingNew(b runner.PackBuild, index *buildcache.Index) string {
	if c.restored.index == nil || !strings.HasPrefix(c.restored.key, b.Prefixes[0]) {
		return ""
	}
	news, raw := index.News(c.restored.index), index.Raw()
	if news*enough >= raw || uncovered(b, index, c.restored.index) {
		return ""
	}
	return fmt.Sprintf("%.0f %% of it is in the pack that was restored", 100-100*float64(news)/float64(max(raw, 1)))
}

// uncovered reports whether the build has a package of another module that the
// restored pack does not know. However small it is, without it every machine
// fetches that module again, and what it requires.
func uncovered(b runner.PackBuild, index, restored *buildcache.Index) bool {
	return slices.ContainsFunc(b.Packages, func(p runner.BuiltPackage) bool {
		return index.Covers(p.ImportPath) && !restored.Covers(p.ImportPath)
	})
}

func (c *Cache) sendPack(ctx context.Context, b runner.PackBuild, contents *buildcache.Contents) {
	index := contents.Index
	cold := cmp.Or(c.restored.cold, b.Took)
	m := entry.Manifest{
		Kind: entry.Pack, Key: b.Key, Toolchain: b.Toolchain,
		Build: &entry.Build{ColdMS: cold.Milliseconds(), Unpacked: index.Raw(), Files: index.Files()},
	}
	c.sendAll(ctx, m, b.Prefixes, nil, func(w io.Writer) (payload, content entry.Digest, err error) {
		sum := sha256.New()
		stats, err := contents.Write(io.MultiWriter(w, sum))
		return entry.Digest{SHA256: hex.EncodeToString(sum.Sum(nil)), Size: stats.Packed}, entry.Digest{}, err
	})
}

// packages names directories by where they really are.
func packages(b runner.PackBuild) []buildcache.Package {
	var list []buildcache.Package
	for _, p := range b.Packages {
		dir := p.Dir
		if rest, inside := strings.CutPrefix(dir, b.ModCache+string(filepath.Separator)); inside && b.Caches.ModCache != "" {
			dir = filepath.Join(b.Caches.ModCache, rest)
		}
		if !p.Standard {
			list = append(list, buildcache.Package{ImportPath: p.ImportPath, Module: p.Module, Dir: dir, Files: p.Files, Cgo: p.Cgo})
		}
	}
	return list
}
