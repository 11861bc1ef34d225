package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"text/tabwriter"

	"github.com/google/renameio/v2"

	"github.com/org/gorun-action/container"
	"github.com/org/gorun-action/container/image"
)

const buildHelp = `Usage: gorunctl image build [flags]

Makes the image of a Go toolchain from its module, golang.org/toolchain,
without a daemon and without a base image, and says its digests. For a release
that is in the lock, the module and the image must be the pinned ones. Any
other release is downloaded and verified by the go command.

    gorunctl image build --load
    gorunctl image build --go-version=1.26.8 --platform=linux/arm64 --output=go.tar
    gorunctl image build --push=registry.example/gorun/toolchain:1.26.8

Without --output, --load or --push it is only made, which proves that it can be.

Flags:`

func build(ctx context.Context, c *command, f *flags) error {
	goVersion := f.String("go-version", "", "the `release`: 1.26 is the newest pinned patch of that line, 1.26.8 that one (default the lock's default)")
	platform := f.String("platform", ownPlatform(), "the `os/arch` that the toolchain runs on")
	output := f.String("output", "", "write the image to this `file`, for docker load or ctr images import; - is standard output")
	load := f.Bool("load", false, "load the image into the container engine")
	push := f.String("push", "", "push the image to a registry under this `reference`")
	file := f.String("file", "", "use this lock `file` (default the one that is built in)")
	if err := f.none(); err != nil {
		return err
	}
	l, err := readLock(*file)
	if err != nil {
		return err
	}
	tc, release, err := l.ChooseExact(*goVersion, *platform)
	if err != nil {
		return &usageError{err}
	}
	m, clean, err := c.newMaker()
	if err != nil {
		return err
	}
	defer clean()
	if release != "" {
		tc = container.Toolchain{Version: release, Platform: *platform}
	}
	tc, img, err := m.make(ctx, tc)
	if err != nil {
		return err
	}
	return m.deliver(ctx, tc, img, destinations{*output, *load, *push})
}

func ownPlatform() string { return "linux/" + runtime.GOARCH }

// readLock reads a lock file, or returns the lock that is built in.
func readLock(file string) (container.Lock, error) {
	if file == "" {
		return container.PinnedToolchains()
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return container.Lock{}, err
	}
	l, err := container.ParseLock(data)
	if err != nil {
		return container.Lock{}, fmt.Errorf("%s: %w", file, err)
	}
	return l, nil
}

// make makes the image of an entry, which must become what the entry pins. An
// entry without a sum is a release that is not in the lock; it comes back
// filled in.
func (m *maker) make(ctx context.Context, tc container.Toolchain) (container.Toolchain, image.Image, error) {
	pinned := tc.Sum != ""
	var zip string
	var err error
	if pinned {
		zip, err = m.fetch(ctx, tc)
	} else {
		tc, zip, err = m.download(ctx, tc.Version, tc.Platform)
	}
	if err != nil {
		return tc, nil, err
	}
	img, err := image.Assemble(ctx, zip, m.dir, tc, m.progress)
	if err != nil {
		return tc, nil, err
	}
	if pinned {
		return tc, img, image.Check(img, tc)
	}
	tc, err = image.Pin(img, tc)
	return tc, img, err
}

// destinations are where an image goes.
type destinations struct {
	output string
	load   bool
	push   string
}

// deliver brings the image to its destinations and says what became of it, on
// stderr when stdout has the image.
func (m *maker) deliver(ctx context.Context, tc container.Toolchain, img image.Image, to destinations) error {
	say := m.stdout
	if to.output == "-" {
		say = m.stderr
	}
	fmt.Fprintf(say, "go%s %s\nsum     %s\ndigest  %s\nconfig  %s\n", tc.Version, tc.Platform, tc.Sum, tc.Digest, tc.Config)
	if to.output != "" {
		if err := m.save(tc, img, to.output); err != nil {
			return err
		}
		fmt.Fprintf(say, "written %s\n", to.output)
	}
	if to.load {
		id, err := m.load(ctx, tc, img)
		if err != nil {
			return err
		}
		fmt.Fprintf(say, "loaded  %s as %s\n", id, image.Name(tc))
	}
	if to.push != "" {
		ref, err := image.Push(ctx, img, to.push, m.progress)
		if err != nil {
			return err
		}
		fmt.Fprintf(say, "pushed  %s\n", ref)
	}
	return nil
}

// save writes the image to a file, which has its name only when it is whole.
func (m *maker) save(tc container.Toolchain, img image.Image, file string) error {
	if file == "-" {
		return image.WriteArchive(m.stdout, img, image.Name(tc))
	}
	return replaceFile(file, func(w io.Writer) error { return image.WriteArchive(w, img, image.Name(tc)) })
}

