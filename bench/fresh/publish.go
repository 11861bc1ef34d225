package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// publish is the run on another machine, whose results the store has from then
// on, unless -dir has them.
func (b *bench) publish(ctx context.Context, c *contestant) error {
	kept := filepath.Join(b.keep, b.program+"-"+strings.ReplaceAll(c.name, ", ", "-"))
	if files, err := os.ReadDir(kept); err == nil {
		for _, f := range files {
			if err := b.store.put(ctx, f.Name(), filepath.Join(kept, f.Name())); err != nil {
				return err
			}
			c.published(f.Name())
		}
		return nil
	}
	before := len(b.store.Keys())
	if err := b.firstRun(ctx, c); err != nil {
		return err
	}
	return b.keepPublished(ctx, c, kept, b.store.Keys()[before:])
}

// published notes the key of an executable.
func (c *contestant) published(key string) {
	if strings.HasPrefix(key, "x") {
		c.key = key
	}
}

func (b *bench) firstRun(ctx context.Context, c *contestant) error {
	say("%s builds and publishes", c.name)
	if err := b.machine.fresh(); err != nil {
		return err
	}
	s, err := b.goRunner(ctx, c.builder)
	if err != nil {
		return err
	}
	exe, pack := s.log.transfer("save", "executable"), s.log.transfer("save", "pack")
	if exe.Outcome != "kept" || pack.Outcome != "kept" {
		return fmt.Errorf("%s: the executable was %s (%s), the pack %s (%s)", c.name, exe.Outcome, exe.Reason, pack.Outcome, pack.Reason)
	}
	b.report.note("%s: the first run, which built everything and published, took %.1f s and sent %s", c.name, s.took.Seconds(), megabytes(s.moved.up))
	return nil
}

func (b *bench) keepPublished(ctx context.Context, c *contestant, dir string, keys []string) error {
	if err := os.Mkdir(dir, 0o755); err != nil {
		return err
	}
	for _, key := range keys {
		f, err := os.Create(filepath.Join(dir, key))
		if err != nil {
			return err
		}
		if err := errors.Join(b.store.get(ctx, key, archiveParallel, f), f.Close()); err != nil {
			return err
		}
		c.published(key)
	}
	return nil
}
