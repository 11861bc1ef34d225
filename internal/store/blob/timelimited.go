package blob

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"time"
)

var errNoProgress = errors.New("nothing happened")

// TimeLimited returns a store that gives up on another one, for good, when
// something it was asked for makes no progress for d: a network file system
// that hangs hangs all who call it, past any context. What hangs is left to
// itself, in the background; each hanging call costs a goroutine until it
// comes back, and whatever it still does is undone by its own end of context.
//
// Progress of Put is that its content is read. After d each method's error
// wraps ErrUnavailable, without a call. A done context ends a call that heeds
// it; one that does not is given up as any other.
func TimeLimited(store Store, d time.Duration) Store {
	return &timeLimited{store: store, after: d, budget: NewBudget(d)}
}

type timeLimited struct {
	store  Store
	after  time.Duration
	budget *Budget // only for its being given up
}

// within runs f in the background, and gives up on it when it neither returns
// nor calls progress for so long. The end is then called, which should let it
// return, and late with what it returns all the same.
func within[T any](p *timeLimited, what string, end context.CancelCauseFunc, f func(progress func()) (T, error), late func(T)) (T, error) {
	var none T
	if err := p.budget.Err(); err != nil {
		return none, err
	}
	timer := time.NewTimer(p.after)
	defer timer.Stop()
	moved := make(chan struct{}, 1)
	done := make(chan result[T], 1)
	go func() {
		v, err := f(func() { offer(moved) })
		done <- result[T]{v, err}
	}()
	for {
		select {
		case r := <-done:
			return r.value, r.err
		case <-moved:
			timer.Reset(p.after)
		case <-timer.C:
			err := fmt.Errorf("%s: %w for %s", what, errNoProgress, p.after)
			p.budget.GiveUp(err)
			end(err)
			go drop(done, late)
			return none, err
		}
	}
}

type result[T any] struct {
	value T
	err   error
}

func drop[T any](done <-chan result[T], late func(T)) {
	if r := <-done; r.err == nil {
		late(r.value)
	}
}

func offer(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

func (p *timeLimited) Find(ctx context.Context, key string, prefixes ...string) (Found, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	found, err := within(p, "looking for a blob", cancel, func(func()) (Found, error) {
		return p.store.Find(ctx, key, prefixes...)
	}, func(Found) {})
	if err != nil {
		return Found{}, err
	}
	open := found.Open
	found.Open = func(ctx context.Context, offset, length int64) (Part, error) {
		return p.open(ctx, open, offset, length)
	}
	return found, nil
}

type opener = func(ctx context.Context, offset, length int64) (Part, error)

func (p *timeLimited) open(ctx context.Context, open opener, offset, length int64) (Part, error) {
	ctx, cancel := context.WithCancelCause(ctx) // until the body is closed
	part, err := within(p, "opening a blob", cancel, func(func()) (Part, error) {
		return open(ctx, offset, length)
	}, func(part Part) { part.Body.Close() })
	if err != nil {
		cancel(nil)
		return Part{}, err
	}
	part.Body = &patientBody{p: p, cancel: cancel, body: part.Body}
	return part, nil
}

func (p *timeLimited) Put(ctx context.Context, key string, prefixes []string, content Content) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	_, err := within(p, "putting a blob", cancel, func(progress func()) (struct{}, error) {
		return struct{}{}, p.store.Put(ctx, key, prefixes, moving{content, progress})
	}, func(struct{}) {})
	return err
}

// moving is a Content that tells when it is read.
type moving struct {
	Content
	progress func()
}

func (m moving) ReadAt(b []byte, off int64) (int, error) {
	m.progress()
	defer m.progress()
	return m.Content.ReadAt(b, off)
}

// patientBody reads into memory of its own: a Read that hangs may come back
// when that of its caller is in use for something else.
type patientBody struct {
	p         *timeLimited
	cancel    context.CancelCauseFunc
	body      io.ReadCloser
	buf, left []byte
	err       error
}

// patientRead is how much is read at once: enough that a goroutine for each is
// little.
const patientRead = 256 << 10

func (b *patientBody) Read(p []byte) (int, error) {
	if len(b.left) == 0 && b.err == nil {
		b.left, b.err = b.fill()
	}
	n := copy(p, b.left)
	b.left = b.left[n:]
	if n == 0 && len(p) > 0 {
		return 0, b.err
	}
	return n, nil
}

// fill returns an error along with bytes as io.Reader does.
func (b *patientBody) fill() ([]byte, error) {
	if b.buf == nil {
		b.buf = make([]byte, patientRead)
	}
	type read struct {
		n   int
		err error
	}
	r, err := within(b.p, "reading a blob", b.cancel, func(func()) (read, error) {
		n, err := b.body.Read(b.buf)
		return read{n, err}, nil
	}, func(read) {})
	return b.buf[:r.n], cmp.Or(err, r.err)
}

// Close closes the body, in the background where it may hang.
func (b *patientBody) Close() error {
	defer b.cancel(nil)
	if b.p.budget.Err() != nil {
		go b.body.Close()
		return nil
	}
	_, err := within(b.p, "closing a blob", b.cancel, func(func()) (struct{}, error) {
		return struct{}{}, b.body.Close()
	}, func(struct{}) {})
	return err
}
