package store

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// Place returns a copy of an entry's program in a directory that is this run's
// alone, as the go command's temporary one is: what a program finds beside
// itself, and leaves there, is nobody else's, and never gets into the entry. A
// copy is used again by later runs, one at a time, with nothing of the last one
// beside it, so that only as many are made as run at once. They are sealed as
// entries are.
//
// The entry must be held; see Get. release is never nil. After an error, which
// is one of a store that cannot be written, the entry's own program is there.
func (d *Dir) Place(e Entry) (path string, release func(), err error) {
	dir := d.places(e.Key)
	list, _ := os.ReadDir(dir)
	for _, f := range list {
		if p := d.take(filepath.Join(dir, f.Name()), e); p != nil {
			return p.program(), p.leave, nil
		}
	}
	p, err := d.newPlace(dir, e)
	if err != nil {
		return "", func() {}, fmt.Errorf("placing %s: %w", e.Name, err)
	}
	return p.program(), p.leave, nil
}

func (d *Dir) places(key string) string { return filepath.Join(d.Root, placesDir, dirName(key)) }

// place is a copy of a program that this process has locked.
type place struct {
	dir, name string
	lock      *os.File
}

func (p *place) program() string { return filepath.Join(p.dir, programDir, p.name) }

// leave lets other runs have it.
func (p *place) leave() {
	p.sweep()
	p.lock.Close()
}

// sweep removes what the last program left beside itself.
func (p *place) sweep() {
	dir := filepath.Join(p.dir, programDir)
	list, _ := os.ReadDir(dir)
	for _, f := range list {
		if f.Name() != p.name {
			_ = removeAll(filepath.Join(dir, f.Name()))
		}
	}
}

// lockPlace returns nil for a place that somebody has: a run has the lock, and a
// program that took its run's place is being executed.
func lockPlace(dir string) *os.File {
	lock, err := os.Open(dir)
	if err != nil {
		return nil
	}
	if flock(lock, unix.LOCK_EX) != nil || running(dir) {
		lock.Close()
		return nil
	}
	return lock
}

// take returns a place that is nobody's, or nil. One whose program is not the
// entry's any more is removed.
func (d *Dir) take(dir string, e Entry) *place {
	lock := lockPlace(dir)
	if lock == nil {
		return nil
	}
	p := &place{dir, e.Name, lock}
	p.sweep()
	e.Path = p.program()
	if d.verifyProgram(dir, e, false) != nil {
		_ = removeAll(dir)
		lock.Close()
		return nil
	}
	return p
}

// newPlace makes a place in tmp, so that nobody takes it before it is whole.
func (d *Dir) newPlace(dir string, e Entry) (*place, error) {
	if err := errors.Join(os.MkdirAll(dir, 0o700), os.MkdirAll(d.tmp(), 0o700)); err != nil {
		return nil, err
	}
	w, err := d.newWork()
	if err != nil {
		return nil, err
	}
	p := &place{filepath.Join(dir, filepath.Base(w.dir)), e.Name, w.lock}
	err = os.Mkdir(filepath.Join(w.dir, programDir), 0o700)
	if err == nil {
		err = copyVerified(e, filepath.Join(w.dir, programDir, e.Name))
	}
	if err == nil {
		err = os.Rename(w.dir, p.dir)
	}
	if err != nil {
		w.close()
		return nil, err
	}
	return p, nil
}

// copyVerified copies the program of an entry, whose bytes must still have its
// SHA-256.
func copyVerified(e Entry, to string) error {
	f, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o755)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = writeProgram(f, e.SHA256, func(to io.Writer) error { return copyProgram(to, e.Path) })
	return err
}

// placed is how many bytes the places of an entry take.
func (d *Dir) placed(e Entry) int64 {
	list, _ := os.ReadDir(d.places(e.Key))
	return int64(len(list)) * e.Size
}

// places removes those that nobody runs in: all of what is no entry any more, and
// of an entry all but one.
func (p *pruning) places() {
	root := filepath.Join(p.d.Root, placesDir)
	list, _ := os.ReadDir(root)
	for _, key := range list {
		_, err := lstat(filepath.Join(p.d.Root, entriesDir, key.Name()))
		spare := err == nil
		of, _ := os.ReadDir(filepath.Join(root, key.Name()))
		for _, f := range of {
			dir := filepath.Join(root, key.Name(), f.Name())
			lock := lockPlace(dir)
			if lock == nil {
				continue
			}
			if !spare {
				p.note(removeAll(dir))
			}
			spare = false
			lock.Close()
		}
		_ = os.Remove(filepath.Join(root, key.Name())) // when it is empty
	}
}
