package entry

import (
	"crypto/sha256"
	"fmt"
	"hash"
	"io"

	"github.com/klauspost/compress/zstd"
)

// programWindow: of a 17 MB program, 8 MiB would save 2 kB and cost twice the memory.
const programWindow = 4 << 20

// CompressProgram writes the payload of an executable to w, and returns its
// digest and that of the program. The same program makes the same bytes with
// the same version of the compressor. It takes about 20 ms for each MB of a
// program, on one core, and under 64 MiB of memory.
//
// The level is chosen for who reads: better packs 3 to 5 % closer than default
// at the same speed of unpacking, and saving is off the critical path.
func CompressProgram(w io.Writer, program io.Reader) (payload, content Digest, err error) {
	stored, plain := digesting(w), digesting(io.Discard)
	enc, err := zstd.NewWriter(stored,
		zstd.WithEncoderLevel(zstd.SpeedBetterCompression), zstd.WithWindowSize(programWindow),
		zstd.WithEncoderConcurrency(1), zstd.WithEncoderCRC(false))
	if err != nil {
		return Digest{}, Digest{}, err
	}
	_, err = io.Copy(enc, io.TeeReader(program, plain))
	if closed := enc.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return Digest{}, Digest{}, fmt.Errorf("compressing a program: %w", err)
	}
	return stored.digest(), plain.digest(), nil
}

// digester hashes and counts what it passes on.
type digester struct {
	w    io.Writer
	hash hash.Hash
	n    int64
}

func digesting(w io.Writer) *digester { return &digester{w: w, hash: sha256.New()} }

func (d *digester) Write(p []byte) (int, error) {
	n, err := d.w.Write(p)
	d.hash.Write(p[:n])
	d.n += int64(n)
	return n, err
}

func (d *digester) digest() Digest { return digestOf(d.hash, d.n) }

// Program unpacks the program of an executable's entry, once. Only when it
// returns nil is what w got that program, and may be given a name: the digests
// of both forms were right, and so were the sizes. It never writes more than
// Content.Size bytes, and takes under 64 MiB of memory. Errors wrap
// [ErrDamaged], or are the reader's or w's own.
func (o *Opened) Program(w io.Writer) error {
	if o.Manifest.Kind != Executable {
		return damaged("there is no program in a %s", o.Manifest.Kind)
	}
	dec, err := zstd.NewReader(o.payload, zstd.WithDecoderMaxWindow(maxWindow), zstd.WithDecoderMaxMemory(maxProgram),
		zstd.WithDecoderLowmem(true), zstd.IgnoreChecksum(true))
	if err != nil {
		return o.unpacking(err, nil)
	}
	defer dec.Close()
	out := &bounded{digester: digesting(w), limit: o.Manifest.Content.Size}
	if _, err := io.Copy(out, dec); err != nil {
		return o.unpacking(err, out.err)
	}
	if _, err := io.Copy(io.Discard, o.payload); err != nil {
		return err // the end of the payload is where its digest is checked
	}
	if out.digest() != o.Manifest.Content {
		return damaged("its program does not have the digest that it says")
	}
	return nil
}

// unpacking returns the error that came first: the writer's or the reader's
// own is no fault of the entry.
func (o *Opened) unpacking(err, writing error) error {
	switch {
	case writing != nil:
		return writing
	case o.payload.err != nil && o.payload.err != io.EOF:
		return o.payload.err
	}
	return damaged("its program cannot be unpacked: %v", err)
}

// bounded refuses more than limit bytes, and remembers why it failed.
type bounded struct {
	*digester
	limit int64
	err   error
}

func (b *bounded) Write(p []byte) (int, error) {
	if int64(len(p)) > b.limit-b.n {
		b.err = damaged("its program is larger than the %d bytes that it says", b.limit)
		return 0, b.err
	}
	n, err := b.digester.Write(p)
	if err != nil {
		b.err = fmt.Errorf("writing a program: %w", err)
	}
	return n, err
}
