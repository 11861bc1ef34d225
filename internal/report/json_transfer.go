package report

import "github.com/org/gorun-action/runner"

type transferFields struct {
	Store    string   `json:"store"`
	Op       string   `json:"op"`
	What     string   `json:"what"`
	Key      string   `json:"key"`
	Prefixes []string `json:"prefixes,omitempty"`
	Matched  string   `json:"matched,omitempty"`
	Outcome  string   `json:"outcome"`
	Reason   string   `json:"reason,omitempty"`
	Bytes    int64    `json:"bytes"`
	Took     int64    `json:"took_ms"`
}

func transferFieldsOf(e runner.Transferred) transferFields {
	return transferFields{
		Store: e.Store, Op: e.Op, What: e.What, Key: e.Key, Prefixes: e.Prefixes, Matched: e.Matched,
		Outcome: e.Outcome, Reason: e.Reason, Bytes: e.Bytes, Took: e.Took.Milliseconds(),
	}
}
