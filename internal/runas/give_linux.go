package runas

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// maxLinks is how many links of root's lead to a directory, as the kernel's
// MAXSYMLINKS.
const maxLinks = 40

// Give gives a directory of root's to this user, and makes it and what leads to
// it where it is missing. One that is this user's already stays as it is. What
// has files in it is given away with whole only, which gives all of root's
// below it, but for files that have another name elsewhere.
//
// The way there leads through directories that this user may enter. No link
// counts that somebody else than root may have made.
func (u User) Give(dir string, whole bool) error {
	d, err := u.reach(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return u.take(d, whole)
}

// reach opens a directory by descriptors, one name after the other.
func (u User) reach(path string) (*os.File, error) {
	at, err := open(nil, "/")
	theirs, rest := false, names(path)
	for links := 0; err == nil && len(rest) > 0; {
		var next *os.File
		if next, err = u.enter(at, rest[0], &theirs); err != nil {
			break
		}
		target, isLink := readlink(next)
		switch {
		case !isLink:
			at.Close()
			at, rest = next, rest[1:]
			continue
		case theirs || links == maxLinks:
			err = fmt.Errorf("%q on the way there is a link that somebody else may have made", rest[0])
		case strings.HasPrefix(target, "/"):
			at.Close()
			at, err = open(nil, "/")
			theirs = false
		}
		next.Close()
		links, rest = links+1, append(names(target), rest[1:]...)
	}
	if err != nil && at != nil {
		at.Close()
	}
	return at, err
}

func names(path string) []string {
	return strings.FieldsFunc(path, func(r rune) bool { return r == '/' })
}

// enter opens what has a name in a directory, and makes a directory of this
// user's where there is nothing. theirs becomes true where somebody else than
// root can put something there.
func (u User) enter(at *os.File, name string, theirs *bool) (*os.File, error) {
	st, err := stat(at)
	if err != nil {
		return nil, err
	}
	if !u.mayEnter(st) {
		return nil, errors.New("it lies where only others may go")
	}
	*theirs = *theirs || st.Uid != 0 || st.Mode&0o022 != 0
	next, err := open(at, name)
	if !errors.Is(err, unix.ENOENT) {
		return next, err
	}
	if err := unix.Mkdirat(int(at.Fd()), name, 0o755); err != nil && !errors.Is(err, unix.EEXIST) {
		return nil, err
	}
	if next, err = open(at, name); err == nil {
		if err = u.take(next, false); err != nil {
			next.Close()
		}
	}
	return next, err
}

func (u User) mayEnter(st unix.Stat_t) bool {
	switch {
	case int(st.Uid) == u.UID:
		return st.Mode&0o100 != 0
	case int(st.Gid) == u.GID:
		return st.Mode&0o010 != 0
	}
	return st.Mode&0o001 != 0
}

// take gives an open directory away.
func (u User) take(dir *os.File, whole bool) error {
	st, err := stat(dir)
	switch {
	case err != nil:
		return err
	case st.Mode&unix.S_IFMT != unix.S_IFDIR:
		return syscall.ENOTDIR
	case int(st.Uid) == u.UID:
		return nil
	case st.Uid != 0:
		return fmt.Errorf("it belongs to uid %d", st.Uid)
	case whole:
		err = u.takeEntries(dir)
	default:
		err = empty(dir)
	}
	if err != nil {
		return err
	}
	return u.chown(dir) // last, so that what was interrupted begins again
}

// takeEntries gives away what is root's below a directory.
func (u User) takeEntries(dir *os.File) error {
	list, err := entries(dir, -1)
	if err != nil {
		return err
	}
	for _, name := range list {
		if err := u.takeEntry(dir, name); err != nil {
			return err
		}
	}
	return nil
}

func (u User) takeEntry(dir *os.File, name string) error {
	f, err := open(dir, name)
	if err != nil {
		return err
	}
	defer f.Close()
	st, err := stat(f)
	isDir := st.Mode&unix.S_IFMT == unix.S_IFDIR
	if err == nil && isDir {
		err = u.takeEntries(f)
	}
	if err != nil || st.Uid != 0 || !isDir && st.Nlink > 1 {
		return err
	}
	return u.chown(f)
}

// chown changes what is open, a link itself included.
func (u User) chown(f *os.File) error {
	return unix.Fchownat(int(f.Fd()), "", u.UID, u.GID, unix.AT_EMPTY_PATH)
}

// empty returns an error for a directory that has something in it.
func empty(dir *os.File) error {
	list, err := entries(dir, 1)
	if len(list) > 0 {
		return errors.New("it has files and is root's")
	}
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

func entries(dir *os.File, n int) ([]string, error) {
	fd, err := unix.Openat(int(dir.Fd()), ".", unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	d := os.NewFile(uintptr(fd), dir.Name())
	defer d.Close()
	return d.Readdirnames(n)
}

// open opens what has a name, without following it, to be looked at.
func open(at *os.File, name string) (*os.File, error) {
	dir := unix.AT_FDCWD
	if at != nil {
		dir = int(at.Fd())
	}
	fd, err := unix.Openat(dir, name, unix.O_PATH|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(fd), name), nil
}

func stat(f *os.File) (st unix.Stat_t, err error) {
	return st, unix.Fstat(int(f.Fd()), &st)
}

// readlink returns where an open link leads.
func readlink(f *os.File) (target string, isLink bool) {
	text := make([]byte, unix.PathMax)
	n, err := unix.Readlinkat(int(f.Fd()), "", text)
	return string(text[:max(n, 0)]), err == nil
}

// NoNewPrivileges keeps this process, all its threads and what they start from
// what setuid files and file capabilities would give them, for good.
func NoNewPrivileges() error {
	_, _, errno := syscall.AllThreadsSyscall6(unix.SYS_PRCTL, unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0, 0)
	if errno != 0 {
		return errno
	}
	return nil
}
