package buildcache

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash"
	"io"
	"os"
	"time"

	"github.com/klauspost/compress/zstd"
)

// Stats is what writing or restoring a pack took.
type Stats struct {
	Packed int64 // bytes of the pack that were written or read
	Raw    int64 // bytes of the files in it that were read or written
	Files  int64 // and how many
	Time   time.Duration
}

// Write writes the pack. Frames are packed on all cores, in less than 128 MiB
// of memory. A file that is no longer as Collect found it is an error.
func (c *Contents) Write(w io.Writer) (Stats, error) {
	start := time.Now()
	n, err := writeIndex(w, c.Index)
	if err != nil {
		return Stats{}, fmt.Errorf("writing a pack: %w", err)
	}
	frames, err := c.writeFrames(w)
	if err != nil {
		return Stats{}, fmt.Errorf("writing a pack: %w", err)
	}
	return Stats{Packed: n + frames, Raw: c.Index.Raw(), Files: c.Index.Files(), Time: time.Since(start)}, nil
}

// press packs a frame; there are as many as cores, and each is used again once
// its frame is written.
type press struct {
	enc         *zstd.Encoder
	raw, packed []byte
	done        chan struct{} // gets a value when packed is ready
}

func newPresses() (chan *press, error) {
	idle := make(chan *press, workers(maxPacking))
	for range cap(idle) {
		enc, err := newEncoder()
		if err != nil {
			return nil, err
		}
		idle <- &press{enc: enc, done: make(chan struct{}, 1)}
	}
	return idle, nil
}

func (p *press) pack() {
	p.packed = p.enc.EncodeAll(p.raw, p.packed[:0])
	p.done <- struct{}{}
}

// writeFrames reads files in order, packs frames side by side, and writes them
// in order.
func (c *Contents) writeFrames(w io.Writer) (int64, error) {
	idle, err := newPresses()
	if err != nil {
		return 0, err
	}
	queue := make(chan *press, cap(idle))
	var failed firstError
	go func() {
		defer close(queue)
		failed.set(c.fill(idle, queue, &failed))
	}()
	var written int64
	for p := range queue {
		<-p.done
		if failed.get() == nil {
			n, err := p.write(w)
			written += n
			failed.set(err)
		}
		idle <- p
	}
	return written, failed.get()
}

func (p *press) write(w io.Writer) (int64, error) {
	var b bytes.Buffer
	h := frameHead{uint32(len(p.raw)), uint32(len(p.packed)), checksum(p.packed)}
	if err := binary.Write(&b, binary.LittleEndian, h); err != nil {
		return 0, err
	}
	n, err := w.Write(b.Bytes())
	if err != nil {
		return int64(n), err
	}
	m, err := w.Write(p.packed)
	return int64(n + m), err
}

// fill lays the files into presses and starts them, until something failed.
func (c *Contents) fill(idle <-chan *press, queue chan<- *press, failed *firstError) error {
	files := &source{contents: c, sizes: c.Index.sizes()}
	defer files.close()
	for _, u := range cut(files.sizes) {
		for i := range u.frames() {
			if failed.get() != nil {
				return nil
			}
			p := <-idle
			p.raw = append(p.raw[:0], make([]byte, u.frame(i))...)
			if err := files.read(p.raw, u.end); err != nil {
				return err
			}
			queue <- p
			go p.pack()
		}
	}
	return nil
}

// source reads the files one after the other as if they were one.
type source struct {
	contents *Contents
	sizes    []int64
	next     int // file after the open one
	open     *os.File
	left     int64 // bytes that the open file still has to give
	hash     hash.Hash
}

// read fills buf, and goes on to the file end at most; empty files are met, too.
func (s *source) read(buf []byte, end int) error {
	for len(buf) > 0 || s.open == nil && s.next < end && s.sizes[s.next] == 0 {
		if s.open == nil {
			if err := s.begin(); err != nil {
				return err
			}
		}
		n := min(int64(len(buf)), s.left)
		if _, err := io.ReadFull(s.open, buf[:n]); err != nil {
			return fmt.Errorf("reading %s: %w", s.open.Name(), err)
		}
		s.hash.Write(buf[:n])
		buf, s.left = buf[n:], s.left-n
		if err := s.finish(); err != nil {
			return err
		}
	}
	return nil
}

func (s *source) begin() (err error) {
	s.open, err = os.Open(s.contents.paths[s.next])
	s.left, s.hash = s.sizes[s.next], sha256.New()
	s.next++
	return err
}

// finish closes a file that has given all it has to.
func (s *source) finish() error {
	if s.left > 0 {
		return nil
	}
	name := s.open.Name()
	s.close()
	if digest(s.hash.Sum(nil)) != s.contents.Index.sum(s.next-1) {
		return fmt.Errorf("%s has changed", name)
	}
	return nil
}

func (s *source) close() {
	if s.open != nil {
		s.open.Close()
	}
	s.open = nil
}
