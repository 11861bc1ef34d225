package main

import (
	"context"
	"fmt"
	"time"
)

// phase is a part of what a run took.
type phase struct {
	name string
	took time.Duration
}

// sample is one run of a contestant.
type sample struct {
	stdout    string
	took, cpu time.Duration
	moved     moved
	phases    []phase
	log       log // gorun's
}

// contestant is one way to run the program on a fresh machine.
type contestant struct {
	name    string
	builder []string // gorun's; nil is the usual way
	key     string   // of the executable that was published
	samples []sample
}

// contestants lists the usual way first.
func (b *bench) contestants() []*contestant {
	list := []*contestant{{name: "setup-go"}, {name: "gorun", builder: []string{"--builder=host"}}}
	if b.engine != "" {
		list = append(list, &contestant{name: "gorun, image", builder: []string{"--builder=docker", "--go-version=" + b.engine}})
	}
	return list
}

// once runs a contestant on a fresh machine.
func (b *bench) once(ctx context.Context, c *contestant) (s sample, err error) {
	if err := b.machine.fresh(); err != nil {
		return s, err
	}
	if c.builder == nil {
		s, err = b.setUpGo(ctx)
	} else {
		s, err = b.goRunner(ctx, c.builder)
	}
	if err != nil {
		return s, fmt.Errorf("%s: %w", c.name, err)
	}
	return s, nil
}

// contest has the contestants run in rounds. check, for gorun's, says what is
// wrong with a run.
func (b *bench) contest(ctx context.Context, part string, before func(round int) error, check func(sample) error) error {
	for _, c := range b.list {
		c.samples = nil
	}
	for i := range b.rounds {
		say("%s: round %d of %d", part, i+1, b.rounds)
		if err := before(i); err != nil {
			return err
		}
		if err := b.round(ctx, i, check); err != nil {
			return fmt.Errorf("%s: %w", part, err)
		}
	}
	b.report.add(part, b.list)
	return nil
}

func (b *bench) round(ctx context.Context, i int, check func(sample) error) error {
	outputs := map[string]bool{}
	for j := range b.list {
		c := b.list[(i+j)%len(b.list)] // nobody always follows the same one
		s, err := b.once(ctx, c)
		if err == nil && c.builder != nil {
			err = check(s)
		}
		if err != nil {
			return err
		}
		outputs[s.stdout] = true
		c.samples = append(c.samples, s)
	}
	if len(outputs) != 1 {
		return fmt.Errorf("the program did not always print the same: %v", outputs)
	}
	return nil
}
