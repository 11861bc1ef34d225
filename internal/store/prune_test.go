package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// helperSleep is a program that runs until its standard input ends.
func helperSleep([]string) error {
	fmt.Println("running")
	_, err := os.Stdin.Read(make([]byte, 1))
	if err != nil && err.Error() == "EOF" {
		return nil
	}
	return err
}

func helperExit([]string) error { return nil }

// putSelf puts the test binary, which can be executed.
func (s *shelf) putSelf(key string) Entry {
	s.Helper()
	data, err := os.ReadFile(self(s))
	must(s, err)
	e, err := s.Put(key, self(s), digest(data), nil)
	must(s, err)
	return e
}

// execute runs a program as helper sleep until stop is called.
func execute(t *testing.T, path string) (stop func()) {
	t.Helper()
	cmd := asHelper(path, "sleep")
	in, err := cmd.StdinPipe()
	must(t, err)
	out, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	if _, err := out.Read(make([]byte, 7)); err != nil {
		t.Fatal(err)
	}
	return sync.OnceFunc(func() {
		in.Close()
		if err := cmd.Wait(); err != nil {
			t.Errorf("the program: %v", err)
		}
	})
}

// What is held, or runs, is not removed, by whatever means.
func TestInUse(t *testing.T) {
	s := newShelf(t)
	e := s.putSelf("k")
	stays := func(why string) {
		t.Helper()
		if err := s.Remove("k"); !errors.Is(err, ErrInUse) {
			t.Errorf("%s: removing: %v", why, err)
		}
		for _, l := range []Limits{{Bytes: 1}, {Age: 1}} {
			removed, err := s.Prune(l)
			if removed != nil || err != nil {
				t.Errorf("%s: pruning %+v: %v, %v", why, l, removed, err)
			}
		}
		if _, err := os.Stat(e.Path); err != nil {
			t.Errorf("%s: %v", why, err)
		}
	}
	_, first, err := s.Get("k")
	must(t, err)
	_, second, err := s.Get("k")
	must(t, err)
	stays("held twice")
	first()
	first() // does not release what the second holds
	stays("held")
	stop := execute(t, e.Path)
	stays("held and running")
	second()
	stays("running")
	if _, release, err := s.Get("k"); err != nil {
		t.Errorf("getting what runs: %v", err)
	} else {
		release()
	}
	stop()
	must(t, s.Remove("k"))
	s.misses("k")
	if err := s.Remove("k"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("removing nothing: %v", err)
	}
}

func TestPrune(t *testing.T) {
	begin := time.Now().Add(-1000 * time.Hour)
	fill := func(t *testing.T) *shelf {
		s := newShelf(t)
		for i := range 5 { // e is the latest; each counts 18199 bytes
			s.at(begin.Add(time.Duration(i) * time.Hour))
			s.put(string(rune('a' + i)))
		}
		return s
	}
	const each = 10000 + 7 + overhead
	for _, c := range []struct {
		limits        Limits
		removed, left string
	}{
		{Limits{}, "", "e d c b a"},
		{Limits{Bytes: 5 * each, Age: 5 * time.Hour}, "", "e d c b a"},
		{Limits{Bytes: 5*each - 1}, "a", "e d c b"},
		{Limits{Bytes: 2 * each}, "a b c", "e d"},
		{Limits{Bytes: 1}, "a b c d e", ""},
		{Limits{Age: 2 * time.Hour}, "a b", "e d c"},
		{Limits{Age: 2 * time.Hour, Bytes: each}, "a b c d", "e"},
		{Limits{Age: -1, Bytes: -1}, "", "e d c b a"},
	} {
		s := fill(t)
		removed, err := s.Prune(c.limits)
		if err != nil || keysOf(removed) != c.removed || s.keys("") != c.left {
			t.Errorf("%+v: removed %q, left %q, %v; want %q and %q", c.limits, keysOf(removed), s.keys(""), err, c.removed, c.left)
		}
		if left := s.temporary(); left != nil {
			t.Errorf("left behind: %q", left)
		}
	}
	// The least recently used is what was used, not what was put, and what is
	// in use counts although it stays.
	s := fill(t)
	s.at(begin.Add(6 * time.Hour))
	s.get("a")
	_, release, err := s.Get("b")
	must(t, err)
	must(t, os.Chtimes(filepath.Join(s.dir("b"), headerFile), begin, begin))
	defer release()
	if removed, err := s.Prune(Limits{Bytes: 2 * each}); err != nil || keysOf(removed) != "c d e" || s.keys("") != "a b" {
		t.Errorf("removed %q, left %q, %v", keysOf(removed), s.keys(""), err)
	}
}

func TestPruneNothing(t *testing.T) {
	s := newShelf(t)
	removed, err := s.Prune(Limits{Bytes: 1})
	every, everyErr := s.PruneEvery(time.Hour, Limits{Bytes: 1})
	good, bad, verifyErr := s.Verify(t.Context())
	if err := errors.Join(err, everyErr, verifyErr); err != nil || removed != nil || every != nil || good != nil || bad != nil {
		t.Errorf("an empty store: %v", err)
	}
	if _, err := os.Stat(s.Root); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("it was made: %v", err)
	}
}

