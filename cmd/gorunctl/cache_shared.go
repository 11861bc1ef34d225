package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/org/gorun-action/internal/shared"
	"github.com/org/gorun-action/internal/store/blob"
)

// storeBudget is what the faults of a shared store may waste: who looks after
// one has more time than a run.
const storeBudget = time.Minute

// where says whose entries a command is about: a store's that machines share,
// or else this machine's.
type where struct{ stores, dir *string }

// whereFlags defines the flags that all cache commands have.
func whereFlags(f *flags) where {
	return where{
		f.String("store", "", "the shared stores, as a `list`: "+shared.PlaceSyntax+" (default the executables of this machine)"),
		cacheFlag(f),
	}
}

// shared opens the shared stores, none for this machine's own.
func (c *command) shared(w where) ([]shared.Layer, error) {
	if *w.stores == "" {
		return nil, nil
	}
	if *w.dir != "" {
		return nil, usagef("", "--store and --cache-dir name two places: drop one of them")
	}
	places, err := shared.ParsePlaces(*w.stores)
	if err != nil {
		return nil, usagef(*w.stores, "there is no such store: %v", err)
	}
	var layers []shared.Layer
	for _, p := range places {
		l, err := p.OpenAdmin(shared.Opening{Getenv: c.env.Get, Budget: storeBudget})
		if err != nil {
			return nil, fmt.Errorf("opening %s: %w", p, err)
		}
		layers = append(layers, l)
	}
	return layers, nil
}

// removeShared removes keys from each store that has them. One that none has
// is an error.
func (c *command) removeShared(ctx context.Context, layers []shared.Layer, keys []string) error {
	var errs []error
	for _, key := range keys {
		missing := 0
		for _, l := range layers {
			err := l.Admin.Remove(ctx, key)
			switch {
			case errors.Is(err, fs.ErrNotExist):
				if missing++; missing == len(layers) {
					errs = append(errs, err)
				}
			case err != nil:
				errs = append(errs, err)
			default:
				fmt.Fprintf(c.stdout, "removed  %s\n", key)
			}
		}
		if ctx.Err() != nil {
			return errors.Join(append(errs, context.Cause(ctx))...)
		}
	}
	return errors.Join(errs...)
}

func (c *command) removeAllShared(ctx context.Context, layers []shared.Layer) error {
	var errs []error
	for _, l := range layers {
		infos, err := l.Admin.List(ctx, "")
		if err != nil {
			errs = append(errs, err)
			continue
		}
		keys := make([]string, len(infos))
		for i, info := range infos {
			keys[i] = info.Key
		}
		errs = append(errs, c.removeShared(ctx, []shared.Layer{l}, keys))
	}
	return errors.Join(errs...)
}

func (c *command) pruneShared(ctx context.Context, layers []shared.Layer, limits blob.Limits, asJSON bool) error {
	var (
		errs    []error
		removed []item
		freed   int64
	)
	for _, l := range layers {
		infos, err := l.Prune(ctx, limits, time.Now())
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", l.Name, err))
		}
		for _, i := range infos {
			removed = append(removed, item{l.Name, shared.Item{Info: i}})
			freed += max(i.Size, 0)
		}
	}
	if asJSON {
		return errors.Join(append(errs, writeSharedJSON(c.stdout, removed))...)
	}
	for _, i := range removed {
		fmt.Fprintf(c.stdout, "removed  %s\n", i.Key)
	}
	fmt.Fprintf(c.stdout, "freed %s\n", size(freed))
	return errors.Join(errs...)
}
