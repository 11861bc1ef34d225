package githubactions

import (
	"crypto/rand"
	"encoding/hex"
	"io"
	"sync"
)

// Stream is the one way to the runner's log: log records, the program's output
// and commands of ours, in the order in which they are written. The package
// comment says what goes over it.
//
// All methods, and the writers it hands out, may be used from several
// goroutines. An error of the writer below is kept for [Stream.Err]; from then
// on everything is dropped, and every Write still says that all went well, for
// a log that is gone is no reason to stop a program.
type Stream struct {
	w     io.Writer
	token string
	pass  bool

	mu sync.Mutex
	// fenced says that the runner has been told to stop parsing.
	fenced bool
	// midline says that the last byte written was not a newline.
	midline bool
	// last is the writer whose line midline speaks of, if it may go on.
	last *lineWriter
	err  error
	// open are the writers whose last line may still be held back.
	open []*lineWriter
}

// NewToken returns a fresh token for [NewStream]: 256 random bits in hex.
func NewToken() string {
	random := make([]byte, 32)
	rand.Read(random) // never fails, see its documentation
	return hex.EncodeToString(random)
}

// NewStream returns a Stream to w, which must be the only writer to it. The
// token comes from [NewToken] and is used for this Stream alone. With pass,
// the commands that the program prints are obeyed, too.
//
// Nothing is written yet. The first call should be [Stream.Mask]; after it, or
// after any other, the fence is closed and the program may be started.
func NewStream(w io.Writer, token string, pass bool) *Stream {
	return &Stream{w: w, token: token, pass: pass}
}

// Mask hides values in all that the runner shows from now on, line by line
// where a value has several. It does not hide them from what was written
// before.
func (s *Stream) Mask(values ...string) {
	var commands []Command
	for _, value := range values {
		commands = append(commands, masks(value)...)
	}
	s.Command(commands...)
}

// Command writes commands of ours, each on a line of its own. Those of one
// call come in one piece, behind one opening of the fence.
func (s *Stream) Command(commands ...Command) {
	s.mu.Lock()
	defer s.mu.Unlock()
	closed := s.fenced || !s.pass
	b := s.parsed(s.newline(nil))
	for _, c := range commands {
		b = append(b, c.line()...)
	}
	if closed {
		b = s.unparsed(b)
	}
	s.write(b)
}

// Fenced returns a writer for log records and output of the program that the
// runner shall never parse. What is written is neither kept nor copied.
func (s *Stream) Fenced() io.Writer { return fencedWriter{s} }

// Open returns a writer for one stream of the program: fenced, or with pass,
// parsed. Parsed output is held back until a line is complete, so that neither
// a log record nor the program's other stream can cut a command in two; a line
// of more than 64 KiB passes in pieces. Close lets go of a last line without
// newline, and does not close the Stream.
//
// A program that may give commands may also give ::stop-commands::; commands
// of ours are then ignored until it resumes.
func (s *Stream) Open() io.WriteCloser {
	if !s.pass {
		return fencedWriter{s}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	w := &lineWriter{s: s}
	s.open = append(s.open, w)
	return w
}

// Close lets go of what is held back and leaves the runner parsing, at the
// start of a line. It does not close the writer below. What is written later
// is still fenced.
func (s *Stream) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, w := range s.open {
		w.flush()
	}
	s.write(s.parsed(s.newline(nil)))
	return s.err
}

// Err returns the first error of the writer below.
func (s *Stream) Err() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

// parsed appends what makes the runner parse the next line.
func (s *Stream) parsed(b []byte) []byte {
	if s.fenced {
		b = s.newline(b)
		b = append(b, "::"+s.token+"::\n"...)
	}
	s.fenced = false
	return b
}

// unparsed appends what makes the runner parse nothing from the next line on.
func (s *Stream) unparsed(b []byte) []byte {
	if !s.fenced {
		b = s.newline(b)
		b = append(b, "::stop-commands::"+s.token+"\n"...)
	}
	s.fenced = true
	return b
}

// newline ends a line that is not ended, for a command is one only at the
// start of a line.
func (s *Stream) newline(b []byte) []byte {
	if s.midline {
		b = append(b, '\n')
	}
	s.midline = false
	return b
}

// write hands p on, in one piece.
func (s *Stream) write(p []byte) {
	if s.err != nil || len(p) == 0 {
		return
	}
	n, err := s.w.Write(p)
	if err == nil && n < len(p) {
		err = io.ErrShortWrite
	}
	s.err = err
	s.last = nil
	s.midline = p[len(p)-1] != '\n'
}

type fencedWriter struct{ s *Stream }

// Write never fails; see [Stream].
func (f fencedWriter) Write(p []byte) (int, error) {
	f.s.mu.Lock()
	defer f.s.mu.Unlock()
	if len(p) > 0 && !f.s.fenced {
		f.s.write(f.s.unparsed(nil))
	}
	f.s.write(p)
	return len(p), nil
}

// Close does nothing: nothing is held back.
func (f fencedWriter) Close() error { return nil }
