package report

import "github.com/org/gorun-action/runner"

// Tee returns a Reporter that tells both, a first.
func Tee(a, b runner.Reporter) runner.Reporter { return tee{a, b} }

type tee struct{ a, b runner.Reporter }

func (t tee) Event(e runner.Event) {
	t.a.Event(e)
	t.b.Event(e)
}
