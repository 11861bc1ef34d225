package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// contestant is one way to run a program.
type contestant struct {
	name  string
	args  []string
	gorun bool // a row of gorun's has a target
	logs  bool // its log says whether the cache was hit
	took  []time.Duration
	cpu   []time.Duration // of the same runs
}

func (b *bench) contestants(p *program) []*contestant {
	through := func(flags ...string) []string {
		return slices.Concat([]string{b.gorun}, flags, []string{p.pkg, "--"}, p.args)
	}
	list := []*contestant{
		{name: "bare", args: append([]string{p.bare}, p.args...)},
		{name: "go run", args: append([]string{"go", "run", p.pkg}, p.args...)},
		{name: "gorun", args: through("--builder=host"), gorun: true, logs: true},
		{name: "gorun, none", args: through("--builder=host", "--log-format=none"), gorun: true},
	}
	if b.engine {
		release := strings.TrimPrefix(b.report.Go, "go")
		list = append(list, &contestant{name: "gorun, image", args: through("--builder=docker", "--go-version="+release), gorun: true, logs: true})
	}
	return list
}

// contest measures one program.
func (b *bench) contest(ctx context.Context, p *program) error {
	want, err := b.output(ctx, p.dir, append([]string{p.bare}, p.args...)...)
	if err != nil {
		return err
	}
	rounds := b.times(p.rounds)
	list, err := b.admit(ctx, p, want)
	if err != nil {
		return err
	}
	say("measuring %s: %d rounds of %d contestants", p.name, rounds, len(list))
	for i := range rounds {
		for j := range list {
			c := list[(i+j)%len(list)] // nobody always follows the same one
			if err := b.clock(ctx, p.dir, c); err != nil {
				return fmt.Errorf("measuring %s: %w", p.name, err)
			}
		}
	}
	for _, c := range list {
		if err := b.check(ctx, p, c, want); err != nil {
			return fmt.Errorf("after the rounds, %s of %s: %w", c.name, p.name, err)
		}
	}
	b.report.add(p, list)
	return nil
}

// admit warms the contestants up and leaves out, with a note, the ones of
// gorun that do not do what is to be measured. The others must.
func (b *bench) admit(ctx context.Context, p *program, want string) ([]*contestant, error) {
	var list []*contestant
	for _, c := range b.contestants(p) {
		err := b.warmUp(ctx, p, c, want)
		switch {
		case err == nil:
			list = append(list, c)
		case !c.gorun || ctx.Err() != nil:
			return nil, fmt.Errorf("%s of %s: %w", c.name, p.name, err)
		default:
			b.report.note("%s: %s is not measured: %v", p.name, c.name, err)
		}
	}
	return list, nil
}

// warmUp runs a contestant until it is as fast as it gets: the first run
// builds, and the second may still find files too young for an index.
func (b *bench) warmUp(ctx context.Context, p *program, c *contestant, want string) (err error) {
	for range 3 {
		if err = b.check(ctx, p, c, want); err == nil && (c.logs || !c.gorun) {
			return nil
		}
		if err != nil && !errors.Is(err, errNoHit) {
			return err
		}
	}
	return err
}

var errNoHit = errors.New("the cache was not hit")

// check runs a contestant once and looks at its output and at what its log
// says about the cache.
func (b *bench) check(ctx context.Context, p *program, c *contestant, want string) error {
	stdout, stderr, err := b.both(ctx, p.dir, b.env, c.args...)
	switch {
	case err != nil:
		return fmt.Errorf("%w: %s", err, reason(stderr))
	case stdout != want:
		return fmt.Errorf("it printed %q, the executable prints %q", stdout, want)
	case !c.logs:
		return nil
	}
	r, err := lastResult(stderr)
	if err == nil && r.Cache != "hit" {
		err = fmt.Errorf("%w: the last record says cache: %q", errNoHit, r.Cache)
	}
	return err
}

// reason is what gorun says about its failure, or else the first line.
func reason(stderr string) string {
	if r, err := lastResult(stderr); err == nil && r.Error != "" {
		return r.Error
	}
	line, _, _ := strings.Cut(strings.TrimSpace(stderr), "\n")
	return line
}

// result is what is needed of gorun's result record, see internal/report.
type result struct {
	Event   string `json:"event"`
	Cache   string `json:"cache"`
	Error   string `json:"error"`
	Timings struct {
		Plan float64 `json:"plan"` // milliseconds
	} `json:"timings_ms"`
}

// lastResult finds the result record. It is the last one, but the program
// writes to the same stream.
func lastResult(stderr string) (result, error) {
	for _, line := range slices.Backward(strings.Split(stderr, "\n")) {
		var r result
		if json.Unmarshal([]byte(line), &r) == nil && r.Event == "result" {
			return r, nil
		}
	}
	return result{}, errors.New("gorun's log has no result record")
}
