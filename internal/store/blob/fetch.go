package blob

import (
	"errors"
	"fmt"
	"io"
	"time"
)

// mode is what is known about how a server takes the parts that are asked for.
type mode int

const (
	undecided mode = iota
	inParts        // it sends parts
	straight       // it sends all: the body of the first part goes on to the end
)

// errDone ends a fetch that has nothing left to do.
var errDone = errors.New("done")

// lead fetches the first part, and all of them from a server that sends all.
func (r *Reader) lead() {
	r.fetch(0, true)
	r.work()
}

// work fetches parts until there are none left.
func (r *Reader) work() {
	for {
		i, ok := r.claim()
		if !ok {
			return
		}
		r.fetch(i, false)
	}
}

// claim returns the number of a part to fetch, once there is room for it, or
// false when there is nothing left to do.
func (r *Reader) claim() (i int64, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for r.err == nil && r.mode != straight && r.next*r.o.Part < r.total {
		if r.room(r.next) {
			r.next++
			return r.next - 1, true
		}
		r.changed.Wait()
	}
	return 0, false
}

// room reports whether part i may be in memory. As many again as are fetched
// at the same time may wait to be read.
func (r *Reader) room(i int64) bool {
	return i < r.current+min(2*int64(r.o.Parallel), maxMemory/r.o.Part)
}

// fetch fetches part i, and takes it up again where it broke off.
func (r *Reader) fetch(i int64, lead bool) {
	f := &fetch{r: r, at: i * r.o.Part, part: i, lead: lead}
	err := f.try()
	for err != nil && f.again && r.resume() {
		err = f.try()
	}
	if err != nil && err != errDone {
		r.broken(err, f.innocent)
	}
}

func (r *Reader) resume() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.err != nil || r.resumes == 0 || r.o.Budget.Left() == 0 {
		return false
	}
	r.resumes--
	return true
}

// broken ends the download, and the store with it unless the reason is none of
// its faults.
func (r *Reader) broken(err error, innocent bool) {
	err = fmt.Errorf("downloading %.64s: %w", r.found.Key, err)
	if !innocent && r.ctx.Err() == nil {
		r.o.Budget.GiveUp(err)
	}
	r.fail(err)
	r.cancel()
}

// fetch is a part on its way.
type fetch struct {
	r        *Reader
	part, at int64 // at is in the blob
	lead     bool
	again    bool // it may be taken up where it broke off
	innocent bool // Open failed, of which only Transport knows what it means
}

// try opens the rest of a part and receives it.
func (f *fetch) try() error {
	f.again, f.innocent = false, true
	if f.r.total0() {
		return f.finish()
	}
	end := f.end()
	length := end - f.at
	if end < 0 {
		length = -1
	}
	p, err := f.r.found.Open(f.r.ctx, f.at, length)
	if err != nil {
		return err
	}
	defer p.Body.Close()
	f.innocent = false
	if err := f.accept(p); err != nil {
		return err
	}
	for {
		if done, err := f.step(p.Body); done || err != nil {
			return err
		}
	}
}

// end is where to stop: where its part does, or the whole blob; -1 is where
// the body does.
func (f *fetch) end() int64 {
	f.r.mu.Lock()
	defer f.r.mu.Unlock()
	end := (f.part + 1) * f.r.o.Part
	switch {
	case f.lead && f.r.mode == straight:
		return f.r.total
	case f.r.total >= 0:
		return min(end, f.r.total)
	}
	return end
}

// accept checks what a server sends against what was asked for.
func (f *fetch) accept(p Part) error {
	if err := f.r.tell(p.Total); err != nil {
		return err
	}
	if p.Offset != f.at && p.Offset != 0 {
		return fmt.Errorf("%w: a part from %d on, not from %d", errAnother, p.Offset, f.at)
	}
	if p.Total >= 0 && f.at > p.Total {
		return fmt.Errorf("%w: %d bytes in total, after %d came", errAnother, p.Total, f.at)
	}
	if err := f.learn(p.Offset); err != nil {
		return err
	}
	n, err := io.CopyN(io.Discard, p.Body, f.at-p.Offset)
	f.again = err != nil
	return broke(err, n)
}

// learn takes what the offset of another part than the beginning tells about
// the server. Whoever does not send all of the blob once more leaves it to the
// first part to read straight on.
func (f *fetch) learn(offset int64) error {
	f.r.mu.Lock()
	defer f.r.mu.Unlock()
	exact := offset == f.at
	switch {
	case f.at == 0:
		return nil
	case !f.lead && f.r.mode == straight:
		return errDone
	case exact && f.r.mode != straight:
		f.r.mode = inParts
		return nil
	case !exact && f.lead && f.r.mode != inParts:
		return nil
	case !exact && f.r.mode == undecided:
		f.r.mode = straight
		f.r.changed.Broadcast()
		return errDone
	}
	return fmt.Errorf("%w: sometimes a part and sometimes all", errAnother)
}

