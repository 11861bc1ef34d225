package main

import (
	"testing"

	"github.com/org/gorun-action/runner"
)

func TestFailOn(t *testing.T) {
	t.Parallel()
	failure := func(status int) runner.Result { return runner.Result{Outcome: runner.Failure, ExitStatus: status} }
	timeout := runner.Result{Outcome: runner.Timeout, ExitStatus: 124}
	for _, test := range []struct {
		value  string
		result runner.Result
		want   bool // it fails
	}{
		{"all", failure(1), true}, {"", failure(1), true}, {"none", failure(1), false}, {"none", timeout, false},
		{"failure", failure(3), true}, {"panic, timeout", failure(3), false}, {"panic, timeout", timeout, true},
		{"3", failure(3), true}, {"3", failure(4), false}, {"64-78", failure(64), true}, {"64-78", failure(78), true},
		{"64-78", failure(79), false}, {"124", timeout, true}, {"1-123", timeout, false}, {"panic,2-3,9", failure(9), true},
	} {
		var f failOn
		if test.value != "" {
			if err := f.set(test.value); err != nil {
				t.Errorf("%q: %v", test.value, err)
			}
		}
		if got := !f.tolerates(test.result); got != test.want {
			t.Errorf("%q with %s, %d: fails %v", test.value, test.result.Outcome, test.result.ExitStatus, got)
		}
	}
	for _, value := range []string{"", "nothing", "success", "0", "256", "5-3", "1-", "-1", "panic,,race", "all,panic", "none,3", "1-2-3"} {
		if err := new(failOn).set(value); err == nil {
			t.Errorf("%q is accepted", value)
		}
	}
}
