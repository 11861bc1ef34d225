package container

import (
	"io"
	"os"
	"reflect"
	"syscall"
	"time"
)

// chunkSize is the most that a writer is given at once. More does not make a
// flood faster; less than 64 KiB makes it slower.
const chunkSize = 256 << 10

// output passes on what comes out of a pipe, write by write: a slow writer
// fills the pipe and so slows the program. Nothing is dropped and no more
// than one chunk is held.
type output struct {
	r        *os.File
	w        io.Writer
	capacity int      // of the pipe, in bytes
	late     *os.File // where it goes after the program's end
	held     bool     // a background process still has the pipe
	done     chan struct{}
}

// newOutput returns the output and the end of its pipe that the program
// writes to.
func newOutput(w io.Writer) (o *output, child *os.File, err error) {
	r, child, err := os.Pipe()
	if err != nil {
		return nil, nil, err
	}
	return &output{r: r, w: w, capacity: growPipe(r), done: make(chan struct{})}, child, nil
}

// pump passes everything on until the pipe ends, the writer fails, or finish
// is called and what was in the pipe by then has been read.
func (o *output) pump() {
	defer close(o.done)
	buf := make([]byte, chunkSize)
	for {
		n, err := o.r.Read(buf)
		if n > 0 {
			if _, werr := o.w.Write(buf[:n]); werr != nil {
				o.r.Close() // so that the program learns of it
				return
			}
		}
		if os.IsTimeout(err) {
			o.held = o.drain(buf)
			return
		}
		if err != nil {
			return
		}
	}
}

// finish is called once the program has ended. It returns when all the
// program wrote has been passed on.
func (o *output) finish() {
	o.r.SetReadDeadline(time.Unix(1, 0)) // wakes a pump that waits for more
	<-o.done
}

// drain reads what is in the pipe without waiting for more. Of the ended
// program's bytes the pipe holds at most its capacity, and they come first:
// behind them are those of a background process that still has the pipe, and
// may never stop. It reports whether there is one.
func (o *output) drain(buf []byte) (held bool) {
	o.r.SetReadDeadline(time.Time{})
	raw, err := o.r.SyscallConn()
	if err != nil {
		return false
	}
	for left := o.capacity; left > 0; {
		n := 0
		rerr := raw.Read(func(fd uintptr) bool {
			for {
				n, err = syscall.Read(int(fd), buf[:min(left, len(buf))])
				if err != syscall.EINTR {
					return true
				}
			}
		})
		if rerr != nil || err != nil || n <= 0 {
			return err == syscall.EAGAIN
		}
		left -= n
		if _, err := o.w.Write(buf[:n]); err != nil {
			return false
		}
	}
	return true
}

// sameWriter reports whether both streams go to one writer, so that one pipe
// keeps the order between them.
func sameWriter(a, b io.Writer) bool {
	return a != nil && b != nil &&
		reflect.ValueOf(a).Comparable() && reflect.ValueOf(b).Comparable() && a == b
}
