package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// What issue 5 asks for, of a program of which one file changed.
const (
	changedBytes = 0.3 // of the archive
	changedRatio = 3
)

// changed measures a program of which one file is another one than when it was
// published.
func (b *bench) changed(ctx context.Context) error {
	err := b.contest(ctx, "changed", func(round int) error { return b.change(1 + round) }, func(s sample) error {
		if r := s.log.result(); r.Cache != "miss" {
			return fmt.Errorf("the last record says cache: %q", r.Cache)
		}
		return nil
	})
	if err != nil {
		return err
	}
	clean, err := b.withoutCache(ctx, b.list[1:])
	if err != nil {
		return fmt.Errorf("building without a cache: %w", err)
	}
	for _, c := range b.list[1:] {
		b.report.claim(c.name+", changed: bytes moved / archive", float64(c.mostMoved())/float64(b.report.Archive), atMost, changedBytes)
		b.report.claim(c.name+", changed: times faster than setup-go", ratio(b.list[0], c), atLeast, changedRatio)
		last := c.samples[len(c.samples)-1].log
		if pack := last.transfer("restore", "pack"); pack.Outcome != "near" {
			b.report.note("%s, changed: its pack was %s: %s", c.name, pack.Outcome, pack.Reason)
		}
		differs := 0.0
		if last.result().Executable.SHA256 != clean[c.name] {
			differs = 1
		}
		b.report.claim(c.name+", changed: executables other than one built without cache", differs, atMost, 0)
	}
	return nil
}

// withoutCache returns the digests of the executables as they are built with
// nothing but the modules, which are those of the archive: by the go command
// itself where that is the one of the contestant.
func (b *bench) withoutCache(ctx context.Context, list []*contestant) (map[string]string, error) {
	digests := map[string]string{}
	for _, c := range list {
		say("%s: building without a cache", c.name)
		digest, err := b.cleanBuild(ctx, c)
		if err != nil {
			return nil, err
		}
		digests[c.name] = digest
	}
	return digests, nil
}

func (b *bench) cleanBuild(ctx context.Context, c *contestant) (string, error) {
	if err := b.machine.fresh(); err != nil {
		return "", err
	}
	if err := b.modules(ctx); err != nil {
		return "", err
	}
	if c.name != b.list[1].name { // in a container
		args := append([]string{b.gorun}, c.builder...)
		args = append(args, "--cache-mode=off", "--log-format=json", "-trimpath", ".", "--")
		r, err := b.command(ctx, nil, append(args, b.what.args...)...)
		return parseLog(r.stderr).result().Executable.SHA256, err
	}
	r, err := b.command(ctx, nil, "go", "run", "-trimpath", "-exec=sha256sum", ".")
	digest, _, _ := strings.Cut(r.stdout, " ")
	return digest, err
}

// modules unpacks the modules of the archive.
func (b *bench) modules(ctx context.Context) error {
	if _, err := b.command(ctx, nil, "tar", "-xf", b.archive, "-C", b.machine.dir, "--use-compress-program", "zstd -d"); err != nil {
		return err
	}
	return errors.Join(os.Rename(filepath.Join(b.machine.dir, "go-build"), b.machine.path("trash")), removeAll(b.machine.path("trash")))
}