// replaceFile writes a file under a temporary name beside it, and renames it.
func replaceFile(file string, write func(io.Writer) error) error {
	f, err := renameio.NewPendingFile(file, renameio.WithTempDir(filepath.Dir(file)), renameio.WithPermissions(0o644))
	if err != nil {
		return err
	}
	defer f.Cleanup() // does nothing once the file has its name
	if err := write(f); err != nil {
		return fmt.Errorf("writing %s: %w", file, err)
	}
	return f.CloseAtomicallyReplace()
}

const verifyHelp = `Usage: gorunctl image verify [flags]

Makes pinned images again from their modules, and says which are what the lock
pins. Without flags it does so for all of the lock.

    gorunctl image verify
    gorunctl image verify --go-version=1.26 --platform=linux/amd64

The exit status is 1 when one of them is not, or cannot be made.

Flags:`

func verify(ctx context.Context, c *command, f *flags) error {
	goVersion := f.String("go-version", "", "only this `release`: 1.26.8, or 1.26 for the newest pinned patch of that line")
	platform := f.String("platform", "", "only this `os/arch`")
	file := f.String("file", "", "verify this lock `file` (default the one that is built in)")
	if err := f.none(); err != nil {
		return err
	}
	l, err := readLock(*file)
	if err != nil {
		return err
	}
	entries, err := selected(l, *goVersion, *platform)
	if err != nil {
		return err
	}
	bad := 0
	for _, tc := range entries {
		err := c.verifyOne(ctx, tc)
		if context.Cause(ctx) != nil {
			return context.Cause(ctx)
		}
		if err != nil {
			bad++
		}
		fmt.Fprintf(c.stdout, "go%-9s %-12s %s\n", tc.Version, tc.Platform, verdict(tc, err))
	}
	if bad > 0 {
		return fmt.Errorf("%d of %d images are not proved to be the pinned ones", bad, len(entries))
	}
	return nil
}

func verdict(tc container.Toolchain, err error) string {
	switch {
	case err == nil:
		return "matches     " + tc.Digest
	case errors.Is(err, container.ErrIntegrity):
		return "DIFFERS     " + err.Error()
	}
	return "NOT CHECKED " + err.Error()
}

// verifyOne makes one image and forgets it.
func (c *command) verifyOne(ctx context.Context, tc container.Toolchain) error {
	m, clean, err := c.newMaker()
	if err != nil {
		return err
	}
	defer clean()
	_, _, err = m.make(ctx, tc)
	return err
}

// selected returns the entries for a release and a platform; "" is any.
func selected(l container.Lock, goVersion, platform string) ([]container.Toolchain, error) {
	var entries []container.Toolchain
	for _, tc := range l.Toolchains {
		if platform != "" && tc.Platform != platform {
			continue
		}
		if goVersion != "" {
			chosen, _, err := l.ChooseExact(goVersion, tc.Platform)
			if err != nil {
				return nil, &usageError{err}
			}
			if chosen.Version != tc.Version {
				continue
			}
		}
		entries = append(entries, tc)
	}
	if len(entries) == 0 {
		return nil, container.WithHint(fmt.Errorf("the lock pins no go%s for %s", cmp.Or(goVersion, " release"), cmp.Or(platform, "any platform")), "gorunctl image list shows what it pins")
	}
	return entries, nil
}

const listHelp = `Usage: gorunctl image list [flags]

Prints the lock: the pinned toolchains, the hash of each one's module, and the
digests of its image. The default toolchain is marked with a star.

Flags:`

func list(_ context.Context, c *command, f *flags) error {
	asJSON := f.Bool("json", false, "print the lock as its file has it")
	file := f.String("file", "", "print this lock `file` (default the one that is built in)")
	if err := f.none(); err != nil {
		return err
	}
	l, err := readLock(*file)
	if err != nil {
		return err
	}
	if *asJSON {
		data, err := l.Encode()
		if err == nil {
			_, err = c.stdout.Write(data)
		}
		return err
	}
	w := tabwriter.NewWriter(c.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "RELEASE\tPLATFORM\tMODULE\tIMAGE (manifest, config)")
	for _, tc := range l.Toolchains {
		star := ""
		if tc.Version == l.Default {
			star = "*"
		}
		fmt.Fprintf(w, "%s%s\t%s\t%s\t%s\n\t\t\t%s\n", tc.Version, star, tc.Platform, tc.Sum, tc.Digest, tc.Config)
	}
	return w.Flush()
}