// step receives what comes next.
func (f *fetch) step(body io.Reader) (done bool, err error) {
	end := f.end()
	if f.at == end {
		return f.beyond(body)
	}
	p, err := f.slot()
	if err != nil {
		return true, err
	}
	room := p.buf[p.n:] // it may be larger than the rest: the size may be told late
	if end >= 0 {
		room = room[:min(int64(len(room)), end-f.at)]
	}
	n, err := body.Read(room)
	f.arrived(p, int64(n))
	switch {
	case err == nil, err == io.EOF && f.at == f.end():
		return false, nil
	case err == io.EOF && f.isEnd():
		return true, f.finish()
	}
	f.again = true
	return true, broke(err, f.at)
}

func broke(err error, at int64) error {
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		err = fmt.Errorf("it broke off at %d: %w", at, err)
	}
	return err
}

// isEnd takes the end of a body for that of the blob, if its size was not told.
func (f *fetch) isEnd() bool {
	f.r.mu.Lock()
	defer f.r.mu.Unlock()
	if f.r.total < 0 {
		f.r.total, f.r.ended = f.at, true
	}
	return f.r.ended
}

// beyond looks for what comes after the end of a part: nothing, or the rest of
// the blob from a server that sends all.
func (f *fetch) beyond(body io.Reader) (done bool, err error) {
	var b [1]byte
	var n int
	for err == nil && n == 0 {
		n, err = body.Read(b[:])
	}
	if n == 0 {
		return true, f.stop()
	}
	if err := f.goOn(); err != nil {
		return true, err
	}
	p, err := f.slot()
	if err != nil {
		return true, err
	}
	p.buf[p.n] = b[0]
	f.arrived(p, 1)
	return false, nil
}

// stop is the end of a body where it should be. That it ended with an error
// does not matter: all of it is there.
func (f *fetch) stop() error {
	if err := f.settle(); err != nil {
		return err
	}
	return f.finish()
}

// settle takes what the end of the first body tells about the server.
func (f *fetch) settle() error {
	f.r.mu.Lock()
	defer f.r.mu.Unlock()
	switch {
	case !f.lead || f.at == f.r.total:
		return nil
	case f.r.total < 0:
		return fmt.Errorf("%w: a part of a blob whose size is not told", errAnother)
	case f.r.mode == straight:
		return fmt.Errorf("%w: sometimes a part and sometimes all", errAnother)
	}
	f.r.mode = inParts
	return nil
}

// goOn makes the first body the only one.
func (f *fetch) goOn() error {
	f.r.mu.Lock()
	defer f.r.mu.Unlock()
	if !f.lead || f.at == f.r.total || f.r.mode == inParts {
		return fmt.Errorf("%w: more than it should be at %d", errAnother, f.at)
	}
	f.r.mode = straight
	f.r.changed.Broadcast()
	return nil
}

// slot returns the part in memory that the next byte belongs to, once there is
// room for it.
func (f *fetch) slot() (*part, error) {
	r := f.r
	r.mu.Lock()
	defer r.mu.Unlock()
	i := f.at / r.o.Part
	if before := r.parts[i-1]; f.lead && before != nil {
		before.done = true
	}
	for r.err == nil && !r.room(i) {
		r.changed.Wait()
	}
	if r.err != nil {
		return nil, errDone
	}
	if r.parts[i] == nil {
		r.add(i)
	}
	return r.parts[i], nil
}

// add makes room for part i, as large as it can be.
func (r *Reader) add(i int64) {
	size := r.o.Part
	if r.total >= 0 {
		size = min(size, r.total-i*r.o.Part)
	}
	p := &part{}
	if k := len(r.free); k > 0 {
		p.buf, r.free = r.free[k-1], r.free[:k-1]
	}
	if int64(cap(p.buf)) < size {
		p.buf = make([]byte, size)
	}
	p.buf = p.buf[:size]
	r.parts[i] = p
}

// arrived counts n bytes more of a part.
func (f *fetch) arrived(p *part, n int64) {
	r := f.r
	r.mu.Lock()
	defer r.mu.Unlock()
	p.n += n
	f.at += n
	if n > 0 {
		r.bytes += n
		r.last = time.Now()
	}
	r.changed.Broadcast()
}

// finish says that the part at hand is all there.
func (f *fetch) finish() error {
	r := f.r
	r.mu.Lock()
	defer r.mu.Unlock()
	i := max(f.at-1, 0) / r.o.Part
	if p := r.parts[i]; p != nil {
		p.done = true
	}
	r.ended = r.ended || f.at == r.total && (r.total == 0 || f.lead)
	r.changed.Broadcast()
	return nil
}

// total0 reports whether there is nothing to be fetched.
func (r *Reader) total0() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.total == 0
}
