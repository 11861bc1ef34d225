package main

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"slices"
	"text/tabwriter"
	"time"
)

// report is what was measured, and what -json prints. Times are milliseconds.
type report struct {
	Go    string     `json:"go"`
	CPUs  int        `json:"cpus"`
	Load  []float64  `json:"load"` // of the last minute: before the measurements, after them
	Warm  []warmRow  `json:"warm,omitempty"`
	First []firstRow `json:"first,omitempty"`
	Floor []floorRow `json:"floor,omitempty"`
	Notes []string   `json:"notes,omitempty"` // what was left out, and why
}

// figures sum up the rounds.
type figures struct {
	Rounds int     `json:"rounds"`
	Min    float64 `json:"min_ms"`
	Median float64 `json:"median_ms"`
	P90    float64 `json:"p90_ms"`
	CPU    float64 `json:"cpu_ms"` // the median of the processor time, with children
}

// warmRow is one contestant with one program. The targets and the verdict are
// there for gorun's.
type warmRow struct {
	Program     string  `json:"program"`
	Packages    int     `json:"packages"`
	Contestant  string  `json:"contestant"`
	Figures     figures `json:"figures"`
	Ratio       float64 `json:"ratio"`   // the median of go run by this one
	Over        float64 `json:"over_ms"` // this median less that of the bare executable
	TargetRatio float64 `json:"target_ratio,omitempty"`
	TargetOver  float64 `json:"target_over_ms,omitempty"`
	Verdict     string  `json:"verdict,omitempty"`
}

// firstRow is a program's first run. hello has no verdict: its plan has the
// machine's part in it.
type firstRow struct {
	Program string  `json:"program"`
	Rounds  int     `json:"rounds"`
	Files   int     `json:"files"`
	Bytes   int64   `json:"bytes"`
	Read    float64 `json:"read_ms"`
	SHA256  float64 `json:"sha256_mb_per_s"`
	Floor   float64 `json:"floor_ms"`   // reading and SHA-256
	Closure float64 `json:"closure_ms"` // finding, reading, hashing and scanning all sources
	Ratio   float64 `json:"ratio"`      // of Closure to Floor
	Plan    float64 `json:"plan_ms"`    // a whole first run's, with writing the index
	Target  float64 `json:"target_ratio,omitempty"`
	Verdict string  `json:"verdict,omitempty"`
}

type floorRow struct {
	Name    string  `json:"name"`
	Figures figures `json:"figures"`
}

func (r *report) note(format string, args ...any) {
	r.Notes = append(r.Notes, fmt.Sprintf(format, args...))
}

// add makes the rows of one program. The first two contestants are bare and go
// run.
func (r *report) add(p *program, list []*contestant) {
	bare, goRun := median(list[0].took), median(list[1].took)
	for _, c := range list {
		is := median(c.took)
		row := warmRow{
			Program: p.name, Packages: p.packages, Contestant: c.name, Figures: figuresOf(c),
			Ratio: round(float64(goRun) / float64(is)), Over: milliseconds(is - bare),
		}
		if c.gorun {
			row.TargetRatio, row.TargetOver = p.target.ratio, milliseconds(p.target.over)
			row.Verdict = verdict(float64(goRun) >= p.target.ratio*float64(is) && is-bare <= p.target.over)
		}
		r.Warm = append(r.Warm, row)
	}
}

func (r *report) addFirst(p *program, f *firstRun) {
	closure, floor := median(f.closure), median(f.floor)
	row := firstRow{
		Program: p.name, Rounds: len(f.plan), Files: len(f.files), Bytes: f.bytes,
		Read: milliseconds(median(f.read)), SHA256: math.Round(f.speed / 1e6), Floor: milliseconds(floor),
		Closure: milliseconds(closure), Ratio: round(float64(closure) / float64(floor)), Plan: milliseconds(median(f.plan)),
	}
	if p.name != "hello" {
		row.Target, row.Verdict = firstTarget, verdict(float64(closure) <= firstTarget*float64(floor))
	}
	r.First = append(r.First, row)
}

func verdict(holds bool) string {
	if holds {
		return "holds"
	}
	return "falls short"
}

func round(f float64) float64 { return math.Round(f*100) / 100 }

func figuresOf(c *contestant) figures {
	sorted := slices.Sorted(slices.Values(c.took))
	return figures{
		Rounds: len(sorted), Min: milliseconds(sorted[0]), Median: milliseconds(median(sorted)),
		P90: milliseconds(sorted[len(sorted)*9/10]), CPU: milliseconds(median(c.cpu)),
	}
}

func median(d []time.Duration) time.Duration {
	d = slices.Sorted(slices.Values(d))
	return (d[(len(d)-1)/2] + d[len(d)/2]) / 2
}

func (r *report) writeJSON(w io.Writer) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(r)
}

func (r *report) writeText(out io.Writer) error {
	fmt.Fprintf(out, "%s, %d CPUs, load average %.1f before and %.1f after; times in ms\n", r.Go, r.CPUs, r.Load[0], r.Load[1])
	w := tabwriter.NewWriter(out, 0, 8, 2, ' ', 0)
	r.writeWarm(w)
	r.writeFirst(w)
	if len(r.Floor) > 0 {
		fmt.Fprint(w, "\nstart of a process\tmedian\tmin\tp90\tcpu\trounds\n")
	}
	for _, row := range r.Floor {
		f := row.Figures
		fmt.Fprintf(w, "%s\t%.2f\t%.2f\t%.2f\t%.2f\t%d\n", row.Name, f.Median, f.Min, f.P90, f.CPU, f.Rounds)
	}
	if len(r.Notes) > 0 {
		fmt.Fprintln(w)
	}
	for _, note := range r.Notes {
		fmt.Fprintln(w, "note:", note)
	}
	return w.Flush()
}

func (r *report) writeWarm(w io.Writer) {
	program := ""
	for _, row := range r.Warm {
		if f := row.Figures; row.Program != program {
			program = row.Program
			fmt.Fprintf(w, "\n%s (%d packages, %d rounds)\tmedian\tmin\tp90\tcpu\tgo run is\tover bare\ttarget\t\n", program, row.Packages, f.Rounds)
		}
		f, want := row.Figures, ""
		if row.Verdict != "" {
			want = fmt.Sprintf("≥ %gx, ≤ %g", row.TargetRatio, row.TargetOver)
		}
		fmt.Fprintf(w, "%s\t%.2f\t%.2f\t%.2f\t%.2f\t%.1fx\t%.2f\t%s\t%s\n", row.Contestant, f.Median, f.Min, f.P90, f.CPU, row.Ratio, row.Over, want, row.Verdict)
	}
}

func (r *report) writeFirst(w io.Writer) {
	if len(r.First) == 0 {
		return
	}
	fmt.Fprintf(w, "\nfirst run (%d rounds)\tfiles\tMB\tread\tSHA-256 MB/s\tboth\tclosure\tratio\tplan\ttarget\t\n", r.First[0].Rounds)
	for _, row := range r.First {
		want := "(with the machine's part)"
		if row.Verdict != "" {
			want = fmt.Sprintf("≤ %g", row.Target)
		}
		fmt.Fprintf(w, "%s\t%d\t%.1f\t%.2f\t%.0f\t%.2f\t%.2f\t%.2f\t%.2f\t%s\t%s\n",
			row.Program, row.Files, float64(row.Bytes)/1e6, row.Read, row.SHA256, row.Floor, row.Closure, row.Ratio, row.Plan, want, row.Verdict)
	}
}
