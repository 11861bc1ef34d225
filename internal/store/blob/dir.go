package blob

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/org/gorun-action/internal/private"
)

const (
	blobsDir = "blobs"
	tmpDir   = "tmp"
)

// maxName is how much of a key becomes the name of one file, below the 255
// bytes that file systems take.
const maxName = 200

// Dir keeps blobs in a directory, which many machines may mount:
//
//	<Root>               mode 0700, as all directories here
//	  blobs
//	    <key>            one blob, mode 0600; its mtime is when it was put
//	    <200 bytes>+     the beginning of longer keys
//	      +<the rest>    one blob of such a key, or "+<199 bytes>+" once more
//	  tmp                blobs that are being written
//
// A blob is written whole in tmp and then linked, so that it never replaces
// another one; where the file system has no links it is renamed, and of two
// that are put in the same instant the last one stays. It is not forced to the
// disk: after a crash it may be cut off or empty, which its reader finds; who
// finds a blob damaged can Remove it to make room for a better one.
//
// Root and what is read below it are refused where they belong to another user
// than root and this one, or may be written by others, for root as well
// ([private.Check]). Root is made by the first Put; until then the store is
// empty. Methods are safe for
// concurrent use by goroutines and processes. On a file system that hangs they
// hang; [TimeLimited] does not. A copy is the same store.
type Dir struct {
	// Root is the directory, absolute if the working directory may change.
	Root string
	// Now is the clock that ages and uses are told by; nil is time.Now.
	Now func() time.Time
}

var (
	_ Store = (*Dir)(nil)
	_ Admin = (*Dir)(nil)
)

func (d *Dir) now() time.Time {
	if d.Now != nil {
		return d.Now()
	}
	return time.Now()
}

func (d *Dir) blobs() string { return filepath.Join(d.Root, blobsDir) }
func (d *Dir) tmp() string   { return filepath.Join(d.Root, tmpDir) }

// path is where the blob of a key is.
func (d *Dir) path(key string) string { return filepath.Join(d.blobs(), rel(key)) }

func rel(key string) string {
	var path string
	for len(key) > maxName {
		path += key[:maxName] + "+/"
		key = "+" + key[maxName:]
	}
	return path + key
}

// keyOf returns the key whose blob has a path below blobs.
func keyOf(path string) (key string, ok bool) {
	key = strings.ReplaceAll(filepath.ToSlash(path), "+/+", "")
	return key, CheckKey(key) == nil && rel(key) == path
}

// Find implements Store. What is in the place of a blob and no regular file of
// this user's or root's is an error for its key, and passed over for its
// prefixes.
func (d *Dir) Find(ctx context.Context, key string, prefixes ...string) (Found, error) {
	found, err := d.find(ctx, key, prefixes)
	if err != nil {
		return Found{}, fmt.Errorf("finding %.64s in %s: %w", key, d.Root, err)
	}
	return found, nil
}

func (d *Dir) find(ctx context.Context, key string, prefixes []string) (Found, error) {
	if err := d.check(ctx, key, prefixes); err != nil {
		return Found{}, err
	}
	f, size, err := d.openOwn(key)
	if err == nil {
		f.Close()
		return d.found(key, size), nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return Found{}, err
	}
	all, err := d.list(ctx, prefixes)
	if err != nil {
		return Found{}, err
	}
	for _, prefix := range prefixes {
		for _, i := range all {
			if strings.HasPrefix(i.Key, prefix) {
				return d.found(i.Key, i.Size), nil
			}
		}
	}
	return Found{}, fs.ErrNotExist
}

// check refuses what is no key, and a Root that others may have filled.
func (d *Dir) check(ctx context.Context, key string, prefixes []string) error {
	if err := checkKeys(key, prefixes); err != nil {
		return err
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return private.CheckPath(d.Root)
}

func (d *Dir) found(key string, size int64) Found {
	open := func(ctx context.Context, offset, length int64) (Part, error) {
		p, err := d.open(ctx, key, offset, length)
		if err != nil {
			return Part{}, fmt.Errorf("opening %.64s in %s: %w", key, d.Root, err)
		}
		return p, nil
	}
	return Found{Key: key, Size: size, Open: open}
}

func (d *Dir) open(ctx context.Context, key string, offset, length int64) (Part, error) {
	if err := d.check(ctx, key, nil); err != nil {
		return Part{}, err
	}
	f, size, err := d.openOwn(key)
	if err != nil {
		return Part{}, err
	}
	if offset < 0 || offset > size {
		f.Close()
		return Part{}, fmt.Errorf("there is nothing at %d of %d bytes", offset, size)
	}
	if length < 0 || length > size-offset {
		length = size - offset
	}
	r := stoppable{io.NewSectionReader(f, offset, length), func() error { return context.Cause(ctx) }}
	return Part{Body: readCloser{r, f}, Offset: offset, Total: size}, nil
}

type readCloser struct {
	io.Reader
	io.Closer
}

// list returns what is there under keys that begin with one of prefixes, the
// newest first. Other files than those of blobs are passed over.
func (d *Dir) list(ctx context.Context, prefixes []string) ([]Info, error) {
	var all []Info
	if len(prefixes) == 0 {
		return nil, nil
	}
	err := filepath.WalkDir(d.blobs(), func(path string, e fs.DirEntry, err error) error {
		if err != nil || ctx.Err() != nil {
			return cmp.Or(context.Cause(ctx), ignore(err, fs.ErrNotExist))
		}
		if e.IsDir() {
			return d.enter(path)
		}
		if info, ok := d.info(path, e, prefixes); ok {
			all = append(all, info)
		}
		return nil
	})
	slices.SortFunc(all, func(a, b Info) int {
		return cmp.Or(b.Created.Compare(a.Created), cmp.Compare(a.Key, b.Key))
	})
	return all, err
}

// enter skips directories that are none of the store's.
func (d *Dir) enter(path string) error {
	if path == d.blobs() || strings.HasSuffix(path, "+") {
		return nil
	}
	return fs.SkipDir
}

func (d *Dir) info(path string, e fs.DirEntry, prefixes []string) (Info, bool) {
	name, err := filepath.Rel(d.blobs(), path)
	if err != nil {
		return Info{}, false
	}
	key, ok := keyOf(name)
	if !ok || !slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(key, p) }) {
		return Info{}, false
	}
	st, err := e.Info()
	if err != nil || !st.Mode().IsRegular() || private.CheckPath(path) != nil {
		return Info{}, false
	}
	return Info{Key: key, Size: st.Size(), Created: st.ModTime()}, true
}
