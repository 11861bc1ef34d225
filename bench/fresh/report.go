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

// report is what was measured, and what -json prints. Times are milliseconds,
// sizes bytes.
type report struct {
	Program   string      `json:"program"`
	Go        string      `json:"go"`
	CPUs      int         `json:"cpus"`
	Rounds    int         `json:"rounds"`
	Load      []float64   `json:"load"` // of the last minute: before the measurements, after them
	Line      []lineRow   `json:"line"`
	RoundTrip float64     `json:"round_trip_ms"` // of a small request
	Archive   int64       `json:"archive"`
	Rows      []row       `json:"rows,omitempty"`
	Commits   []commitRow `json:"commits,omitempty"`
	Packs     []packRow   `json:"packs,omitempty"`
	Claims    []claim     `json:"claims,omitempty"`
	Notes     []string    `json:"notes,omitempty"`
}

type lineRow struct {
	Parallel int     `json:"parallel"`
	Speed    float64 `json:"mb_per_s"`
}

// row is one contestant in one part. Phases are medians, each of its own.
type row struct {
	Part       string     `json:"part"`
	Contestant string     `json:"contestant"`
	Min        float64    `json:"min_ms"`
	Median     float64    `json:"median_ms"`
	Max        float64    `json:"max_ms"`
	CPU        float64    `json:"cpu_ms"`
	Down       int64      `json:"down"` // the most
	Up         int64      `json:"up"`
	Phases     []phaseRow `json:"phases"`
}

type phaseRow struct {
	Name string  `json:"name"`
	Took float64 `json:"ms"`
}

// commitRow is one commit on a fresh machine.
type commitRow struct {
	Took     float64 `json:"ms"`
	Down     int64   `json:"down"`
	Up       int64   `json:"up"`
	PackSent int64   `json:"pack_sent"` // bytes, 0 for none
}

// packRow is the pack after so many commits.
type packRow struct {
	Commit int   `json:"commit"`
	Bytes  int64 `json:"bytes"`
}

// claim is something that must hold.
type claim struct {
	What    string  `json:"what"`
	Value   float64 `json:"value"`
	Rule    string  `json:"rule"`
	Target  float64 `json:"target"`
	Verdict string  `json:"verdict"`
}

const (
	atMost  = "≤"
	atLeast = "≥"
)

func (r *report) note(format string, args ...any) {
	r.Notes = append(r.Notes, fmt.Sprintf(format, args...))
}

func (r *report) claim(what string, value float64, rule string, target float64) {
	holds := rule == atMost && value <= target || rule == atLeast && value >= target
	verdict := "falls short"
	if holds {
		verdict = "holds"
	}
	r.Claims = append(r.Claims, claim{what, math.Round(value*1e4) / 1e4, rule, target, verdict})
}

func (r *report) add(part string, list []*contestant) {
	for _, c := range list {
		times := c.durations(func(s sample) time.Duration { return s.took })
		w := row{Part: part, Contestant: c.name, Min: milliseconds(times[0]), Median: milliseconds(median(times)), Max: milliseconds(times[len(times)-1]),
			CPU: milliseconds(median(c.durations(func(s sample) time.Duration { return s.cpu })))}
		for _, s := range c.samples {
			w.Down, w.Up = max(w.Down, s.moved.down), max(w.Up, s.moved.up)
		}
		for i, p := range c.samples[0].phases {
			d := median(c.durations(func(s sample) time.Duration { return s.phases[i].took }))
			w.Phases = append(w.Phases, phaseRow{p.name, milliseconds(d)})
		}
		r.Rows = append(r.Rows, w)
	}
}

func (r *report) commit(s sample) {
	c := commitRow{Took: milliseconds(s.took), Down: s.moved.down, Up: s.moved.up}
	if pack := s.log.transfer("save", "pack"); pack.Outcome == "kept" {
		c.PackSent = pack.Bytes
	}
	r.Commits = append(r.Commits, c)
}

