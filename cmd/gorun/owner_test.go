package main

import (
	"path/filepath"
	"runtime"
	"slices"
	"testing"

	"github.com/org/gorun-action/internal/goenv"
	"github.com/org/gorun-action/runner"
)

// What only root can do is tested where there is a root: internal/runas and internal/runnerimage.

func TestCacheDirs(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ environ, want []string }{
		"named":     {[]string{"GOCACHE=/c", "GOMODCACHE=/m", "GOPATH=/p:/q"}, []string{"/gorun", "/c", "/m", "/p"}},
		"default":   {[]string{"HOME=/h"}, []string{"/gorun", "/h/.cache/go-build", "/h/go/pkg/mod", "/h/go"}},
		"off":       {[]string{"GOCACHE=off", "GOPATH=/p"}, []string{"/gorun", "/p/pkg/mod", "/p"}},
		"no home":   {nil, []string{"/gorun"}},
		"XDG":       {[]string{"HOME=/h", "XDG_CACHE_HOME=/x", "GOPATH=/p"}, []string{"/gorun", "/x/go-build", "/p/pkg/mod", "/p"}},
		"GOENV off": {[]string{"GOENV=off", "GOPATH=/p", "GOCACHE=/c"}, []string{"/gorun", "/c", "/p/pkg/mod", "/p"}},
	} {
		if runtime.GOOS == "darwin" && (name == "default" || name == "XDG") {
			continue // its caches are in ~/Library, as internal/goenv knows
		}
		got := cacheDirs(runner.Spec{CacheDir: "/gorun", Env: goenv.Load(tt.environ, "")})
		if !slices.Equal(got, tt.want) {
			t.Errorf("%s: %q, want %q", name, got, tt.want)
		}
	}
}

func TestChooseTemp(t *testing.T) {
	cache := t.TempDir()
	choose := func(environ ...string) string {
		c := &command{environ: environ}
		spec := runner.Spec{CacheDir: cache, Env: goenv.Load(environ, "")}
		if err := c.chooseTemp(&spec); err != nil {
			t.Fatal(err)
		}
		return spec.Env.Get("GOTMPDIR")
	}
	t.Setenv("TMPDIR", t.TempDir())
	if got := choose(); got != "" {
		t.Errorf("%s instead of a place that is good", got)
	}
	t.Setenv("TMPDIR", filepath.Join(cache, "nowhere"))
	if got, want := choose(), filepath.Join(cache, "tmp"); got != want {
		t.Errorf("%q, want %q", got, want)
	}
	for named, want := range map[string]string{"GOTMPDIR=/x": "/x", "TMPDIR=/x": ""} {
		if got := choose(named); got != want {
			t.Errorf("%s is set, and GOTMPDIR becomes %q", named, got)
		}
	}
}
