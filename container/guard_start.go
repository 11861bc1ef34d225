package container

import (
	"fmt"
	"slices"
	"syscall"
	"time"
)

// birth is what a guard is told before a program is forked, when nobody knows
// its process id yet. On a busy machine this process may be killed when the
// program has children already and the guard has not heard of its group.
//
// The kernel kills the program then, as its parent died. What it leaves is
// known by this: it is of our session, was forked between the birth and our
// death, and is of a group that is not ours and whose leader is gone.
type birth struct {
	session, group int   // of the process that forks
	since          int64 // ticks since the machine booted
}

func (b birth) String() string { return fmt.Sprintf("%d %d %d", b.session, b.group, b.since) }

// parseBirth takes a birth as String makes it. The session is 0 when its
// leader is outside of this PID namespace.
func parseBirth(s string) (b birth, ok bool) {
	n, err := fmt.Sscanf(s, "%d %d %d", &b.session, &b.group, &b.since)
	ok = err == nil && n == 3 && b.String() == s &&
		b.session >= 0 && b.session <= pidMax && b.group >= 0 && b.group <= pidMax && b.since > 0
	return b, ok
}

// starting has the guard look for what is left of a program that is about to
// be forked, until its group is known.
func (g *Guard) starting() (release func()) {
	if g == nil {
		return func() {}
	}
	b, ok := newBirth()
	if !ok {
		return func() {}
	}
	return g.add("start " + b.String())
}

// The pipe closes before the kernel tells a dying process's children.
const guardOrphanWait = 100 * time.Millisecond

// killOrphans takes what is left of the program until nothing more turns up.
func (b birth) killOrphans() {
	var killed []int
	until := ticks()
	for end := time.Now().Add(guardOrphanWait); time.Now().Before(end); time.Sleep(time.Millisecond) {
		for _, pgid := range b.orphans(until) {
			syscall.Kill(-pgid, syscall.SIGKILL)
			killed = append(killed, pgid)
		}
	}
	slices.Sort(killed)
	for _, pgid := range slices.Compact(killed) {
		awaitGroupEnd(pgid, guardKillWait)
	}
}
