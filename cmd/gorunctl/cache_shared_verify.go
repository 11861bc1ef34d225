package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/org/gorun-action/container"
	"github.com/org/gorun-action/internal/shared"
	"github.com/org/gorun-action/internal/store/entry"
)

// verifyShared reads all entries of all stores.
func (c *command) verifyShared(ctx context.Context, layers []shared.Layer) error {
	trust, err := c.trust()
	if err != nil {
		return err
	}
	v := &verification{command: c, trust: trust}
	for _, l := range layers {
		if l.Store == nil {
			v.errs = append(v.errs, container.WithHint(
				fmt.Errorf("%s: what its entries hold can only be read in a step of an action: ACTIONS_RUNTIME_TOKEN and ACTIONS_RESULTS_URL are not set", l.Name),
				"ls, rm and prune need no more than GITHUB_TOKEN and GITHUB_REPOSITORY"))
			continue
		}
		v.layer(ctx, l)
	}
	if v.damaged > 0 {
		v.errs = append(v.errs, fmt.Errorf("%d of %d entries cannot be used", v.damaged, v.count))
	}
	return errors.Join(v.errs...)
}

// trust is that of a run here.
func (c *command) trust() (entry.Trust, error) {
	origin := entry.Origin{Repository: c.env.Get("GITHUB_REPOSITORY"), Ref: c.env.Get("GITHUB_REF"), Event: c.env.Get("GITHUB_EVENT_NAME")}
	text := c.env.Get(cacheKeyVariable)
	if text == "" {
		return entry.Trust{Origin: origin}, nil
	}
	key, err := entry.ParseKey(text)
	if err != nil {
		return entry.Trust{}, fmt.Errorf("%s: %w", cacheKeyVariable, err)
	}
	return entry.Trust{Origin: origin, Key: key.Verify}, nil
}

// verification is what came of it so far.
type verification struct {
	*command
	trust          entry.Trust
	count, damaged int
	errs           []error
}

func (v *verification) layer(ctx context.Context, l shared.Layer) {
	infos, err := l.Admin.List(ctx, "")
	if err != nil {
		v.errs = append(v.errs, err)
		return
	}
	for _, i := range infos {
		if ctx.Err() != nil {
			v.errs = append(v.errs, context.Cause(ctx))
			return
		}
		v.entry(ctx, l, i.Key)
	}
}

func (v *verification) entry(ctx context.Context, l shared.Layer, key string) {
	dir, err := os.MkdirTemp(v.env.Get("GOTMPDIR"), "gorunctl-")
	if err != nil {
		v.errs = append(v.errs, err)
		return
	}
	defer os.RemoveAll(dir)
	v.count++
	m, err := l.Check(ctx, key, dir)
	switch {
	case err == nil:
		v.whole(key, m)
	case errors.Is(err, entry.ErrDamaged), errors.Is(err, entry.ErrSignature):
		v.damaged++
		fmt.Fprintf(v.stdout, "DAMAGED  %s: %v\n", key, err)
		if err := l.Admin.Remove(ctx, key); err != nil && !errors.Is(err, fs.ErrNotExist) {
			v.errs = append(v.errs, err)
		}
	case errors.Is(err, fs.ErrNotExist): // GitHub shows entries of a few refs only
		fmt.Fprintf(v.stdout, "unseen   %s: a run here does not find it\n", key)
	default:
		v.errs = append(v.errs, err)
	}
}

func (v *verification) whole(key string, m entry.Manifest) {
	if err := v.trust.Admits(m); err != nil {
		fmt.Fprintf(v.stdout, "UNTRUSTED  %s: %v\n", key, err)
		return
	}
	fmt.Fprintf(v.stdout, "whole    %s\n", key)
}
