package store

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/org/gorun-action/internal/private"
)

// ErrDamaged is wrapped by the error about an entry that is there and cannot
// be used: truncated, changed, unreadable, foreign, or not to be executed
// here. To its finder it is a miss that deserves a warning.
var ErrDamaged = errors.New("the stored executable cannot be used")

// ErrInUse is wrapped by the error about an entry whose program runs, or that
// a run holds.
var ErrInUse = errors.New("the stored executable is in use")

// errHere marks damage that is this process's and not the entry's: it is no
// reason to remove it.
var errHere = errors.New("not here")

const (
	entriesDir = "entries"
	placesDir  = "places"
	tmpDir     = "tmp"
	stampFile  = "pruned"

	headerFile = "entry"
	programDir = "program"
	aboutFile  = "about"
	sealFile   = "seal"
)

const (
	maxKey  = 512
	maxName = 200 // of a key as the name of a directory, below the 255 that file systems take
	keyHead = 128 // of a longer key, for the eye
)

// useGrain is how exactly the last use is known: a program that runs a hundred
// times a second need not write as often.
const useGrain = time.Minute

// Dir is a store in a directory. Its methods are safe for concurrent use by
// goroutines and processes. None waits for another process, but for Put, for
// two seconds at most. A copy is the same store.
type Dir struct {
	// Root is the directory, absolute if the working directory may change. It
	// is made by the first Put; until then the store is empty.
	Root string
	// Now is the clock that ages and uses are told by; nil is time.Now.
	Now func() time.Time
}

// Entry is what the store has under a key.
type Entry struct {
	Key     string
	Name    string    // the base name of the program
	Path    string    // the program, below Root
	SHA256  string    // of the program, in lower-case hex
	Size    int64     // of the program, in bytes
	Bytes   int64     // of all files of the entry, header and seal as a block of 4096 each
	Created time.Time // when it was put, in UTC
	Used    time.Time // when it was last got, to a minute; at first when it was put
}

func (d *Dir) now() time.Time {
	if d.Now != nil {
		return d.Now()
	}
	return time.Now()
}

func (d *Dir) tmp() string { return filepath.Join(d.Root, tmpDir) }

// dir is where the entry of a key is.
func (d *Dir) dir(key string) string { return filepath.Join(d.Root, entriesDir, dirName(key)) }

func dirName(key string) string {
	if len(key) <= maxName {
		return key
	}
	sum := sha256.Sum256([]byte(key))
	return key[:keyHead] + "+" + hex.EncodeToString(sum[:])
}

// isDirName reports whether dirName can have made a name.
func isDirName(name string) bool {
	head, sum, long := strings.Cut(name, "+")
	if long && (len(head) != keyHead || !isSHA256(sum)) {
		return false
	}
	return checkKey(head) == nil
}

func checkKey(key string) error {
	ok := key != "" && len(key) <= maxKey && key[0] != '.' && !strings.Contains(key, "..")
	for i := 0; ok && i < len(key); i++ {
		c := key[i]
		ok = 'a' <= c && c <= 'z' || '0' <= c && c <= '9' || c == '.' || c == '-'
	}
	if !ok {
		return fmt.Errorf("%.64q is not a valid key: a key has 1 to %d of a-z, 0-9, \"-\" and single \".\"", key, maxKey)
	}
	return nil
}

func isSHA256(s string) bool {
	sum, err := hex.DecodeString(s)
	return err == nil && len(sum) == sha256.Size && strings.ToLower(s) == s
}

// check refuses what is no key, and a Root that others may have filled. A Root
// that is not there is fs.ErrNotExist.
func (d *Dir) check(key string) error {
	if err := checkKey(key); err != nil {
		return err
	}
	return d.trusted()
}

// trusted refuses a Root of others: a cache directory below /tmp has a name
// that can be guessed, and be made before its user makes it.
func (d *Dir) trusted() error { return private.CheckPath(d.Root) }

// Get returns the entry of a key, whose program was found to have the SHA-256
// of the entry: by its seal, or by hashing it where that does not hold, after
// which it is sealed again. Nobody prunes the program until release is called,
// which is never nil and may be called more than once, or until this process
// ends or replaces itself; its execution protects it from then on.
//
// A miss is fs.ErrNotExist, also while the entry is being removed. An error
// that wraps [ErrDamaged] means that there was an entry; if the fault is in
// the entry, it has been removed as far as this process may, even from under
// others who hold it. Any other error says that the store as a whole cannot be
// used. An exec of the program may be ETXTBSY for an instant, as that of any
// file whose writer forked (golang/go#22315); to try again is the answer.
func (d *Dir) Get(key string) (e Entry, release func(), err error) {
	if err := d.check(key); err != nil {
		return Entry{}, func() {}, fmt.Errorf("getting a stored executable: %w", err)
	}
	e, h, err := d.use(d.dir(key), care{})
	if err != nil {
		return Entry{}, func() {}, fmt.Errorf("getting %s: %w", key, err)
	}
	e.Used = d.touch(h, e.Used)
	return e, h.release, nil
}

// About returns the bytes that were given to Put along with the program of a
// key, verified by their own digest. Damage and a miss are told as by Get, but
// nothing is removed.
func (d *Dir) About(key string) ([]byte, error) {
	if err := d.check(key); err != nil {
		return nil, fmt.Errorf("reading about a stored executable: %w", err)
	}
	about, err := d.about(d.dir(key))
	if err != nil {
		return nil, fmt.Errorf("reading about %s: %w", key, err)
	}
	return about, nil
}

func (d *Dir) about(dir string) ([]byte, error) {
	id, err := lstat(dir)
	if err != nil {
		return nil, err
	}
	h, err := d.lockEntry(dir, id, unix.LOCK_SH)
	if err != nil {
		return nil, missing(err)
	}
	defer h.release()
	hd, err := h.header()
	if err != nil {
		return nil, err
	}
	return h.about(hd)
}

// missing makes a miss of an entry that is being removed.
func missing(err error) error {
	if errors.Is(err, ErrInUse) {
		return fs.ErrNotExist
	}
	return err
}

// touch notes a use and returns when the last one was. A store that cannot be
// written is used all the same.
func (d *Dir) touch(h *lockedEntry, used time.Time) time.Time {
	now := d.now()
	if since := now.Sub(used); since > -useGrain && since < useGrain {
		return used
	}
	if err := os.Chtimes(filepath.Join(h.dir, headerFile), now, now); err != nil {
		return used
	}
	return now
}

// damagef is damage to an entry. Its reason is not wrapped: a missing file of
// an entry must not look like a miss.
func damagef(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrDamaged, fmt.Sprintf(format, args...))
}

// damaged makes damage of what went wrong with a file of an entry, unless that
// says nothing about the entry.
func damaged(err error) error {
	for _, passing := range []error{unix.EMFILE, unix.ENFILE, unix.ENOMEM, unix.EINTR, ErrDamaged} {
		if errors.Is(err, passing) {
			return err
		}
	}
	return damagef("%v", err)
}
