package buildflags

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

func TestReproducible(t *testing.T) {
	tests := []struct {
		line []string
		args string // or the error
	}{
		{nil, "-trimpath -buildvcs=false"},
		{[]string{"-race"}, "-race -trimpath -buildvcs=false"},
		{[]string{"-trimpath", "-buildvcs=false"}, "-trimpath -buildvcs=false"},
		{[]string{"-trimpath=false", "-trimpath"}, "-trimpath=false -trimpath -buildvcs=false"},
		{[]string{"-trimpath=0"}, "--reproducible and -trimpath=false contradict each other"},
		{[]string{"-buildvcs"}, "--reproducible and -buildvcs=true contradict each other"},
		{[]string{"-buildvcs=auto"}, "--reproducible and -buildvcs=auto contradict each other"},
	}
	for _, tt := range tests {
		p, err := Parse(tt.line, nil)
		if err != nil {
			t.Fatal(err)
		}
		b, err := p.Build(Options{Reproducible: true, GOFLAGS: "nonsense -tags=x", CgoCFlags: "-O3"})
		var usage *UsageError
		if errors.As(err, &usage) {
			if !strings.HasPrefix(usage.Message, tt.args) || usage.Hint == "" {
				t.Errorf("%v: %q, want %q", tt.line, usage.Message, tt.args)
			}
			continue
		}
		if got := strings.Join(b.Args, " "); err != nil || got != tt.args {
			t.Errorf("%v: %q, %v, want %q", tt.line, got, err, tt.args)
		}
		if tags, ok := b.Value("tags"); ok {
			t.Errorf("%v: GOFLAGS counts: -tags=%s", tt.line, tags)
		}
		if !slices.Contains(b.settings, setting{"trimpath", "true"}) {
			t.Errorf("%v: the key will not know of -trimpath: %v", tt.line, b.settings)
		}
	}
}
