package shared

import (
	"io"
	"sync/atomic"

	"github.com/org/gorun-action/container"
	"github.com/org/gorun-action/internal/store/blob"
	"github.com/org/gorun-action/internal/store/entry"
	"github.com/org/gorun-action/runner"
)

// step is how many bytes go between two reports of progress: each costs as much
// as moving some ten thousand.
const step = 1 << 20

// progress tells how much of an entry has come or gone.
type progress struct {
	t     *transfer
	task  string
	total int64
	done  atomic.Int64
}

func (p *progress) moved(n int) {
	done := p.done.Add(int64(n))
	if before := done - int64(n); before/step != done/step {
		p.t.c.Report.Event(runner.Progressed{Progress: container.Progress{
			Task: p.task, Done: min(done, p.total), Total: p.total, Unit: "bytes",
		}})
	}
}

// shown is the payload of an entry that tells how far it has come.
func (t *transfer) shown(opened *entry.Opened) io.Reader {
	p := &progress{t: t, task: "restoring the build cache from " + t.layer.Name, total: opened.Manifest.Payload.Size}
	return shownReader{opened.Payload(), p}
}

type shownReader struct {
	io.Reader
	p *progress
}

func (r shownReader) Read(b []byte) (int, error) {
	n, err := r.Reader.Read(b)
	r.p.moved(n)
	return n, err
}

// watched is content that tells how far it has gone. A store may read it more
// than once.
func (t *transfer) watched(content blob.Content) blob.Content {
	return watchedContent{content, &progress{t: t, task: "saving the " + t.event.What + " to " + t.layer.Name, total: content.Size()}}
}

type watchedContent struct {
	blob.Content
	p *progress
}

func (c watchedContent) ReadAt(b []byte, off int64) (int, error) {
	n, err := c.Content.ReadAt(b, off)
	c.p.moved(n)
	return n, err
}
