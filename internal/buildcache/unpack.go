package buildcache

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/zstd"
)

// worker unpacks one unit after the other.
type worker struct {
	target *target
	dec    *zstd.Decoder
	buf    []byte // room for a frame
	data   []byte // of buf, what no file has got yet
	idle   chan<- *frame
	here   here
}

func work(ctx context.Context, t *target, jobs <-chan job, idle chan<- *frame) error {
	dec, err := newDecoder(frameSize)
	if err != nil {
		return err
	}
	defer dec.Close()
	w := &worker{target: t, dec: dec, idle: idle, buf: make([]byte, 0, frameSize)}
	defer w.here.close()
	for {
		j, err := receive(ctx, jobs)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := w.unit(ctx, j); err != nil {
			return err
		}
	}
}

// unit writes the files of a unit, which has the bytes of all of them and no more.
func (w *worker) unit(ctx context.Context, j job) error {
	if err := w.next(ctx, j); err != nil {
		return err
	}
	for i := j.first; i < j.end; i++ {
		if err := w.file(ctx, j, i); err != nil {
			return err
		}
	}
	return nil
}

// next unpacks the next frame.
func (w *worker) next(ctx context.Context, j job) error {
	f, err := receive(ctx, j.frames)
	if err != nil {
		return err
	}
	w.data, err = f.unpack(w.dec, w.buf)
	w.idle <- f
	return err
}

// file writes the file i and checks it.
func (w *worker) file(ctx context.Context, j job, i int) (err error) {
	t := w.target
	left := t.sizes[i]
	if i < len(t.index.outputs) && bytes.HasPrefix(w.data[:min(left, int64(len(w.data)))], []byte(indexMagic)) {
		return fmt.Errorf("%w: a part of the module index is in it", errPack)
	}
	out, err := t.create(i, &w.here)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	h := sha256.New()
	for left > 0 {
		if len(w.data) == 0 {
			if err := w.next(ctx, j); err != nil {
				return err
			}
		}
		n := min(left, int64(len(w.data)))
		h.Write(w.data[:n])
		if _, err := out.Write(w.data[:n]); err != nil {
			return err
		}
		w.data, left = w.data[n:], left-n
	}
	if digest(h.Sum(nil)) != t.index.sum(i) {
		return fmt.Errorf("%w: %s has another digest", errPack, t.name(i))
	}
	return nil
}
