package main

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"
)

// record is what is needed of a record of gorun's log, see internal/report.
type record struct {
	Event      string `json:"event"`
	Cache      string `json:"cache"`
	Store      string `json:"store"`
	Op         string `json:"op"`
	What       string `json:"what"`
	Key        string `json:"key"`
	Outcome    string `json:"outcome"`
	Reason     string `json:"reason"`
	Bytes      int64  `json:"bytes"`
	Took       int64  `json:"took_ms"`
	Executable struct {
		SHA256 string `json:"sha256"`
		Size   int64  `json:"size"`
	} `json:"executable"`
	Timings map[string]float64 `json:"timings_ms"`
}

// log is that of one run.
type log []record

func parseLog(stderr string) (l log) {
	for line := range strings.Lines(stderr) {
		var r record
		if json.Unmarshal([]byte(line), &r) == nil {
			l = append(l, r)
		}
	}
	return l
}

// result is the last record.
func (l log) result() record {
	for _, r := range slices.Backward(l) {
		if r.Event == "result" {
			return r
		}
	}
	return record{}
}

// transfer is what became of a look into the shared store, or of a save.
func (l log) transfer(op, what string) record {
	for _, r := range l {
		if r.Event == "transfer" && r.Op == op && r.What == what {
			return r
		}
	}
	return record{}
}

// gorunArgs is how a contestant of gorun's is started.
func (b *bench) gorunArgs(builder []string) []string {
	return slices.Concat([]string{b.gorun}, builder, []string{
		"--cache-to=actions", "--cache-dir=" + b.machine.path("gorun"), "--log-format=json", "-trimpath", ".", "--"}, b.what.args)
}

// goRunner runs gorun on a fresh machine.
func (b *bench) goRunner(ctx context.Context, builder []string) (sample, error) {
	before := b.store.line.moved()
	r, err := b.command(ctx, b.store.env(), b.gorunArgs(builder)...)
	s := sample{stdout: r.stdout, took: r.took, cpu: r.cpu, log: parseLog(r.stderr), moved: b.store.line.moved().since(before)}
	if err != nil {
		return s, err
	}
	for _, name := range []string{"plan", "restore", "toolchain", "build", "run"} {
		d := time.Duration(s.log.result().Timings[name] * float64(time.Millisecond))
		s.phases = append(s.phases, phase{name, d})
	}
	return s, nil
}
