package blob

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/org/gorun-action/internal/private"
)

// openOwn opens the blob of a key to read. Nobody else can have written it, nor
// have put it there.
func (d *Dir) openOwn(key string) (*os.File, int64, error) {
	name := d.path(key)
	for dir := filepath.Dir(name); len(dir) > len(d.Root); dir = filepath.Dir(dir) {
		if err := private.CheckPath(dir); err != nil {
			return nil, 0, err
		}
	}
	f, st, err := private.OpenOwn(name, os.O_RDONLY)
	return f, st.Size, err
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
