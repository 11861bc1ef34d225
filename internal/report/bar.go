package report

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/org/gorun-action/container"
)

// barEvery keeps a fast task from being slowed by its bar, and the bar smooth.
const barEvery = 100 * time.Millisecond

// clearLine goes to the first column and erases the line.
const clearLine = "\r\x1b[K"

// bar is the one progress bar on the last line of a terminal. It belongs to one
// task at a time. It writes only when it is called, so that nothing is drawn
// behind the program's back.
type bar struct {
	w     io.Writer
	width int

	throttle throttle
	task     string    // that it belongs to, "" if to none
	drawn    bool      // it is on the screen
	last     time.Time // its task's last report
}

func (b *bar) show(p container.Progress, now time.Time) {
	b.throttle.after, b.throttle.every = progressAfter, barEvery
	due := b.throttle.due(p, now)
	// A task that has gone silent, maybe one of unknown size that is over,
	// does not keep the bar.
	if b.task != "" && b.task != p.Task && now.Sub(b.last) < progressAfter {
		return
	}
	switch {
	case done(p):
		b.clear()
		b.task = ""
	case due:
		b.task, b.last = p.Task, now
		io.WriteString(b.w, clearLine+b.text(p))
		b.drawn = true
	case b.task == p.Task:
		b.last = now
	}
}

// clear removes the bar from the screen.
func (b *bar) clear() {
	if b.drawn {
		io.WriteString(b.w, clearLine)
		b.drawn = false
	}
}

// text is the bar, one column narrower than the terminal, which else might go
// to the next line.
func (b *bar) text(p container.Progress) string {
	const blocks = 20
	text := oneLine(p.Task) + " "
	if p.Total > 0 {
		full := int(blocks * min(p.Done, p.Total) / p.Total)
		text += "[" + strings.Repeat("=", full) + strings.Repeat(" ", blocks-full) + "] "
	}
	if r := []rune(text + amount(p)); len(r) >= b.width {
		return string(r[:max(b.width-1, 0)])
	}
	return text + amount(p)
}

// amount is "30.2 of 66.9 MB (45%)", as far as it is known.
func amount(p container.Progress) string {
	n := func(v int64) string { return fmt.Sprint(v) }
	unit := p.Unit
	if p.Unit == "bytes" {
		n = func(v int64) string { return fmt.Sprintf("%.1f", float64(v)/1e6) }
		unit = "MB"
	}
	text := n(p.Done)
	if p.Total > 0 {
		text += " of " + n(p.Total)
	}
	if unit != "" {
		text += " " + unit
	}
	if p.Total > 0 {
		text += fmt.Sprintf(" (%d%%)", int(100*float64(p.Done)/float64(p.Total)))
	}
	return text
}
