package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/org/gorun-action/runner"
)

// failOn says which ends of a run are failures: outcomes, and ranges of exit
// statuses. The zero failOn is all that are not 0.
type failOn struct {
	text     string // as it was written
	outcomes []runner.Outcome
	statuses [][2]int // both ends belong to it
}

const failOnAccepts = "all, none, or outcomes and exit statuses with commas between them: panic,timeout,3,64-78"

// set takes what failOnAccepts says.
func (f *failOn) set(value string) error {
	list := failOn{text: value}
	for word := range strings.SplitSeq(value, ",") {
		if err := list.add(strings.TrimSpace(word)); err != nil {
			return err
		}
	}
	if strings.TrimSpace(value) == "all" {
		list = failOn{}
	}
	*f = list
	return nil
}

func (f *failOn) add(word string) error {
	if (word == "all" || word == "none") && f.text == word {
		return nil
	}
	if o := runner.Outcome(word); o != runner.Success && slices.Contains(runner.Outcomes(), o) {
		f.outcomes = append(f.outcomes, o)
		return nil
	}
	from, to, isRange := strings.Cut(word, "-")
	if !isRange {
		to = from
	}
	low, err1 := strconv.Atoi(from)
	high, err2 := strconv.Atoi(to)
	if err1 != nil || err2 != nil || low < 1 || high > 255 || low > high {
		return fmt.Errorf("%q is neither an outcome nor an exit status from 1 to 255; write %s", word, failOnAccepts)
	}
	f.statuses = append(f.statuses, [2]int{low, high})
	return nil
}

// tolerates reports whether a run that did not succeed is no failure.
func (f failOn) tolerates(r runner.Result) bool {
	if f.text == "" || slices.Contains(f.outcomes, r.Outcome) {
		return false
	}
	return !slices.ContainsFunc(f.statuses, func(s [2]int) bool { return s[0] <= r.ExitStatus && r.ExitStatus <= s[1] })
}
