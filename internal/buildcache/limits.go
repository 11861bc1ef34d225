package buildcache

import (
	"cmp"
	"fmt"
)

// Limits bound what a pack may ask of a machine. A field that is zero has the
// value said here, which Collect keeps to as well.
type Limits struct {
	Entries int   // GOCACHE actions and outputs, each; 200,000
	Files   int   // module files, modules and packages, each; 500,000
	Total   int64 // unpacked bytes without the index; 8 GiB
	File    int64 // unpacked bytes of one output or module file; 64 MiB
	Index   int64 // unpacked bytes of the index; 64 MiB
}

func (l Limits) filled() Limits {
	return Limits{
		Entries: cmp.Or(l.Entries, 200_000),
		Files:   cmp.Or(l.Files, 500_000),
		Total:   cmp.Or(l.Total, 8<<30),
		File:    cmp.Or(l.File, 64<<20),
		Index:   cmp.Or(l.Index, 64<<20),
	}
}

// check refuses an index with more, or larger things, than l allows.
func (l Limits) check(x *Index) error {
	counts := []struct {
		what   string
		n, max int
	}{
		{"outputs", len(x.outputs), l.Entries},
		{"actions", len(x.actions), l.Entries},
		{"module files", len(x.files), l.Files},
		{"modules", len(x.modules), l.Files},
		{"packages", len(x.packages), l.Files},
	}
	for _, c := range counts {
		if c.n > c.max {
			return fmt.Errorf("%d %s, more than the limit of %d", c.n, c.what, c.max)
		}
	}
	return l.checkSizes(x.sizes())
}

func (l Limits) checkSizes(sizes []int64) error {
	var total int64
	for _, size := range sizes {
		if size < 0 || size > l.File {
			return fmt.Errorf("a file of %d bytes, more than the limit of %d", size, l.File)
		}
		if total += size; total > l.Total {
			return fmt.Errorf("unpacked larger than the limit of %d bytes", l.Total)
		}
	}
	return nil
}
