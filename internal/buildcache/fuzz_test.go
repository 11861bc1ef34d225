package buildcache

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"testing"
)

func sum(content string) digest { return sha256.Sum256([]byte(content)) }

// What decodes as an index is just what encode writes, and within the limits.
func FuzzIndex(f *testing.F) {
	f.Add(sample(4000).encode())
	f.Add((&Index{}).encode())
	f.Fuzz(func(t *testing.T, data []byte) {
		x, err := decode(data, Limits{}.filled())
		if err != nil {
			return
		}
		if again := x.encode(); !bytes.Equal(again, data) {
			t.Errorf("%x is read, but written as %x", data, again)
		}
		x.Skip([]string{"example.com/a"}, nil)
	})
}

// Whatever is restored stays where it belongs, and only whole packs are. An
// index that is not empty gets the right digest, and data the right checksums,
// so that what is behind them is tried, too. (Goroutines make coverage differ
// from run to run: -fuzzminimizetime=1x keeps it from looking for reasons.)
func FuzzRestore(f *testing.F) {
	good := sample(4000)
	f.Add(good.encode(), bytes.Join(good.data, nil))
	f.Add([]byte{}, good.bytes(f))
	f.Add([]byte{}, (forged{Index: &Index{}}).bytes(f))
	f.Fuzz(func(t *testing.T, index, data []byte) {
		pack := data
		if len(index) > 0 {
			pack = wrap(t, index, data)
		}
		y := newYard(t)
		if y.restore(pack) != nil {
			return
		}
		if y.restore(append(bytes.Clone(pack), 0)) == nil {
			t.Error("a byte more is accepted, too")
		}
	})
}

// wrap makes a pack of an index and the data of one frame, whatever they are.
func wrap(t *testing.T, index, data []byte) []byte {
	t.Helper()
	enc, err := newEncoder()
	must(t, err)
	packed := enc.EncodeAll(index, nil)
	h := head{Raw: uint32(len(index)), Packed: uint32(len(packed)), Sum: sha256.Sum256(packed)}
	copy(h.Magic[:], magic)
	var out bytes.Buffer
	must(t, binary.Write(&out, binary.LittleEndian, h))
	out.Write(packed)
	return append(out.Bytes(), packFrame(t, data, len(data))...)
}

// The wrapping itself makes packs that are restored.
func TestWrap(t *testing.T) {
	t.Parallel()
	f := sample(4000)
	must(t, newYard(t).restore(wrap(t, f.encode(), bytes.Join(f.data, nil))))
}
