package store

import (
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

// The bounds that gorun and gorunctl take when nothing else is asked for: room
// for a hundred programs of 20 MB, and the month after which a branch that
// nobody touched will hardly be built again.
const (
	DefaultBytes = 2 << 30
	DefaultAge   = 30 * 24 * time.Hour
)

// leftover is the age at which something in tmp can be taken for abandoned,
// if nobody has it locked: no Put is ever between the making of its directory
// and the locking of it for so long.
const leftover = time.Hour

// Limits bound a store. A bound of 0, or less, is none.
type Limits struct {
	Bytes int64         // of all entries together, in the sense of Entry.Bytes
	Age   time.Duration // of an entry since its last use
}

// Remove removes the entry of a key, damaged or not. It is [ErrInUse] if a
// program of it runs or somebody holds it, and fs.ErrNotExist if there is none.
func (d *Dir) Remove(key string) error {
	err := d.check(key)
	if err == nil {
		err = d.remove(d.dir(key))
	}
	if errors.Is(err, fs.ErrNotExist) {
		err = fs.ErrNotExist // whatever it is that is not there
	}
	if err != nil {
		return fmt.Errorf("removing %.512s: %w", key, err)
	}
	return nil
}

// remove removes the entry in a directory unless it is in use. That it has the
// exclusive lock until all is gone makes a miss for whoever waits for it. Only
// who executes the program without having got it can meet the instant in which
// running opens it; that exec is ETXTBSY.
func (d *Dir) remove(dir string) error {
	id, err := lstat(dir)
	if err != nil {
		return err
	}
	h, err := d.lockEntry(dir, id, unix.LOCK_EX)
	if errors.Is(err, ErrDamaged) {
		return d.discard(dir, id)
	}
	if err != nil {
		return err
	}
	defer h.release()
	if running(dir) {
		return ErrInUse
	}
	_, parent, err := d.move(dir)
	if err != nil {
		return err
	}
	return removeAll(parent)
}

// running reports whether a program in an entry is being executed. It looks at
// the files themselves, as the header may be damaged.
func running(dir string) bool {
	list, _ := os.ReadDir(filepath.Join(dir, programDir))
	return slices.ContainsFunc(list, func(f fs.DirEntry) bool {
		file, _, err := private.OpenOwn(filepath.Join(dir, programDir, f.Name()), os.O_WRONLY)
		if err == nil {
			file.Close()
		}
		return errors.Is(err, unix.ETXTBSY)
	})
}

// Prune removes entries that were not used for longer than l.Age, and then the
// least recently used ones until the others are within l.Bytes. It never
// removes one that is in use. Entries without a valid header go in any case,
// and so do files that a killed process left an hour ago or earlier. It
// returns what it removed, also with an error, which is about what it could
// not remove. Of an entry without a valid header only Key is set, to the name
// of its directory.
func (d *Dir) Prune(l Limits) (removed []Entry, err error) {
	entries, err := d.Entries("")
	if err != nil {
		return nil, fmt.Errorf("pruning: %w", err)
	}
	p := &pruning{d: d}
	p.leftovers()
	p.damaged(entries)
	p.entries(entries, l)
	p.places()
	if err := errors.Join(p.errs...); err != nil {
		return p.removed, fmt.Errorf("pruning: %w", err)
	}
	return p.removed, nil
}

// PruneEvery is Prune, unless some process pruned within the interval. Of many
// that come at the same time, one prunes.
func (d *Dir) PruneEvery(interval time.Duration, l Limits) ([]Entry, error) {
	due, err := d.due(interval)
	if err != nil {
		return nil, fmt.Errorf("pruning: %w", err)
	}
	if !due {
		return nil, nil
	}
	return d.Prune(l)
}

// due reports whether the interval is over, and begins the next one. On a full
// disk, where that may not be possible, it always is.
func (d *Dir) due(interval time.Duration) (bool, error) {
	if err := d.trusted(); err != nil {
		return false, ignore(err, fs.ErrNotExist)
	}
	name := filepath.Join(d.Root, stampFile)
	if st, err := lstat(name); err == nil && d.recent(st, interval) {
		return false, nil
	}
	due, err := d.stamp(name, interval)
	if errors.Is(err, unix.ENOSPC) {
		return true, nil
	}
	return due, err
}

// recent reports whether a stamp is of this interval. One from the future is
// that of another clock, and an empty one has only just been made.
func (d *Dir) recent(st unix.Stat_t, interval time.Duration) bool {
	since := d.now().Sub(mtime(st))
	return st.Size > 0 && since >= 0 && since < interval
}

// stamp renews the stamp, unless somebody else just does it or did.
func (d *Dir) stamp(name string, interval time.Duration) (bool, error) {
	f, _, err := private.OpenOwn(name, os.O_RDWR|os.O_CREATE)
	if err != nil {
		return false, err
	}
	defer f.Close()
	if err := flock(f, unix.LOCK_EX); err != nil {
		return false, ignore(err, ErrInUse)
	}
	if st, err := fstat(f); err != nil || d.recent(st, interval) {
		return false, err
	}
	now := d.now()
	return true, errors.Join(f.Truncate(1), os.Chtimes(name, now, now))
}

// pruning is one Prune.
type pruning struct {
	d       *Dir
	removed []Entry
	errs    []error
}

// leftovers removes what was abandoned in tmp.
func (p *pruning) leftovers() {
	list, err := os.ReadDir(p.d.tmp())
	p.note(ignore(err, fs.ErrNotExist))
	for _, f := range list {
		name := filepath.Join(p.d.tmp(), f.Name())
		st, err := lstat(name)
		if err == nil && p.d.now().Sub(mtime(st)) > leftover && !alive(name) {
			p.note(removeAll(name))
		}
	}
}

// alive reports whether the process that makes an entry in a directory lives.
func alive(name string) bool {
	f, err := os.OpenFile(name, os.O_RDONLY|unix.O_NONBLOCK|unix.O_NOFOLLOW, 0)
	if err != nil {
		return false
	}
	defer f.Close()
	return errors.Is(flock(f, unix.LOCK_EX), ErrInUse)
}

// damaged removes the entries whose headers cannot be read.
func (p *pruning) damaged(whole []Entry) {
	dirs, err := p.d.dirs()
	p.note(err)
	for _, dir := range dirs {
		listed := slices.ContainsFunc(whole, func(e Entry) bool { return p.d.dir(e.Key) == dir })
		if _, err := readEntry(dir); !listed && errors.Is(err, ErrDamaged) {
			p.remove(Entry{Key: filepath.Base(dir)}, dir)
		}
	}
}

// entries removes what is beyond the limits, of entries in the order of their
// use.
func (p *pruning) entries(entries []Entry, l Limits) {
	var total int64
	for _, e := range entries {
		total += e.Bytes + p.d.placed(e)
	}
	for _, e := range slices.Backward(entries) {
		old := l.Age > 0 && p.d.now().Sub(e.Used) > l.Age
		full := l.Bytes > 0 && total > l.Bytes
		if (old || full) && p.remove(e, p.d.dir(e.Key)) {
			total -= e.Bytes + p.d.placed(e)
		}
	}
}

// remove reports whether an entry is gone.
func (p *pruning) remove(e Entry, dir string) bool {
	err := p.d.remove(dir)
	switch {
	case err == nil:
		p.removed = append(p.removed, e)
		return true
	case errors.Is(err, fs.ErrNotExist): // somebody else was faster
		return true
	case !errors.Is(err, ErrInUse):
		p.note(fmt.Errorf("removing %s: %w", e.Key, err))
	}
	return false
}

func (p *pruning) note(err error) {
	if err != nil {
		p.errs = append(p.errs, err)
	}
}
