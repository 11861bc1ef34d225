package blobtest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"io/fs"
	"slices"
	"strconv"
	"sync"

	"github.com/org/gorun-action/internal/store/blob"
)

func (s *suite) whole() {
	for _, size := range []int{1, 2, 511, 4096, 100_000, 4<<20 + 1} {
		key := "whole-" + strconv.Itoa(size)
		s.put(key, Content(key, size), "whole-")
		s.holds(s.find(key, key), Content(key, size))
		s.holds(s.find(key, "whole-none", "whole-"), Content(key, size))
		s.later()
	}
}

func (s *suite) empty() {
	if s.limits.NoEmpty {
		s.Skip("the store takes no empty blobs, as open says")
	}
	s.put("empty", nil)
	found := s.find("empty", "empty")
	for _, length := range []int64{-1, 1, 1 << 20} {
		if got, err := s.read(found, 0, length); err != nil || len(got) > 0 {
			s.Errorf("%d bytes of an empty blob are %q, %v", length, got, err)
		}
	}
}

func (s *suite) ranges() {
	const n = 100_000
	all := Content("ranges", n)
	s.put("ranges", all)
	found := s.find("ranges", "ranges")
	for _, r := range [][2]int64{
		{0, -1}, {0, 1}, {0, 10}, {0, n}, {0, n + 1}, {1, 1}, {500, 1000}, {500, -1},
		{n - 10, 10}, {n - 10, 100}, {n - 1, 1}, {n - 1, -1},
	} {
		got, err := s.read(found, r[0], r[1])
		if err != nil || !bytes.Equal(got, cut(all, r[0], r[1])) {
			s.Errorf("%d bytes from %d on: got %d, %v", r[1], r[0], len(got), err)
		}
	}
}

func (s *suite) beyond() {
	s.put("beyond", Content("", 1000))
	found := s.find("beyond", "beyond")
	for _, offset := range []int64{1000, 1001, 1 << 40} {
		if got, err := s.read(found, offset, 10); err == nil && len(got) > 0 {
			s.Errorf("there are %d bytes at %d of 1000", len(got), offset)
		}
	}
}

// together reads several parts at the same time, each of an own goroutine.
func (s *suite) together() {
	const n, parts = 1 << 20, 8
	all := Content("together", n)
	s.put("together", all)
	found := s.find("together", "together")
	got := make([][]byte, parts)
	errs := make([]error, parts)
	var wg sync.WaitGroup
	for i := range parts {
		wg.Go(func() { got[i], errs[i] = s.read(found, int64(i)*n/parts, n/parts) })
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil || !bytes.Equal(slices.Concat(got...), all) {
		s.Errorf("the parts are not the whole: %v", err)
	}
}

// reader downloads what does not end with a part.
func (s *suite) reader() {
	all := Content("reader", 9<<20+1)
	s.put("reader", all)
	found := s.find("reader", "reader")
	r := blob.NewReader(s.Context(), found, blob.ReadOptions{})
	defer r.Close()
	sum := sha256.New()
	n, err := io.Copy(sum, r)
	if err != nil || n != int64(len(all)) || [sha256.Size]byte(sum.Sum(nil)) != sha256.Sum256(all) {
		s.Errorf("a Reader read %d of %d bytes, or others: %v", n, len(all), err)
	}
	head, err := blob.Head(s.Context(), found, 1000)
	if err != nil || !bytes.Equal(head, all[:1000]) {
		s.Errorf("the first 1000 bytes are %d, or others: %v", len(head), err)
	}
}

func (s *suite) exists() {
	s.put("exists", Content("first", 1000), "ex")
	for range 2 {
		err := s.store.Put(s.Context(), "exists", []string{"ex"}, bytes.NewReader(Content("second", 2000)))
		if !errors.Is(err, fs.ErrExist) {
			s.Errorf("putting it again: %v, want fs.ErrExist", err)
		}
		s.holds(s.find("exists", "exists"), Content("first", 1000))
		s.holds(s.find("exists", "ex-none", "ex"), Content("first", 1000))
	}
}

// race puts one key from many goroutines.
func (s *suite) race() {
	const n = 16
	errs := make([]error, n)
	content := func(i int) []byte { return Content(strconv.Itoa(i), 100_000+i) }
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			errs[i] = s.store.Put(s.Context(), "race", []string{"ra"}, bytes.NewReader(content(i)))
		})
	}
	wg.Wait()
	var won []int
	for i, err := range errs {
		if err == nil {
			won = append(won, i)
		} else if !errors.Is(err, fs.ErrExist) {
			s.Errorf("Put: %v, want fs.ErrExist", err)
		}
	}
	if len(won) == 0 || len(won) > 1 && !s.limits.LastWins {
		s.Fatalf("%d of %d won", len(won), n)
	}
	got, err := s.read(s.find("race", "race"), 0, -1)
	if err != nil || !slices.ContainsFunc(won, func(i int) bool { return bytes.Equal(got, content(i)) }) {
		s.Errorf("what is found are not the bytes of one that won: %d bytes, %v", len(got), err)
	}
}

