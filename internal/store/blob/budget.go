package blob

import (
	"cmp"
	"fmt"
	"sync"
	"time"
)

// DefaultBudget is how much time the faults of one store may waste in a run.
// A person hardly notices it, and most of what a server needs to come back fits.
const DefaultBudget = 6 * time.Second

// Budget is what a run has with one store: the time that faults may waste,
// and whether the store was given up. What is used up is used up for all that
// comes later. Its [Transport] and each [Reader] of the store share one. Its
// methods are safe for concurrent use; those of nil are of one without end.
type Budget struct {
	mu      sync.Mutex
	left    time.Duration
	charged time.Time // up to when time was taken off
	gone    error
}

// NewBudget returns a budget of d; 0 is DefaultBudget.
func NewBudget(d time.Duration) *Budget {
	return &Budget{left: cmp.Or(d, DefaultBudget)}
}

// Left returns how much is left, never less than 0.
func (p *Budget) Left() time.Duration {
	if p == nil {
		return DefaultBudget
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return max(p.left, 0)
}

// Waste takes the time from one instant to another off. Of what several
// requests waste at the same time each instant counts once.
func (p *Budget) Waste(from, to time.Time) {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if from.Before(p.charged) {
		from = p.charged
	}
	if to.After(from) {
		p.left -= to.Sub(from)
		p.charged = to
	}
}

// GiveUp gives the store up for the rest of the run, for the first reason that
// is given.
func (p *Budget) GiveUp(reason error) {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.gone == nil {
		p.gone = reason
	}
}

// Err is nil until the store was given up, and wraps ErrUnavailable then. The
// reason is told and not wrapped: it was another request's.
func (p *Budget) Err() error {
	if p == nil {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.gone == nil {
		return nil
	}
	return fmt.Errorf("%w: %v", ErrUnavailable, p.gone)
}
