package soundness

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
)

// Row counts the trials of one kind of edit on one subject.
type Row struct {
	// Trials are edits with a key asked for.
	Trials int
	// Same are those whose key was there before, Checked those of them that
	// the go command was asked about.
	Same, Checked int
	// NoKey are those without a key: always sound.
	NoKey int
	// Needless are changed keys of edits that change nothing.
	Needless int
	// Sampled are changed keys whose state was built all the same, SameBytes
	// those of them that built the same executable as before.
	Sampled, SameBytes int
	// Refused are same keys for other bytes where the first executable would
	// not have been kept (cachekeys.Closure.Check).
	Refused int
	// Stale are same keys where a fresh go command built what the key stands
	// for, and one with a cache did not.
	Stale int
	// OtherFailure are same keys of states that both do not build, for reasons
	// with other words. Nothing is kept for them.
	OtherFailure int
	// False are false hits, Repeated those of them that are not among the
	// Findings, since the same edit has some there.
	False, Repeated int
}

// Finding is a false hit: the key of a state stands for something else than
// what the state builds.
type Finding struct {
	Seed          uint64
	Subject       string
	Trial         int
	Kind, Edit    string
	Command       string
	Environ       []string
	Key           string
	Before, After string
}

func (f Finding) String() string {
	return fmt.Sprintf("FALSE HIT seed=%d subject=%s trial=%d\n  edit    %s\n  command %s %s\n  key     %s\n  key of  %s\n  now     %s",
		f.Seed, f.Subject, f.Trial, f.Edit, strings.Join(f.Environ, " "), f.Command, f.Key, f.Before, f.After)
}

// Report is what became of the trials.
type Report struct {
	Trials   int
	Oracle   int // how often the go command was asked to build
	Findings []Finding
	Rows     map[string]map[string]*Row // by subject and kind
	Reasons  map[string]int             // why there was no key
	Misses   map[string]int             // neutral edits that changed a key
	Races    map[string]int             // races with one key for two positions
}

func newReport() *Report {
	return &Report{Rows: map[string]map[string]*Row{}, Reasons: map[string]int{}, Misses: map[string]int{}, Races: map[string]int{}}
}

func (r *Report) row(subject, kind string) *Row {
	if r.Rows[subject] == nil {
		r.Rows[subject] = map[string]*Row{}
	}
	if r.Rows[subject][kind] == nil {
		r.Rows[subject][kind] = &Row{}
	}
	return r.Rows[subject][kind]
}

// reasons counts by the first one, without the names in it.
func (r *Report) reasons(list []string) {
	if len(list) > 0 {
		r.Reasons[list[0]]++
	}
}

func (r *Report) needless(subject, edit string) { r.Misses[subject+": "+edit]++ }

// add puts the trials of another report into this one.
func (r *Report) add(o *Report) {
	r.Trials, r.Oracle = r.Trials+o.Trials, r.Oracle+o.Oracle
	r.Findings = append(r.Findings, o.Findings...)
	for subject, kinds := range o.Rows {
		for kind, row := range kinds {
			r.row(subject, kind).add(row)
		}
	}
	for reason, n := range o.Reasons {
		r.Reasons[reason] += n
	}
	for edit, n := range o.Misses {
		r.Misses[edit] += n
	}
	for dial, n := range o.Races {
		r.Races[dial] += n
	}
}

func (r *Row) add(o *Row) {
	r.Trials, r.Same, r.Checked, r.NoKey = r.Trials+o.Trials, r.Same+o.Same, r.Checked+o.Checked, r.NoKey+o.NoKey
	r.Needless, r.Sampled, r.SameBytes = r.Needless+o.Needless, r.Sampled+o.Sampled, r.SameBytes+o.SameBytes
	r.Refused, r.Stale, r.OtherFailure, r.False = r.Refused+o.Refused, r.Stale+o.Stale, r.OtherFailure+o.OtherFailure, r.False+o.False
	r.Repeated += o.Repeated
}

// Neutral returns how many edits changed nothing, and how many of them changed
// the key.
func (r *Report) Neutral() (trials, needless int) {
	for _, kinds := range r.Rows {
		if row := kinds["neutral"]; row != nil {
			trials, needless = trials+row.Trials-row.NoKey, needless+row.Needless
		}
	}
	return trials, needless
}

// False returns the number of false hits.
func (r *Report) False() int {
	n := 0
	for _, kinds := range r.Rows {
		for _, row := range kinds {
			n += row.False
		}
	}
	return n
}

// String prints the table, and every false hit.
func (r *Report) String() string {
	var b strings.Builder
	t := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "subject\tedit\ttrials\tsame key\tchecked\tno key\tneedless\tsampled\tsame bytes\trefused\tstale\tother failure\tFALSE")
	for _, subject := range slices.Sorted(maps.Keys(r.Rows)) {
		for _, kind := range slices.Sorted(maps.Keys(r.Rows[subject])) {
			o := r.Rows[subject][kind]
			fmt.Fprintf(t, "%s\t%s\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\n", subject, kind, o.Trials, o.Same, o.Checked, o.NoKey,
				o.Needless, o.Sampled, o.SameBytes, o.Refused, o.Stale, o.OtherFailure, o.False)
		}
	}
	t.Flush()
	neutral, needless := r.Neutral()
	fmt.Fprintf(&b, "\n%d trials, the go command asked %d times, %d false hits\n", r.Trials, r.Oracle, r.False())
	fmt.Fprintf(&b, "%d edits that change nothing, %d needless misses (%.2f %%)\n", neutral, needless, 100*float64(needless)/float64(max(neutral, 1)))
	counted(&b, "needless misses", r.Misses)
	counted(&b, "races with one key for two positions", r.Races)
	counted(&b, "no key", r.Reasons)
	for _, f := range r.Findings {
		b.WriteString("\n" + f.String() + "\n")
	}
	return b.String()
}

// counted prints the 30 most frequent.
func counted(b *strings.Builder, title string, counts map[string]int) {
	names := slices.SortedFunc(maps.Keys(counts), func(x, y string) int { return cmp.Or(counts[y]-counts[x], strings.Compare(x, y)) })
	fmt.Fprintf(b, "\n%s:\n", title)
	for _, name := range names[:min(len(names), 30)] {
		fmt.Fprintf(b, "%6d  %s\n", counts[name], name)
	}
}
