package githubactions

import "bytes"

// maxHeld bounds the line that is held back. It is what a pipe holds on Linux;
// no command of any use is longer.
const maxHeld = 64 << 10

// lineWriter lets a Stream parse whole lines.
type lineWriter struct {
	s *Stream
	// held is the beginning of a line.
	held []byte
}

// Write never fails; see [Stream].
func (w *lineWriter) Write(p []byte) (int, error) {
	w.s.mu.Lock()
	defer w.s.mu.Unlock()
	// A carriage return ends a line for the runner; progress bars live by it.
	end := bytes.LastIndexAny(p, "\r\n") + 1
	if end > 0 {
		w.pass(p[:end])
	}
	w.held = append(w.held, p[end:]...)
	if len(w.held) > maxHeld {
		w.pass(nil)
	}
	return len(p), nil
}

// pass lets go of what is held and of p after it.
func (w *lineWriter) pass(p []byte) {
	var b []byte
	if w.s.last != w {
		b = w.s.newline(b)
	}
	b = append(w.s.parsed(b), w.held...)
	w.held = w.held[:0]
	if len(b) > 0 { // else p needs no copy
		p = append(b, p...)
	}
	w.s.write(p)
	w.s.last = w
}

// Close lets go of a last line without newline.
func (w *lineWriter) Close() error {
	w.s.mu.Lock()
	defer w.s.mu.Unlock()
	w.flush()
	return nil
}

func (w *lineWriter) flush() {
	if len(w.held) > 0 {
		w.pass(nil)
	}
}
