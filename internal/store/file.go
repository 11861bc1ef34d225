package store

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"github.com/org/gorun-action/internal/private"
)

// again repeats a system call that a signal interrupted, as package os does:
// network and FUSE file systems let that happen to any call.
func again(call func() error) error {
	for {
		if err := call(); !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}

func lstat(name string) (st unix.Stat_t, err error) {
	if err := again(func() error { return unix.Lstat(name, &st) }); err != nil {
		return st, &fs.PathError{Op: "lstat", Path: name, Err: err}
	}
	return st, nil
}

func fstat(f *os.File) (st unix.Stat_t, err error) {
	if err := again(func() error { return unix.Fstat(int(f.Fd()), &st) }); err != nil {
		return st, &fs.PathError{Op: "fstat", Path: f.Name(), Err: err}
	}
	return st, nil
}

func isDir(st unix.Stat_t) bool     { return st.Mode&unix.S_IFMT == unix.S_IFDIR }
func isRegular(st unix.Stat_t) bool { return st.Mode&unix.S_IFMT == unix.S_IFREG }

// same reports whether two are of the same file. The types of the fields are
// not those of every system.
func same(a, b unix.Stat_t) bool { return a.Dev == b.Dev && a.Ino == b.Ino }

// flock locks an open file without waiting, shared or exclusively. Somebody
// else's lock is ErrInUse.
func flock(f *os.File, how int) error {
	err := again(func() error { return unix.Flock(int(f.Fd()), how|unix.LOCK_NB) })
	if errors.Is(err, unix.EWOULDBLOCK) {
		return ErrInUse
	}
	if err != nil {
		return fmt.Errorf("locking %s: %w", f.Name(), err)
	}
	return nil
}

func mtime(st unix.Stat_t) time.Time { return time.Unix(st.Mtim.Unix()) }

// readRegular reads a file of at most limit bytes; of a longer one, one more.
func readRegular(name string, limit int64) ([]byte, error) {
	f, _, err := private.OpenOwn(name, os.O_RDONLY)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return readUpTo(f, limit)
}

func readUpTo(f *os.File, limit int64) ([]byte, error) {
	return io.ReadAll(io.NewSectionReader(f, 0, limit+1))
}
