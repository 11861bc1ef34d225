// Command fresh measures what a fresh machine has to do, which has nothing of
// earlier runs but a shared store: gorun side by side with the usual way
// (actions/setup-go: an archive of both caches of the go command, then go run),
// in one run, over a line of limited speed.
//
//	go run ./bench/fresh [-only unchanged,changed,commits] [-rounds N] [-commits N] [-packs N] [-engine RELEASE] [-program act|tiny] [-json] [-dir DIR] [-gorun FILE] [-rate MB] [-latency D]
//
// The store is the service that internal/store/githubcache/cachetest makes of
// GitHub's cache (protocol v2), on loopback. Its line takes 100 MB/s, of all
// connections and both directions together; each connection and each request
// costs 20 ms. That the line is like that is measured first, and printed.
// The program is github.com/nektos/act (more than 500 packages), checked out
// from the module proxy.
//
// A machine is a directory with HOME, GOCACHE, GOMODCACHE and gorun's cache. It
// is emptied before each run, and always at the same place. What the system has
// in its page cache stays. The contestants alternate in rounds; figures are
// medians of wall-clock time from before the first process starts until the
// last has been waited for, gorun's with its saving.
//
//	setup-go      the archive, which tar and zstd -T0 made, is downloaded into a file in 8 parallel
//	              ranges, unpacked by tar and zstd, then `go run -trimpath`; nothing is saved
//	gorun         --builder=host --cache-to=actions -trimpath
//	gorun, image  the same with --builder=docker and that release, with -engine
//
// Bytes are all that went over the line, in both directions, HTTP's own too.
//
// Part unchanged is a program that another machine has run. Once more, outside
// of the rounds, gorun runs under strace, which tells what was executed and
// what was connected to. Part changed has one file changed, in each round in
// another way; the executables of the last round are compared with one that
// was built without any cache. Part commits is a row of fresh machines, each
// with a change of one constant on top of the last one: what they send to the
// store. With -packs the pack that gorun would make after each of so many
// commits is made, whether it would be sent or not.
//
// -dir keeps the program, the archive, and what gorun published.
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
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "bench/fresh:", err)
		os.Exit(1)
	}
}

// options are the flags.
type options struct {
	only    string
	rounds  int
	commits int
	packs   int
	engine  string
	program string
	json    bool
	dir     string
	gorun   string
	rate    float64 // MB/s
	latency time.Duration
}

func parse(args []string) (options, error) {
	var o options
	flags := flag.NewFlagSet("fresh", flag.ContinueOnError)
	flags.StringVar(&o.only, "only", strings.Join(parts(), ","), "what to measure")
	flags.IntVar(&o.rounds, "rounds", 5, "how often each contestant runs")
	flags.IntVar(&o.commits, "commits", 20, "how many commits")
	flags.IntVar(&o.packs, "packs", 0, "after how many commits packs are measured that are not sent")
	flags.StringVar(&o.engine, "engine", "", "also with --builder=docker and this Go release")
	flags.StringVar(&o.program, "program", "act", "act, or tiny: a program of one file, for tests")
	flags.BoolVar(&o.json, "json", false, "print JSON")
	flags.StringVar(&o.dir, "dir", "", "keep the program, the archive and what gorun published there, and use those that are there")
	flags.StringVar(&o.gorun, "gorun", "", "measure this executable instead of one built from ./cmd/gorun")
	flags.Float64Var(&o.rate, "rate", 100, "speed of the line in MB/s")
	flags.DurationVar(&o.latency, "latency", 20*time.Millisecond, "what a connection and a request take")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	return o, o.check()
}

func (o options) check() error {
	for part := range strings.SplitSeq(o.only, ",") {
		if !slices.Contains(parts(), part) {
			return fmt.Errorf("there is nothing called %q to measure, only %s", part, strings.Join(parts(), ", "))
		}
	}
	if _, ok := programs()[o.program]; !ok || o.rounds < 1 || o.rate <= 0 {
		return fmt.Errorf("there is no program %q, or no round to measure, or nothing goes over the line", o.program)
	}
	return nil
}

func parts() []string { return []string{"unchanged", "changed", "commits"} }

// wants reports whether -only names a part.
func (o options) wants(part string) bool { return slices.Contains(strings.Split(o.only, ","), part) }

func run(ctx context.Context, args []string) error {
	o, err := parse(args)
	if err != nil {
		return err
	}
	b, err := newBench(ctx, o)
	if err != nil {
		return err
	}
	defer b.close()
	if err := b.measure(ctx); err != nil {
		return err
	}
	if o.json {
		return b.report.writeJSON(os.Stdout)
	}
	return b.report.writeText(os.Stdout)
}

func (b *bench) measure(ctx context.Context) error {
	before := load()
	for _, step := range []struct {
		wanted bool
		do     func(context.Context) error
	}{
		{true, b.measureLine},
		{true, b.prepare},
		{b.wants("unchanged"), b.unchanged},
		{b.wants("changed"), b.changed},
		{b.wants("commits"), b.commitRow},
		{b.packs > 0, b.packRow},
	} {
		if !step.wanted {
			continue
		}
		if err := step.do(ctx); err != nil {
			return err
		}
	}
	b.report.Load = []float64{before, load()}
	return nil
}
