package shared

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/org/gorun-action/internal/store/blob"
)

// copied is an entry on its way from a layer, and the file that gets a copy of
// it for the layers in front of that.
type copied struct {
	*blob.Reader
	file  *os.File // nil: there are none, or it cannot be written
	clean func()
}

// download reads what layer i has found. It must be closed.
func (c *Cache) download(ctx context.Context, i int, found blob.Found) *copied {
	d := &copied{
		Reader: blob.NewReader(ctx, found, blob.ReadOptions{Budget: c.Layers[i].Budget}),
		clean:  func() {},
	}
	if i == 0 || !c.Writes {
		return d
	}
	dir, clean, err := c.TempDir()
	if err != nil {
		return d
	}
	if d.file, err = os.Create(filepath.Join(dir, "entry")); err != nil {
		d.file = nil
	}
	d.clean = clean
	return d
}

// Read implements io.Reader.
func (d *copied) Read(p []byte) (int, error) {
	n, err := d.Reader.Read(p)
	if d.file != nil {
		if _, failed := d.file.Write(p[:n]); failed != nil {
			d.file.Close()
			d.file = nil
		}
	}
	return n, err
}

// Close implements io.Closer. A copy that nobody took goes, too.
func (d *copied) Close() error {
	if d.file != nil {
		d.file.Close()
	}
	d.clean()
	return d.Reader.Close()
}

// copyUp keeps an entry that was read to its end and found right in the layers
// in front of the one where it was found, beside the run. What becomes of that
// is no matter: the next run will find it further down again.
func (c *Cache) copyUp(ctx context.Context, i int, d *copied, key string, prefixes []string) {
	if d.file == nil {
		return
	}
	file, clean := d.file, d.clean
	d.file, d.clean = nil, func() {}
	ctx = context.WithoutCancel(ctx)
	c.copies.Go(func() {
		defer clean()
		defer file.Close()
		info, err := file.Stat()
		if err != nil {
			return
		}
		for _, layer := range c.Layers[:i] {
			limited, cancel := context.WithTimeout(ctx, copyLimit)
			_ = layer.Store.Put(limited, key, prefixesOf(key, prefixes), io.NewSectionReader(file, 0, info.Size()))
			cancel()
		}
	})
}

// prefixesOf are those that a key begins with: what was found may be further
// from what was asked for than the nearest of them.
func prefixesOf(key string, prefixes []string) (list []string) {
	for _, p := range prefixes {
		if strings.HasPrefix(key, p) {
			list = append(list, p)
		}
	}
	return list
}
