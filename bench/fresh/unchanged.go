package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/org/gorun-action/internal/store/entry"
)

// What issue 5 asks for, of a program that did not change.
const (
	unchangedBytes = 1.05 // of the compressed executable
	unchangedRatio = 20
)

// unchanged measures a program that another machine has run.
func (b *bench) unchanged(ctx context.Context) error {
	err := b.contest(ctx, "unchanged", func(int) error { return nil }, func(s sample) error {
		if r := s.log.result(); r.Cache != "hit" {
			return fmt.Errorf("the last record says cache: %q", r.Cache)
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, c := range b.list[1:] {
		packed, err := b.compressed(ctx, c)
		if err != nil {
			return fmt.Errorf("reading the executable in the store: %w", err)
		}
		most := c.mostMoved()
		b.report.claim(c.name+", unchanged: bytes moved / compressed executable", float64(most)/float64(packed), atMost, unchangedBytes)
		b.report.claim(c.name+", unchanged: times faster than setup-go", ratio(b.list[0], c), atLeast, unchangedRatio)
		if err := b.witness(ctx, c); err != nil {
			return err
		}
	}
	return nil
}

// compressed is the size of the executable as it is in the store. How small the
// zstd command makes it is noted.
func (b *bench) compressed(ctx context.Context, c *contestant) (int64, error) {
	var data bytes.Buffer
	if err := b.store.get(ctx, c.key, 1, &data); err != nil {
		return 0, err
	}
	opened, err := entry.Open(&data, entry.Want{Kind: entry.Executable, Key: c.key, Matched: c.key}, entry.Trust{Origin: entry.Origin{Repository: "org/program", Ref: branch, Event: "push"}})
	if err != nil {
		return 0, err
	}
	m := opened.Manifest
	f, err := os.Create(filepath.Join(b.tmp, "program"))
	if err != nil {
		return 0, err
	}
	if err := errors.Join(opened.Program(f), f.Close()); err != nil {
		return 0, err
	}
	note := fmt.Sprintf("%s: the executable has %s, in the store %s", c.name, megabytes(m.Content.Size), megabytes(m.Payload.Size))
	for _, level := range []string{"-3", "-19"} {
		out, err := exec.CommandContext(ctx, "zstd", "-q", "-c", level, f.Name()).Output()
		if err != nil {
			return 0, fmt.Errorf("zstd %s: %w", level, err)
		}
		note += fmt.Sprintf(", by zstd %s %s", level, megabytes(int64(len(out))))
	}
	b.report.note("%s", note)
	return m.Payload.Size, nil
}
