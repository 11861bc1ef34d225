package soundness

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// key asks gorun, now and then after something happened to its own files.
func (w *shard) key(s *state) (Keyed, error) {
	if s.rnd.IntN(30) == 0 {
		w.meddle(s)
	}
	k, err := w.ask(s)
	if err == nil && s.rnd.IntN(8) == 0 {
		err = w.anew(s, k)
	}
	return k, err
}

// settled is longer than any file stays racy: gorun remembers a state only when
// every later edit shows.
const settled = 120 * time.Millisecond

// settle gives gorun the time to remember the state.
func (w *shard) settle(s *state) error {
	time.Sleep(settled)
	for range 2 {
		if _, err := w.ask(s); err != nil {
			return err
		}
	}
	return nil
}

func (w *shard) ask(s *state, flags ...string) (Keyed, error) {
	defer func(began time.Time) { w.keyTime += time.Since(began) }(time.Now())
	args := slices.Concat([]string{"--builder=host", "-C", s.dir}, flags, s.command())
	k, err := w.config.Keyer(Ask{Args: args, Environ: s.environ(), CacheDir: w.cacheDir, Pinned: w.sub.pinned})
	w.learned = max(w.learned, k.Learned)
	return k, err
}

// anew requires that what gorun remembers is what it finds.
func (w *shard) anew(s *state, k Keyed) error {
	found, err := w.ask(s, "--explain")
	if err == nil && w.learned > 0 {
		// What is remembered may rest on less than what was learned since, or on
		// more than an index that was lost knows. It does not after this.
		k, err = w.ask(s)
	}
	// Where it still rests on less, because something new that was looked at may
	// yet change unnoticed, the trial judges it as every key: an executable is
	// kept only under a key that names all that its build read.
	if err == nil && found.Key != k.Key && w.learned == 0 {
		w.found(Finding{Kind: "memo", Edit: "none", Key: k.Key, Before: "remembered", After: "found " + found.Key}, s)
	}
	w.row("memo").Trials++
	return err
}

// meddle loses gorun's own files, damages them, or brings back older ones, as
// caches of pipelines do.
func (w *shard) meddle(s *state) {
	files := w.own()
	switch s.rnd.IntN(4) {
	case 0:
		for _, f := range files {
			os.Remove(f)
		}
	case 1:
		for _, f := range files {
			if info, err := os.Stat(f); err == nil {
				os.Truncate(f, info.Size()/2)
			}
		}
	case 2:
		for f, data := range w.old {
			os.WriteFile(f, data, 0o644)
		}
	default:
		w.remember(files)
	}
}

// own are the files of gorun's cache directory.
func (w *shard) own() (files []string) {
	filepath.WalkDir(w.cacheDir, func(name string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			files = append(files, name)
		}
		return nil
	})
	return files
}

// remembered bounds what is read of the cache directory at one time.
const remembered = 200

func (w *shard) remember(files []string) {
	w.old = map[string][]byte{}
	for _, f := range files[:min(len(files), remembered)] {
		if data, err := os.ReadFile(f); err == nil {
			w.old[f] = data
		}
	}
}