// What a process leaves in tmp is removed an hour after it is gone.
func TestLeftovers(t *testing.T) {
	s := newShelf(t)
	s.put("k")
	w, err := s.newWork()
	must(t, err)
	must(t, os.WriteFile(filepath.Join(w.dir, "program"), []byte("half"), 0o600))
	must(t, os.WriteFile(filepath.Join(s.tmp(), ".seal1"), []byte("half"), 0o600))
	for _, c := range []struct {
		after time.Duration
		dead  bool
		left  int
	}{{59 * time.Minute, true, 2}, {61 * time.Minute, false, 1}, {61 * time.Minute, true, 0}} {
		s.at(time.Now().Add(c.after))
		if c.dead {
			w.lock.Close()
		} else {
			w.lock, err = os.Open(w.dir)
			must(t, errors.Join(err, flock(w.lock, unix.LOCK_EX)))
		}
		_, err := s.Prune(Limits{})
		must(t, err)
		if left := s.temporary(); len(left) != c.left {
			t.Errorf("after %v, dead %v: left %q", c.after, c.dead, left)
		}
	}
	s.get("k")
}

func TestPruneEvery(t *testing.T) {
	s := newShelf(t)
	begin := time.Now()
	s.put("k")
	for _, c := range []struct {
		after time.Duration
		want  string
	}{{0, "k"}, {59 * time.Minute, ""}, {61 * time.Minute, "k"}, {62 * time.Minute, ""}, {0, "k"}} { // at last a clock that was set back
		s.at(begin.Add(c.after))
		if s.keys("") == "" {
			s.put("k")
		}
		removed, err := s.PruneEvery(time.Hour, Limits{Bytes: 1})
		if err != nil || keysOf(removed) != c.want {
			t.Errorf("after %v: removed %q, %v", c.after, keysOf(removed), err)
		}
	}
	// Of many at the same time one does it, the first time and later.
	must(t, os.Remove(filepath.Join(s.Root, stampFile)))
	for hour := range 3 {
		s.at(begin.Add(time.Duration(hour+2) * time.Hour))
		var did atomic.Int32
		var wg sync.WaitGroup
		for range 50 {
			wg.Go(func() {
				if due, err := s.due(time.Hour); err != nil {
					t.Error(err)
				} else if due {
					did.Add(1)
				}
			})
		}
		if wg.Wait(); did.Load() != 1 {
			t.Errorf("hour %d: %d pruned", hour, did.Load())
		}
	}
}

// A program that was got is there to be executed, however much others prune;
// and once it runs, the lock may go.
func TestExecuteWhilePruning(t *testing.T) {
	s := newShelf(t)
	data, err := os.ReadFile(self(t))
	must(t, err)
	sum := digest(data)
	done := make(chan struct{})
	var pruners, runners sync.WaitGroup
	for range 2 {
		pruners.Go(func() {
			for {
				select {
				case <-done:
					return
				case <-time.After(time.Millisecond):
					if _, err := s.Prune(Limits{Bytes: 1}); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	var ran atomic.Int32
	for range 4 {
		runners.Go(func() {
			for range 15 {
				if s.putGetExecute(t, sum) {
					ran.Add(1)
				}
			}
		})
	}
	runners.Wait()
	close(done)
	pruners.Wait()
	if ran.Load() < 5 {
		t.Errorf("only %d of 60 programs were there to be run", ran.Load())
	}
}

func (s *shelf) putGetExecute(t *testing.T, sum string) (ran bool) {
	if _, err := s.Put("k", self(t), sum, nil); err != nil && !errors.Is(err, fs.ErrExist) {
		t.Error(err)
	}
	e, release, err := s.Get("k")
	if errors.Is(err, fs.ErrNotExist) {
		return false
	}
	if err != nil {
		t.Error(err)
		return false
	}
	cmd, err := startExit(e.Path)
	release()
	if err != nil {
		t.Errorf("executing what was got: %v", err)
		return false
	}
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
	return true
}

// startExit tries again while it is ETXTBSY: another goroutine forked while
// the program was being written.
func startExit(path string) (cmd *exec.Cmd, err error) {
	for range 100 {
		cmd = asHelper(path, "exit")
		if err = cmd.Start(); !errors.Is(err, unix.ETXTBSY) {
			break
		}
		time.Sleep(time.Millisecond)
	}
	return cmd, err
}

func TestPruneTellsWhatItCannot(t *testing.T) {
	s := newShelf(t)
	s.put("k")
	must(t, os.RemoveAll(s.tmp()))
	must(t, os.WriteFile(s.tmp(), nil, 0o600)) // nothing can be moved there
	removed, err := s.Prune(Limits{Bytes: 1})
	if removed != nil || err == nil || !strings.Contains(err.Error(), "removing k") {
		t.Errorf("removed %v, %v", removed, err)
	}
	if err := s.Remove("k"); err == nil {
		t.Error("removed, to nowhere")
	}
	s.get("k")
}

// An entry that took the place of another one is neither taken for it nor
// discarded in its stead, and one that went while it was looked at is a miss.
func TestReplacedUnderneath(t *testing.T) {
	s := newShelf(t)
	s.put("k")
	dir := s.dir("k")
	old, err := lstat(dir)
	must(t, err)
	gone := filepath.Join(t.TempDir(), "gone") // it keeps its inode
	must(t, os.Rename(dir, gone))
	if _, err := s.lockEntry(dir, old, unix.LOCK_SH); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("holding what is gone: %v", err)
	}
	s.put("k")
	if _, err := s.lockEntry(dir, old, unix.LOCK_SH); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("holding another one: %v", err)
	}
	must(t, s.discard(dir, old))
	s.get("k")
	h, err := s.lockEntry(gone, old, unix.LOCK_SH)
	must(t, err)
	defer h.release()
	must(t, os.RemoveAll(gone))
	must(t, os.Mkdir(gone, 0o700))
	if h.id, err = lstat(gone); err == nil { // as if the inode had been used again
		err = h.lock(unix.LOCK_SH)
	}
	if !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("locking a header without a name: %v", err)
	}
}
