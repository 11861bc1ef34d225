package shared

import (
	"context"
	"errors"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/org/gorun-action/internal/store/blob"
	"github.com/org/gorun-action/internal/store/githubcache"
)

func TestParsePlaces(t *testing.T) {
	here, err := filepath.Abs("x")
	if err != nil {
		t.Fatal(err)
	}
	for list, want := range map[string]string{
		"actions":                        "actions",
		"dir:/a, oci:host/repo ,actions": "dir:/a oci:host/repo actions",
		"dir:x":                          "dir:" + here,
		"oci:localhost:5000/a/b":         "oci:localhost:5000/a/b",
		"":                               "",
		"actions,":                       "",
		"actions:x":                      "",
		"dir:":                           "",
		"oci":                            "",
		"none":                           "",
		"s3:bucket":                      "",
	} {
		places, err := ParsePlaces(list)
		var got []string
		for _, p := range places {
			got = append(got, p.String())
		}
		if strings.Join(got, " ") != want || (err == nil) != (want != "") {
			t.Errorf("%q: %q, %v", list, got, err)
		}
	}
}

func TestOpen(t *testing.T) {
	nothing := Opening{Getenv: func(string) string { return "" }}
	if _, err := (Place{Kind: InActions}).Open(nothing); !errors.Is(err, githubcache.ErrNoService) {
		t.Errorf("actions: %v", err)
	}
	if _, err := (Place{InRegistry, "no host"}).Open(nothing); err == nil {
		t.Error("oci:no host is opened")
	}
	for _, p := range []Place{{InDirectory, t.TempDir()}, {InRegistry, "127.0.0.1:1/x"}} {
		l, err := p.Open(nothing)
		if err != nil || l.Store == nil || l.Admin == nil || l.Name != p.String() {
			t.Errorf("%s: %+v, %v", p, l, err)
		}
	}
	l, err := (Place{Kind: InActions}).OpenAdmin(Opening{Getenv: func(name string) string {
		return map[string]string{"GITHUB_REPOSITORY": "org/repo", "GITHUB_TOKEN": "t"}[name]
	}})
	if err != nil || l.Store != nil || l.Admin == nil {
		t.Errorf("actions, to be looked after: %+v, %v", l, err)
	}
}

// shelf is an Admin that tells what it is told to.
type shelf struct {
	infos   []blob.Info
	removed []string
	err     error
}

func (s *shelf) List(context.Context, string) ([]blob.Info, error) { return s.infos, nil }

func (s *shelf) Remove(_ context.Context, key string) error {
	if s.err == nil || errors.Is(s.err, fs.ErrNotExist) {
		s.removed = append(s.removed, key)
	}
	return s.err
}

func TestPrune(t *testing.T) {
	now := time.Date(2026, 11, 2, 20, 0, 0, 0, time.UTC)
	ago := func(hours int) time.Time { return now.Add(-time.Duration(hours) * time.Hour) }
	read := blob.Info{Key: "read", Size: 10, Created: ago(90), Used: ago(1)}
	old, fresh := blob.Info{Key: "old", Size: 10, Created: ago(50)}, blob.Info{Key: "new", Size: 10, Created: ago(2)}
	gone := errors.New("no right to delete")
	for name, c := range map[string]struct {
		infos  []blob.Info
		limits blob.Limits
		err    error
		want   string
		fails  string
	}{
		"nothing asked":   {infos: []blob.Info{fresh, old, read}},
		"age counts use":  {infos: []blob.Info{fresh, old, read}, limits: blob.Limits{Age: 24 * time.Hour}, want: "old"},
		"the oldest go":   {infos: []blob.Info{fresh, old, read}, limits: blob.Limits{Bytes: 19}, want: "old new"},
		"both":            {infos: []blob.Info{fresh, old, read}, limits: blob.Limits{Bytes: 20, Age: time.Hour / 2}, want: "old new read"},
		"gone meanwhile":  {infos: []blob.Info{old}, limits: blob.Limits{Age: time.Hour}, err: fs.ErrNotExist, want: "old"},
		"no right":        {infos: []blob.Info{old}, limits: blob.Limits{Age: time.Hour}, err: gone, fails: "no right"},
		"no sizes":        {infos: []blob.Info{{Key: "a", Size: -1, Created: now}}, limits: blob.Limits{Bytes: 1}, fails: "how large"},
		"no sizes needed": {infos: []blob.Info{{Key: "a", Size: -1, Created: ago(9)}}, limits: blob.Limits{Age: time.Hour}, want: "a"},
		"no times":        {infos: []blob.Info{{Key: "a", Size: 1}}, limits: blob.Limits{Age: 1}, fails: "how old"},
		"no times needed": {infos: []blob.Info{{Key: "a", Size: 2}}, limits: blob.Limits{Bytes: 1}, want: "a"},
	} {
		s := &shelf{infos: slices.Clone(c.infos), err: c.err}
		removed, err := Layer{Admin: s}.Prune(t.Context(), c.limits, now)
		var keys []string
		for _, i := range removed {
			keys = append(keys, i.Key)
		}
		if got := strings.Join(keys, " "); got != c.want || got != strings.Join(s.removed, " ") {
			t.Errorf("%s: removed %q, want %q", name, got, c.want)
		}
		if (err == nil) != (c.fails == "") || err != nil && !strings.Contains(err.Error(), c.fails) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
