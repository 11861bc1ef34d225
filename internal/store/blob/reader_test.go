package blob_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/iotest"
	"time"

	"github.com/org/gorun-action/internal/store/blob"
	"github.com/org/gorun-action/internal/store/blobtest"
)

// server is a blob whose server can be told to misbehave.
type server struct {
	all       []byte
	silent    bool // Find does not tell the size
	untold    bool // nor do parts
	ignores   bool // which part was asked for
	body      func(n int64, b io.Reader) io.Reader
	part      func(n int64, p *blob.Part)
	opens     atomic.Int64
	open, max atomic.Int64 // bodies
	mu        sync.Mutex
	asked     []string
}

func (s *server) found() blob.Found {
	f := blob.Found{Key: "key", Size: int64(len(s.all)), Open: s.opened}
	if s.silent {
		f.Size = -1
	}
	return f
}

func (s *server) opened(ctx context.Context, offset, length int64) (blob.Part, error) {
	if err := ctx.Err(); err != nil {
		return blob.Part{}, err
	}
	n := s.opens.Add(1)
	s.mu.Lock()
	s.asked = append(s.asked, fmt.Sprintf("%d+%d", offset, length))
	s.mu.Unlock()
	p := blob.Part{Offset: offset, Total: int64(len(s.all))}
	b := s.all
	if s.ignores {
		p.Offset = 0
	} else {
		b = b[min(offset, int64(len(b))):]
		if length >= 0 {
			b = b[:min(length, int64(len(b)))]
		}
	}
	if s.untold {
		p.Total = -1
	}
	var r io.Reader = bytes.NewReader(b)
	if s.body != nil {
		r = s.body(n, r)
	}
	s.max.Store(max(s.max.Load(), s.open.Add(1)))
	p.Body = &body{ctx: ctx, r: r, s: s}
	if s.part != nil {
		s.part(n, &p)
	}
	return p, nil
}

// body is ended by its context, also in the middle of a Read.
type body struct {
	ctx  context.Context
	r    io.Reader
	s    *server
	once sync.Once
}

func (b *body) Read(p []byte) (int, error) {
	if err := b.ctx.Err(); err != nil {
		return 0, err
	}
	if hang, ok := b.r.(hanging); ok {
		return hang.read(b.ctx, p)
	}
	return b.r.Read(p)
}

func (b *body) Close() error {
	b.once.Do(func() { b.s.open.Add(-1) })
	return nil
}

// hanging is a body of which no more comes.
type hanging struct{ io.Reader }

func (h hanging) read(ctx context.Context, p []byte) (int, error) {
	n, err := h.Reader.Read(p)
	if err == io.EOF {
		<-ctx.Done()
		return 0, ctx.Err()
	}
	return n, err
}

// small makes many parts of little.
var small = blob.ReadOptions{Part: 1000, Parallel: 4}

func download(t *testing.T, s *server, o blob.ReadOptions) ([]byte, error) {
	t.Helper()
	r := blob.NewReader(t.Context(), s.found(), o)
	got, err := io.ReadAll(r)
	if n := r.Bytes(); n < int64(len(got)) {
		t.Errorf("Bytes is %d after %d were read", n, len(got))
	}
	r.Close()
	if n := s.open.Load(); n != 0 {
		t.Errorf("%d bodies are open after Close", n)
	}
	if _, after := r.Read(make([]byte, 1)); after == nil && err == nil {
		t.Error("a Read after the end is no error")
	}
	return got, err
}

func TestReaderWhole(t *testing.T) {
	for _, size := range []int{0, 1, 999, 1000, 1001, 1999, 2000, 2001, 4000, 8000, 8001, 20_000, 54_321} {
		for _, s := range []*server{
			{}, {silent: true}, {ignores: true}, {ignores: true, silent: true}, {ignores: true, silent: true, untold: true},
			{untold: true}, {body: func(_ int64, r io.Reader) io.Reader { return iotest.OneByteReader(r) }},
			{silent: true, body: func(_ int64, r io.Reader) io.Reader { return iotest.DataErrReader(r) }},
			{ignores: true, silent: true, body: func(_ int64, r io.Reader) io.Reader { return iotest.HalfReader(r) }},
		} {
			if s.untold && s.silent && size == 1000 {
				continue // see TestReaderNotTold
			}
			s.all = blobtest.Content("all", size)
			got, err := download(t, s, small)
			if err != nil || !bytes.Equal(got, s.all) {
				t.Errorf("%d bytes, ignores %t, silent %t, untold %t: got %d, %v", size, s.ignores, s.silent, s.untold, len(got), err)
			}
		}
	}
}

