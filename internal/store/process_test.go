package store

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/org/gorun-action/internal/testenv"
)

// shared are the keys that all workers fight for. Each has one of its own, too.
const shared = 6

// worker does at random what can be done with a store, in a process of its own.
type worker struct {
	*Dir
	id      string
	scratch string
	gets    int
}

// helperWorker does some steps in the store at args[0]: worker ROOT ID STEPS.
func helperWorker(args []string) error {
	scratch, err := os.MkdirTemp("", "worker-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(scratch)
	w := &worker{Dir: &Dir{Root: args[0]}, id: args[1], scratch: scratch}
	steps, err := strconv.Atoi(args[2])
	for i := 0; i < steps && err == nil; i++ {
		err = w.step()
	}
	fmt.Println(w.gets)
	return err
}

func (w *worker) step() error {
	key := "key" + strconv.Itoa(rand.N(shared))
	if rand.N(4) == 0 {
		key = "own" + w.id
	}
	switch n := rand.N(100); {
	case n < 55:
		return w.get(key)
	case n < 85:
		return w.put(key)
	case n < 90:
		return except(w.Remove(key), fs.ErrNotExist, ErrInUse)
	case n < 95:
		_, err := w.Prune(Limits{Bytes: rand.N[int64](shared * 30000)})
		return err
	}
	return w.verify()
}

func except(err error, expected ...error) error {
	for _, e := range expected {
		if errors.Is(err, e) {
			return nil
		}
	}
	return err
}

// size is different for each key, and never less than a few blocks.
func size(key string) int { return 10000 + int(digest([]byte(key))[0])*300 }

func (w *worker) put(key string) error {
	data := content(key, size(key))
	program := filepath.Join(w.scratch, key)
	if err := os.WriteFile(program, data, 0o700); err != nil {
		return err
	}
	_, err := w.Put(key, program, digest(data), []byte(key))
	return except(err, fs.ErrExist)
}

// get reads the program twice: it must be right, and stay there.
func (w *worker) get(key string) error {
	e, release, err := w.Get(key)
	if err != nil {
		return except(err, fs.ErrNotExist)
	}
	defer release()
	w.gets++
	for range 2 {
		data, err := os.ReadFile(e.Path)
		if err != nil || !bytes.Equal(data, content(key, size(key))) {
			return fmt.Errorf("%s is not what was put: %d bytes, %v", key, len(data), err)
		}
		time.Sleep(rand.N(time.Millisecond))
	}
	return nil
}

func (w *worker) verify() error {
	_, bad, err := w.Verify(context.Background())
	if len(bad) > 0 {
		return fmt.Errorf("bad: %v", bad)
	}
	return err
}

func TestFiftyProcesses(t *testing.T) {
	steps := testenv.Times(10, 300)
	s := newShelf(t)
	var wg sync.WaitGroup
	var mu sync.Mutex
	gets := 0
	for id := range 50 {
		cmd := helper(t, "worker", s.Root, strconv.Itoa(id), strconv.Itoa(steps))
		wg.Go(func() {
			out, err := cmd.Output()
			n, _ := strconv.Atoi(strings.TrimSpace(string(out)))
			mu.Lock()
			defer mu.Unlock()
			if gets += n; err != nil {
				t.Errorf("worker %d: %v\n%s", id, err, stderr(err))
			}
		})
	}
	wg.Wait()
	if gets < 50*steps/20 {
		t.Errorf("only %d hits in %d steps", gets, 50*steps)
	}
	t.Logf("%d hits in %d steps", gets, 50*steps)
	if left := s.temporary(); left != nil {
		t.Errorf("left behind: %q", left)
	}
}

func stderr(err error) []byte {
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return exit.Stderr
	}
	return nil
}

const churned = 3 << 20 // bytes; large enough for a kill to meet the copying

// helperChurn puts, gets, seals and removes a program until it is killed, and
// writes a line for each time.
func helperChurn(args []string) error {
	d := &Dir{Root: args[0]}
	program := args[1]
	data, err := os.ReadFile(program)
	sum := digest(data)
	for err == nil {
		if err = churn(d, program, sum); err == nil {
			_, err = fmt.Println("once")
		}
	}
	return err
}

func churn(d *Dir, program, sum string) error {
	e, err := d.Put("k", program, sum, []byte("about"))
	if errors.Is(err, fs.ErrExist) {
		return d.Remove("k")
	}
	if err != nil {
		return err
	}
	if err := os.Chtimes(e.Path, time.Now(), time.Now()); err != nil { // breaks the seal
		return err
	}
	_, release, err := d.Get("k")
	if err != nil {
		return err
	}
	release()
	return d.Remove("k")
}

// A process that is killed at whatever moment leaves a miss or what is right,
// and nothing for ever.
func TestKills(t *testing.T) {
	kills := testenv.Times(10, 300)
	s := newShelf(t)
	program := s.file("hello", content("k", churned))
	longest := 3 * churnTime(t, s, program)
	hits, leftovers := 0, 0
	for i := range kills {
		churnUntil(t, s, program, rand.N(longest))
		if s.afterKill(t, i) {
			hits++
		}
		leftovers += len(s.temporary())
		if i%2 == 0 { // or another process meets what this one left
			s.sweep(t)
		}
	}
	s.sweep(t)
	t.Logf("%d kills within %v: %d left an entry, %d files were left behind and removed", kills, longest, hits, leftovers)
	if leftovers == 0 {
		t.Errorf("none of %d kills met a Put", kills)
	}
}

// churnTime measures how long one turn takes.
func churnTime(t *testing.T, s *shelf, program string) time.Duration {
	t.Helper()
	cmd, lines := startChurn(t, s, program)
	begin := time.Now()
	lines.Scan()
	took := time.Since(begin)
	cmd.Process.Kill()
	cmd.Wait()
	return took
}

func startChurn(t *testing.T, s *shelf, program string) (*exec.Cmd, *bufio.Scanner) {
	t.Helper()
	cmd := helper(t, "churn", s.Root, program)
	out, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	lines := bufio.NewScanner(out)
	if !lines.Scan() {
		t.Fatal("nothing was put")
	}
	return cmd, lines
}

func churnUntil(t *testing.T, s *shelf, program string, after time.Duration) {
	t.Helper()
	cmd, lines := startChurn(t, s, program)
	kill := time.AfterFunc(after, func() { cmd.Process.Kill() })
	defer kill.Stop()
	for lines.Scan() { // until it is dead: it must not wait for a reader
	}
	if err := cmd.Wait(); err == nil || !strings.Contains(err.Error(), "killed") {
		t.Errorf("the process ended by itself: %v", err)
	}
}

// afterKill makes sure that what is there is right, and can be made right.
func (s *shelf) afterKill(t *testing.T, i int) (hit bool) {
	t.Helper()
	e, release, err := s.Get("k")
	defer release()
	if errors.Is(err, fs.ErrNotExist) {
		return false
	}
	if err != nil {
		t.Fatalf("kill %d: %v", i, err)
	}
	data, err := os.ReadFile(e.Path)
	if err != nil || !bytes.Equal(data, content("k", churned)) {
		t.Fatalf("kill %d: a part of an entry: %d bytes, %v", i, len(data), err)
	}
	if about, err := s.About("k"); err != nil || string(about) != "about" {
		t.Errorf("kill %d: about is %q, %v", i, about, err)
	}
	return true
}

// sweep prunes two hours later, after which nothing but the store is left.
func (s *shelf) sweep(t *testing.T) {
	t.Helper()
	s.at(time.Now().Add(2 * time.Hour))
	defer func() { s.Now = nil }()
	if _, err := s.Prune(Limits{Age: time.Hour}); err != nil {
		t.Error(err)
	}
	var left []string
	must(t, filepath.WalkDir(s.Root, func(path string, f fs.DirEntry, err error) error {
		if path != s.Root && path != s.tmp() && path != filepath.Join(s.Root, entriesDir) {
			left = append(left, path)
		}
		return err
	}))
	if left != nil {
		t.Errorf("left for ever: %q", left)
	}
}
