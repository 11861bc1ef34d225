package blob

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"
)

// trusted refuses a root of others, by the rules of internal/store: a
// directory below /tmp has a name that can be guessed, and be made before its
// user makes it. A root that is not there is fs.ErrNotExist.
func trusted(root string) error {
	var st unix.Stat_t
	err := unix.Stat(root, &st)
	for errors.Is(err, unix.EINTR) {
		err = unix.Stat(root, &st)
	}
	if err != nil {
		return &fs.PathError{Op: "stat", Path: root, Err: err}
	}
	return trust(root, st, uint32(os.Geteuid()))
}

func trust(root string, st unix.Stat_t, me uint32) error {
	if me != 0 && st.Uid != 0 && st.Uid != me {
		return fmt.Errorf("the store %s belongs to user %d, whose programs are not run", root, st.Uid)
	}
	if st.Mode&unix.S_IWOTH != 0 {
		return fmt.Errorf("the store %s may be written by everybody: programs of it are not run (chmod o-w makes it one's own again)", root)
	}
	return nil
}

// openRegular opens a file to read. It does not follow a symlink, and does not
// wait for the writer of a named pipe.
func openRegular(name string) (*os.File, fs.FileInfo, error) {
	f, err := os.OpenFile(name, os.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, nil, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%s is no regular file", name)
	}
	if err != nil {
		f.Close()
		return nil, nil, err
	}
	return f, info, nil
}

// copyContent copies all of content, which has to be as long as it says.
func copyContent(w io.Writer, content Content, stop func() error) error {
	n, err := io.Copy(w, stoppable{io.NewSectionReader(content, 0, content.Size()), stop})
	if err == nil && n != content.Size() {
		err = fmt.Errorf("there are %d bytes of %d: %w", n, content.Size(), io.ErrUnexpectedEOF)
	}
	return err
}

// stoppable is a reader that fails once stop does.
type stoppable struct {
	io.Reader
	stop func() error
}

func (s stoppable) Read(p []byte) (int, error) {
	if err := s.stop(); err != nil {
		return 0, err
	}
	return s.Reader.Read(p)
}

// hasNoLinks reports whether an error of link(2) says that the file system has
// no hard links.
func hasNoLinks(err error) bool {
	for _, e := range []error{unix.EPERM, unix.ENOTSUP, unix.EOPNOTSUPP, unix.ENOSYS, unix.EMLINK} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// readOnly marks the errors of who may not write here.
func readOnly(err error) error {
	if errors.Is(err, unix.EROFS) || errors.Is(err, fs.ErrPermission) {
		return fmt.Errorf("%w: %w", ErrReadOnly, err)
	}
	return err
}

func ignore(err, target error) error {
	if errors.Is(err, target) {
		return nil
	}
	return err
}