// A part that ends where it was asked to end may be a part or all.
func TestReaderNotTold(t *testing.T) {
	s := &server{all: blobtest.Content("", 1500), silent: true, untold: true}
	if got, err := download(t, s, small); err == nil {
		t.Errorf("%d bytes of a blob whose size is not told are no error", len(got))
	}
}

func TestReaderParallel(t *testing.T) {
	var wait sync.WaitGroup
	wait.Add(4)
	s := &server{all: blobtest.Content("", 4000), silent: true}
	s.body = func(_ int64, r io.Reader) io.Reader { return meeting{r, &wait} }
	if got, err := download(t, s, small); err != nil || !bytes.Equal(got, s.all) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
	if s.opens.Load() != 4 {
		t.Errorf("opened %q, want each part once", s.asked)
	}
}

// meeting is a body of which nothing comes before all are there.
type meeting struct {
	io.Reader
	all *sync.WaitGroup
}

func (m meeting) Read(p []byte) (int, error) {
	n, err := m.Reader.Read(p)
	if n > 0 {
		m.all.Done()
		m.all.Wait()
	}
	return n, err
}

// What is not read does not come: not more than eight parts of the four that
// are on their way at the same time.
func TestReaderBounded(t *testing.T) {
	for _, ignores := range []bool{false, true} {
		s := &server{all: blobtest.Content("", 100_000), ignores: ignores}
		r := blob.NewReader(t.Context(), s.found(), small)
		if _, err := io.ReadFull(r, make([]byte, 500)); err != nil {
			t.Fatal(err)
		}
		await(t, func() bool { return r.Bytes() >= 8000 })
		time.Sleep(20 * time.Millisecond)
		if n := r.Bytes(); n > 8001 {
			t.Errorf("ignores %t: %d bytes are in memory, want 8 parts of 1000", ignores, n)
		}
		got, err := io.ReadAll(r)
		if err != nil || !bytes.Equal(got, s.all[500:]) {
			t.Errorf("the rest is %d bytes, %v", len(got), err)
		}
		r.Close()
		if n := s.max.Load(); n > 4 {
			t.Errorf("%d bodies were open", n)
		}
	}
}

func await(t *testing.T, what func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !what(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("it does not happen")
		}
	}
}

// cutOnce cuts one body off after n bytes.
func cutOnce(of, after int64, err error) func(int64, io.Reader) io.Reader {
	return cuts(func(n int64) bool { return n == of }, after, err)
}

func cuts(which func(int64) bool, after int64, err error) func(int64, io.Reader) io.Reader {
	return func(n int64, r io.Reader) io.Reader {
		if !which(n) {
			return r
		}
		return io.MultiReader(io.LimitReader(r, after), iotest.ErrReader(err))
	}
}

func TestReaderResumes(t *testing.T) {
	reset := errors.New("reset")
	for _, ignores := range []bool{false, true} {
		for _, err := range []error{reset, io.EOF} {
			for _, after := range []int64{0, 1, 500, 999} {
				for of := range int64(3) {
					s := &server{all: blobtest.Content("", 5500), ignores: ignores, body: cutOnce(of+1, after, err)}
					got, err := download(t, s, small)
					if err != nil || !bytes.Equal(got, s.all) {
						t.Errorf("ignores %t, body %d cut after %d: %d bytes, %v", ignores, of, after, len(got), err)
					}
				}
			}
		}
	}
}

// It goes on where it stopped, and asks for no byte twice.
func TestReaderResumesThere(t *testing.T) {
	s := &server{all: blobtest.Content("", 1000), body: cutOnce(1, 300, errors.New("reset"))}
	if _, err := download(t, s, small); err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(s.asked); got != "[0+1000 300+700]" {
		t.Errorf("asked for %s", got)
	}
}

