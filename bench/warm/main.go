// Command warm measures what an unchanged program costs: gorun side by side
// with `go run` and with the bare executable, in one run.
//
//	go run ./bench/warm [-only hello,act,monorepo,first,floor] [-rounds N] [-engine] [-cgo] [-json] [-dir DIR] [-gorun FILE] [-packages 2000]
//
// Three programs: hello has one file, act is github.com/nektos/act (more than
// 500 packages) checked out from the module proxy, monorepo is made by
// bench/monorepo. Each has these contestants, which alternate in rounds, so
// that what else the machine does hits them alike; figures are medians.
//
//	bare         the executable, built beforehand, without debug information as `go run` links it
//	go run
//	gorun        --builder=host, standard error is no terminal, so the log is JSON
//	gorun, none  the same with --log-format=none
//	gorun, image --builder=docker; with -engine
//
// Measured is the wall-clock time from before the start of the process until
// it has been waited for. Its output goes to the null device. First runs do
// not count. The processor time stands beside it: it says more than the clock
// when the machine has other work, which the load averages tell of. Before and
// after the rounds the last record of gorun's log must say that the cache was
// hit and the output must be that of bare; else the contestant is left out,
// and a note says why. gorun is built from ./cmd/gorun. Its cache is a fresh
// one, and so is the go command's, but for -dir.
//
// Part first is the first run after a checkout, of act and of monorepo (or of
// the one that -only names): in each round gorun has a fresh cache, in which
// only what is remembered for the machine is there, because hello ran before.
// Finding, reading, hashing and scanning all sources is compared with reading
// the same files one after the other, plus their bytes at the speed of SHA-256.
// The plan of a whole first run is shown beside it.
//
// Part floor is what starting a process costs: an empty Go program, and gorun
// --version.
//
// For tuning, -dir keeps the programs and the go command's cache (the first
// build of the monorepo takes minutes), and -gorun measures an executable that
// is there already:
//
//	go run ./bench/warm -only hello -rounds 200
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "bench/warm:", err)
		os.Exit(1)
	}
}

// options are the flags.
type options struct {
	only     string
	rounds   int
	engine   bool
	cgo      bool
	json     bool
	dir      string
	gorun    string
	packages int
}

func parse(args []string) (options, error) {
	var o options
	flags := flag.NewFlagSet("warm", flag.ContinueOnError)
	flags.StringVar(&o.only, "only", strings.Join(parts(), ","), "what to measure")
	flags.IntVar(&o.rounds, "rounds", 0, "how often each contestant runs; 0 is 30 for hello, 15 for the others, 7 for first, 200 for floor")
	flags.BoolVar(&o.engine, "engine", false, "also with --builder=docker")
	flags.BoolVar(&o.cgo, "cgo", false, "with cgo, where there is a C compiler; without it CGO_ENABLED=0")
	flags.BoolVar(&o.json, "json", false, "print JSON")
	flags.StringVar(&o.dir, "dir", "", "keep the programs and the go command's cache there, and use those that are there")
	flags.StringVar(&o.gorun, "gorun", "", "measure this executable instead of one built from ./cmd/gorun")
	flags.IntVar(&o.packages, "packages", 2000, "packages of the monorepo")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	for _, part := range strings.Split(o.only, ",") {
		if !slices.Contains(parts(), part) {
			return o, fmt.Errorf("there is nothing called %q to measure, only %s", part, strings.Join(parts(), ", "))
		}
	}
	return o, nil
}

func parts() []string { return []string{"hello", "act", "monorepo", "first", "floor"} }

// wants reports whether -only names a part.
func (o options) wants(part string) bool { return slices.Contains(strings.Split(o.only, ","), part) }

// times is -rounds, or what a part has by default.
func (o options) times(standard int) int {
	if o.rounds > 0 {
		return o.rounds
	}
	return standard
}

func run(ctx context.Context, args []string) error {
	o, err := parse(args)
	if err != nil {
		return err
	}
	b, err := newBench(ctx, o)
	if err != nil {
		return err
	}
	defer b.remove()
	if err := b.measure(ctx); err != nil {
		return err
	}
	if o.json {
		return b.report.writeJSON(os.Stdout)
	}
	return b.report.writeText(os.Stdout)
}

func (b *bench) measure(ctx context.Context) error {
	programs, err := b.prepare(ctx)
	if err != nil {
		return err
	}
	before := load()
	if err := b.measureParts(ctx, programs); err != nil {
		return err
	}
	b.report.Load = []float64{before, load()}
	return nil
}

func (b *bench) measureParts(ctx context.Context, programs []*program) error {
	if b.wants("floor") {
		if err := b.floor(ctx); err != nil {
			return err
		}
	}
	for _, p := range programs {
		if b.wants(p.name) {
			if err := b.contest(ctx, p); err != nil {
				return err
			}
		}
	}
	if b.wants("first") {
		return b.first(ctx, programs)
	}
	return nil
}
