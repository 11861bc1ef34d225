package acttest

import (
	"fmt"
	"strings"
	"testing"
	"text/tabwriter"
	"time"
)

// Table is the short transcript of a test: one line for each case.
type Table struct {
	lines []string
}

// Check compares, notes the case and fails the test on a difference.
func (table *Table) Check(t testing.TB, name, want, got string, took time.Duration) {
	t.Helper()
	mark := "ok"
	if want != got {
		mark = "DIFFERS"
		t.Errorf("%s: want %s, got %s", name, want, got)
	}
	table.lines = append(table.lines, fmt.Sprintf("%s\t%s\t%s\t%.1f\t%s", name, want, got, took.Seconds(), mark))
}

// Log writes the table into the test's log.
func (table *Table) Log(t testing.TB) {
	t.Helper()
	var out strings.Builder
	w := tabwriter.NewWriter(&out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "case\texpected\tgot\tseconds\t")
	for _, line := range table.lines {
		fmt.Fprintln(w, line)
	}
	must(t, w.Flush())
	t.Log("\n" + out.String())
}
