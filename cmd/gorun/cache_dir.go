package main

import (
	"errors"
	"fmt"
	"path/filepath"

	"github.com/org/gorun-action/container"
	"github.com/org/gorun-action/internal/goenv"
	"github.com/org/gorun-action/internal/private"
	"github.com/org/gorun-action/runner"
)

// cacheDir is where the caches are kept, "" where nothing names a place.
func cacheDir(o options, env goenv.Env) string {
	if o.cacheDir != "" {
		return o.cacheDir
	}
	if dir := env.CacheDir(); dir != "" {
		return filepath.Join(dir, "gorun")
	}
	return ""
}

// checkCache leaves a run without a cache directory where somebody else may
// have written to it: what is kept there is run.
func (c *command) checkCache(spec *runner.Spec) {
	if spec.CacheDir == "" {
		c.uncached = runner.Warned{Cache: true, Message: "nothing is kept for the next run, because there is no home directory", Hint: "name a directory with --cache-dir"}
	} else if err := private.CheckDir(spec.CacheDir); errors.Is(err, private.ErrShared) {
		c.uncached = runner.Warned{
			Cache:   true,
			Message: fmt.Sprintf("the cache directory %s is not used, and nothing is kept for the next run: %v", spec.CacheDir, err),
			Hint:    "make it this user's alone, or name another directory with --cache-dir",
		}
		spec.CacheDir = ""
	}
}

// ownCache gives a run without a cache directory one for as long as it lasts,
// empty, and says so.
func (c *command) ownCache(spec *runner.Spec, host *supervision, report runner.Reporter) (remove func(), err error) {
	if spec.CacheDir != "" {
		return func() {}, nil
	}
	if spec.Cache != runner.CacheOff {
		report.Event(c.uncached)
	}
	spec.Replace = false
	spec.CacheDir, remove, err = container.TempDir(spec.Env.Get("GOTMPDIR"), host.dir)
	return remove, err
}
