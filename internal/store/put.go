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
	if err := d.prepare(key); err != nil {
		return Entry{}, err
	}
	if d.has(key) {
		return Entry{}, fs.ErrExist
	}
	w, err := d.newWork()
	if err != nil {
		return Entry{}, err
	}
	defer w.close()
	hd := header{
		key: key, name: filepath.Base(program), sha256: sha256, created: d.now().UTC(),
		aboutSize: int64(len(about)), aboutSHA256: digest(about),
	}
	if err := w.fill(&hd, program, about); err != nil {
		return Entry{}, err
	}
	if err := w.place(key); err != nil {
		return Entry{}, err
	}
	return hd.entry(d.dir(key), hd.created), nil
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

// fill writes the files of an entry, and learns the size of its program.
func (w *work) fill(hd *header, program string, about []byte) error {
	if err := checkName(hd.name); err != nil {
		return err
	}
	to := filepath.Join(w.dir, programDir, hd.name)
	if err := os.Mkdir(filepath.Dir(to), 0o700); err != nil {
		return err
	}
	var err error
	if hd.size, err = copyProgram(to, program, hd.sha256); err != nil {
		return err
	}
	if err := executable(to); err != nil {
		return fmt.Errorf("no program may be executed in %s: %w", w.d.Root, err)
	}
	if err := w.describe(*hd, about); err != nil {
		return err
	}
	return w.d.sealNew(w.dir, to, hd.sha256)
}

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

// copyProgram copies a program that has to have a SHA-256. It is on the disk
// when this returns: after a crash, a seal must not stand for bytes that never
// got there. The other files say themselves whether they are whole.
func copyProgram(to, from, want string) (size int64, err error) {
	src, err := os.Open(from)
	if err != nil {
		return 0, err
	}
	defer src.Close()
	if st, err := fstat(src); err != nil || !isRegular(st) {
		return 0, errors.Join(fmt.Errorf("%s is no regular file", from), err)
	}
	dst, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o700)
	if err != nil {
		return 0, err
	}
	defer dst.Close()
	sum := sha256.New()
	if size, err = io.Copy(io.MultiWriter(dst, sum), src); err != nil {
		return 0, fmt.Errorf("copying: %w", err)
	}
	if size == 0 {
		return 0, errors.New("it is empty")
	}
	if got := hex.EncodeToString(sum.Sum(nil)); got != want {
		return 0, fmt.Errorf("its SHA-256 is %s, not %s", got, want)
	}
	return size, finish(dst)
}

func finish(f *os.File) error {
	if err := f.Chmod(0o755); err != nil { // whatever the umask is
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	return f.Close()
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
