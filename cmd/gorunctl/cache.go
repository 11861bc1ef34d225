package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strconv"
	"text/tabwriter"
	"time"

	"github.com/docker/go-units"

	"github.com/org/gorun-action/container"
	"github.com/org/gorun-action/internal/store"
	"github.com/org/gorun-action/internal/store/blob"
)

// executables is the directory in gorun's cache directory where it stores
// them.
const executables = "executables"

// cacheFlag defines the flag that all cache commands have.
func cacheFlag(f *flags) *string {
	return f.String("cache-dir", "", "the `directory` of gorun's caches (default GORUN_CACHE_DIR, else gorun in the user's cache directory)")
}

// store returns the store in a cache directory, by default the one that gorun
// takes.
func (c *command) store(dir string) (*store.Dir, error) {
	dir = cmp.Or(dir, c.env.Get("GORUN_CACHE_DIR"))
	if dir == "" {
		caches := c.env.CacheDir()
		if caches == "" {
			return nil, errors.New("there is no home directory with a cache: name one with --cache-dir")
		}
		dir = filepath.Join(caches, "gorun")
	}
	root, err := filepath.Abs(filepath.Join(dir, executables))
	return &store.Dir{Root: root}, err
}

const cacheListHelp = `Usage: gorunctl cache ls [flags]

Lists the stored executables, the most recently used first: how large each is,
with all that belongs to it, when it was made and last used, the name of its
program, and its key. The last use is known to a minute.

With --store it lists what shared stores have, the newest first: executables,
and packs, which are parts of a build cache. What GitHub's cache has inside is
not read: its entries have no program there.

    gorunctl cache ls --store=actions
    gorunctl cache ls --store=oci:registry.example/cache --long

Flags:`

func cacheList(ctx context.Context, c *command, f *flags) error {
	asJSON := f.Bool("json", false, "print a JSON array, with all that is known of each")
	long := f.Bool("long", false, "with --store: also the toolchain, the run that made it, and who signed it")
	from := whereFlags(f)
	if err := f.none(); err != nil {
		return err
	}
	layers, err := c.shared(from)
	if err != nil {
		return err
	}
	if layers != nil {
		return c.listShared(ctx, layers, *long, *asJSON)
	}
	if *long {
		return usagef("", "--long goes with --store: of this machine's executables there is nothing else to show")
	}
	s, err := c.store(*from.dir)
	if err != nil {
		return err
	}
	entries, err := s.Entries("")
	if err != nil {
		return err
	}
	if *asJSON {
		return writeJSON(c.stdout, entries)
	}
	return writeTable(c.stdout, entries, time.Now())
}

// storedJSON is an entry as --json prints it.
type storedJSON struct {
	Key     string    `json:"key"`
	Name    string    `json:"name,omitzero"`
	Path    string    `json:"path,omitzero"`
	SHA256  string    `json:"sha256,omitzero"`
	Size    int64     `json:"size,omitzero"`  // bytes of the program
	Bytes   int64     `json:"bytes,omitzero"` // of all its files
	Created time.Time `json:"created,omitzero"`
	Used    time.Time `json:"used,omitzero"`
}

func writeJSON(w io.Writer, entries []store.Entry) error {
	list := make([]storedJSON, len(entries)) // [] rather than null when empty
	for i, e := range entries {
		list[i] = storedJSON(e)
		list[i].Used = e.Used.UTC()
	}
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(list)
}

func writeTable(out io.Writer, entries []store.Entry, now time.Time) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "SIZE\tCREATED\tUSED\tPROGRAM\tKEY")
	for _, e := range entries {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", size(e.Bytes), ago(now, e.Created), ago(now, e.Used), plain(e.Name), e.Key)
	}
	return w.Flush()
}

// plain quotes a name that would do something to a terminal or to the table.
func plain(name string) string {
	if quoted := strconv.Quote(name); quoted != `"`+name+`"` {
		return quoted
	}
	return name
}

func size(bytes int64) string { return units.BytesSize(float64(bytes)) }

// ago says how long ago something was; of a clock that is ahead nothing is known.
func ago(now, then time.Time) string {
	return units.HumanDuration(max(now.Sub(then), 0)) + " ago"
}

const cacheRemoveHelp = `Usage: gorunctl cache rm [flags] keys…

Removes stored executables by their keys, or all of them. One that runs, or
that a gorun holds, stays, and the exit status is 1. With --store, entries of
shared stores; in a registry that takes the right to delete, and in GitHub's
cache a GITHUB_TOKEN with the permission actions: write.

    gorunctl cache rm --all
    gorunctl cache rm --store=actions x1-linux.amd64-…

Flags:`

