package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/org/gorun-action/bench/monorepo"
	"github.com/org/gorun-action/bench/sources"
)

// settled is longer than the 2 s for which the go command keeps files out of
// its index of a directory (modindex.modTimeCutoff), and gorun out of its own:
// what has just been written could change again within one tick.
const settled = 3 * time.Second

// target is what issue 3 asks for: at least ratio times faster than go run,
// and at most over longer than the bare executable.
type target struct {
	ratio float64
	over  time.Duration
}

// program is one of those that are run.
type program struct {
	name     string
	dir      string
	pkg      string   // the package argument
	args     []string // the program's own
	rounds   int
	target   target
	make     func(ctx context.Context, dir string) error // makes dir
	bare     string
	packages int
}

func (b *bench) programs() []*program {
	return []*program{
		{name: "hello", pkg: ".", rounds: 30, target: target{10, 5 * time.Millisecond}, make: hello},
		{name: "act", pkg: ".", args: []string{"--version"}, rounds: 15, target: target{20, 10 * time.Millisecond}, make: b.act},
		{name: "monorepo", pkg: monorepo.Main, rounds: 15, target: target{30, 60 * time.Millisecond}, make: b.monorepo},
	}
}

// needed lists the programs that are wanted. First runs need hello, and one of
// the others: if -only names none, all.
func (b *bench) needed() []*program {
	all := b.wants("first") && !b.wants("act") && !b.wants("monorepo")
	return slices.DeleteFunc(b.programs(), func(p *program) bool {
		return !b.wants(p.name) && !all && !(p.name == "hello" && b.wants("first"))
	})
}

// prepare makes and builds the programs.
func (b *bench) prepare(ctx context.Context) ([]*program, error) {
	list := b.needed()
	for _, p := range list {
		if err := b.checkOut(ctx, p); err != nil {
			return nil, fmt.Errorf("making %s: %w", p.name, err)
		}
	}
	time.Sleep(settled)
	for _, p := range list {
		if err := b.build(ctx, p); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// checkOut makes the sources, unless -dir has them.
func (b *bench) checkOut(ctx context.Context, p *program) error {
	p.dir = filepath.Join(b.keep, p.name)
	if p.name == "monorepo" {
		p.dir += fmt.Sprint("-", b.packages)
	}
	if _, err := os.Stat(p.dir); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	say("making the sources of %s", p.name)
	return p.make(ctx, p.dir)
}

func (b *bench) build(ctx context.Context, p *program) error {
	say("building %s", p.name)
	p.bare = filepath.Join(b.tmp, p.name+".bare")
	if _, err := b.output(ctx, p.dir, "go", "build", "-ldflags=-s -w", "-o", p.bare, p.pkg); err != nil {
		return err
	}
	list, err := b.output(ctx, p.dir, "go", "list", "-deps", p.pkg)
	p.packages = strings.Count(list, "\n")
	return err
}

func hello(_ context.Context, dir string) error {
	return sources.Module(dir, "package main\n\nimport \"fmt\"\n\nfunc main() { fmt.Println(\"hello\") }\n")
}

func (b *bench) act(ctx context.Context, dir string) error {
	return sources.Act(ctx, dir, b.env)
}

func (b *bench) monorepo(_ context.Context, dir string) error {
	return monorepo.Write(dir, monorepo.Options{Packages: b.packages, Seed: 1})
}
