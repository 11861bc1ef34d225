package main

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/org/gorun-action/container"
	"github.com/org/gorun-action/internal/buildcache"
	"github.com/org/gorun-action/internal/buildflags"
	"github.com/org/gorun-action/internal/goenv"
	"github.com/org/gorun-action/internal/shared"
	"github.com/org/gorun-action/internal/store/entry"
	"github.com/org/gorun-action/internal/store/githubcache"
	"github.com/org/gorun-action/runner"
)

// cacheKeyVariable has the key that signs and checks what shared stores have.
const cacheKeyVariable = "GORUN_CACHE_KEY"

// budget is what the faults of all shared stores of a run may waste together.
const budget = 6 * time.Second

// cache is what a run does with stores.
func (o options) cache() runner.CacheMode {
	if o.cacheMode == cacheTrusted {
		return runner.CacheReadWrite
	}
	return runner.CacheMode(o.cacheMode)
}

// withoutSecrets leaves out what builds and programs must not see, whatever
// the door.
func withoutSecrets(environ []string) []string {
	return slices.DeleteFunc(slices.Clone(environ), isCredential)
}

// getenv is a variable as this process got it.
func (c *command) getenv(name string) string { return goenv.Lookup(c.inherited, name) }

// origin is the run as GitHub names it; empty elsewhere.
func (c *command) origin() entry.Origin {
	return entry.Origin{Repository: c.getenv("GITHUB_REPOSITORY"), Ref: c.getenv("GITHUB_REF"), Event: c.getenv("GITHUB_EVENT_NAME")}
}

// scope ends the keys of executables on this machine that a pull request
// built, which other runs do not run. Those of a foreign event on a branch,
// where the ref does not tell one stranger from another, are for that workflow
// run alone.
func (c *command) scope() string {
	from := c.origin()
	if !from.Foreign() {
		return ""
	}
	run := c.getenv("GITHUB_RUN_ID")
	if ofPullRequest(from) {
		run = ""
	}
	sum := sha256.Sum256([]byte(strings.Join([]string{from.Repository, from.Ref, run}, "\x00")))
	return "-f" + hex.EncodeToString(sum[:6])
}

func ofPullRequest(o entry.Origin) bool { return strings.HasPrefix(o.Ref, "refs/pull/") }

// share puts the stores that other machines share behind those of r. The error
// is about what the user said of them.
func (c *command) share(o options, spec runner.Spec, r *runner.Runner) (*shared.Cache, error) {
	s := &shared.Cache{Report: r.Report, Now: c.now}
	if len(o.cacheTo.stores) == 0 || spec.Cache == runner.CacheOff {
		return s, nil
	}
	key, err := c.cacheKey()
	if err != nil {
		return s, &buildflags.UsageError{Message: cacheKeyVariable + ": " + err.Error(), Hint: "make one with `gorunctl cache key`"}
	}
	if o.cacheStrict && key.Verify == nil {
		return s, &buildflags.UsageError{Message: "--cache-strict has no key to check signatures with", Hint: "set " + cacheKeyVariable + ", or drop the flag"}
	}
	s.Trust, s.Signer, s.Strict = entry.Trust{Origin: c.origin(), Key: key.Verify}, key.Signing, o.cacheStrict
	s.Reads, s.Keeps = true, spec.Cache == runner.CacheReadWrite
	s.Writes = s.Keeps && leavesUseful(s.Trust.Origin, key)
	if s.Trust.Origin.Released() && o.cacheMode != cacheTrusted {
		s.Reads, s.Unread = false, "a release or a tag uses nothing that other runs left, unless --cache-mode=trusted (input cache: trusted) says so"
	}
	s.Explain, s.Gorun = o.explain, version()
	s.Record = buildcache.OpenRecord(filepath.Join(spec.CacheDir, "transfers.json"))
	s.TempDir = func() (string, func(), error) { return container.TempDir("", r.Track) }
	if s.Layers, err = c.layers(o, r.Report); err != nil {
		return s, err
	}
	s.Local, s.History = r.Store, r.History
	r.Store, r.History, r.Packs = s, s, s
	return s, nil
}

// leavesUseful reports whether somebody would use what this run leaves. A
// foreign event on a branch leaves it for nobody (entry.Trust), and what is not
// signed would be in the way of what is.
func leavesUseful(from entry.Origin, key entry.Key) bool {
	return (!from.Foreign() || ofPullRequest(from)) && (key.Verify == nil || key.Signing != nil)
}

// cacheKey is the key of shared stores; without the variable there is none.
func (c *command) cacheKey() (entry.Key, error) {
	text := c.getenv(cacheKeyVariable)
	if text == "" {
		return entry.Key{}, nil
	}
	return entry.ParseKey(text)
}

// layers opens the stores. One that is not to be had here is a warning.
func (c *command) layers(o options, report runner.Reporter) ([]shared.Layer, error) {
	var list []shared.Layer
	opening := shared.Opening{Getenv: c.getenv, Now: c.now, Budget: budget / time.Duration(len(o.cacheTo.stores))}
	for _, place := range o.cacheTo.stores {
		layer, err := place.Open(opening)
		switch {
		case errors.Is(err, githubcache.ErrNoService):
			if !o.cacheTo.optional {
				report.Event(runner.Warned{Message: "--cache-to=actions: " + err.Error(), Hint: "the cache service is for steps with uses:, not for run: steps; name another store there"})
			}
			continue
		case err != nil && place.Kind == shared.InActions: // what is wrong is nothing that the user wrote
			report.Event(runner.Warned{Cache: true, Message: "GitHub's cache is not used: " + err.Error()})
			continue
		case err != nil:
			return nil, &buildflags.UsageError{Message: fmt.Sprintf("--cache-to=%s: %v", place, err), Hint: "write it as " + cacheToSyntax}
		}
		list = append(list, layer.Scoped(c.origin()))
	}
	return list, nil
}

// version is that of this gorun.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "(devel)"
	}
	return cmp.Or(info.Main.Version, "(devel)")
}
