package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/signal"
	"path/filepath"
	"time"

	"github.com/org/gorun-action/cachekeys"
	"github.com/org/gorun-action/container"
	"github.com/org/gorun-action/internal/store"
	"github.com/org/gorun-action/runner"
)

// pruneEvery is how often a run that keeps something also looks for what to
// remove.
const pruneEvery = time.Hour

// keyring keeps indexes in the cache directory: one for each workspace, and
// one for what belongs to the machine.
func (c *command) keyring(spec runner.Spec) *runner.Keyring {
	dir := indexes(spec)
	print := cachekeys.SHA256()
	if spec.Build.Murmur {
		print = cachekeys.Murmur3()
	}
	return &runner.Keyring{
		Sleep: time.Sleep,
		Index: func(root string) *cachekeys.Index {
			if spec.Cache == runner.CacheReadWrite {
				// Made during a build, it would be a change of the sources that it is among.
				_ = os.MkdirAll(spec.CacheDir, 0o755) // what is wrong there is said by what writes to it
			}
			sum := sha256.Sum256([]byte(root))
			ix := cachekeys.OpenIndex(filepath.Join(dir, hex.EncodeToString(sum[:8])+"-"+print.Name), print, c.now)
			ix.Machine = cachekeys.OpenIndex(filepath.Join(dir, "machine"), cachekeys.SHA256(), c.now)
			ix.ReadAll, ix.Machine.ReadAll = spec.ReadAll, spec.ReadAll
			return ix
		},
	}
}

func (c *command) store(spec runner.Spec) *store.Dir {
	return &store.Dir{Root: filepath.Join(spec.CacheDir, "executables"), Now: c.now}
}

func indexes(spec runner.Spec) string { return filepath.Join(spec.CacheDir, "index") }

func limits(o options) store.Limits { return store.Limits{Bytes: o.cacheSize, Age: o.cacheAge} }

// executables is the directory store as the runner wants it.
type executables struct {
	dir     *store.Dir
	limits  store.Limits
	indexes string // the directory of the indexes
	// scope keeps what runs of a pull request build from other runs on this
	// machine; "" for those.
	scope string
}

func (s executables) Get(_ context.Context, key string) (runner.Stored, error) {
	e, release, err := s.dir.Get(key + s.scope)
	if err != nil {
		return runner.Stored{}, err
	}
	return s.placed(e, release), nil
}

func (s executables) Put(_ context.Context, key string, exe runner.Executable, facts runner.Facts) error {
	if _, err := s.dir.Put(key+s.scope, exe.Path, exe.SHA256, facts.About); err != nil {
		return err
	}
	return s.tidy()
}

// tidy removes what is too old or too much.
func (s executables) tidy() error {
	cachekeys.Tidy(s.indexes, time.Now())
	_, err := s.dir.PruneEvery(pruneEvery, s.limits)
	return err
}

// Fill implements shared.Filler.
func (s executables) Fill(ctx context.Context, key string, exe runner.Executable, facts runner.Facts, write func(io.Writer) error) (runner.Stored, error) {
	e, release, err := s.dir.Fill(key+s.scope, filepath.Base(exe.Path), exe.SHA256, facts.About, write)
	if errors.Is(err, fs.ErrExist) { // another run put it this very moment
		return s.Get(ctx, key)
	}
	if err != nil {
		return runner.Stored{}, err
	}
	_ = s.tidy() // the next run that keeps something tries again
	return s.placed(e, release), nil
}

// placed is an entry in a place of its own. Where none can be made, nothing can
// be written, and the entry is as good.
func (s executables) placed(e store.Entry, release func()) runner.Stored {
	found := runner.Stored{Executable: runner.Executable{Path: e.Path, SHA256: e.SHA256, Size: e.Size}, Release: release}
	if path, leave, err := s.dir.Place(e); err == nil {
		found.Path, found.Release = path, func() { leave(); release() }
	}
	return found
}

// history is what the entries of a directory store were made of.
type history struct{ dir *store.Dir }

func (h history) Nearest(_ context.Context, prefix string, n int) [][]byte {
	entries, err := h.dir.Entries(prefix)
	if err != nil {
		return nil
	}
	var list [][]byte
	for _, e := range entries[:min(n, len(entries))] {
		if about, err := h.dir.About(e.Key); err == nil {
			list = append(list, about)
		}
	}
	return list
}

// replaceable reports whether gorun has nothing to do after the program has
// started: nothing to log, to write, to judge or to end, and no orphans to reap as PID 1.
func (o options) replaceable() bool {
	return o.logFormat == "none" && o.logFile == "" && o.output == "raw" && o.verdictFile == "" && !o.compat &&
		o.failOn.text == "" && o.cancelGrace == 0 && os.Getpid() != 1
}

// errSignalled says why a program runs as a child: it is to get a signal.
var errSignalled = errors.New("a signal has come for it")

// become makes this process the program, unless a signal has come for it. Until
// there is the program, a signal acts on this process as on one that handles
// none.
func (c *command) become(cmd container.Command) error {
	signals := passedOn()
	if len(signals) == 0 {
		return container.Replace(cmd)
	}
	restore := resetHandlers(signals)
	signal.Stop(c.signals) // returns when all that came has arrived
	err := errSignalled
	if len(c.signals) == 0 {
		err = container.Replace(cmd)
	}
	restore()
	signal.Notify(c.signals, signals...)
	return err
}
