package main

import (
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/org/gorun-action/cachekeys"
	"github.com/org/gorun-action/container"
	"github.com/org/gorun-action/container/provision"
	"github.com/org/gorun-action/internal/soundness"
	"github.com/org/gorun-action/internal/testenv"
	"github.com/org/gorun-action/runner"
)

// fastTrials and fastTime bound what every `go test` does with each of a few
// subjects, two at the same time: their first build takes a second or two.
const (
	fastTrials = 2000
	fastTime   = 5 * time.Second
)

func fastSubjects() []string { return []string{"workspace", "cgo", "plain", "embeds"} }

// TestSoundness requires that no edit of a program's inputs leaves the
// executable key as it was and makes the go command build other bytes. The
// variables
//
//	GORUN_SOUNDNESS_TRIALS    how many trials there are; then without a time limit
//	GORUN_SOUNDNESS_SEED      which ones, 1 unless set
//	GORUN_SOUNDNESS_SUBJECTS  names of subjects, with commas between them
//	GORUN_SOUNDNESS_ONLY      the number of the one trial to do
//	GORUN_SOUNDNESS_FS        file systems, with commas between them (soundness.FileSystems)
//	GORUN_SOUNDNESS_BUILDER   host or docker: gorun itself is tried, not the key alone
//	GORUN_SOUNDNESS_OUT       a file for the table
//	GORUN_SOUNDNESS_DIR       a directory whose build caches the next run takes again
//
// make it a long run, or one trial.
func TestSoundness(t *testing.T) {
	t.Parallel()
	c := soundness.Config{
		Keyer: keyer, Dir: testenv.DiskDir(t), Seed: 1, Trials: fastTrials, Workers: 2, Parts: 1, Only: -1, Limit: fastTime, Shared: true, Fresh: true, Subjects: fastSubjects(),
		Log: func(s string) { t.Log(s) },
	}
	if !testenv.Full() {
		c.Trials, c.Limit, c.Subjects = fastTrials/4, fastTime/3, []string{"workspace", "embeds"}
	}
	soundnessVariables(t, &c)
	report, err := soundness.Run(t.Context(), c)
	if report == nil {
		t.Fatal(err)
	}
	if err != nil {
		t.Error(err)
	}
	if file := os.Getenv("GORUN_SOUNDNESS_OUT"); file != "" {
		if err := os.WriteFile(file, []byte(report.String()), 0o644); err != nil {
			t.Error(err)
		}
	}
	judgeSoundness(t, report)
}

// judgeSoundness fails for false hits, for misses without a reason, and when
// the trials did not try anything.
func judgeSoundness(t *testing.T, r *soundness.Report) {
	t.Helper()
	t.Log("\n" + r.String())
	if n := r.False(); n > 0 {
		t.Errorf("%d false hits", n)
	}
	if neutral, needless := r.Neutral(); neutral > 50 && needless*20 > neutral {
		t.Errorf("%d of %d edits that change nothing changed the key: more than 5 %%", needless, neutral)
	}
}

// soundnessVariables reads the settings of a long run.
func soundnessVariables(t *testing.T, c *soundness.Config) {
	t.Helper()
	number := func(name string, to func(int)) {
		if text := os.Getenv(name); text != "" {
			n, err := strconv.Atoi(text)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			to(n)
		}
	}
	number("GORUN_SOUNDNESS_TRIALS", func(n int) { c.Trials, c.Limit, c.Parts, c.Shared, c.Subjects = n, 0, 2, false, nil })
	if names, given := os.LookupEnv("GORUN_SOUNDNESS_FS"); given {
		c.FileSystems = strings.Split(names, ",")
		c.Parts = max(c.Parts, len(c.FileSystems))
	}
	number("GORUN_SOUNDNESS_SEED", func(n int) { c.Seed = uint64(n) })
	number("GORUN_SOUNDNESS_ONLY", func(n int) { c.Only, c.Limit = n, 0 })
	if dir := os.Getenv("GORUN_SOUNDNESS_DIR"); dir != "" {
		c.Dir = dir
	}
	if builder := os.Getenv("GORUN_SOUNDNESS_BUILDER"); builder != "" {
		c.Gorun, c.Builder, c.Within, c.Fresh = testenv.Gorun(t), builder, time.Second, false
	}
	if names := os.Getenv("GORUN_SOUNDNESS_SUBJECTS"); names != "" {
		c.Subjects = strings.Split(names, ",")
	}
}

// keyer goes the way of one gorun from its arguments to the executable key,
// and Check the rest of it, up to where the executable would be kept.
func keyer(ask soundness.Ask) (soundness.Keyed, error) {
	c := command{args: append([]string{"--cache-dir=" + ask.CacheDir}, ask.Args...), environ: ask.Environ, now: time.Now}
	_, spec, err := c.inputs()
	if err != nil {
		return soundness.Keyed{Reasons: []string{"usage: " + err.Error()}}, nil
	}
	p, err := planned(c, spec, ask.Pinned)
	if err != nil {
		return soundness.Keyed{Reasons: []string{err.Error()}}, nil
	}
	k := soundness.Keyed{Key: p.Key, Check: func(packages []cachekeys.Built) []string { return checked(c, spec, ask.Pinned, packages) }}
	if closure := p.Closure(); closure != nil {
		k.Reasons, k.Learned = closure.Reasons, learned(closure)
	}
	return k, nil
}

// learned counts the directories that Check found.
func learned(c *cachekeys.Closure) int {
	for _, in := range c.Inputs {
		if in.Kind == cachekeys.KindDir && in.Name == "watched" {
			return strings.Count(in.Value, "\n") + 1
		}
	}
	return 0
}

// planned is one plan with nothing left of an earlier one but its files.
func planned(c command, spec runner.Spec, pinned bool) (runner.Plan, error) {
	b := pinnable{&provision.Provider{Mode: "host", Env: spec.Env, CacheDir: spec.CacheDir, Notice: func(string) {}}, pinned}
	r := runner.Runner{Builder: b, Report: unreported{}, Now: c.now, Keys: c.keyring(spec)}
	return r.Plan(spec)
}

// checked says what speaks against keeping an executable, and learns from it.
func checked(c command, spec runner.Spec, pinned bool, packages []cachekeys.Built) []string {
	spec.Explain = true // finds the closure, whatever is remembered
	p, err := planned(c, spec, pinned)
	if err != nil || p.Closure() == nil {
		return []string{"no closure"}
	}
	verdict := p.Closure().Check(packages)
	if len(verdict.Extra) == 0 {
		return verdict.Reasons
	}
	root := p.Module
	if root == "" {
		root = p.Dir
	}
	ix := c.keyring(spec).Index(root)
	all := slices.Concat(ix.Extras(p.Closure().Program()), verdict.Extra)
	slices.Sort(all)
	ix.SetExtras(p.Closure().Program(), slices.Compact(all))
	if err := ix.Save(); err != nil {
		return []string{err.Error()}
	}
	if _, err := planned(c, spec, pinned); err != nil { // what the next run finds, and remembers
		return []string{err.Error()}
	}
	return verdict.Reasons
}

// pinnable takes this machine's go for a pinned one, if it is to.
type pinnable struct {
	*provision.Provider
	pinned bool
}

func (b pinnable) Identity(want container.Want) container.Identity {
	id := b.Provider.Identity(want)
	if b.pinned {
		id.Digest = "sha256:" + strings.Repeat("0", 64)
	}
	return id
}

// unreported reports nothing.
type unreported struct{}

func (unreported) Event(runner.Event) {}
