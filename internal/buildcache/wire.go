package buildcache

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"

	"github.com/klauspost/compress/zstd"
)

const magic = "gorunpk1"

// head is what stands in front of the index, frameHead in front of each frame.
type head struct {
	Magic       [len(magic)]byte
	Raw, Packed uint32
	Sum         digest
}

type frameHead struct {
	Raw, Packed, CRC uint32
}

// maxPacked is how many bytes raw ones may have packed: zstd adds 3 bytes to
// each block of at most 128 KiB that does not get smaller, and a few at both ends.
func maxPacked(raw int64) int64 { return raw + raw/256 + 64 }

func checksum(packed []byte) uint32 {
	return crc32.Checksum(packed, crc32.MakeTable(crc32.Castagnoli))
}

// newEncoder makes one that packs a frame at a time, always to the same bytes.
func newEncoder() (*zstd.Encoder, error) {
	return zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedDefault), zstd.WithEncoderConcurrency(1),
		zstd.WithWindowSize(frameSize), zstd.WithEncoderCRC(false), zstd.WithLowerEncoderMem(true))
}

// newDecoder makes one that unpacks a frame at a time, none larger than most, the
// window of a frame, or the room that it is given.
func newDecoder(most int64) (*zstd.Decoder, error) {
	return zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(uint64(max(most, frameSize))),
		zstd.WithDecodeAllCapLimit(true), zstd.WithDecoderLowmem(true))
}

// errPack: the bytes are not those of a pack.
var errPack = errors.New("the pack is damaged")

// writeIndex writes the magic and the index, and returns their size.
func writeIndex(w io.Writer, x *Index) (int64, error) {
	enc, err := newEncoder()
	if err != nil {
		return 0, err
	}
	raw := x.encode()
	if most := (Limits{}).filled().Index; int64(len(raw)) > most {
		return 0, fmt.Errorf("an index of %d bytes, more than the limit of %d", len(raw), most)
	}
	packed := enc.EncodeAll(raw, nil)
	h := head{Raw: uint32(len(raw)), Packed: uint32(len(packed)), Sum: sha256.Sum256(packed)}
	copy(h.Magic[:], magic)
	var b bytes.Buffer
	err = binary.Write(&b, binary.LittleEndian, h)
	b.Write(packed)
	n, err2 := w.Write(b.Bytes())
	return int64(n), errors.Join(err, err2)
}

// readIndex reads what writeIndex wrote, and returns its size, too.
func readIndex(r io.Reader, l Limits) (*Index, int64, error) {
	var h head
	if err := binary.Read(r, binary.LittleEndian, &h); err != nil {
		return nil, 0, short(err)
	}
	if string(h.Magic[:]) != magic {
		return nil, 0, fmt.Errorf("%w: it begins with %q", errPack, h.Magic[:])
	}
	if int64(h.Raw) > l.Index || int64(h.Packed) > maxPacked(int64(h.Raw)) {
		return nil, 0, fmt.Errorf("%w: an index of %d bytes", errPack, h.Raw)
	}
	// A buffer that grows as bytes come: a size that is a lie costs nothing.
	var packed bytes.Buffer
	if _, err := io.CopyN(&packed, r, int64(h.Packed)); err != nil {
		return nil, 0, short(err)
	}
	raw, err := unpackIndex(packed.Bytes(), h)
	if err != nil {
		return nil, 0, err
	}
	x, err := decode(raw, l)
	return x, int64(binary.Size(h)) + int64(h.Packed), err
}

func unpackIndex(packed []byte, h head) ([]byte, error) {
	// Of the packed bytes, because zstd has bits that do not matter.
	if sha256.Sum256(packed) != h.Sum {
		return nil, fmt.Errorf("%w: the index has another digest", errPack)
	}
	dec, err := newDecoder(int64(h.Raw))
	if err != nil {
		return nil, err
	}
	defer dec.Close()
	raw, err := dec.DecodeAll(packed, make([]byte, 0, h.Raw))
	if err != nil {
		return nil, fmt.Errorf("%w: unpacking the index: %w", errPack, err)
	}
	if len(raw) != int(h.Raw) {
		return nil, fmt.Errorf("%w: an index of %d bytes instead of %d", errPack, len(raw), h.Raw)
	}
	return raw, nil
}

// short makes an end that comes too early damage.
func short(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("%w: it ends too early: %w", errPack, io.ErrUnexpectedEOF)
	}
	return err
}

// frame is one on its way from the reader to a worker.
type frame struct {
	packed []byte
	raw    int
	crc    uint32
}

// read reads the next frame, which must have raw bytes unpacked.
func (f *frame) read(ctx context.Context, r io.Reader, raw int) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	var h frameHead
	if err := binary.Read(r, binary.LittleEndian, &h); err != nil {
		return short(err)
	}
	if int(h.Raw) != raw || int64(h.Packed) > maxPacked(int64(raw)) {
		return fmt.Errorf("%w: a frame of %d bytes where %d belong", errPack, h.Raw, raw)
	}
	if cap(f.packed) < int(h.Packed) {
		f.packed = make([]byte, h.Packed)
	}
	f.packed, f.raw, f.crc = f.packed[:h.Packed], raw, h.CRC
	_, err := io.ReadFull(r, f.packed)
	if err != nil {
		return short(err)
	}
	return nil
}

// unpack unpacks the frame into buf, which has room for frameSize bytes.
func (f *frame) unpack(dec *zstd.Decoder, buf []byte) ([]byte, error) {
	if checksum(f.packed) != f.crc {
		return nil, fmt.Errorf("%w: a frame has another checksum", errPack)
	}
	raw, err := dec.DecodeAll(f.packed, buf[:0])
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errPack, err)
	}
	if len(raw) != f.raw {
		return nil, fmt.Errorf("%w: a frame has %d bytes instead of %d", errPack, len(raw), f.raw)
	}
	return raw, nil
}
