package soundness

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"slices"
	"strings"
	"time"
)

// shard is one worker's part of the trials of one subject, with a tree of its
// own.
type shard struct {
	ctx      context.Context
	config   Config
	sub      *subject
	tree     *tree
	cacheDir string
	part     int
	oracle   *oracle
	report   *Report
	known    map[string]*entry // by executable key
	bases    map[string]string // the key of each setting's pristine state
	edits    []edit
	old      map[string][]byte // an older state of the cache directory
	learned  int               // the most directories that a key rested on (Keyed.Learned)
	trial    int
	started  time.Time
	keyTime  time.Duration  // all keys together
	repeats  map[string]int // false hits by edit
}

// entry is what is known of a key.
type entry struct {
	built   built
	asked   bool
	refused []string // why the executable would not have been kept
	state   string
}

// sampleOne in so many states with a new key is built, too, so that a later
// state with the same key is compared with it.
const sampleOne = 40

// fewFindings of one edit are told in full, and asked of a fresh go command,
// which takes half a minute. More of them are counted only.
const fewFindings = 2

// run does the trials from, from+step, … below the number of trials.
func (w *shard) run(from, step, until int) error {
	w.known, w.bases, w.edits, w.repeats = map[string]*entry{}, map[string]string{}, edits(), map[string]int{}
	w.started = time.Now()
	for n := from; n < until; n += step {
		if w.ctx.Err() != nil || w.config.Limit > 0 && time.Since(w.started) > w.config.Limit {
			return nil
		}
		w.trial = n
		if err := w.one(); err != nil {
			return fmt.Errorf("trial %d of %s: %w", n, w.sub.name, err)
		}
	}
	return nil
}

// source is the randomness of one trial: it does not depend on others.
func (w *shard) source() *rand.Rand {
	h := fnv.New64a()
	h.Write([]byte(w.sub.name))
	return rand.New(rand.NewPCG(w.config.Seed^h.Sum64(), uint64(w.trial)))
}

// one is one trial: before, edit, after, and everything back.
func (w *shard) one() error {
	s := w.sub.state(w.tree)
	s.rnd = w.source()
	set := w.setting(s)
	if w.config.Gorun != "" {
		return errors.Join(w.whole(s, set), w.tree.undo())
	}
	before, err := w.pristine(s, set)
	if err != nil {
		return err
	}
	if s.rnd.IntN(6) == 0 {
		if err := w.settle(s); err != nil {
			return err
		}
	}
	if s.rnd.IntN(4) == 0 && raced(set) {
		w.race(s)
	} else {
		w.edited(s, set, before)
	}
	return w.tree.undo()
}

// raced reports whether a setting builds all that the dials turn.
func raced(set setting) bool {
	return set.name != "its own command" && set.name != "a file with C" && set.name != "a version"
}

// setting picks one; half of the trials are with the first.
func (w *shard) setting(s *state) setting {
	set := w.sub.settings[0]
	if s.rnd.IntN(2) == 0 {
		set = w.sub.settings[s.rnd.IntN(len(w.sub.settings))]
	}
	set.apply(s)
	return set
}

// pristine returns the key of the state before the edit, with a known result.
func (w *shard) pristine(s *state, set setting) (Keyed, error) {
	k, err := w.key(s)
	if err != nil {
		return k, err
	}
	if k.Key != "" && (w.known[k.Key] == nil || !w.known[k.Key].asked) {
		if w.bases[set.name] != "" {
			w.row("back").Needless++
			w.report.needless(w.sub.name, "the pristine state again, "+set.name)
		}
		k = w.learn(s, k, "pristine "+set.name)
	}
	w.row("back").Trials++
	w.bases[set.name] = k.Key
	return k, nil
}

// edited applies an edit, rarely two, and judges the key.
func (w *shard) edited(s *state, set setting, before Keyed) {
	e, ok := w.apply(s, set)
	if !ok {
		return
	}
	name := set.name + ": " + e.kind + ": " + e.name
	if !e.neutral && s.rnd.IntN(6) == 0 {
		if second := s.choose(w.edits); !second.hidden && second.apply(s) {
			name += " and " + second.kind + ": " + second.name
			e.hidden, e.costly = e.hidden || second.hidden, e.costly || second.costly
		}
	}
	after, err := w.key(s)
	if err != nil {
		w.broken(s, err)
		return
	}
	w.judge(s, e, name, before, after)
}

