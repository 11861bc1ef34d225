package store

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/org/gorun-action/internal/private"
)

// Entries returns the entries whose keys have a prefix, the most recently used
// first. It reads their headers alone: a program may still turn out to be
// damaged. What has no valid header is left out.
func (d *Dir) Entries(prefix string) ([]Entry, error) {
	dirs, err := d.dirs()
	if err != nil {
		return nil, fmt.Errorf("listing the stored executables: %w", err)
	}
	var all []Entry
	for _, dir := range dirs {
		if !mayHave(filepath.Base(dir), prefix) {
			continue
		}
		if e, err := readEntry(dir); err == nil && strings.HasPrefix(e.Key, prefix) {
			all = append(all, e)
		}
	}
	slices.SortFunc(all, func(a, b Entry) int {
		return cmp.Or(b.Used.Compare(a.Used), cmp.Compare(a.Key, b.Key))
	})
	return all, nil
}

// mayHave tells from the name of a directory that its key lacks a prefix.
func mayHave(name, prefix string) bool {
	head, _, long := strings.Cut(name, "+")
	if long && len(prefix) > len(head) {
		prefix = prefix[:len(head)]
	}
	return strings.HasPrefix(head, prefix)
}

// dirs lists the entries' directories: those that have the name of a key and
// a header, of whatever kind. Everything else is foreign.
func (d *Dir) dirs() ([]string, error) {
	if err := d.trusted(); err != nil {
		return nil, ignore(err, fs.ErrNotExist)
	}
	list, err := os.ReadDir(filepath.Join(d.Root, entriesDir))
	if err != nil {
		return nil, ignore(err, fs.ErrNotExist)
	}
	var dirs []string
	for _, f := range list {
		dir := filepath.Join(d.Root, entriesDir, f.Name())
		if _, err := lstat(filepath.Join(dir, headerFile)); err == nil && f.IsDir() && isDirName(f.Name()) {
			dirs = append(dirs, dir)
		}
	}
	return dirs, nil
}

func ignore(err, target error) error {
	if errors.Is(err, target) {
		return nil
	}
	return err
}

// readEntry reads the header of an entry without locking it: headers do not
// change.
func readEntry(dir string) (Entry, error) {
	f, st, err := private.OpenOwn(filepath.Join(dir, headerFile), os.O_RDONLY)
	if err != nil {
		return Entry{}, damaged(err)
	}
	defer f.Close()
	h := lockedEntry{dir: dir, file: f, st: st}
	hd, err := h.header()
	if err != nil {
		return Entry{}, err
	}
	return hd.entry(dir, mtime(st)), nil
}

// Bad is an entry that did not stand up to Verify.
type Bad struct {
	Key string // or the name of its directory, if its header cannot be read
	Err error  // what is wrong with it; usually wraps ErrDamaged
}

// Verify hashes all programs and what was put along with them, and returns
// which entries are whole and which are not. It removes those that are
// damaged, though not for a reason that is this process's alone, such as a
// mount without execution. When ctx ends it stops after the entry at hand, and
// returns what it knows and the cause.
func (d *Dir) Verify(ctx context.Context) (good []Entry, bad []Bad, err error) {
	dirs, err := d.dirs()
	if err != nil {
		return nil, nil, fmt.Errorf("verifying the stored executables: %w", err)
	}
	for _, dir := range dirs {
		if ctx.Err() != nil {
			return good, bad, context.Cause(ctx)
		}
		key := keyOf(dir)
		e, h, err := d.use(dir, care{hash: true, about: true})
		switch {
		case err == nil:
			h.release()
			good = append(good, e)
		case !errors.Is(err, fs.ErrNotExist):
			bad = append(bad, Bad{key, err})
		}
	}
	return good, bad, nil
}

// keyOf returns the key of an entry, or the name of its directory.
func keyOf(dir string) string {
	if e, err := readEntry(dir); err == nil {
		return e.Key
	}
	return filepath.Base(dir)
}

// discard moves an entry that cannot be used out of the way, whoever holds it,
// and removes it. id is the stat of its directory: when another entry is in
// its place, that one stays.
func (d *Dir) discard(dir string, id unix.Stat_t) error {
	if now, err := lstat(dir); err != nil || !same(now, id) {
		return ignore(err, fs.ErrNotExist)
	}
	gone, parent, err := d.move(dir)
	if err != nil {
		return ignore(err, fs.ErrNotExist)
	}
	if moved, err := lstat(gone); err == nil && !same(moved, id) {
		_ = os.Rename(gone, dir) // it was put this very moment
	}
	return removeAll(parent)
}

// move moves an entry into a new directory, parent, in tmp, where it is no
// longer an entry.
func (d *Dir) move(dir string) (gone, parent string, err error) {
	if err := os.MkdirAll(d.tmp(), 0o700); err != nil {
		return "", "", err
	}
	if parent, err = os.MkdirTemp(d.tmp(), "gone-"); err != nil {
		return "", "", err
	}
	gone = filepath.Join(parent, "entry")
	err = os.Rename(dir, gone)
	if errors.Is(err, fs.ErrPermission) && os.Chmod(dir, 0o700) == nil { // a move writes its ".."
		err = os.Rename(dir, gone)
	}
	if err != nil {
		os.Remove(parent)
		return "", "", err
	}
	return gone, parent, nil
}

// removeAll removes a directory of which some may be unreadable, as long as it
// belongs to this user.
func removeAll(dir string) error {
	if err := os.RemoveAll(dir); !errors.Is(err, fs.ErrPermission) {
		return err
	}
	_ = filepath.WalkDir(dir, func(path string, f fs.DirEntry, err error) error {
		if err == nil && f.IsDir() {
			return os.Chmod(path, 0o700)
		}
		return err
	})
	return os.RemoveAll(dir)
}