func (r *report) packsSent() (n int) {
	for _, c := range r.Commits {
		if c.PackSent > 0 {
			n++
		}
	}
	return n
}

// durations are one of each sample's, the shortest first.
func (c *contestant) durations(of func(sample) time.Duration) (list []time.Duration) {
	for _, s := range c.samples {
		list = append(list, of(s))
	}
	slices.Sort(list)
	return list
}

// mostMoved is what went over the line, in both directions, in the worst run.
func (c *contestant) mostMoved() (most int64) {
	for _, s := range c.samples {
		most = max(most, s.moved.all())
	}
	return most
}

// ratio is how much faster a contestant is than another one.
func ratio(than, c *contestant) float64 {
	took := func(s sample) time.Duration { return s.took }
	return float64(median(than.durations(took))) / float64(median(c.durations(took)))
}

// median is that of a sorted list.
func median(d []time.Duration) time.Duration { return (d[(len(d)-1)/2] + d[len(d)/2]) / 2 }

func round(f float64) float64 { return math.Round(f*100) / 100 }

// milliseconds keeps three digits, which is more than the clock is worth.
func milliseconds(d time.Duration) float64 {
	return float64(d.Round(time.Microsecond)) / float64(time.Millisecond)
}

func megabytes(n int64) string { return fmt.Sprintf("%.2f MB", float64(n)/1e6) }

func (r *report) writeJSON(w io.Writer) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(r)
}

func (r *report) writeText(out io.Writer) error {
	fmt.Fprintf(out, "%s, %s, %d CPUs, load average %.1f before and %.1f after; %d rounds, times in ms\n", r.Program, r.Go, r.CPUs, r.Load[0], r.Load[1], r.Rounds)
	for _, l := range r.Line {
		fmt.Fprintf(out, "the line: %.1f MB/s with %d in parallel\n", l.Speed, l.Parallel)
	}
	fmt.Fprintf(out, "the line: %.1f ms for a small request; the archive has %s\n", r.RoundTrip, megabytes(r.Archive))
	w := tabwriter.NewWriter(out, 0, 8, 2, ' ', 0)
	r.writeRows(w)
	r.writeCommits(w)
	fmt.Fprint(w, "\nclaim\tmeasured\ttarget\t\n")
	for _, c := range r.Claims {
		fmt.Fprintf(w, "%s\t%.4g\t%s %g\t%s\n", c.What, c.Value, c.Rule, c.Target, c.Verdict)
	}
	fmt.Fprintln(w)
	for _, note := range r.Notes {
		fmt.Fprintln(w, "note:", note)
	}
	return w.Flush()
}

func (r *report) writeRows(w io.Writer) {
	part := ""
	for _, x := range r.Rows {
		if x.Part != part {
			part = x.Part
			fmt.Fprintf(w, "\n%s\tmedian\tmin\tmax\tcpu\tdown\tup\tof which\n", part)
		}
		fmt.Fprintf(w, "%s\t%.0f\t%.0f\t%.0f\t%.0f\t%s\t%s\t", x.Contestant, x.Median, x.Min, x.Max, x.CPU, megabytes(x.Down), megabytes(x.Up))
		for _, p := range x.Phases {
			fmt.Fprintf(w, "%s %.0f ", p.Name, p.Took)
		}
		fmt.Fprintln(w)
	}
}

func (r *report) writeCommits(w io.Writer) {
	if len(r.Commits) > 0 {
		fmt.Fprint(w, "\ncommit\ttook\tdown\tup\tpack sent\n")
	}
	for i, c := range r.Commits {
		fmt.Fprintf(w, "%d\t%.0f\t%s\t%s\t%s\n", i+1, c.Took, megabytes(c.Down), megabytes(c.Up), megabytes(c.PackSent))
	}
	if len(r.Packs) > 0 {
		fmt.Fprint(w, "\npack after commit\tsize\n")
	}
	for _, p := range r.Packs {
		fmt.Fprintf(w, "%d\t%s\n", p.Commit, megabytes(p.Bytes))
	}
}
