package shared

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/org/gorun-action/container"
	"github.com/org/gorun-action/internal/store/blob"
	"github.com/org/gorun-action/internal/store/entry"
	"github.com/org/gorun-action/runner"
)

// transfer is one look into a layer, or one save, under way.
type transfer struct {
	c     *Cache
	layer Layer
	index int // of the layer
	event runner.Transferred
	begin time.Time
	gone  bool // the layer had been given up before
}

const (
	restoring = "restore"
	saving    = "save"
)

func (c *Cache) begin(i int, op, what, key string, prefixes ...string) *transfer {
	layer := c.Layers[i]
	return &transfer{c: c, layer: layer, index: i, begin: c.Now(), gone: layer.Budget.Err() != nil, event: runner.Transferred{
		Store: layer.Name, Op: op, What: what, Key: key, Prefixes: prefixes,
	}}
}

// end reports what came of it.
func (t *transfer) end(outcome, reason string, bytes int64) {
	t.event.Outcome, t.event.Reason, t.event.Bytes = outcome, reason, bytes
	t.event.Took = t.c.Now().Sub(t.begin)
	t.c.Report.Event(t.event)
}

// found is the end of a look-up that had something of use.
func (t *transfer) found(reason string, bytes int64) {
	outcome := runner.TransferNear
	if t.event.Matched == t.event.Key {
		outcome = runner.TransferHit
	}
	t.end(outcome, reason, bytes)
}

// failed reports why there is nothing. It returns fs.ErrNotExist, or an error
// that ends the run.
func (t *transfer) failed(ctx context.Context, err error, bytes int64) error {
	if cause := context.Cause(ctx); cause != nil {
		t.end(runner.TransferSkipped, cause.Error(), bytes)
		return cause
	}
	outcome := outcomeOf(err)
	if outcome == runner.TransferSkipped && !t.gone {
		outcome = runner.TransferFault // what it was given up for is told here
	}
	switch {
	case outcome == runner.TransferMiss, outcome == runner.TransferExists:
		t.end(outcome, "", bytes)
		return fs.ErrNotExist
	case errors.Is(err, entry.ErrDamaged), outcome == runner.TransferFault:
		t.c.warned(t.layer, err)
	}
	t.end(outcome, err.Error(), bytes)
	if t.c.Strict && errors.Is(err, entry.ErrSignature) {
		return container.WithHint(fmt.Errorf("%w: %s has %s: %w", container.ErrIntegrity, t.layer.Name, t.event.Key, err),
			"find out who wrote it; remove it with `gorunctl cache rm`, or run without --cache-strict to build anew")
	}
	return fs.ErrNotExist
}

func outcomeOf(err error) string {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return runner.TransferMiss
	case errors.Is(err, fs.ErrExist):
		return runner.TransferExists
	case errors.Is(err, blob.ErrReadOnly):
		return runner.TransferReadOnly
	case errors.Is(err, entry.ErrUntrusted), errors.Is(err, entry.ErrSignature), errors.Is(err, entry.ErrDamaged):
		return runner.TransferRefused
	case errors.Is(err, blob.ErrUnavailable):
		return runner.TransferSkipped
	}
	return runner.TransferFault
}

// look finds an entry and reads its head. Without prefixes only the key itself
// will do. The download must be closed.
func (t *transfer) look(ctx context.Context) (*entry.Opened, *copied, error) {
	found, err := t.layer.Store.Find(ctx, t.event.Key, t.event.Prefixes...)
	if err != nil {
		return nil, nil, err
	}
	if found.Key != t.event.Key && len(t.event.Prefixes) == 0 {
		return nil, nil, fs.ErrNotExist
	}
	t.event.Matched = found.Key
	r := t.c.download(ctx, t.index, found)
	want := entry.Want{Kind: t.event.What, Key: t.event.Key, Prefixes: t.event.Prefixes, Matched: found.Key}
	opened, err := entry.Open(r, want, t.c.Trust)
	if err != nil {
		r.Close()
		t.discard(ctx, err)
		return nil, r, err
	}
	return opened, r, nil
}

// discard removes what keeps a useful entry out of its place, from a store that
// allows it.
func (t *transfer) discard(ctx context.Context, err error) {
	if t.layer.Admin != nil && t.c.Writes && t.inTheWay(err) {
		_ = t.layer.Admin.Remove(ctx, t.event.Matched) // else every run is refused the same
	}
}

// inTheWay reports whether an entry that was refused is damaged, or has the very
// key of what this run will sign. What ends a strict run stays to be looked at.
func (t *transfer) inTheWay(err error) bool {
	replaced := t.c.Signer != nil && !t.c.Strict && t.event.Matched == t.event.Key
	return errors.Is(err, entry.ErrDamaged) || replaced && errors.Is(err, entry.ErrSignature)
}
