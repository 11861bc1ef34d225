package report

import (
	"time"

	"github.com/org/gorun-action/container"
)

// throttle decides which progress is worth showing: none of a task that takes
// less than after, then one in every, and the last one of a task of which
// something was shown.
type throttle struct {
	after, every time.Duration
	tasks        map[string]shown
}

type shown struct {
	begin time.Time // of the task, as far as it was reported
	last  time.Time // zero until something was shown
}

func (t *throttle) due(p container.Progress, now time.Time) bool {
	s, known := t.tasks[p.Task]
	if !known {
		s.begin = now
	}
	before := !s.last.IsZero()
	if done(p) {
		delete(t.tasks, p.Task)
		return before
	}
	due := now.Sub(s.begin) >= t.after && (!before || now.Sub(s.last) >= t.every)
	if due {
		s.last = now
	}
	if t.tasks == nil {
		t.tasks = make(map[string]shown)
	}
	t.tasks[p.Task] = s
	return due
}

// done reports whether p is the last one of its task. A task of unknown size
// has no last one.
func done(p container.Progress) bool { return p.Total > 0 && p.Done >= p.Total }
