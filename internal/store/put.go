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
	"time"

	"golang.org/x/sys/unix"

	"github.com/org/gorun-action/internal/private"
)

// putWait is how long Put waits for an entry that is about to be removed, from
// the place where its own is to be. That takes microseconds, unless the other
// process does not get a processor.
const putWait = 2 * time.Second

// Put copies a program, the file of that name, into the store under a key,
// along with about, which the store does not look at. sha256 is what the
// program has to have, in lower-case hex: another one is an error. An entry
// that is there and whole is fs.ErrExist; a damaged one is replaced. After an
// error nothing is kept. A process that ends during Put leaves a directory in
// tmp, which Prune removes.
func (d *Dir) Put(key, program, sha256 string, about []byte) (Entry, error) {
	e, err := d.put(key, program, sha256, about)
	if err != nil {
		return Entry{}, fmt.Errorf("storing %s: %w", filepath.Base(program), err)
	}
	return e, nil
}

func (d *Dir) put(key, program, sha256 string, about []byte) (Entry, error) {
	w, err := d.begin(key)
	if err != nil {
		return Entry{}, err
	}
	defer w.close()
	hd := d.newHeader(key, filepath.Base(program), sha256, about)
	if err := w.fill(&hd, about, func(to io.Writer) error { return copyProgram(to, program) }); err != nil {
		return Entry{}, err
	}
	if err := w.seal(hd); err != nil {
		return Entry{}, err
	}
	if err := w.place(key); err != nil {
		return Entry{}, err
	}
	return hd.entry(d.dir(key), hd.created), nil
}

// begin makes room for the entry of a key. One that is there and whole is
// fs.ErrExist.
func (d *Dir) begin(key string) (*work, error) {
	if err := d.prepare(key); err != nil {
		return nil, err
	}
	if d.has(key) {
		return nil, fs.ErrExist
	}
	return d.newWork()
}

func (d *Dir) newHeader(key, name, sha256 string, about []byte) header {
	return header{
		key: key, name: name, sha256: sha256, created: d.now().UTC(),
		aboutSize: int64(len(about)), aboutSHA256: digest(about),
	}
}

// prepare checks the key and makes the directories.
func (d *Dir) prepare(key string) error {
	if err := checkKey(key); err != nil {
		return err
	}
	for _, dir := range []string{filepath.Join(d.Root, entriesDir), d.tmp()} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return fmt.Errorf("making the store: %w", err)
		}
	}
	return d.trusted()
}

// has reports whether there is a whole entry. A damaged one is discarded.
func (d *Dir) has(key string) bool {
	_, h, err := d.use(d.dir(key), care{about: true})
	if err != nil {
		return false
	}
	h.release()
	return true
}

// work is an entry in the making: a directory in tmp. It is locked, so that
// Prune can tell whether its process lives, in whichever container.
type work struct {
	d    *Dir
	dir  string
	lock *os.File
}

func (d *Dir) newWork() (*work, error) {
	dir, err := os.MkdirTemp(d.tmp(), "put-")
	if err != nil {
		return nil, err
	}
	w := &work{d: d, dir: dir}
	if w.lock, err = os.Open(dir); err != nil {
		w.close()
		return nil, err
	}
	_ = flock(w.lock, unix.LOCK_EX) // NFS does not lock directories; their age has to do there
	return w, nil
}

// close removes what did not become an entry.
func (w *work) close() {
	os.RemoveAll(w.dir)
	if w.lock != nil {
		w.lock.Close()
	}
}

// fill writes the files of an entry, and learns the size of its program, which
// write writes. It must have the SHA-256 of the header. That it may be executed
// here is known before anything is written.
func (w *work) fill(hd *header, about []byte, write func(io.Writer) error) error {
	if err := checkName(hd.name); err != nil {
		return err
	}
	to := w.program(*hd)
	if err := os.Mkdir(filepath.Dir(to), 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o700)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := executable(to); err != nil {
		return fmt.Errorf("no program may be executed in %s: %w", w.d.Root, err)
	}
	if hd.size, err = writeProgram(f, hd.sha256, write); err != nil {
		return err
	}
	return w.describe(*hd, about)
}

func (w *work) program(hd header) string { return filepath.Join(w.dir, programDir, hd.name) }

// describe writes what goes along with the program.
func (w *work) describe(hd header, about []byte) error {
	if err := hd.check(); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(w.dir, aboutFile), about, 0o600); err != nil {
		return err
	}
	name := filepath.Join(w.dir, headerFile)
	if err := os.WriteFile(name, hd.encode(), 0o600); err != nil {
		return err
	}
	return os.Chtimes(name, hd.created, hd.created)
}

// writeProgram has a program written that has to have a SHA-256.
func writeProgram(f *os.File, want string, write func(io.Writer) error) (size int64, err error) {
	sum := sha256.New()
	if err := write(io.MultiWriter(f, sum)); err != nil {
		return 0, err
	}
	st, err := fstat(f)
	if err != nil {
		return 0, err
	}
	if st.Size == 0 {
		return 0, errors.New("it is empty")
	}
	if got := hex.EncodeToString(sum.Sum(nil)); got != want {
		return 0, fmt.Errorf("its SHA-256 is %s, not %s", got, want)
	}
	if err := f.Chmod(0o755); err != nil { // whatever the umask is
		return 0, err
	}
	return st.Size, f.Close()
}

func copyProgram(to io.Writer, from string) error {
	src, err := os.Open(from)
	if err != nil {
		return err
	}
	defer src.Close()
	if st, err := fstat(src); err != nil || !isRegular(st) {
		return errors.Join(fmt.Errorf("%s is not a regular file", from), err)
	}
	if _, err := io.Copy(to, src); err != nil {
		return fmt.Errorf("copying: %w", err)
	}
	return nil
}

// seal seals a program that nobody but this process has seen yet, and that was
// hashed when it was written. It is on the disk first: after a crash, a seal
// must not stand for bytes that never got there. The other files say themselves
// whether they are whole.
func (w *work) seal(hd header) error {
	program := w.program(hd)
	f, _, err := private.Open(program, os.O_RDONLY)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := f.Sync(); err != nil {
		return err
	}
	return w.d.sealNew(w.dir, program, hd.sha256)
}

// place gives an entry its name.
func (w *work) place(key string) error {
	to := w.d.dir(key)
	for deadline := time.Now().Add(putWait); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		err := os.Rename(w.dir, to)
		if err == nil {
			w.dir = "" // it is no longer to be removed
			return nil
		}
		if !errors.Is(err, unix.ENOTEMPTY) && !errors.Is(err, unix.EEXIST) && !errors.Is(err, unix.ENOTDIR) {
			return err
		}
		if w.d.has(key) {
			return fs.ErrExist
		}
	}
	return fmt.Errorf("what is in its place cannot be replaced: %s", to)
}
