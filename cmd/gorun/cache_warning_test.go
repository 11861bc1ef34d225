package main

import (
	"slices"
	"testing"

	"github.com/org/gorun-action/runner"
)

type recorded []runner.Event

func (r *recorded) Event(e runner.Event) { *r = append(*r, e) }

func TestOneCacheWarning(t *testing.T) {
	t.Parallel()
	var got recorded
	w := &oneCacheWarning{Reporter: &got}
	about := func(message string, cache bool) runner.Event { return runner.Warned{Message: message, Cache: cache} }
	for _, e := range []runner.Event{about("a", false), about("first", true), about("second", true), about("b", false), runner.Noticed{Message: "n"}} {
		w.Event(e)
	}
	want := recorded{about("a", false), about("first", true), about("b", false), runner.Noticed{Message: "n"}}
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
