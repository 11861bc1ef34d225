package blob

import (
	"context"
	"time"
)

// Access is a Find or a Put of a store, as it ended.
type Access struct {
	Store    string // what Observed was told to call it
	Op       string // "find" or "put"
	Key      string
	Prefixes []string
	Matched  string // the key that was found; "" after an error
	Size     int64  // bytes of what was found, -1 when not known, or of what was put
	Took     time.Duration
	Err      error
}

// Observed returns a store that tells note of each Find and Put of another one,
// when it is over, before it returns. note is called from as many goroutines
// as the store is. The download of what was found is not in it.
func Observed(store Store, name string, note func(Access)) Store {
	return &observed{store, name, note}
}

type observed struct {
	Store
	name string
	note func(Access)
}

func (o *observed) Find(ctx context.Context, key string, prefixes ...string) (Found, error) {
	began := time.Now()
	found, err := o.Store.Find(ctx, key, prefixes...)
	a := Access{Store: o.name, Op: "find", Key: key, Prefixes: prefixes, Took: time.Since(began), Err: err}
	if err == nil {
		a.Matched, a.Size = found.Key, found.Size
	}
	o.note(a)
	return found, err
}

func (o *observed) Put(ctx context.Context, key string, prefixes []string, content Content) error {
	began := time.Now()
	err := o.Store.Put(ctx, key, prefixes, content)
	o.note(Access{Store: o.name, Op: "put", Key: key, Prefixes: prefixes, Size: content.Size(), Took: time.Since(began), Err: err})
	return err
}
