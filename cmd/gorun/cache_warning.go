package main

import (
	"sync"

	"github.com/org/gorun-action/runner"
)

// oneCacheWarning passes on the first warning about a cache in a run: the go
// command's caches, the store here and the shared ones fail together when a disk
// is full.
type oneCacheWarning struct {
	runner.Reporter
	once sync.Once
}

// Event implements runner.Reporter.
func (w *oneCacheWarning) Event(e runner.Event) {
	if warned, ok := e.(runner.Warned); ok && warned.Cache {
		w.once.Do(func() { w.Reporter.Event(e) })
		return
	}
	w.Reporter.Event(e)
}
