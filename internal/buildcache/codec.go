package buildcache

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
)

// The index unpacked: five lists, each with its length in front, and a byte
// with the flag for renamed. Numbers are unsigned varints, text is a length
// and bytes.

const (
	flagDir = 1 << iota
	flagLoose
)

func (x *Index) encode() []byte {
	var b []byte
	b = binary.AppendUvarint(b, uint64(len(x.outputs)))
	for _, o := range x.outputs {
		b = binary.AppendUvarint(append(b, o.sum[:]...), uint64(o.size))
	}
	b = binary.AppendUvarint(b, uint64(len(x.actions)))
	for _, a := range x.actions {
		b = binary.AppendUvarint(append(b, a.id[:]...), uint64(a.output))
	}
	b = x.encodeModules(b)
	b = binary.AppendUvarint(b, uint64(len(x.packages)))
	for _, p := range x.packages {
		b = appendText(b, p)
	}
	return append(b, flag(x.renamed, 1))
}

func (x *Index) encodeModules(b []byte) []byte {
	b = binary.AppendUvarint(b, uint64(len(x.modules)))
	for _, m := range x.modules {
		b = append(appendText(appendText(b, m.Path), m.Version), flag(m.dir, flagDir)|flag(m.loose, flagLoose))
		b = binary.AppendUvarint(b, uint64(len(m.requires)))
		for _, r := range m.requires {
			b = binary.AppendUvarint(b, uint64(r))
		}
	}
	b = binary.AppendUvarint(b, uint64(len(x.files)))
	for _, f := range x.files {
		b = append(binary.AppendUvarint(b, uint64(f.module)), byte(f.kind))
		if f.kind == tree {
			b = appendText(b, f.name)
		}
		b = append(binary.AppendUvarint(b, uint64(f.size)), f.sum[:]...)
	}
	return b
}

func appendText(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

func flag(set bool, f byte) byte {
	if set {
		return f
	}
	return 0
}

var errIndex = errors.New("the index is damaged")

// decoder reads an index. After the first thing that does not fit it has an
// error, and reads only zeros.
type decoder struct {
	data []byte
	err  error
}

// decode is the opposite of encode: it refuses all that encode would not have
// written just so, out of order or twice.
func decode(data []byte, l Limits) (*Index, error) {
	d := &decoder{data: data}
	x := &Index{}
	x.outputs = list(d, l.Entries, output.compare, func() (o output) {
		o.sum, o.size = d.digest(), int64(d.number(l.File))
		return o
	})
	x.actions = list(d, l.Entries, action.compare, func() action {
		return action{id: d.digest(), output: int(d.number(int64(len(x.outputs)) - 1))}
	})
	d.modules(x, l)
	x.packages = list(d, l.Files, cmpText, d.text)
	x.renamed = d.byte(1) != 0
	if d.err == nil && len(d.data) > 0 {
		d.fail("%d bytes too many", len(d.data))
	}
	if d.err != nil {
		return nil, d.err
	}
	return x, x.check(l)
}

func (d *decoder) modules(x *Index, l Limits) {
	x.modules = list(d, l.Files, mod.compare, func() mod {
		m := mod{ModuleVersion: ModuleVersion{Path: d.text(), Version: d.text()}}
		flags := d.byte(flagDir | flagLoose)
		m.dir, m.loose = flags&flagDir != 0, flags&flagLoose != 0
		m.requires = list(d, l.Files, func(a, b int) int { return a - b }, func() int { return int(d.number(int64(l.Files))) })
		return m
	})
	x.files = list(d, l.Files, file.compare, func() file {
		f := file{module: int(d.number(int64(len(x.modules)) - 1)), kind: kind(d.byte(byte(kinds) - 1))}
		if f.kind == tree {
			f.name = d.text()
		}
		f.size, f.sum = int64(d.number(l.File)), d.digest()
		return f
	})
}

func cmpText(a, b string) int { return slices.Compare([]byte(a), []byte(b)) }

// list reads a list of which each element is larger than the one before it.
func list[T any](d *decoder, most int, compare func(a, b T) int, read func() T) []T {
	n := int(d.number(int64(most)))
	// Each element has a byte at least, so a short index cannot ask for much.
	if n > len(d.data) {
		d.fail("%d elements in %d bytes", n, len(d.data))
	}
	var all []T
	for i := 0; i < n && d.err == nil; i++ {
		all = append(all, read())
		if i > 0 && compare(all[i-1], all[i]) >= 0 {
			d.fail("element %d is out of order", i)
		}
	}
	return all
}

func (d *decoder) fail(format string, args ...any) {
	if d.err == nil {
		d.err = fmt.Errorf("%w: %s", errIndex, fmt.Sprintf(format, args...))
	}
	d.data = nil
}

func (d *decoder) number(most int64) uint64 {
	v, n := binary.Uvarint(d.data)
	if n <= 0 || n > 1 && d.data[n-1] == 0 || most < 0 || v > uint64(most) {
		d.fail("a number that is too large, or has no end")
		return 0
	}
	d.data = d.data[n:]
	return v
}

func (d *decoder) take(n int) []byte {
	if n > len(d.data) {
		d.fail("it ends too early")
		return nil
	}
	b := d.data[:n]
	d.data = d.data[n:]
	return b
}

func (d *decoder) byte(bits byte) byte {
	b := d.take(1)
	if len(b) == 0 {
		return 0
	}
	if b[0] > bits {
		d.fail("flags %#x", b[0])
	}
	return b[0]
}

func (d *decoder) digest() (sum digest) {
	copy(sum[:], d.take(len(sum)))
	return sum
}

func (d *decoder) text() string { return string(d.take(int(d.number(maxName)))) }
