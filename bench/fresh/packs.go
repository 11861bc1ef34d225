package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/org/gorun-action/internal/buildcache"
)

// restoredAge makes what is restored older than what a build uses.
const restoredAge = 3 * time.Hour

// packRow makes the packs after a row of commits, each from the one before: what
// a store that took every one would have.
func (b *bench) packRow(ctx context.Context) error {
	if err := b.machine.fresh(); err != nil {
		return err
	}
	if err := b.modules(ctx); err != nil {
		return err
	}
	begin := time.Now()
	for i := range b.packs {
		say("pack %d of %d", i+1, b.packs)
		pack, err := b.packAfter(ctx, firstCommit+i, begin)
		if err != nil {
			return fmt.Errorf("making the pack of commit %d: %w", i+1, err)
		}
		if slices.Contains([]int{1, 10, 50, 100, b.packs}, i+1) {
			b.report.Packs = append(b.report.Packs, packRow{i + 1, int64(len(pack))})
		}
		if begin, err = b.restorePack(ctx, pack); err != nil {
			return fmt.Errorf("restoring the pack of commit %d: %w", i+1, err)
		}
	}
	first, last := b.report.Packs[0], b.report.Packs[len(b.report.Packs)-1]
	b.report.claim(fmt.Sprintf("packs: the one after %d commits / the first", last.Commit), float64(last.Bytes)/float64(first.Bytes), atMost, mostGrown)
	return nil
}

// packAfter builds a commit with the caches as they are.
func (b *bench) packAfter(ctx context.Context, n int, since time.Time) ([]byte, error) {
	if err := b.change(n); err != nil {
		return nil, err
	}
	env := []string{"GODEBUG=goindex=0"} // as gorun does over a part of the modules
	if _, err := b.command(ctx, env, "go", "build", "-trimpath", "-ldflags=-s -w", "-o", filepath.Join(b.tmp, "program"), "."); err != nil {
		return nil, err
	}
	packages, err := b.packages(ctx, env)
	if err != nil {
		return nil, err
	}
	sums, err := os.ReadFile(filepath.Join(b.source, "go.sum"))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	all, _ := buildcache.ReadSums(sums)
	build := buildcache.Build{GoCache: b.machine.path("go-build"), Since: since, Packages: packages, Sums: all}
	if _, err := os.Stat(b.machine.path("mod")); err == nil {
		build.ModCache = b.machine.path("mod")
	}
	contents, err := buildcache.Collect(build)
	if err != nil {
		return nil, err
	}
	var pack bytes.Buffer
	_, err = contents.Write(&pack)
	return pack.Bytes(), err
}

// restorePack makes the machine one that has nothing but a pack.
func (b *bench) restorePack(ctx context.Context, pack []byte) (since time.Time, err error) {
	if err := b.machine.fresh(); err != nil {
		return since, err
	}
	p, err := buildcache.Open(bytes.NewReader(pack), buildcache.Limits{})
	if err != nil {
		return since, err
	}
	to := buildcache.Dirs{GoCache: b.machine.path("go-build"), ModCache: b.machine.path("mod")}
	_, err = p.Restore(ctx, to, buildcache.Options{Old: time.Now().Add(-restoredAge)})
	return time.Now(), err
}

// packages are those of the program, as the go command lists them.
func (b *bench) packages(ctx context.Context, env []string) (list []buildcache.Package, err error) {
	r, err := b.command(ctx, env, "go", "list", "-deps", "-json", "-trimpath", ".")
	if err != nil {
		return nil, err
	}
	for dec := json.NewDecoder(strings.NewReader(r.stdout)); ; {
		var p struct {
			ImportPath, Dir                                                  string
			Standard                                                         bool
			GoFiles, CgoFiles, CFiles, HFiles, SFiles, SysoFiles, EmbedFiles []string
			Module                                                           struct{ Path string }
		}
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return list, nil
		} else if err != nil {
			return nil, err
		}
		if !p.Standard {
			list = append(list, buildcache.Package{
				ImportPath: p.ImportPath, Module: p.Module.Path, Dir: p.Dir, Cgo: len(p.CgoFiles) > 0,
				Files: slices.Concat(p.GoFiles, p.CgoFiles, p.CFiles, p.HFiles, p.SFiles, p.SysoFiles, p.EmbedFiles),
			})
		}
	}
}
