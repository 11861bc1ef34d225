package blob_test

import (
	"bytes"
	"errors"
	"io"
	"runtime"
	"testing"
	"time"

	"github.com/org/gorun-action/internal/store/blob"
	"github.com/org/gorun-action/internal/store/blobtest"
)

// script makes a server misbehave: each byte is what one body does.
type script []byte

func (s script) at(n int64) byte {
	if n > int64(len(s)) {
		return 0
	}
	return s[n-1]
}

func (s script) body(n int64, r io.Reader) io.Reader {
	switch b := s.at(n); b % 8 {
	case 1:
		return io.LimitReader(r, int64(b))
	case 2:
		return io.MultiReader(r, bytes.NewReader(make([]byte, b)))
	case 3:
		return cuts(func(int64) bool { return true }, int64(b), errors.New("reset"))(n, r)
	}
	return r
}

func (s script) part(n int64, p *blob.Part) {
	switch b := s.at(n); b % 8 {
	case 4:
		p.Offset += int64(b) - 128
	case 5:
		p.Total += int64(b) - 128
	case 6:
		p.Total = -1
	}
}

// A Reader ends, whatever a server does, and what it reads without an error is
// all of the blob and nothing else.
func FuzzReader(f *testing.F) {
	f.Add(uint16(0), false, false, false, []byte{})
	f.Add(uint16(100), false, true, false, []byte{6})
	f.Add(uint16(1000), true, true, false, []byte{0, 3, 9})
	f.Add(uint16(999), false, true, true, []byte{1, 9, 17, 25, 2, 4, 5})
	f.Add(uint16(305), true, true, true, []byte{3, 3, 0, 11})
	f.Fuzz(func(t *testing.T, size uint16, ignores, silent, untold bool, does []byte) {
		all := blobtest.Content("fuzz", int(size))
		s := &server{all: all, ignores: ignores, silent: silent, untold: untold}
		s.body, s.part = script(does).body, script(does).part
		r := blob.NewReader(t.Context(), s.found(), blob.ReadOptions{Part: 100, Parallel: 3})
		stop := time.AfterFunc(20*time.Second, func() {
			b := make([]byte, 1<<20)
			panic("it hangs:\n" + string(b[:runtime.Stack(b, true)]))
		})
		got, err := io.ReadAll(r)
		r.Close()
		stop.Stop()
		if n := s.open.Load(); n != 0 {
			t.Errorf("%d bodies are open after Close", n)
		}
		if err == nil && !bytes.Equal(got, all) && !plausible(does, len(all), untold && silent) {
			t.Errorf("%d of %d bytes are no error", len(got), len(all))
		}
	})
}

// plausible reports whether what a server sends can be taken for a blob that it
// is not: other bytes than it says, another size from the first, an end where
// it never told the size, or after the first part something as long as the rest.
func plausible(does []byte, size int, untold bool) bool {
	for i, b := range does {
		if b%8 == 4 || b%8 == 5 || untold && (b%8 == 1 || b%8 == 2) || i == 0 && b%8 == 2 && size == 100+int(b) {
			return true
		}
	}
	return false
}
