package blob

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"github.com/org/gorun-action/internal/private"
)

// leftover is the age at which a file in tmp can be taken for abandoned: a
// blob is written in minutes at most.
const leftover = time.Hour

// Put implements Store. A Root or a file system that may not be written is
// ErrReadOnly. prefixes are ignored: any beginning leads to a blob.
func (d *Dir) Put(ctx context.Context, key string, prefixes []string, content Content) error {
	if err := d.put(ctx, key, prefixes, content); err != nil {
		return fmt.Errorf("putting %.64s into %s: %w", key, d.Root, err)
	}
	return nil
}

func (d *Dir) put(ctx context.Context, key string, prefixes []string, content Content) error {
	if err := ignore(d.check(ctx, key, prefixes), fs.ErrNotExist); err != nil {
		return err
	}
	to := d.path(key)
	if _, err := os.Lstat(to); err == nil {
		return fs.ErrExist
	}
	if err := d.prepare(); err != nil {
		return readOnly(err)
	}
	from, err := d.write(ctx, content)
	if err != nil {
		return err
	}
	defer os.Remove(from)
	return readOnly(place(from, to))
}

// prepare makes the directories, and checks Root once it is there.
func (d *Dir) prepare() error {
	for _, dir := range []string{d.blobs(), d.tmp()} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return err
		}
	}
	return private.CheckPath(d.Root)
}

// write writes a blob to a temporary file, which is gone after an error.
func (d *Dir) write(ctx context.Context, content Content) (name string, err error) {
	f, err := os.CreateTemp(d.tmp(), "put-")
	if err != nil {
		return "", readOnly(err)
	}
	err = copyContent(f, content, func() error { return context.Cause(ctx) })
	err = errors.Join(err, f.Close())
	if err == nil {
		now := d.now() // finer than the kernel's own: the newest one is to be found
		err = os.Chtimes(f.Name(), now, now)
	}
	if err == nil {
		err = context.Cause(ctx)
	}
	if err != nil {
		os.Remove(f.Name())
		return "", err
	}
	return f.Name(), nil
}

// place gives a blob its name. Prune may remove an empty directory at any
// time, so its making is tried again.
func place(from, to string) error {
	for range 100 {
		err := os.MkdirAll(filepath.Dir(to), 0o700)
		if err == nil {
			err = link(from, to)
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return exists(err)
		}
	}
	return fmt.Errorf("somebody keeps removing %s", filepath.Dir(to))
}

// exists makes a plain fs.ErrExist of any.
func exists(err error) error {
	if errors.Is(err, fs.ErrExist) {
		return fs.ErrExist
	}
	return err
}

// link never replaces a file, but for one that is renamed in the same instant
// where there are no hard links.
func link(from, to string) error {
	err := os.Link(from, to)
	if !hasNoLinks(err) {
		return err
	}
	if _, err := os.Lstat(to); err == nil {
		return fs.ErrExist
	}
	return os.Rename(from, to)
}

// List implements Admin. Used is not told: reading a blob changes nothing.
func (d *Dir) List(ctx context.Context, prefix string) ([]Info, error) {
	err := private.CheckPath(d.Root)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var all []Info
	if err == nil {
		all, err = d.list(ctx, []string{prefix})
	}
	if err != nil {
		return nil, fmt.Errorf("listing %s: %w", d.Root, err)
	}
	return all, nil
}

// Remove implements Admin. Who has opened a part of the blob reads it to its
// end; other parts are gone.
func (d *Dir) Remove(ctx context.Context, key string) error {
	err := d.check(ctx, key, nil)
	if err == nil {
		err = readOnly(os.Remove(d.path(key)))
	}
	if errors.Is(err, fs.ErrNotExist) {
		err = fs.ErrNotExist // whatever it is that is not there
	}
	if err != nil {
		return fmt.Errorf("removing %.64s from %s: %w", key, d.Root, err)
	}
	return nil
}

// Limits bound a store. A bound of 0, or less, is none.
type Limits struct {
	Bytes int64         // of all blobs together
	Age   time.Duration // of a blob since it was put
}

// Prune removes blobs that were put more than l.Age ago, and then the oldest
// ones until the others are within l.Bytes, and temporary files that nobody
// wrote to for an hour. It returns what it removed, also with an error, which
// is about what it could not remove.
func (d *Dir) Prune(ctx context.Context, l Limits) (removed []Info, err error) {
	all, err := d.List(ctx, "")
	if err != nil {
		return nil, fmt.Errorf("pruning: %w", err)
	}
	errs := []error{d.leftovers()}
	var total int64
	for _, i := range all {
		total += i.Size
	}
	for _, i := range slices.Backward(all) {
		old := l.Age > 0 && d.now().Sub(i.Created) > l.Age
		if full := l.Bytes > 0 && total > l.Bytes; !old && !full {
			continue
		}
		if err := ignore(d.Remove(ctx, i.Key), fs.ErrNotExist); err != nil {
			errs = append(errs, err)
			continue
		}
		removed = append(removed, i)
		total -= i.Size
	}
	d.emptied()
	if err := errors.Join(errs...); err != nil {
		return removed, fmt.Errorf("pruning: %w", err)
	}
	return removed, nil
}

func (d *Dir) leftovers() error {
	list, err := os.ReadDir(d.tmp())
	errs := []error{ignore(err, fs.ErrNotExist)}
	for _, e := range list {
		info, err := e.Info()
		if err == nil && info.Mode().IsRegular() && d.now().Sub(info.ModTime()) > leftover {
			errs = append(errs, ignore(os.Remove(filepath.Join(d.tmp(), e.Name())), fs.ErrNotExist))
		}
	}
	return errors.Join(errs...)
}

// emptied removes the directories of long keys that have nothing in them.
func (d *Dir) emptied() {
	for _, pattern := range []string{"*+/+*+", "*+"} {
		dirs, _ := filepath.Glob(filepath.Join(d.blobs(), pattern))
		for _, dir := range dirs {
			_ = unix.Rmdir(dir) // of one that is not empty that is an error
		}
	}
}
