package buildcache

import (
	"runtime"
	"sync"
	"sync/atomic"
)

// maxWorkers bounds what a pack needs in memory: about 10 MiB for each.
const maxWorkers = 8

func workers() int { return min(runtime.GOMAXPROCS(0), maxWorkers) }

// parallel calls do with 0 to n-1, several at a time, and returns the first
// error; after one it begins no more.
func parallel(n int, do func(i int) error) error {
	var next atomic.Int64
	var failed firstError
	var wg sync.WaitGroup
	for range min(n, workers()) {
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