func TestReaderGivesUp(t *testing.T) {
	always := func(int64) bool { return true }
	reset := errors.New("reset")
	for name, test := range map[string]struct {
		s     *server
		want  error
		opens int64
	}{
		"reset":  {&server{body: cuts(always, 100, reset)}, reset, 3},
		"short":  {&server{body: cuts(always, 100, io.EOF)}, io.ErrUnexpectedEOF, 3},
		"long":   {&server{body: func(_ int64, r io.Reader) io.Reader { return io.MultiReader(r, bytes.NewReader([]byte("x"))) }}, nil, 1},
		"offset": {&server{part: func(_ int64, p *blob.Part) { p.Offset += 5 }}, nil, 1},
		"shrunk": {&server{part: func(_ int64, p *blob.Part) { p.Total-- }}, nil, 1},
		"grown":  {&server{part: func(_ int64, p *blob.Part) { p.Total++ }}, nil, 1},
	} {
		t.Run(name, func(t *testing.T) {
			test.s.all = blobtest.Content("", 900)
			p := blob.NewBudget(0)
			o := blob.ReadOptions{Part: 1000, Budget: p}
			got, err := download(t, test.s, o)
			if err == nil || test.want != nil && !errors.Is(err, test.want) {
				t.Errorf("got %d bytes, %v, want %v", len(got), err, test.want)
			}
			if n := test.s.opens.Load(); n != test.opens {
				t.Errorf("it was opened %d times, want %d", n, test.opens)
			}
			if !errors.Is(p.Err(), blob.ErrUnavailable) {
				t.Errorf("the store was not given up: %v", p.Err())
			}
		})
	}
}

// A store that does not open what it found is no fault here: only its
// transport knows what that means.
func TestReaderRefused(t *testing.T) {
	o := blob.ReadOptions{Part: 1000, Budget: blob.NewBudget(0)}
	gone := errors.New("evicted")
	open := func(context.Context, int64, int64) (blob.Part, error) { return blob.Part{}, gone }
	r := blob.NewReader(t.Context(), blob.Found{Key: "key", Size: 5000, Open: open}, o)
	defer r.Close()
	if _, err := io.ReadAll(r); !errors.Is(err, gone) {
		t.Errorf("got %v, want %v", err, gone)
	}
	if err := o.Budget.Err(); err != nil {
		t.Errorf("the store was given up: %v", err)
	}
}

// Parts that differ in what the whole is are none of one blob.
func TestReaderTotals(t *testing.T) {
	for _, d := range []int64{-1, 1, -5000} {
		s := &server{all: blobtest.Content("", 9000), silent: true}
		s.part = func(n int64, p *blob.Part) {
			if n == 3 {
				p.Total += d
			}
		}
		if got, err := download(t, s, small); err == nil {
			t.Errorf("%d bytes are no error though a part said %d more", len(got), d)
		}
	}
}

func TestReaderClose(t *testing.T) {
	before := runtime.NumGoroutine()
	for range 20 {
		s := &server{all: blobtest.Content("", 100_000), body: func(_ int64, r io.Reader) io.Reader {
			return hanging{io.LimitReader(r, 700)}
		}}
		r := blob.NewReader(t.Context(), s.found(), small)
		if _, err := io.ReadFull(r, make([]byte, 700)); err != nil {
			t.Fatal(err)
		}
		r.Close()
		if _, err := r.Read(make([]byte, 1)); err == nil {
			t.Error("a Read after Close is no error")
		}
		if n := s.open.Load(); n != 0 {
			t.Errorf("%d bodies are open after Close", n)
		}
	}
	await(t, func() bool { return runtime.NumGoroutine() <= before })
}

func TestReaderContext(t *testing.T) {
	why := errors.New("the user has gone")
	ctx, cancel := context.WithCancelCause(t.Context())
	s := &server{all: blobtest.Content("", 100_000), body: func(_ int64, r io.Reader) io.Reader { return hanging{io.LimitReader(r, 1)} }}
	p := blob.NewBudget(0)
	r := blob.NewReader(ctx, s.found(), blob.ReadOptions{Part: 1000, Budget: p})
	defer r.Close()
	time.AfterFunc(10*time.Millisecond, func() { cancel(why) })
	if got, err := io.ReadAll(r); err == nil || len(got) > 1 {
		t.Errorf("%d bytes, %v", len(got), err)
	}
	if p.Err() != nil {
		t.Errorf("the store was given up for its user: %v", p.Err())
	}
}

func TestHead(t *testing.T) {
	s := &server{all: blobtest.Content("", 100)}
	for n, want := range map[int64]int{0: 0, 1: 1, 99: 99, 100: 100, 101: 100} {
		got, err := blob.Head(t.Context(), s.found(), n)
		if err != nil || !bytes.Equal(got, s.all[:want]) {
			t.Errorf("Head(%d) is %d bytes, %v", n, len(got), err)
		}
	}
	s.body = cutOnce(6, 50, io.EOF)
	if got, err := blob.Head(t.Context(), s.found(), 60); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("Head of what breaks off is %d bytes, %v", len(got), err)
	}
}
