package githubactions

import (
	"fmt"
	"strings"
	"time"
)

// barWidth is the width of the whole in characters.
const barWidth = 20

// timings is the table of where the time went. Phases too short to matter are
// left out, but none of what took a hundredth of the whole.
func (s Summary) timings() string {
	t := s.Result.Timings
	if t.Total <= 0 {
		return ""
	}
	other := t.Total - t.Plan - t.Restore - t.Toolchain - t.Build - t.Run
	var b strings.Builder
	b.WriteString("| phase | time | share |\n|:--|--:|:--|\n")
	for _, row := range []struct {
		name string
		ms   int64
	}{
		{"plan", t.Plan}, {"restore", t.Restore}, {"toolchain", t.Toolchain}, {"build", t.Build}, {"run", t.Run}, {"other", other},
	} {
		if row.ms > 0 && row.ms*100 >= t.Total {
			fmt.Fprintf(&b, "| %s | %s | %s |\n", row.name, duration(row.ms), share(row.ms, t.Total))
		}
	}
	fmt.Fprintf(&b, "| **total** | %s | |\n\n", duration(t.Total))
	return b.String()
}

// share is a bar and a percentage.
func share(part, whole int64) string {
	part = min(part, whole)
	bar := strings.Repeat("█", int((part*barWidth+whole/2)/whole))
	return strings.TrimSpace(fmt.Sprintf("%s %d %%", bar, (part*100+whole/2)/whole))
}

// duration is a time in milliseconds for a person to read.
func duration(ms int64) string {
	switch d := time.Duration(ms) * time.Millisecond; {
	case d < time.Second:
		return fmt.Sprintf("%d ms", ms)
	case d < time.Minute:
		return fmt.Sprintf("%.1f s", d.Seconds())
	default:
		return d.Round(time.Second).String()
	}
}
