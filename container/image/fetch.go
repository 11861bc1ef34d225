package image

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"time"

	modzip "golang.org/x/mod/zip"

	"github.com/org/gorun-action/container"
)

// Source says where modules come from.
type Source struct {
	// GOPROXY is the list of module proxies, as the go command has it.
	GOPROXY string
	// ModCache is GOMODCACHE, where a zip may be already; "" is none.
	ModCache string
	// Dir is where downloaded zips are kept, checked again at each use. It is
	// made when it is missing.
	Dir string
	// Client is for http and https proxies; nil is http.DefaultClient.
	Client *http.Client
	// Stall is how long a download may stand still; 0 is a minute, which no
	// working proxy needs and which a person will still wait.
	Stall time.Duration
}

// Fetch returns the path of the zip of a pinned toolchain's module, which has
// the pinned h1: hash: the module cache's, the one of an earlier Fetch, or a
// download. The file stays where it is; removing Dir is up to the caller.
//
// A file with another hash is an error that wraps container.ErrIntegrity, and
// is not kept; one in the module cache is only passed over.
func Fetch(ctx context.Context, tc container.Toolchain, src Source, progress Progress) (string, error) {
	mod, err := moduleVersion(tc.Version, tc.Platform)
	if err != nil {
		return "", fmt.Errorf("fetching a toolchain: %w", err)
	}
	cached := cachedZips(src, mod)
	for _, file := range cached {
		if _, err := os.Stat(file); err != nil {
			continue
		}
		if VerifyZip(ctx, file, modulePath+"@"+mod, tc.Sum, progress) == nil {
			return file, nil
		}
	}
	file, err := download(ctx, mod, tc, src, progress)
	if err != nil {
		return "", fmt.Errorf("fetching go%s %s: %w", tc.Version, tc.Platform, err)
	}
	return file, nil
}

func cachedZips(src Source, mod string) []string {
	files := []string{filepath.Join(src.Dir, mod+".zip")}
	if src.ModCache != "" {
		files = append([]string{filepath.Join(src.ModCache, "cache", "download", filepath.FromSlash(modulePath), "@v", mod+".zip")}, files...)
	}
	return files
}

// download gets the zip from the first proxy that has it, by the go command's
// rules (cmd/go/internal/modfetch, proxy.go): after "," the next entry is tried
// when a proxy does not have the module, after "|" on any error.
func download(ctx context.Context, mod string, tc container.Toolchain, src Source, progress Progress) (string, error) {
	proxies, err := parseGOPROXY(src.GOPROXY)
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(src.Dir, 0o777); err != nil {
		return "", err
	}
	var failed failures
	for _, p := range proxies {
		file, err := src.from(ctx, p, mod, tc, progress)
		if err == nil {
			return file, nil
		}
		if ctx.Err() != nil || errors.Is(err, container.ErrIntegrity) {
			return "", err
		}
		if absent := failed.add(p, err); !absent && !p.fallThrough {
			break
		}
	}
	return "", failed.err()
}

// failures are the first error of each kind. What the words have to say comes
// last: "proxy,direct" is usual, and that there is no repository is not what is
// wrong with a release that the proxy does not have.
type failures struct{ failed, absent, word error }

// add reports whether the proxy just does not have the module.
func (f *failures) add(p proxy, err error) (absent bool) {
	absent = errors.Is(err, fs.ErrNotExist)
	switch {
	case p.url == nil:
		f.word = err
	case absent:
		f.absent = cmp.Or(f.absent, err)
	default:
		f.failed = cmp.Or(f.failed, err)
	}
	return absent
}

func (f *failures) err() error { return cmp.Or(f.failed, f.absent, f.word) }

// from downloads from one proxy to a temporary file, and gives it its name
// once it is known to be the pinned one.
func (src Source) from(ctx context.Context, p proxy, mod string, tc container.Toolchain, progress Progress) (_ string, err error) {
	if err := p.refuses(); err != nil {
		return "", err
	}
	f, err := os.CreateTemp(src.Dir, mod+"-*.part")
	if err != nil {
		return "", err
	}
	defer func() {
		f.Close()
		if err != nil {
			os.Remove(f.Name())
		}
	}()
	task := fmt.Sprintf("downloading go%s %s", tc.Version, tc.Platform)
	if err := src.copy(ctx, f, p, mod, func(done, total int64) { progress.report(task, done, total) }); err != nil {
		return "", err
	}
	if err := f.Close(); err != nil {
		return "", err
	}
	if err := VerifyZip(ctx, f.Name(), modulePath+"@"+mod+" from "+p.String(), tc.Sum, progress); err != nil {
		return "", container.WithHint(err, "if it happens again, something between here and the server changes downloads: look at the proxy")
	}
	file := filepath.Join(src.Dir, mod+".zip")
	return file, os.Rename(f.Name(), file)
}

// errStalled ends a download that stands still.
var errStalled = errors.New("the download has stalled")

// copy copies what a proxy has for mod to w, and fails when it stands still.
func (src Source) copy(ctx context.Context, w io.Writer, p proxy, mod string, progress func(done, total int64)) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	stall := cmp.Or(src.Stall, time.Minute)
	watch := time.AfterFunc(stall, func() { cancel(fmt.Errorf("%w: nothing came for %s", errStalled, stall)) })
	defer watch.Stop()

	body, size, err := p.open(ctx, cmp.Or(src.Client, http.DefaultClient), mod)
	if err == nil {
		defer body.Close()
		err = copyWhole(w, body, size, func(done int64) {
			watch.Reset(stall)
			progress(done, size)
		})
	}
	if err != nil {
		return fmt.Errorf("reading %s: %w", p.file(mod).Redacted(), cmp.Or(context.Cause(ctx), err))
	}
	return nil
}

// copyWhole fails when r has less than size bytes, where that is known, or more
// than a module may have.
func copyWhole(w io.Writer, r io.Reader, size int64, moved func(done int64)) error {
	var done int64
	counted := readerFunc(func(b []byte) (int, error) {
		n, err := r.Read(b)
		if n > 0 {
			done += int64(n)
			moved(done)
		}
		return n, err
	})
	// One byte more than allowed tells too much from just enough.
	n, err := io.Copy(w, io.LimitReader(counted, modzip.MaxZipFile+1))
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF), err == nil && size > 0 && n < size:
		return fmt.Errorf("the download is cut off after %d of %d bytes", n, size)
	case err == nil && n > modzip.MaxZipFile:
		return fmt.Errorf("the download is larger than the %d bytes that a module may have", modzip.MaxZipFile)
	}
	return err
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }
