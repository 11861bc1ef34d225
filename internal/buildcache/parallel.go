package buildcache

import (
	"runtime"
	"sync"
	"sync/atomic"
)

// These bound what a pack needs in memory to less than 128 MiB, however many
// cores there are: about 12 MiB for each frame that is being unpacked, twice
// that for one that is being packed.
const (
	maxUnpacking = 6
	maxPacking   = 4
)

// workers is how many of at most so many can work at once.
func workers(most int) int { return min(runtime.GOMAXPROCS(0), most) }

// parallel calls do with 0 to n-1, several at a time, and returns the first
// error; after one it begins no more.
func parallel(n int, do func(i int) error) error {
	var next atomic.Int64
	var failed firstError
	var wg sync.WaitGroup
	for range workers(n) {
		wg.Go(func() {
			for i := int(next.Add(1)) - 1; i < n && failed.get() == nil; i = int(next.Add(1)) - 1 {
				failed.set(do(i))
			}
		})
	}
	wg.Wait()
	return failed.get()
}

// firstError keeps the first error that is set.
type firstError struct {
	mu  sync.Mutex
	err error
}

func (f *firstError) set(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err == nil {
		f.err = err
	}
}

func (f *firstError) get() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.err
}
