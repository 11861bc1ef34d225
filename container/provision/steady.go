package provision

import (
	"sync"
	"time"

	"github.com/org/gorun-action/container"
)

// repeatEvery is how often progress is repeated. It is shorter than what
// reports wait between two records, and costs nothing.
const repeatEvery = 500 * time.Millisecond

// steady repeats the last progress of a task that is not done, until stop: one
// that stands still is to be seen to do so.
func steady(report func(container.Progress)) (repeating func(container.Progress), stop func()) {
	var mu sync.Mutex
	var last container.Progress
	done, ended := make(chan struct{}), make(chan struct{})
	repeating = func(p container.Progress) {
		mu.Lock()
		defer mu.Unlock()
		last = p
		report(p)
	}
	go func() {
		defer close(ended)
		for tick := time.Tick(repeatEvery); ; {
			select {
			case <-done:
				return
			case <-tick:
				mu.Lock()
				if last.Task != "" && (last.Total == 0 || last.Done < last.Total) {
					report(last)
				}
				mu.Unlock()
			}
		}
	}()
	return repeating, func() { close(done); <-ended }
}