func (s *suite) cancelled() {
	s.put("there", Content("", 100), "the")
	ctx := cancelledContext(s)
	if found, err := s.store.Find(ctx, "there", "the"); err == nil || errors.Is(err, fs.ErrNotExist) {
		s.Errorf("Find after the end is %q, %v", found.Key, err)
	}
	if err := s.store.Put(ctx, "late", []string{"la"}, bytes.NewReader(Content("", 100))); err == nil || errors.Is(err, fs.ErrExist) {
		s.Errorf("Put after the end: %v", err)
	}
	s.misses("late", "la")
	if p, err := s.find("there", "there").Open(ctx, 0, -1); err == nil {
		p.Body.Close()
		s.Error("Open after the end is no error")
	}
}

// cancelledReading ends while a body is being read: what comes is then an
// error, at the latest where the bytes that are on their way end.
func (s *suite) cancelledReading() {
	all := Content("", 32<<20)
	s.put("large", all)
	ctx, cancel := context.WithCancel(s.Context())
	defer cancel()
	p, err := s.find("large", "large").Open(ctx, 0, -1)
	if err != nil {
		s.Fatal(err)
	}
	defer p.Body.Close()
	if _, err := io.ReadFull(p.Body, make([]byte, 1000)); err != nil {
		s.Fatal(err)
	}
	cancel()
	if n, err := io.Copy(io.Discard, p.Body); err == nil {
		s.Errorf("all of it was read after the end, %d bytes", n)
	}
}

// failing is a Content whose bytes cannot be read from some place on.
type failing struct {
	*bytes.Reader
	from int64
	fail func() error
}

func (f failing) ReadAt(p []byte, off int64) (int, error) {
	if off+int64(len(p)) <= f.from {
		return f.Reader.ReadAt(p, off)
	}
	n := 0
	if off < f.from {
		n, _ = f.Reader.ReadAt(p[:f.from-off], off)
	}
	return n, f.fail()
}

func (s *suite) cancelledPut() {
	ctx, cancel := context.WithCancel(s.Context())
	defer cancel()
	err := s.store.Put(ctx, "cut", []string{"cu"}, failing{bytes.NewReader(Content("", 12<<20)), 9 << 20, func() error {
		cancel()
		return context.Canceled
	}})
	s.left(err)
}

// unreadableSource has a Content that cannot be read in the middle. Where that
// happens a Store has sent much of it.
func (s *suite) unreadableSource() {
	unreadable := errors.New("the disk is on fire")
	err := s.store.Put(s.Context(), "cut", []string{"cu"}, failing{bytes.NewReader(Content("", 12<<20)), 9 << 20, func() error { return unreadable }})
	s.left(err)
}

func (s *suite) shortSource() {
	err := s.store.Put(s.Context(), "cut", []string{"cu"}, failing{bytes.NewReader(Content("", 100_000)), 50_000, func() error { return io.EOF }})
	s.left(err)
}

// left checks that a Put that failed left nothing to be found.
func (s *suite) left(err error) {
	s.Helper()
	if err == nil || errors.Is(err, fs.ErrExist) || errors.Is(err, blob.ErrReadOnly) {
		s.Errorf("Put of what cannot be read: %v", err)
	}
	s.misses("cut", "cu")
	s.put("other", Content("", 100), "ot")
	s.find("other", "other")
}
