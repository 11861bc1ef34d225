package store

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/org/gorun-action/internal/private"
)

// lockedEntry is an entry whose header is open and locked.
type lockedEntry struct {
	dir     string
	id      unix.Stat_t // of dir
	file    *os.File    // the header
	st      unix.Stat_t // of file
	release func()
}

// lockEntry locks the entry in a directory, of which id is the stat: shared to use
// it, exclusively to remove it. A lock of others that does not go along with
// that is ErrInUse, no entry is fs.ErrNotExist, and one without a header
// ErrDamaged.
func (d *Dir) lockEntry(dir string, id unix.Stat_t, how int) (*lockedEntry, error) {
	if !isDir(id) {
		return nil, damagef("%s is no directory", dir)
	}
	f, err := openHeader(filepath.Join(dir, headerFile), how)
	if err != nil {
		return nil, lost(dir, id, damaged(err))
	}
	h := &lockedEntry{dir: dir, id: id, file: f, release: sync.OnceFunc(func() { f.Close() })}
	if err := h.lock(how); err != nil {
		h.release()
		return nil, err
	}
	return h, nil
}

// openHeader opens a header that is to be locked. NFS makes a write lock of an
// exclusive one, which takes a file that is open for writing (flock(2)).
func openHeader(name string, how int) (*os.File, error) {
	if how == unix.LOCK_EX {
		if f, _, err := private.OpenOwn(name, os.O_RDWR); err == nil {
			return f, nil
		}
	}
	f, _, err := private.OpenOwn(name, os.O_RDONLY)
	return f, err
}

// lost explains why something of an entry is not there: because the entry is
// no longer, which is a miss, or because of err.
func lost(dir string, id unix.Stat_t, err error) error {
	if now, gone := lstat(dir); gone != nil || !same(now, id) {
		return fs.ErrNotExist
	}
	return err
}

// lock locks the header. Before it had the lock, the entry may have been
// removed, and another one may have been put in its place.
func (h *lockedEntry) lock(how int) (err error) {
	if err := flock(h.file, how); err != nil {
		return err
	}
	if h.st, err = fstat(h.file); err != nil {
		return damaged(err)
	}
	now, err := lstat(h.dir)
	if err != nil || !same(now, h.id) || h.st.Nlink == 0 {
		return fs.ErrNotExist
	}
	return nil
}

// header reads the header, which has to be of an entry that is kept here.
func (h *lockedEntry) header() (header, error) {
	data, err := readUpTo(h.file, maxHeader)
	if err != nil {
		return header{}, damaged(err)
	}
	hd, err := parseHeader(data)
	if err != nil {
		return header{}, damaged(err)
	}
	if dirName(hd.key) != filepath.Base(h.dir) {
		return header{}, damagef("its header is that of %s", hd.key)
	}
	return hd, nil
}

// about reads the file about.
func (h *lockedEntry) about(hd header) ([]byte, error) {
	data, err := readRegular(filepath.Join(h.dir, aboutFile), hd.aboutSize)
	if err != nil {
		return nil, damaged(err)
	}
	if digest(data) != hd.aboutSHA256 {
		return nil, damagef("its description is not the one that was put")
	}
	return data, nil
}

// care says how closely an entry is looked at.
type care struct {
	hash  bool // the program is hashed although its seal holds
	about bool // the file about is verified, too
}

// use locks an entry and verifies it. If it is damaged it is discarded, but
// only when it is so twice: inodes are used again, and an entry that is put in
// the place of one that is removed right now can look like damage once.
func (d *Dir) use(dir string, c care) (e Entry, h *lockedEntry, err error) {
	var id unix.Stat_t
	for range 2 {
		if id, err = lstat(dir); err != nil {
			return Entry{}, nil, err
		}
		if e, h, err = d.look(dir, id, c); !errors.Is(err, ErrDamaged) {
			return e, h, missing(err)
		}
	}
	if !errors.Is(err, errHere) {
		_ = d.discard(dir, id) // what may not be moved is told about every time
	}
	return Entry{}, nil, err
}

func (d *Dir) look(dir string, id unix.Stat_t, c care) (Entry, *lockedEntry, error) {
	h, err := d.lockEntry(dir, id, unix.LOCK_SH)
	if err != nil {
		return Entry{}, nil, err
	}
	e, err := d.verify(h, c)
	if err != nil {
		h.release()
		return Entry{}, nil, err
	}
	return e, h, nil
}

// verify looks at each file of an entry that is to be used.
func (d *Dir) verify(h *lockedEntry, c care) (Entry, error) {
	hd, err := h.header()
	if err != nil {
		return Entry{}, err
	}
	if c.about {
		if _, err := h.about(hd); err != nil {
			return Entry{}, err
		}
	}
	e := hd.entry(h.dir, mtime(h.st))
	if err := d.verifyProgram(h.dir, e, c.hash); err != nil {
		return Entry{}, err
	}
	return e, nil
}

// overhead is what the header and the seal of an entry count for: a block each,
// which is what they take.
const overhead = 2 * 4096

// entry is what the header of an entry in a directory says.
func (hd header) entry(dir string, used time.Time) Entry {
	return Entry{
		Key: hd.key, Name: hd.name, Path: filepath.Join(dir, programDir, hd.name),
		SHA256: hd.sha256, Size: hd.size, Bytes: hd.size + hd.aboutSize + overhead,
		Created: hd.created, Used: used,
	}
}

// verifyProgram makes sure that the program of an entry has its SHA-256, and
// may be executed here.
func (d *Dir) verifyProgram(dir string, e Entry, hash bool) error {
	st, err := lstat(e.Path)
	switch {
	case err != nil:
		return damaged(err)
	case !isRegular(st):
		return damagef("its program is no regular file")
	case st.Size != e.Size:
		return damagef("its program has %d bytes instead of %d", st.Size, e.Size)
	case st.Mode&0o111 != 0o111:
		return damagef("its program has the mode %04o", st.Mode&0o7777)
	}
	if hash || !sealed(dir, e.SHA256, st) {
		if err := d.hash(dir, e, st); err != nil {
			return err
		}
	}
	if err := executable(e.Path); err != nil {
		return fmt.Errorf("%w: %w: its program may not be executed: %v", ErrDamaged, errHere, err)
	}
	return nil
}

// executable asks the kernel whether this process may execute a file. Its mode
// is not all that matters: it may be on a file system without execution.
func executable(path string) error {
	return again(func() error { return unix.Access(path, unix.X_OK) })
}

// hash hashes the program, and seals it if it is what it was.
func (d *Dir) hash(dir string, e Entry, st unix.Stat_t) error {
	s := d.startSeal(dir, e.SHA256, st)
	defer s.abandon()
	f, before, err := private.OpenOwn(e.Path, os.O_RDONLY)
	if err != nil {
		return damaged(err)
	}
	defer f.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, f); err != nil {
		return damaged(err)
	}
	if got := hex.EncodeToString(sum.Sum(nil)); got != e.SHA256 {
		return damagef("its program has the SHA-256 %s instead of %s", got, e.SHA256)
	}
	after, err := fstat(f)
	if err != nil || !same(before, st) || sealText(e.SHA256, after) != sealText(e.SHA256, st) {
		return damagef("its program changed while it was read")
	}
	if f.Sync() == nil { // what Fill left may not be on the disk yet, see work.seal
		s.finish()
	}
	return nil
}
