package main

import (
	"context"
	"errors"
	"fmt"
	"go/version"
	"io"
	"io/fs"
	"slices"
	"strings"

	"github.com/org/gorun-action/container"
	"github.com/org/gorun-action/container/image"
)

const lockHelp = `Usage: gorunctl lock [flags] [releases…]

Writes the lock anew: for each release and platform, the go command downloads
the module and verifies it with the checksum database, and the image is made
to learn its digests. With releases the lock pins these and no others; 1.26 is
the newest patch of that line. Without, it pins what it pins, and the newest
patch of each of its lines.

    gorunctl lock
    gorunctl lock 1.25.14 1.26.8 1.26.11 1.27.4 --default=1.27.4

The file is written when all is made, and only then. A module that has another
hash than the lock pins for it is refused: releases do not change.

Flags:`

func lock(ctx context.Context, c *command, f *flags) error {
	file := f.String("file", "container/toolchains.json", "the lock `file`")
	platforms := f.String("platforms", "linux/amd64,linux/arm64", "the `os/arch` pairs to pin, with commas")
	byDefault := f.String("default", "", "the `release` that is taken when nothing asks for one (default the present one, else the newest)")
	missing := f.Bool("allow-missing", false, "leave out, with a warning, what is not to be had and was not pinned before")
	releases, err := f.parse()
	if err != nil {
		return err
	}
	l := &locker{command: c, platforms: strings.Split(*platforms, ","), allowMissing: *missing}
	if err := l.read(*file); err != nil {
		return err
	}
	if err := l.choose(ctx, releases); err != nil {
		return err
	}
	if *byDefault != "" && !slices.Contains(l.releases, *byDefault) { // before the work, not after it
		return usagef(*byDefault, "the default must be one of the releases to pin: %s", strings.Join(l.releases, ", "))
	}
	for _, r := range l.releases {
		for _, p := range l.platforms {
			if err := l.pin(ctx, r, p); err != nil {
				return err
			}
		}
	}
	return l.write(*file, *byDefault)
}

// locker makes a new lock from an old one.
type locker struct {
	*command
	platforms    []string
	allowMissing bool
	old, new     container.Lock
	releases     []string // to pin, oldest first
	published    []string // for any of the platforms; nil until it is asked for
}

// read reads the present lock. There may be none yet.
func (l *locker) read(file string) error {
	old, err := readLock(file)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	l.old = old
	return nil
}

// choose settles which releases to pin.
func (l *locker) choose(ctx context.Context, asked []string) error {
	if len(asked) == 0 {
		lines := map[string]bool{}
		for _, tc := range l.old.Toolchains {
			asked = append(asked, tc.Version)
			if line := version.Lang("go" + tc.Version); !lines[line] {
				lines[line] = true
				asked = append(asked, strings.TrimPrefix(line, "go"))
			}
		}
	}
	if len(asked) == 0 {
		return usagef("", "there is no lock yet: name the releases to pin")
	}
	for _, r := range asked {
		release, err := l.newest(ctx, r)
		if err != nil {
			return err
		}
		l.releases = append(l.releases, release)
	}
	slices.SortFunc(l.releases, func(a, b string) int { return version.Compare("go"+a, "go"+b) })
	l.releases = slices.Compact(l.releases)
	return nil
}

// newest returns a release as it is, and for a line its newest patch that
// there is for any of the platforms.
func (l *locker) newest(ctx context.Context, asked string) (string, error) {
	v := "go" + strings.TrimPrefix(asked, "go")
	if !version.IsValid(v) || strings.Contains(v, "-") {
		return "", usagef(asked, "is not a Go release")
	}
	if version.Lang(v) != v {
		return v[len("go"):], nil
	}
	if err := l.list(ctx); err != nil {
		return "", err
	}
	newest := newestOf(l.published, v)
	if newest == "" {
		return "", fmt.Errorf("there is no release of the line %s for %s", asked, strings.Join(l.platforms, ", "))
	}
	return newest, nil
}

