package blob

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"
)

var (
	errStalled = errors.New("it stalled")
	errSlow    = errors.New("it is too slow")
)

// sendBuffer is how many bytes of an upload may still be on their way out of
// this machine when its last byte was read: their time at the floor is granted
// on top before the answer is late.
const sendBuffer = 512 << 10

// pace is what a transport asks of all its transfers.
type pace struct {
	stall, after time.Duration
	floor        int64        // bytes a second
	active       atomic.Int64 // how many transfers share what the line has
}

// watch ends an attempt that stands still or crawls. Its clock runs only while
// the network is waited for: not while a body to be sent is read from its
// source, and not while nobody reads the one that comes.
type watch struct {
	*pace
	left   time.Duration // what faults may waste, when the attempt began
	cancel context.CancelCauseFunc

	mu       sync.Mutex
	timer    *time.Timer
	since    time.Time     // of what is not booked yet; zero: the clock stands
	quiet    time.Duration // since the last byte
	moving   bool          // a body is on its way: the floor counts
	window   time.Duration
	inWindow int64
	peers    int64 // the most that were active in the window
	bytes    int64 // of both bodies
	answered bool  // what is still sent no longer counts
	armed    bool  // the timer runs
	ended    bool

	unreadable error // why the body of the request cannot be read: no fault of the network
}

func newWatch(p *pace, left time.Duration, cancel context.CancelCauseFunc) *watch {
	w := &watch{pace: p, left: left, cancel: cancel}
	w.do(func() {
		w.timer = time.AfterFunc(w.tick(), w.look)
		w.run()
	})
	return w
}

// tick is how often to look: a stall is noticed an eighth too late at most.
func (w *watch) tick() time.Duration { return min(w.stall, w.after) / 8 }

func (w *watch) do(f func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	f()
}

// look is what the timer calls.
func (w *watch) look() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.armed = false
	if w.ended {
		return
	}
	w.book()
	if err := w.verdict(); err != nil {
		w.finish()
		w.cancel(err)
		return
	}
	w.arm()
}

// arm lets the timer run while the clock does. One that runs goes on: clocks
// that run for less than a tick at a time add up.
func (w *watch) arm() {
	if !w.armed && !w.since.IsZero() {
		w.armed = true
		w.timer.Reset(w.tick())
	}
}

// verdict says what is wrong. A window is as long as the floor does not count
// at first, so the first one is the time to get going.
func (w *watch) verdict() error {
	w.peers = max(w.peers, w.active.Load())
	if w.quiet > w.stall {
		return fmt.Errorf("%w: nothing moved for %s", errStalled, w.stall)
	}
	if !w.moving || w.window < w.after {
		return nil
	}
	rate := float64(w.inWindow) / w.window.Seconds()
	if floor := w.floor / max(w.peers, 1); rate < float64(floor) {
		return fmt.Errorf("%w: %.0f bytes/s for %s, slower than %d", errSlow, rate, w.after, floor)
	}
	w.window, w.inWindow, w.peers = 0, 0, 0
	return nil
}

// run starts the clock.
func (w *watch) run() {
	if w.ended || !w.since.IsZero() {
		return
	}
	w.since = time.Now()
	w.arm()
}

// pause stops the clock.
func (w *watch) pause() {
	w.book()
	w.since = time.Time{}
}

// book counts the time since the last call.
func (w *watch) book() {
	if w.since.IsZero() {
		return
	}
	now := time.Now()
	d := now.Sub(w.since)
	w.since = now
	w.quiet += d
	if w.moving {
		w.window += d
	}
}

// moved counts bytes.
func (w *watch) moved(n int) {
	if n > 0 {
		w.quiet = 0
		w.bytes += int64(n)
		w.inWindow += int64(n)
	}
}

// begin says that a body begins to move, and stop that none does.
func (w *watch) begin() {
	if !w.moving && !w.ended {
		w.moving, w.window, w.inWindow, w.peers = true, 0, 0, 0
		w.active.Add(1)
	}
}

func (w *watch) stop() {
	if w.moving {
		w.moving = false
		w.active.Add(-1)
	}
}

// answer says that the head of the answer came. Its body is not read yet.
func (w *watch) answer() {
	w.pause()
	w.stop()
	w.quiet, w.answered = 0, true
}

func (w *watch) finish() {
	w.stop()
	w.ended = true
	w.timer.Stop()
}

// wasted is how long nothing useful happened.
func (w *watch) wasted(err error) time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	if errors.Is(err, errSlow) {
		return w.window
	}
	return max(w.quiet, 0)
}

func (w *watch) total() int64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.bytes
}

// sending does f unless the answer is there already: servers may answer before
// all was sent.
func (w *watch) sending(f func()) {
	w.do(func() {
		if !w.answered {
			f()
		}
	})
}

// source is the body of a request as the transport reads it: the network is
// waited for between its reads.
type source struct {
	io.ReadCloser
	w *watch
}

func (s source) Read(p []byte) (int, error) {
	s.w.sending(func() { s.w.begin(); s.w.pause() })
	n, err := s.ReadCloser.Read(p)
	s.w.sending(func() {
		s.w.moved(n)
		if err != nil {
			s.w.stop()
			s.w.quiet = -s.w.drain()
		}
		if err != nil && err != io.EOF {
			s.w.unreadable = err
		}
		s.w.run()
	})
	return n, err
}

// drain is how long it takes at the floor until all is sent that was read, as far
// as faults may still waste that on top of a stall.
func (w *watch) drain() time.Duration {
	d := time.Duration(float64(min(w.bytes, sendBuffer)) / float64(w.floor) * float64(time.Second))
	return min(d, max(w.left-w.stall, 0))
}
