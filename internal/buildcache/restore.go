package buildcache

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"
)

// Pack is one that is being read. Its Index has been checked, the rest of it
// is still to come.
type Pack struct {
	Index  *Index
	r      io.Reader
	limits Limits
	read   int64
}

// Open reads and checks the index of a pack, and nothing behind it. What is
// read is bounded by l.
func Open(r io.Reader, l Limits) (*Pack, error) {
	l = l.filled()
	x, n, err := readIndex(r, l)
	if err != nil {
		return nil, fmt.Errorf("reading the index of a pack: %w", err)
	}
	return &Pack{Index: x, r: r, limits: l, read: n}, nil
}

// Dirs are where a pack is restored to. Each is made if it is missing, and must
// be empty else. Nobody else may write there.
type Dirs struct {
	GoCache  string
	ModCache string // "": no modules
}

// Options are how a pack is restored.
type Options struct {
	// Old is the mtime that action files get; zero is two hours ago. It must be
	// more than an hour before the build, so that [Collect] can tell what that
	// used, and less than five days, after which the go command removes them.
	Old time.Time
	// Skip says which modules are not restored, so that the go command fetches
	// them; nil is none. See [Index.Skip].
	Skip func(ModuleVersion) bool
}

// Restore writes, once, what the pack holds while the rest is still being read. It
// checks every byte; after any error the caller must remove both directories
// and use nothing of them. With all of a pack wanted, nothing may follow it;
// without modules, reading stops where they begin.
//
// It needs less than 128 MiB of memory. When ctx is done it returns as soon as
// the reader returns, which should therefore know of ctx, too.
func (p *Pack) Restore(ctx context.Context, to Dirs, o Options) (Stats, error) {
	start := time.Now()
	if o.Old.IsZero() {
		o.Old = start.Add(-2 * time.Hour)
	}
	t, err := newTarget(p.Index, to, o)
	if err != nil {
		return Stats{}, fmt.Errorf("restoring a pack: %w", err)
	}
	defer t.close()
	if err := p.restore(ctx, t); err != nil {
		return Stats{}, fmt.Errorf("restoring a pack: %w", err)
	}
	return Stats{Packed: p.read, Raw: t.raw.Load(), Files: t.files.Load(), Time: time.Since(start)}, nil
}

func (p *Pack) restore(ctx context.Context, t *target) error {
	if err := p.unpack(ctx, t); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	return parallel(len(p.Index.actions), t.writeAction)
}

// job is a unit for a worker, and its frames as they come. It takes as many as
// there are, so that nobody has to close them.
type job struct {
	unit
	frames chan *frame
}

// unpack hands units to workers, which unpack, check and write them.
func (p *Pack) unpack(ctx context.Context, t *target) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	jobs := make(chan job)
	idle := make(chan *frame, workers(maxUnpacking)+2)
	for range cap(idle) {
		idle <- &frame{}
	}
	var wg sync.WaitGroup
	for range workers(maxUnpacking) {
		wg.Go(func() {
			if err := work(ctx, t, jobs, idle); err != nil {
				cancel(err)
			}
		})
	}
	err := p.feed(ctx, t, jobs, idle)
	if err != nil {
		cancel(err)
	}
	close(jobs)
	wg.Wait()
	return context.Cause(ctx)
}

// feed reads frames in order and hands them out.
func (p *Pack) feed(ctx context.Context, t *target, jobs chan<- job, idle chan *frame) error {
	in := &counter{r: p.r, n: &p.read}
	for _, u := range cut(p.Index.sizes()) {
		if !t.modules && u.first >= len(p.Index.outputs) {
			return nil
		}
		j := job{u, make(chan *frame, 1)}
		if err := send(ctx, jobs, j); err != nil {
			return err
		}
		if err := j.feed(ctx, in, idle); err != nil {
			return err
		}
	}
	switch _, err := io.ReadFull(in, make([]byte, 1)); {
	case err == nil:
		return fmt.Errorf("%w: something follows it", errPack)
	case !errors.Is(err, io.EOF):
		return err
	}
	return nil
}

func (j job) feed(ctx context.Context, r io.Reader, idle chan *frame) error {
	for i := range j.unit.frames() {
		f, err := receive(ctx, idle)
		if err != nil {
			return err
		}
		if err := f.read(ctx, r, j.frame(i)); err != nil {
			return err
		}
		if err := send(ctx, j.frames, f); err != nil {
			return err
		}
	}
	return nil
}

func send[T any](ctx context.Context, c chan<- T, v T) error {
	select {
	case c <- v:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func receive[T any](ctx context.Context, c <-chan T) (v T, err error) {
	select {
	case v, ok := <-c:
		if !ok {
			return v, io.EOF
		}
		return v, nil
	case <-ctx.Done():
		return v, context.Cause(ctx)
	}
}

// counter counts what is read.
type counter struct {
	r io.Reader
	n *int64
}

func (c *counter) Read(b []byte) (int, error) {
	n, err := c.r.Read(b)
	*c.n += int64(n)
	return n, err
}