// list asks once which releases there are.
func (l *locker) list(ctx context.Context) error {
	if l.published != nil {
		return nil
	}
	m, clean, err := l.newMaker()
	if err != nil {
		return err
	}
	defer clean()
	g, err := m.goCommand()
	if err != nil {
		return err
	}
	l.published, err = g.Releases(ctx, l.platforms)
	return err
}

// newestOf returns the newest final release of a line, "" when there is none.
// Of "1.28rc1" and its like none is final.
func newestOf(releases []string, line string) string {
	newest := ""
	for _, r := range releases {
		final := !strings.ContainsAny(r, "abcdefghijklmnopqrstuvwxyz-")
		if final && version.Lang("go"+r) == line && version.Compare("go"+r, "go"+newest) > 0 {
			newest = r
		}
	}
	return newest
}

// pin adds one release for one platform.
func (l *locker) pin(ctx context.Context, release, platform string) error {
	tc, err := l.learn(ctx, release, platform)
	if errors.Is(err, container.ErrIntegrity) || context.Cause(ctx) != nil {
		return err
	}
	old, known := l.old.Find(release, platform)
	if err != nil && l.allowMissing && !known { // what is pinned does not get lost
		fmt.Fprintf(l.stderr, "warning: not pinned: %v\n", err)
		return nil
	}
	if err != nil {
		return container.WithHint(err, "leave it out, or pin what is available with --allow-missing")
	}
	l.new.Toolchains = append(l.new.Toolchains, tc)
	fmt.Fprintf(l.stdout, "%s go%s %s %s\n", change(old, tc), release, platform, tc.Digest)
	return nil
}

func change(old, tc container.Toolchain) string {
	switch old {
	case container.Toolchain{}:
		return "added    "
	case tc:
		return "unchanged"
	}
	return "changed  "
}

// learn downloads a module and makes its image, to fill in an entry.
func (l *locker) learn(ctx context.Context, release, platform string) (container.Toolchain, error) {
	m, clean, err := l.newMaker()
	if err != nil {
		return container.Toolchain{}, err
	}
	defer clean()
	tc, zip, err := m.download(ctx, release, platform)
	if err != nil {
		return tc, err
	}
	if old, ok := l.old.Find(release, platform); ok && old.Sum != tc.Sum {
		return tc, fmt.Errorf("the module of go%s %s %w: pinned %s, got %s", release, platform, container.ErrIntegrity, old.Sum, tc.Sum)
	}
	img, err := image.Assemble(ctx, zip, m.dir, tc, m.progress)
	if err != nil {
		return tc, err
	}
	return image.Pin(img, tc)
}

// write writes the new lock and says what is no longer in it.
func (l *locker) write(file, byDefault string) error {
	if len(l.new.Toolchains) == 0 {
		return errors.New("no toolchain is available: the lock is left as it is")
	}
	if err := l.setDefault(byDefault); err != nil {
		return err
	}
	for _, tc := range l.old.Toolchains {
		if _, ok := l.new.Find(tc.Version, tc.Platform); !ok {
			fmt.Fprintf(l.stdout, "removed   go%s %s\n", tc.Version, tc.Platform)
		}
	}
	data, err := l.new.Encode()
	if err != nil {
		return err
	}
	return replaceFile(file, func(w io.Writer) error {
		_, err := w.Write(data)
		return err
	})
}

// setDefault takes the release that is asked for, which must be pinned; else
// the present default, while it is; else the newest.
func (l *locker) setDefault(asked string) error {
	pinned := func(r string) bool {
		return slices.ContainsFunc(l.new.Toolchains, func(tc container.Toolchain) bool { return tc.Version == r })
	}
	switch {
	case asked != "" && !pinned(asked):
		return usagef(asked, "the default must be one of the pinned releases")
	case asked != "":
		l.new.Default = asked
	case pinned(l.old.Default):
		l.new.Default = l.old.Default
	default:
		l.new.Default = l.new.Toolchains[len(l.new.Toolchains)-1].Version
	}
	return nil
}
