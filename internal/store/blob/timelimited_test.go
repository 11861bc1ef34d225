package blob_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/org/gorun-action/internal/store/blob"
	"github.com/org/gorun-action/internal/store/blobtest"
)

func TestPatient(t *testing.T) {
	blobtest.Run(t, func(t *testing.T) blob.Store { return blob.TimeLimited(newDir(t), time.Minute) }, blobtest.Limits{})
}

// hung is a store that does not come back, past any context, until the test
// ends: as a file system whose server is gone.
type hung struct {
	blob.Store
	what string
	end  chan struct{}
}

func newHung(t *testing.T, what string) *hung {
	d := newDir(t)
	if err := d.Put(t.Context(), "key", nil, bytes.NewReader([]byte("content"))); err != nil {
		t.Fatal(err)
	}
	h := &hung{d, what, make(chan struct{})}
	t.Cleanup(func() { close(h.end) })
	return h
}

func (h *hung) hang(what string) {
	if h.what == what {
		<-h.end
	}
}

func (h *hung) Find(ctx context.Context, key string, prefixes ...string) (blob.Found, error) {
	h.hang("find")
	f, err := h.Store.Find(ctx, key, prefixes...)
	open := f.Open
	f.Open = func(ctx context.Context, offset, length int64) (blob.Part, error) {
		h.hang("open")
		p, err := open(ctx, offset, length)
		p.Body = &hungBody{p.Body, h}
		return p, err
	}
	return f, err
}

type hungBody struct {
	io.ReadCloser
	h *hung
}

func (b *hungBody) Read(p []byte) (int, error) {
	b.h.hang("read")
	return b.ReadCloser.Read(p)
}

func (b *hungBody) Close() error {
	b.h.hang("close")
	return b.ReadCloser.Close()
}

func (h *hung) Put(ctx context.Context, key string, prefixes []string, content blob.Content) error {
	h.hang("put")
	return h.Store.Put(ctx, key, prefixes, content)
}

func use(ctx context.Context, s blob.Store) error {
	f, err := s.Find(ctx, "key")
	if err != nil {
		return err
	}
	p, err := f.Open(ctx, 0, -1)
	if err != nil {
		return err
	}
	_, err = io.ReadAll(p.Body)
	return errors.Join(err, p.Body.Close(), s.Put(ctx, "other", nil, bytes.NewReader([]byte("x"))))
}

func TestPatientGivesUp(t *testing.T) {
	for _, what := range []string{"find", "open", "read", "close", "put"} {
		h := newHung(t, what)
		s := blob.TimeLimited(h, 50*time.Millisecond)
		began := time.Now()
		err := use(t.Context(), s)
		if err == nil || time.Since(began) > 5*time.Second || !strings.Contains(err.Error(), "nothing happened for 50ms") {
			t.Errorf("%s hangs: %v after %s", what, err, time.Since(began))
		}
		if _, err := s.Find(t.Context(), "key"); !errors.Is(err, blob.ErrUnavailable) {
			t.Errorf("%s hung: a Find after that is %v, want ErrUnavailable", what, err)
		}
	}
	if err := use(t.Context(), blob.TimeLimited(newHung(t, "nothing"), time.Minute)); err != nil {
		t.Errorf("nothing hangs: %v", err)
	}
}

// A Put takes as long as it takes, as long as it goes on.
func TestPatientProgress(t *testing.T) {
	s := blob.TimeLimited(newDir(t), 300*time.Millisecond)
	slow := failing{bytes.NewReader(blobtest.Content("", 1<<20)), func() { time.Sleep(20 * time.Millisecond) }}
	began := time.Now()
	if err := s.Put(t.Context(), "slow", nil, slow); err != nil || time.Since(began) < 300*time.Millisecond {
		t.Errorf("a slow Put: %v after %s", err, time.Since(began))
	}
}

// failing is a Content that does something at each read.
type failing struct {
	*bytes.Reader
	do func()
}

func (f failing) ReadAt(p []byte, off int64) (int, error) {
	f.do()
	return f.Reader.ReadAt(p, off)
}

// A FIFO in the place of a blob waits for a writer, who never comes.
func TestPatientFIFO(t *testing.T) {
	d := newDir(t)
	if err := d.Put(t.Context(), "other", nil, bytes.NewReader([]byte("x"))); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mkfifo(filepath.Join(d.Root, "blobs", "pipe"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, s := range []blob.Store{d, blob.TimeLimited(d, time.Minute)} {
		began := time.Now()
		if _, err := s.Find(t.Context(), "pipe"); err == nil || errors.Is(err, os.ErrNotExist) {
			t.Errorf("a named pipe is found: %v", err)
		}
		if f, err := s.Find(t.Context(), "none", "pi", "o"); err != nil || f.Key != "other" {
			t.Errorf("with a named pipe beside it %q is found, %v", f.Key, err)
		}
		if took := time.Since(began); took > 10*time.Second {
			t.Errorf("it took %s", took)
		}
	}
}