// apply applies an edit that has a meaning here. Half of the time it is of the
// kind that the setting is there for.
func (w *shard) apply(s *state, set setting) (edit, bool) {
	flags, pkg, env, dir := slices.Clone(s.flags), s.pkg, s.env, s.dir
	for range 20 {
		list := w.edits
		if set.kind != "" && s.rnd.IntN(2) == 0 {
			list = of(set.kind, list)
		}
		e := s.choose(list)
		if e.hidden && (!w.config.Fresh || !raced(set) && set.kind != e.kind) {
			continue // not part of what is built, and dear to find out
		}
		if e.apply(s) {
			return e, true
		}
		if w.tree.undo() != nil {
			break
		}
		s.flags, s.pkg, s.env, s.dir = slices.Clone(flags), pkg, env, dir
	}
	return edit{}, false
}

// judge counts one key and asks the go command where it has to.
func (w *shard) judge(s *state, e edit, name string, before, after Keyed) {
	row := w.row(e.kind)
	row.Trials++
	w.report.Trials++
	if after.Key == "" {
		row.NoKey++
		w.report.reasons(after.Reasons)
		return
	}
	if e.neutral && after.Key != before.Key && before.Key != "" {
		row.Needless++
		w.report.needless(w.sub.name, name)
	}
	known := w.known[after.Key]
	switch {
	case known != nil && known.asked:
		row.Same++
		w.compare(s, e, name, after, known)
	case known != nil:
		row.Same++
		w.learn(s, after, name)
	case !e.costly && !e.hidden && s.rnd.IntN(sampleOne) == 0:
		w.learn(s, after, name)
		w.sampled(row, before, after)
	default:
		w.known[after.Key] = &entry{state: name}
	}
}

// sampled estimates how many changed keys were for the same bytes.
func (w *shard) sampled(row *Row, before, after Keyed) {
	a, b := w.known[before.Key], w.known[after.Key]
	row.Sampled++
	if a != nil && b != nil && a.asked && a.built == b.built && a.built.Sum != "" {
		row.SameBytes++
	}
}

// learn asks the go command what a state builds, and what gorun would have
// refused to keep. What it learns from that may change the key of the state.
func (w *shard) learn(s *state, k Keyed, name string) Keyed {
	e := &entry{built: w.oracle.run(w.ctx, s), asked: true, state: name}
	w.known[k.Key] = e
	if e.built.Sum == "" {
		return k
	}
	e.refused = w.refusals(s, k)
	again, err := w.key(s)
	if err == nil && again.Key != "" && again.Key != k.Key {
		w.known[again.Key] = &entry{built: e.built, asked: true, state: name, refused: w.refusals(s, again)}
		return again
	}
	return k
}

func (w *shard) refusals(s *state, k Keyed) []string {
	packages, err := w.oracle.list(w.ctx, s)
	if err != nil {
		return []string{err.Error()}
	}
	return k.Check(packages)
}

// compare requires what was built for the key.
func (w *shard) compare(s *state, e edit, name string, k Keyed, known *entry) {
	row := w.row(e.kind)
	row.Checked++
	got := built{}
	if !e.hidden {
		got = w.oracle.run(w.ctx, s)
	} else if fresh, err := w.oracle.fresh(w.ctx, s); err != nil {
		w.broken(s, err)
		return
	} else {
		got = fresh
	}
	if got == known.built {
		return
	}
	if got.Sum == "" && known.built.Sum == "" {
		row.OtherFailure++
		return
	}
	w.suspect(s, e, name, k, known, got)
}

// suspect tells a false hit from what would not have been kept and from what
// the go command's own cache got wrong.
func (w *shard) suspect(s *state, e edit, name string, k Keyed, known *entry, got built) {
	row := w.row(e.kind)
	if len(known.refused) > 0 || known.built.Sum == "" && len(w.refusals(s, k)) > 0 {
		row.Refused++
		return
	}
	if w.repeats[e.name]++; w.repeats[e.name] > fewFindings {
		row.False++
		row.Repeated++
		return
	}
	if w.config.Fresh {
		if fresh, err := w.oracle.fresh(w.ctx, s); err == nil && fresh == known.built {
			row.Stale++
			return
		}
	}
	w.found(Finding{
		Kind: e.kind, Edit: name, Key: k.Key, Before: known.state + " " + known.built.String(), After: got.String(),
	}, s)
}

func (w *shard) found(f Finding, s *state) {
	f.Subject, f.Seed, f.Trial = w.sub.name, w.config.Seed, w.trial
	f.Command = strings.Join(append([]string{"-C", s.dir}, s.command()...), " ")
	f.Environ = s.env
	w.row(f.Kind).False++
	w.report.Findings = append(w.report.Findings, f)
	w.config.Log(f.String())
}

func (w *shard) broken(s *state, err error) {
	w.row("broken").Trials++
	w.config.Log(fmt.Sprintf("%s trial %d: no answer: %v", w.sub.name, w.trial, err))
}

func (w *shard) row(kind string) *Row { return w.report.row(w.sub.name, kind) }
