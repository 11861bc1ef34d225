package buildcache

import (
	"bytes"
	"crypto/sha256"
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

// Whatever is restored stays where it belongs, and only whole packs are.
func FuzzRestore(f *testing.F) {
	f.Add(sample(4000).bytes(f))
	f.Add(sample(5 << 20).bytes(f))
	f.Add((forged{Index: &Index{}}).bytes(f))
	f.Fuzz(func(t *testing.T, pack []byte) {
		y := newYard(t)
		if y.restore(pack) != nil {
			return
		}
		if y.restore(append(bytes.Clone(pack), 0)) == nil {
			t.Error("a byte more is accepted, too")
		}
	})
}
