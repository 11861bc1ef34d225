// Package shared puts the stores that machines share behind the ones that a
// run knows: an executable that is not here is looked for there, and so is the
// part of the go command's caches that its build needs (the pack).
//
//	runner.Store  Get: here, else in each layer in turn; what is found is kept here
//	              Put: here, then in every layer
//	runner.Packs  Restore: in each layer in turn, where the build cache here is cold and it pays
//	              Collect: what the build used, for every layer
//
// What a layer has is an entry (internal/store/entry), which is checked before
// anything of it is used. A layer that fails costs a warning and a few seconds,
// never the run; but with Strict a signature that is not the key's is an error
// that wraps container.ErrIntegrity.
package shared

import (
	"sync"
	"time"

	"github.com/org/gorun-action/internal/buildcache"
	"github.com/org/gorun-action/internal/store/blob"
	"github.com/org/gorun-action/internal/store/entry"
	"github.com/org/gorun-action/runner"
)

// Layer is one shared store.
type Layer struct {
	// Name is how people know it: as --cache-to has it.
	Name  string
	Store blob.Store
	// Admin removes what is in the way; nil where that cannot be done.
	Admin blob.Admin
	// Budget is what faults may waste with it; nil is none of its own.
	Budget *blob.Budget
}

// Cache is the stores of one run, in the order in which they are asked. Its
// fields are set before it is used. It is a runner.Store, runner.History and
// runner.Packs.
type Cache struct {
	// Local keeps executables here, and History knows what they were made of.
	Local   runner.Store
	History runner.History
	Layers  []Layer

	// Trust says what of others is used, and Signer, where there is one, signs
	// what is kept.
	Trust  entry.Trust
	Signer *entry.SigningKey
	// Strict makes a bad signature an error.
	Strict bool
	// Reads and Writes say what is done with Layers. Unread says why they are not
	// read, where that needs saying.
	Reads, Writes bool
	Unread        string
	// Keeps says that what is found is kept here.
	Keeps bool
	// Explain has History look in Layers, too.
	Explain bool

	// Gorun is the version that manifests name.
	Gorun string
	// Record remembers what restoring costs here.
	Record *buildcache.Record
	// TempDir makes a directory that clean removes.
	TempDir func() (dir string, clean func(), err error)
	Report  runner.Reporter
	Now     func() time.Time

	copies   sync.WaitGroup
	restored restoredPack
}

// copyLimit is how long the end of a run waits for copies to the layers in
// front of the one where something was found.
const copyLimit = 10 * time.Second

// Close waits until what was found far away is kept nearer, for some seconds.
func (c *Cache) Close() {
	done := make(chan struct{})
	go func() { c.copies.Wait(); close(done) }()
	select {
	case <-done:
	case <-time.After(copyLimit):
	}
}

// warned reports that a layer cannot be used.
func (c *Cache) warned(layer Layer, err error) {
	c.Report.Event(runner.Warned{
		Message: "the shared cache " + layer.Name + " cannot be used: " + err.Error(),
		Hint:    "the run goes on without it; --explain shows what was asked and answered",
		Cache:   true,
	})
}
