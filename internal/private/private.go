// Package private tells files that only this user and root can have written
// from files that somebody else may have put there: what a cache has is run, so
// who can write to it decides what runs.
package private

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// ErrShared is wrapped by the error about a file that somebody else owns or may
// write.
var ErrShared = errors.New("somebody else can write to")

// othersWrite are the bits of group and others. An access list's writers show
// in those of the group (acl(5)).
const othersWrite = unix.S_IWGRP | unix.S_IWOTH

// Check returns an error that wraps [ErrShared] for a file or directory that
// belongs to another user than this one and root, or that the group or
// everybody may write. For root, too. The name is for the error.
func Check(name string, st unix.Stat_t) error { return check(name, st, uint32(os.Geteuid())) }

func check(name string, st unix.Stat_t, me uint32) error {
	if st.Uid != me && st.Uid != 0 {
		return fmt.Errorf("%w %s: it belongs to user %d", ErrShared, name, st.Uid)
	}
	if mode := uint32(st.Mode); mode&unix.S_IFMT != unix.S_IFLNK && mode&othersWrite != 0 {
		return fmt.Errorf("%w %s: its mode is %04o (chmod go-w makes it this user's alone)", ErrShared, name, mode&0o7777)
	}
	return nil
}

// CheckPath is Check of what a path leads to. That there is nothing is
// fs.ErrNotExist.
func CheckPath(name string) error {
	st, err := stat(name, unix.Stat)
	if err != nil {
		return err
	}
	return Check(name, st)
}

// CheckDir is CheckPath of a directory and of everything that lies in it. A
// directory where everybody may make files, and nobody change those of others,
// as in /tmp, passes: what lies in it does not if it is somebody else's.
func CheckDir(dir string) error {
	st, err := stat(dir, unix.Stat)
	if err != nil {
		return err
	}
	if st.Mode&unix.S_ISVTX != 0 {
		st.Mode &^= othersWrite
	}
	if err := Check(dir, st); err != nil {
		return err
	}
	return checkEntries(dir)
}

func checkEntries(dir string) error {
	list, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range list {
		name := filepath.Join(dir, e.Name())
		st, err := stat(name, unix.Lstat)
		if err == nil {
			err = Check(name, st)
		}
		if err == nil && e.Type() == fs.ModeSymlink {
			err = CheckPath(name)
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// Open opens a regular file, whoever owns it. It does not follow a symlink, and
// does not wait for somebody at the other end of a pipe; either is an error
// that wraps [ErrNotRegular]. A file that it makes has the mode 0600.
func Open(name string, flag int) (*os.File, unix.Stat_t, error) {
	f, err := os.OpenFile(name, flag|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0o600)
	if errors.Is(err, unix.ELOOP) {
		err = notRegular(name)
	}
	if err != nil {
		return nil, unix.Stat_t{}, err
	}
	st, err := stat(name, func(_ string, st *unix.Stat_t) error { return unix.Fstat(int(f.Fd()), st) })
	if err == nil && st.Mode&unix.S_IFMT != unix.S_IFREG {
		err = notRegular(name)
	}
	if err != nil {
		f.Close()
		return nil, st, err
	}
	return f, st, nil
}

// OpenOwn is Open of a file that passes Check.
func OpenOwn(name string, flag int) (*os.File, unix.Stat_t, error) {
	f, st, err := Open(name, flag)
	if err != nil {
		return nil, st, err
	}
	if err := Check(name, st); err != nil {
		f.Close()
		return nil, st, err
	}
	return f, st, nil
}

// ErrNotRegular is about a link, a directory, a pipe or a device in the place of
// a file.
var ErrNotRegular = errors.New("it is not a regular file")

func notRegular(name string) error {
	return &fs.PathError{Op: "open", Path: name, Err: ErrNotRegular}
}

// stat calls again what a signal interrupted, as package os does: network file
// systems let that happen.
func stat(name string, call func(string, *unix.Stat_t) error) (st unix.Stat_t, err error) {
	for {
		err = call(name, &st)
		if err == nil || !errors.Is(err, unix.EINTR) {
			break
		}
	}
	if err != nil {
		return st, &fs.PathError{Op: "stat", Path: name, Err: err}
	}
	return st, nil
}
