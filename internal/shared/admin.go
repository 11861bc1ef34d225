package shared

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/org/gorun-action/internal/buildcache"
	"github.com/org/gorun-action/internal/store/blob"
	"github.com/org/gorun-action/internal/store/entry"
)

// Item is what a layer has under a key.
type Item struct {
	blob.Info
	// Manifest says what it is. It is nil where it was not asked for, and where
	// it could not be read: Err says why.
	Manifest *entry.Manifest
	Err      error
}

// atOnce is how many manifests are read at the same time: people wait for
// them, and registries limit clients by rate.
const atOnce = 4

// Items lists what a layer keeps, the newest first. The layer has an Admin. To
// read the manifests costs about two requests, and 64 KiB, for each.
func (l Layer) Items(ctx context.Context, manifests bool) ([]Item, error) {
	infos, err := l.Admin.List(ctx, "")
	if err != nil {
		return nil, err
	}
	items := make([]Item, len(infos))
	for i, info := range infos {
		items[i].Info = info
	}
	if manifests {
		l.readAll(ctx, items)
	}
	return items, nil
}

func (l Layer) readAll(ctx context.Context, items []Item) {
	var readers sync.WaitGroup
	room := make(chan struct{}, atOnce)
	for i := range items {
		room <- struct{}{}
		readers.Go(func() {
			m, err := l.manifest(ctx, items[i].Key)
			if items[i].Err = err; err == nil {
				items[i].Manifest = &m
			}
			<-room
		})
	}
	readers.Wait()
}

func (l Layer) manifest(ctx context.Context, key string) (entry.Manifest, error) {
	found, err := l.find(ctx, key)
	if err != nil {
		return entry.Manifest{}, err
	}
	head, err := blob.Head(ctx, found, int64(entry.MaxManifest))
	if err != nil {
		return entry.Manifest{}, err
	}
	return entry.ReadManifest(bytes.NewReader(head), plain(key))
}

// find finds a key itself.
func (l Layer) find(ctx context.Context, key string) (blob.Found, error) {
	found, err := l.Store.Find(ctx, key)
	if err == nil && found.Key != key {
		err = fmt.Errorf("finding %.64s: %w", key, fs.ErrNotExist)
	}
	return found, err
}

// Check reads all of what a layer has under a key, and unpacks it into dir,
// which is empty and the caller's to remove. Unless it is whole, the error wraps
// entry.ErrDamaged or entry.ErrSignature; other errors are of reading it, or of
// dir. It does not say whether the entry may be trusted.
func (l Layer) Check(ctx context.Context, key, dir string) (entry.Manifest, error) {
	found, err := l.find(ctx, key)
	if err != nil {
		return entry.Manifest{}, err
	}
	r := blob.NewReader(ctx, found, blob.ReadOptions{Budget: l.Budget})
	defer r.Close()
	opened, err := entry.Inspect(r, plain(key))
	if err != nil {
		return entry.Manifest{}, err
	}
	if _, err := opened.About(); err != nil {
		return opened.Manifest, err
	}
	if opened.Manifest.Kind == entry.Executable {
		return opened.Manifest, opened.Program(io.Discard)
	}
	return opened.Manifest, checkPack(ctx, opened, dir)
}

func checkPack(ctx context.Context, opened *entry.Opened, dir string) error {
	_, _, err := unpack(ctx, opened.Payload(), func(*buildcache.Index) (buildcache.Dirs, buildcache.Options) {
		to := buildcache.Dirs{GoCache: filepath.Join(dir, "go-build"), ModCache: filepath.Join(dir, "mod")}
		return to, buildcache.Options{Old: time.Now().Add(-restoredAge)}
	})
	return err
}

// Prune removes what is older than limits.Age, and then the oldest until the
// others are within limits.Bytes. Where the store knows when an entry was last
// read, its age counts from then. It returns what it removed, also with an
// error. The layer has an Admin.
func (l Layer) Prune(ctx context.Context, limits blob.Limits, now time.Time) ([]blob.Info, error) {
	if dir, ok := l.Admin.(*blob.Dir); ok { // which also removes what killed processes left
		return dir.Prune(ctx, limits)
	}
	all, err := l.Admin.List(ctx, "")
	if err != nil {
		return nil, err
	}
	if err := l.tells(all, limits); err != nil {
		return nil, err
	}
	return l.removeOld(ctx, all, limits, now)
}

// tells reports whether the store says what limits are about.
func (l Layer) tells(all []blob.Info, limits blob.Limits) error {
	for _, i := range all {
		switch {
		case limits.Bytes > 0 && i.Size < 0:
			return errors.New("the store does not tell how large an entry is: prune it by --age alone, with --size=0")
		case limits.Age > 0 && lastUse(i).IsZero():
			return errors.New("the store does not tell how old an entry is: prune it by --size alone, with --age=0")
		}
	}
	return nil
}

func lastUse(i blob.Info) time.Time {
	if i.Used.After(i.Created) {
		return i.Used
	}
	return i.Created
}

func (l Layer) removeOld(ctx context.Context, all []blob.Info, limits blob.Limits, now time.Time) (removed []blob.Info, err error) {
	slices.SortStableFunc(all, func(a, b blob.Info) int { return lastUse(a).Compare(lastUse(b)) })
	var total int64
	for _, i := range all {
		total += max(i.Size, 0)
	}
	for _, i := range all {
		old := limits.Age > 0 && now.Sub(lastUse(i)) > limits.Age
		if full := limits.Bytes > 0 && total > limits.Bytes; !old && !full {
			continue
		}
		if err := l.Admin.Remove(ctx, i.Key); err != nil && !isMiss(err) {
			return removed, err
		}
		removed = append(removed, i)
		total -= max(i.Size, 0)
	}
	return removed, nil
}

// KindOf is what an entry holds, by its key alone (cachekeys): "" is unknown.
func KindOf(key string) string {
	switch key = plain(key); key[:min(1, len(key))] {
	case "x":
		return entry.Executable
	case "b":
		return entry.Pack
	}
	return ""
}
