package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"time"
)

const (
	archiveKey = "setup-go-linux-x64"
	// archiveParallel is how many ranges of an archive the toolkit downloads at
	// the same time (downloadConcurrency in actions/toolkit, packages/cache).
	archiveParallel = 8
)

// makeArchive makes what setup-go would have kept, after a run on a fresh
// machine, unless -dir has one.
func (b *bench) makeArchive(ctx context.Context) error {
	if _, err := os.Stat(b.archive); err != nil {
		say("building with the go command, for the archive")
		if err := b.machine.fresh(); err != nil {
			return err
		}
		if _, err := b.command(ctx, nil, b.goRun()...); err != nil {
			return err
		}
		args := []string{"tar", "--posix", "-cf", b.archive + ".part", "-C", b.machine.dir, "--use-compress-program", "zstd -T0", "go-build"}
		if _, err := os.Stat(b.machine.path("mod")); err == nil {
			args = append(args, "mod")
		}
		if _, err := b.command(ctx, nil, args...); err != nil {
			return err
		}
		if err := os.Rename(b.archive+".part", b.archive); err != nil {
			return err
		}
	}
	st, err := os.Stat(b.archive)
	if err != nil {
		return err
	}
	b.report.Archive = st.Size()
	return b.store.put(ctx, archiveKey, b.archive)
}

func (b *bench) goRun() []string {
	return append([]string{"go", "run", "-trimpath", "."}, b.what.args...)
}

// setUpGo is the usual way on a fresh machine.
func (b *bench) setUpGo(ctx context.Context) (sample, error) {
	begin := time.Now()
	before := b.store.line.moved()
	file := b.machine.path("cache.tzst")
	if err := b.download(ctx, file); err != nil {
		return sample{}, fmt.Errorf("downloading the archive: %w", err)
	}
	downloaded := time.Now()
	unpacked, err := b.command(ctx, nil, "tar", "-xf", file, "-P", "-C", b.machine.dir, "--use-compress-program", "zstd -d")
	if err != nil {
		return sample{}, err
	}
	done := time.Now()
	r, err := b.command(ctx, nil, b.goRun()...)
	return sample{
		stdout: r.stdout, took: time.Since(begin), cpu: unpacked.cpu + r.cpu, moved: b.store.line.moved().since(before),
		phases: []phase{{"download", downloaded.Sub(begin)}, {"unpack", done.Sub(downloaded)}, {"go run", r.took}},
	}, err
}

func (b *bench) download(ctx context.Context, file string) error {
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	return errors.Join(b.store.get(ctx, archiveKey, archiveParallel, f), f.Close())
}

// need says which of these programs is missing.
func need(names ...string) error {
	for _, name := range names {
		if _, err := exec.LookPath(name); err != nil {
			return fmt.Errorf("the usual way needs it: %w", err)
		}
	}
	return nil
}