func cacheRemove(ctx context.Context, c *command, f *flags) error {
	all := f.Bool("all", false, "remove all of them, and what killed processes left")
	from := whereFlags(f)
	keys, err := f.parse()
	if err != nil {
		return err
	}
	if *all == (len(keys) > 0) {
		return container.WithHint(usagef("", "name the keys to remove, or --all"), "gorunctl cache ls lists the keys")
	}
	layers, err := c.shared(from)
	switch {
	case err != nil:
		return err
	case layers != nil && *all:
		return c.removeAllShared(ctx, layers)
	case layers != nil:
		return c.removeShared(ctx, layers, keys)
	}
	s, err := c.store(*from.dir)
	if err != nil {
		return err
	}
	if *all {
		return c.removeAll(ctx, s)
	}
	return c.remove(ctx, s, keys)
}

// removeAll also removes what Entries does not list, because it is damaged.
func (c *command) removeAll(ctx context.Context, s *store.Dir) error {
	entries, err := s.Entries("")
	if err != nil {
		return err
	}
	keys := make([]string, len(entries))
	for i, e := range entries {
		keys[i] = e.Key
	}
	err = c.remove(ctx, s, keys)
	removed, pruneErr := s.Prune(store.Limits{})
	c.sayRemoved(removed)
	return errors.Join(err, pruneErr)
}

func (c *command) remove(ctx context.Context, s *store.Dir, keys []string) error {
	var errs []error
	for _, key := range keys {
		if ctx.Err() != nil {
			return errors.Join(append(errs, context.Cause(ctx))...)
		}
		if err := s.Remove(key); err != nil {
			errs = append(errs, err)
		} else {
			c.sayRemoved([]store.Entry{{Key: key}})
		}
	}
	return errors.Join(errs...)
}

func (c *command) sayRemoved(entries []store.Entry) {
	for _, e := range entries {
		fmt.Fprintf(c.stdout, "removed  %s\n", e.Key)
	}
}

const cachePruneHelp = `Usage: gorunctl cache prune [flags]

Removes the stored executables that were not used for long, and then the least
recently used ones until the others are within a size; also damaged ones, and
what killed processes left an hour ago or earlier. One that is in use stays.

With --store, entries of shared stores, each store for itself. Only GitHub's
cache knows when an entry was last used; elsewhere the oldest ones go.

    gorunctl cache prune --size=500MiB --age=168h
    gorunctl cache prune --store=dir:/var/cache/gorun-shared --size=20GiB --age=0

Flags:`

func cachePrune(ctx context.Context, c *command, f *flags) error {
	l := store.Limits{Bytes: store.DefaultBytes}
	f.Func("size", "the `size` that all may have together: 500MiB, 2GiB; 0 is no bound (default 2GiB)", func(value string) (err error) {
		l.Bytes, err = units.RAMInBytes(value)
		return err
	})
	f.DurationVar(&l.Age, "age", store.DefaultAge, "the `time` since the last use after which one goes; 0 is no bound")
	asJSON := f.Bool("json", false, "print what was removed as a JSON array")
	from := whereFlags(f)
	if err := f.none(); err != nil {
		return err
	}
	if l.Age < 0 {
		return usagef(l.Age.String(), "a time since the last use is not negative")
	}
	layers, err := c.shared(from)
	if err != nil {
		return err
	}
	if layers != nil {
		return c.pruneShared(ctx, layers, blob.Limits(l), *asJSON)
	}
	s, err := c.store(*from.dir)
	if err != nil {
		return err
	}
	removed, err := s.Prune(l)
	if *asJSON {
		return errors.Join(err, writeJSON(c.stdout, removed))
	}
	c.sayRemoved(removed)
	fmt.Fprintf(c.stdout, "freed %s\n", size(total(removed)))
	return err
}

func total(entries []store.Entry) (bytes int64) {
	for _, e := range entries {
		bytes += e.Bytes
	}
	return bytes
}

const cacheVerifyHelp = `Usage: gorunctl cache verify [flags]

Hashes all stored executables, and says which are what was stored. Damaged ones
are removed. The exit status is 1 when there was one.

With --store it downloads and unpacks every entry of shared stores. UNTRUSTED is
one that is whole, and that a run here does not use: it is from a pull request,
or GORUN_CACHE_KEY did not sign it. GitHub's cache can be read in steps of
actions only, not in run: steps.

Flags:`

func cacheVerify(ctx context.Context, c *command, f *flags) error {
	from := whereFlags(f)
	if err := f.none(); err != nil {
		return err
	}
	layers, err := c.shared(from)
	if err != nil {
		return err
	}
	if layers != nil {
		return c.verifyShared(ctx, layers)
	}
	s, err := c.store(*from.dir)
	if err != nil {
		return err
	}
	good, bad, err := s.Verify(ctx)
	for _, e := range good {
		fmt.Fprintf(c.stdout, "whole    %s\n", e.Key)
	}
	for _, b := range bad {
		fmt.Fprintf(c.stdout, "DAMAGED  %s: %v\n", b.Key, b.Err)
	}
	if err == nil && len(bad) > 0 {
		err = fmt.Errorf("%d of %d stored executables cannot be used", len(bad), len(good)+len(bad))
	}
	return err
}
