package store

import (
	"fmt"
	"io"

	"golang.org/x/sys/unix"
)

// Fill is Put for a program of that name that is not a file yet: write writes
// it where it will be, so that it is neither copied nor read again. It is not
// called when there is an entry, or when no program may be executed here; an
// error of its own is wrapped. What it wrote must have the SHA-256.
//
// The entry is in use until release, as after [Dir.Get]. Fill does not wait for
// the disk, so there is no seal: the next Get hashes the program, and seals it.
func (d *Dir) Fill(key, name, sha256 string, about []byte, write func(io.Writer) error) (e Entry, release func(), err error) {
	e, h, err := d.fill(d.newHeader(key, name, sha256, about), about, write)
	if err != nil {
		return Entry{}, func() {}, fmt.Errorf("storing %s: %w", name, err)
	}
	return e, h.release, nil
}

// fill locks the entry before others can see it: nobody can have put another
// one in its place.
func (d *Dir) fill(hd header, about []byte, write func(io.Writer) error) (Entry, *lockedEntry, error) {
	w, err := d.begin(hd.key)
	if err != nil {
		return Entry{}, nil, err
	}
	defer w.close()
	if err := w.fill(&hd, about, write); err != nil {
		return Entry{}, nil, err
	}
	id, err := lstat(w.dir)
	if err != nil {
		return Entry{}, nil, err
	}
	h, err := d.lockEntry(w.dir, id, unix.LOCK_SH)
	if err != nil {
		return Entry{}, nil, err
	}
	if err := w.place(hd.key); err != nil {
		h.release()
		return Entry{}, nil, err
	}
	return hd.entry(d.dir(hd.key), hd.created), h, nil
}
