package blob

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"
)

const (
	defaultPart     = 4 << 20 // large enough that a round trip is little of its time
	defaultParallel = 4       // one connection to an object store brings 30 to 60 MB/s
	maxMemory       = 40 << 20
	resumes         = 2 // of one download
)

// errAnother says that what a server sends is not what it announced.
var errAnother = errors.New("the server sends something else than it announced")

// ReadOptions say how to download. Zero fields stand for what is good for most.
type ReadOptions struct {
	Part     int64 // bytes of one part; 0 is 4 MiB, more than 10 MiB is 10 MiB
	Parallel int   // how many parts at the same time; 0 is 4, at most 40 MiB of them
	// Budget is given up with the store when a download fails for a fault; nil
	// is none.
	Budget *Budget
}

// Reader downloads a blob in parts, several at the same time, and reads it in
// order while they come. It holds at most 40 MiB of it.
//
// A part that breaks off is taken up where it stopped, twice in one download.
// A server that sends all where a part was asked for is read straight through.
// Other bytes than announced, in number or place, are an error; whether they
// are the right ones is up to who reads. What Open returns as an error is not
// tried again: that is what a [Transport] does.
//
// Read is for one goroutine; Close, Bytes and Speed are for any.
type Reader struct {
	found  Found
	o      ReadOptions
	ctx    context.Context
	cancel context.CancelFunc
	wg     sync.WaitGroup
	began  time.Time

	mu      sync.Mutex
	changed *sync.Cond
	total   int64 // -1: not told yet
	parts   map[int64]*part
	free    [][]byte
	next    int64 // the first part that nobody fetches yet
	current int64 // the part that Read is in
	at      int64 // where it is there
	mode    mode
	ended   bool // all came, of a blob that was not told to be so large
	resumes int
	err     error
	bytes   int64
	last    time.Time // when the last of them came
}

// part is a piece of the blob that is not read yet.
type part struct {
	buf  []byte
	n    int64 // of buf that are there
	done bool  // they are all there, and no more came
}

// NewReader starts to download a blob. Close must be called; it ends what is
// still going on, as the end of ctx does.
func NewReader(ctx context.Context, found Found, o ReadOptions) *Reader {
	o.Part = min(cmp.Or(o.Part, defaultPart), maxMemory/4)
	o.Parallel = int(min(int64(cmp.Or(o.Parallel, defaultParallel)), maxMemory/o.Part))
	r := &Reader{found: found, o: o, parts: map[int64]*part{}, total: -1, next: 1, resumes: resumes, began: time.Now()}
	r.changed = sync.NewCond(&r.mu)
	r.ctx, r.cancel = context.WithCancel(ctx)
	r.wg.Go(func() {
		<-r.ctx.Done()
		r.fail(context.Cause(r.ctx))
	})
	_ = r.tell(found.Size) // the first to tell cannot be contradicted
	r.wg.Go(r.lead)
	return r
}

// Read implements io.Reader. io.EOF comes when all that was announced came.
func (r *Reader) Read(p []byte) (int, error) {
	b, err := r.wait()
	if err != nil {
		return 0, err
	}
	n := copy(p, b)
	r.consume(int64(n))
	return n, nil
}

// wait returns bytes that came and were not read.
func (r *Reader) wait() ([]byte, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for {
		p := r.parts[r.current]
		switch {
		case p != nil && p.n > r.at:
			return p.buf[r.at:p.n], nil
		case r.err != nil:
			return nil, r.err
		case (r.ended || p != nil && p.done) && r.current*r.o.Part+r.at == r.total:
			return nil, io.EOF
		case p != nil && p.done:
			r.advance(p)
		default:
			r.changed.Wait()
		}
	}
}

// advance goes on to the next part.
func (r *Reader) advance(p *part) {
	r.free = append(r.free, p.buf)
	delete(r.parts, r.current)
	r.current++
	r.at = 0
	r.changed.Broadcast()
}

func (r *Reader) consume(n int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.at += n
}

// Close ends the download, and returns when nothing of it is left, which is
// soon: a Store's bodies heed their context. It returns no error.
func (r *Reader) Close() error {
	r.fail(errors.New("the download was closed"))
	r.cancel()
	r.wg.Wait()
	return nil
}

// Bytes returns how many bytes of the blob came until now.
func (r *Reader) Bytes() int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.bytes
}

// Speed returns the bytes a second from the start until the last one came, 0
// when none did. A reader that is slower than the server makes it less.
func (r *Reader) Speed() float64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.bytes == 0 {
		return 0
	}
	return float64(r.bytes) / max(r.last.Sub(r.began).Seconds(), 1e-9)
}

// fail ends the download for the first reason that is given.
func (r *Reader) fail(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.err == nil {
		r.err = err
	}
	r.changed.Broadcast()
}

// tell says how large the blob is, and starts to fetch the other parts when
// that is news. Another size than before is an error.
func (r *Reader) tell(total int64) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if total < 0 || total == r.total {
		return nil
	}
	if r.total >= 0 {
		return fmt.Errorf("%w: first %d bytes, then %d", errAnother, r.total, total)
	}
	r.total = total
	for range min(int64(r.o.Parallel), (total+r.o.Part-1)/r.o.Part) - 1 { // the first part has its own
		r.wg.Go(r.work)
	}
	return nil
}

// Head returns the first n bytes of a blob, fewer when it has not as many.
func Head(ctx context.Context, found Found, n int64) ([]byte, error) {
	p, err := found.Open(ctx, 0, n)
	if err != nil {
		return nil, err
	}
	defer p.Body.Close()
	if p.Offset != 0 {
		return nil, fmt.Errorf("reading the beginning of %.64s: %w: it begins at %d", found.Key, errAnother, p.Offset)
	}
	b, err := io.ReadAll(io.LimitReader(p.Body, n))
	if want := min(n, max(p.Total, found.Size)); err == nil && int64(len(b)) < want {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return nil, fmt.Errorf("reading the beginning of %.64s: %w", found.Key, err)
	}
	return b, nil
}
