package faults

import (
	"fmt"
	"os"
	"slices"
	"testing"
	"time"
)

// mostAdded is how much longer a run may take for a fault.
const mostAdded = 10 * time.Second

// tries is how often a cell that took too long is tried, as this machine may
// have done something else meanwhile. It is then compared with a run right after
// it whose cache works, so that what the machine does else slows both.
const tries = 3

// report is what came of a cell.
type report struct {
	outcome string
	reason  string
	// besides is how long the run took but for the build, and added how much of
	// that a run without cache does not take.
	besides, added time.Duration
	ran            bool
}

func (r report) String() string { return fmt.Sprintf("%s %.1f", r.outcome, r.added.Seconds()) }

// try runs a cell.
func (w *world) try(t testing.TB, c cell) report {
	var rep report
	for n := range tries {
		rep = w.tryOnce(t, c)
		if rep.added > mostAdded {
			t.Logf("attempt %d added %s", n+1, rep.added)
			rep.added = max(0, rep.besides-w.healthy(t, c))
		}
		if rep.added <= mostAdded || t.Failed() {
			return rep
		}
	}
	t.Errorf("it added %s, more than %s", rep.added, mostAdded)
	return rep
}

func (w *world) tryOnce(t testing.TB, c cell) report {
	m := newMachine(t, w)
	defer os.RemoveAll(m.root)
	s := serve(t, w, m, c.store)
	defer func() { s.close() }()
	m.mountStore(t, c, s)
	s.fill(t, w, c)
	harm := m.spoil(t, c, s)
	job := m.task(t, c, s)
	job.attr = harm.attr
	r := m.run(t, job)
	harm.undo()
	rep := report{outcome: r.of(c).Outcome, reason: r.of(c).Reason, ran: true}
	ref := w.programs[job.program].ref
	rep.besides, rep.added = r.besides(), max(0, r.besides()-ref.besides())
	c.judge(t, r, ref)
	if s.proxy != nil && c.fault != noSpace && c.fault != permission && s.struck() == 0 {
		t.Errorf("the fault never happened: %v", r.transfers)
	}
	if c.leaves() {
		s = s.listenAgain(w)
		w.next(t, c, s)
	}
	return rep
}

// healthy is how long the run of a cell takes, but for the build, when nothing
// fails.
func (w *world) healthy(t testing.TB, c cell) time.Duration {
	m := newMachine(t, w)
	defer os.RemoveAll(m.root)
	s := serve(t, w, m, c.store)
	defer s.close()
	s.fill(t, w, c)
	return m.run(t, m.task(t, c, s)).besides()
}

// task is what the machine of a cell runs.
func (m *machine) task(t testing.TB, c cell, s *service) task {
	job := task{program: seedProgram, mode: "readwrite", gocache: m.world.warm, args: s.args, env: s.env}
	switch {
	case c.reads() && c.kind == pack:
		job.program, job.mode, job.gocache = readProgram, "read", copyOf(t, m.world.few, m.path("gocache"))
	case !c.reads():
		job.program = writeProgram
	}
	if !c.reads() && c.kind == pack {
		job.gocache = m.path("gocache")
	}
	return job
}

// next is a run on another machine after the fault.
func (w *world) next(t testing.TB, c cell, s *service) {
	m := newMachine(t, w)
	defer os.RemoveAll(m.root)
	job := task{program: readerAfter, mode: "read", args: s.args, env: s.env}
	switch {
	case c.kind == executable:
		job = m.task(t, c, s)
	case !c.reads():
		job.program = writerAfter
	}
	if c.kind == pack {
		job.gocache = copyOf(t, w.few, m.path("gocache"))
	}
	r := m.run(t, job)
	equal(t, "the next run", r, w.programs[job.program].ref)
}

// equal requires that two runs are the same to who started them.
func equal(t testing.TB, what string, got, want *result) {
	t.Helper()
	if got.err != nil || got.stdout != want.stdout || got.stderr != want.stderr || got.status != want.status || got.verdict != want.verdict {
		t.Errorf("%s is not what it is without cache:\ngot %v %d %q %q\n%s\nwant %d %q %q\n%s", what,
			got.err, got.status, got.stdout, got.stderr, got.verdict, want.status, want.stdout, want.stderr, want.verdict)
	}
}

// judge compares a run with one without cache, and what it says with the fault.
func (c cell) judge(t testing.TB, got, want *result) {
	t.Helper()
	equal(t, "it", got, want)
	if len(got.warnings) > 1 {
		t.Errorf("%d warnings: %q", len(got.warnings), got.warnings)
	}
	tr := got.of(c)
	if silent := tr.Outcome == "fault" || tr.Outcome == "skipped"; silent && len(got.warnings) == 0 {
		t.Errorf("it says nothing of the fault but for %+v", tr)
	}
	used := slices.Contains([]string{"hit", "near", "kept"}, tr.Outcome)
	taken := used || tr.Outcome == "exists"
	switch {
	case c.recovers() && !used:
		t.Errorf("it did not get over the fault: %+v", got.transfers)
	case c.fault == webPage && taken:
		t.Errorf("it takes a web page for an answer: %+v", tr)
	case c.reads() && c.spoils() && used:
		t.Errorf("it used what the fault spoiled: %+v", tr)
	case tr.Outcome == "none":
		t.Errorf("it does not say what came of it: %+v", got.transfers)
	}
}

// recovers reports whether the fault is one that passes in time.
func (c cell) recovers() bool {
	return c.fault == soon || c.fault == expired && c.step == download && c.store != oci
}

// leaves reports whether the run may write something. One that is to get a pack
// only reads (task): there is nothing that a next run could meet.
func (c cell) leaves() bool { return !c.reads() || c.kind == executable }

// spoils reports whether nothing can be read. What is open is still there after
// its name was removed, and the look-up writes nothing that it needs.
func (c cell) spoils() bool {
	local := c.fault == noSpace || c.fault == permission && c.store != dir
	return !c.recovers() && !(c.store == dir && c.fault == eviction) && !(local && c.step == lookUp)
}
