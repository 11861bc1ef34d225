package main

import (
	"context"
	"path/filepath"
	"time"

	"github.com/org/gorun-action/bench/sources"
)

// floor measures what the start of a process costs, with and without what
// gorun initialises.
func (b *bench) floor(ctx context.Context) error {
	dir := filepath.Join(b.tmp, "empty")
	if err := sources.Module(dir, "package main\n\nfunc main() {}\n"); err != nil {
		return err
	}
	empty := filepath.Join(b.tmp, "empty.bare")
	if _, err := b.output(ctx, dir, "go", "build", "-ldflags=-s -w", "-o", empty, "."); err != nil {
		return err
	}
	list := []*contestant{
		{name: "an empty Go program", args: []string{empty}},
		{name: "gorun --version", args: []string{b.gorun, "--version"}},
	}
	rounds := b.times(200)
	say("measuring the start of a process: %d rounds", rounds)
	for range rounds + 1 {
		for _, c := range list {
			if err := b.clock(ctx, dir, c); err != nil {
				return err
			}
		}
	}
	for _, c := range list {
		c.took, c.cpu = c.took[1:], c.cpu[1:] // the first run read the executable
		b.report.Floor = append(b.report.Floor, floorRow{Name: c.name, Figures: figuresOf(c)})
	}
	return nil
}

// milliseconds keeps three digits, which is more than the clock is worth.
func milliseconds(d time.Duration) float64 {
	return float64(d.Round(time.Microsecond)) / float64(time.Millisecond)
}
