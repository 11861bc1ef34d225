package shared

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/org/gorun-action/internal/store/blob"
	"github.com/org/gorun-action/internal/store/entry"
	"github.com/org/gorun-action/runner"
)

// payloadOf writes the payload of an entry, and says what it wrote.
type payloadOf func(w io.Writer) (payload, content entry.Digest, err error)

// sendAll makes an entry and keeps it in every layer.
func (c *Cache) sendAll(ctx context.Context, m entry.Manifest, prefixes []string, about []byte, payload payloadOf) {
	content, clean, err := c.write(m, about, payload)
	if err != nil {
		c.begin(0, saving, m.Kind, m.Key).end(runner.TransferFault, err.Error(), 0)
		c.warned(c.Layers[0], err)
		return
	}
	defer clean()
	for i := range c.Layers {
		c.send(ctx, i, m, prefixes, content)
	}
}

func (c *Cache) send(ctx context.Context, layer int, m entry.Manifest, prefixes []string, content blob.Content) {
	t := c.begin(layer, saving, m.Kind, m.Key)
	err := t.layer.Store.Put(ctx, m.Key, prefixes, t.watched(content))
	if err == nil {
		t.end(runner.TransferKept, "", content.Size())
		return
	}
	_ = t.failed(ctx, err, 0) // nothing of it ends a run
}

// write makes an entry in a temporary file.
func (c *Cache) write(m entry.Manifest, about []byte, payload payloadOf) (content blob.Content, clean func(), err error) {
	dir, remove, err := c.TempDir()
	if err != nil {
		return nil, nil, err
	}
	f, err := os.Create(filepath.Join(dir, "payload"))
	if err != nil {
		remove()
		return nil, nil, err
	}
	clean = func() { f.Close(); remove() }
	m.Payload, m.Content, err = payload(f)
	if err != nil {
		clean()
		return nil, nil, err
	}
	m.Gorun, m.Origin, m.Created = c.Gorun, c.Trust.Origin, c.Now()
	head, err := entry.Seal(m, about, c.Signer)
	if err != nil {
		clean()
		return nil, nil, err
	}
	return entry.Content(head, io.NewSectionReader(f, 0, m.Payload.Size)), clean, nil
}

// isMiss reports whether the next layer may be asked.
func isMiss(err error) bool { return errors.Is(err, fs.ErrNotExist) }
