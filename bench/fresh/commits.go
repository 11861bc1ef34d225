package main

import (
	"context"
	"fmt"
)

// firstCommit is beyond the changes of the other parts.
const firstCommit = 1000

// What a row of commits may cost, because the program stays as large as it is.
const (
	mostPacks = 1    // sent after the first one
	mostGrown = 1.05 // of a pack
)

// commitRow has a fresh machine run each of some commits, and looks at what is
// sent to the store.
func (b *bench) commitRow(ctx context.Context) error {
	c := b.list[1]
	before := len(b.store.Keys())
	for i := range b.commits {
		say("commit %d of %d", i+1, b.commits)
		if err := b.change(firstCommit + i); err != nil {
			return err
		}
		s, err := b.once(ctx, c)
		if err != nil {
			return err
		}
		if r := s.log.result(); r.Cache != "miss" {
			return fmt.Errorf("commit %d: the last record says cache: %q", i+1, r.Cache)
		}
		b.report.commit(s)
	}
	b.report.note("commits: the store has %d entries more after %d commits", len(b.store.Keys())-before, b.commits)
	b.report.claim(fmt.Sprintf("commits: packs sent in %d commits", b.commits), float64(b.report.packsSent()), atMost, mostPacks)
	return nil
}
