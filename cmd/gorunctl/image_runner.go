package main

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/org/gorun-action/container"
	"github.com/org/gorun-action/container/image"
)

const runnerHelp = `Usage: gorunctl image runner [flags]

Makes the runner image: the toolchain image of "gorunctl image build", with
gorun on top. No daemon and no base image are needed, and the same inputs make
the same digest on every machine. With several platforms it is one index.

    gorunctl image runner --load --tag=gorun
    gorunctl image runner --output=tar:gorun.tar --tag=gorun
    gorunctl image runner --platform=linux/amd64,linux/arm64 \
        --version=1.2.3 --revision=$(git rev-parse HEAD) --source=https://git.example/gorun \
        --tag=registry.example/gorun:1.2.3 --tag=registry.example/gorun:1 --push

gorun is compiled by the go command, in a checkout of gorun, with the release
that the image holds: CGO_ENABLED=0 go build -trimpath -buildvcs=false. --gorun
takes an executable that is there already instead.

SOURCE_DATE_EPOCH is the time, in seconds since 1970, that the image says it
was made at; without it the image says the time that all files in it have.
Without --output, --load or --push it is only made, which shows its digest.

Flags:`

// runnerFlags are the flags of `image runner`.
type runnerFlags struct {
	goVersion, file           string
	platforms                 []string
	gorun                     map[string]string // by platform; "" is any
	ldflags                   string
	version, revision, source string
	tags                      []string
	output                    string
	loads, pushes             bool
}

func (r *runnerFlags) define(f *flags) {
	f.StringVar(&r.goVersion, "go-version", "", "the Go `release`: 1.26 is the newest pinned patch of that line, 1.26.8 that one (default the lock's default)")
	f.StringVar(&r.file, "file", "", "use this lock `file` (default the one that is built in)")
	f.Func("platform", "the `os/arch`, or several with commas between them (default this machine's)", func(v string) error {
		r.platforms = append(r.platforms, strings.Split(v, ",")...)
		return nil
	})
	r.gorun = map[string]string{}
	f.Func("gorun", "take this executable, a `file` or os/arch=file, instead of compiling one", func(v string) error {
		platform, file, ok := strings.Cut(v, "=")
		if !ok {
			platform, file = "", v
		}
		r.gorun[platform] = file
		return nil
	})
	f.StringVar(&r.ldflags, "ldflags", "-s -w", "`flags` for the linker when gorun is compiled")
	f.StringVar(&r.version, "version", "", "gorun's `release`, for the label org.opencontainers.image.version")
	f.StringVar(&r.revision, "revision", "", "the `commit`, for the label org.opencontainers.image.revision")
	f.StringVar(&r.source, "source", "", "the `address` of the repository, for the label org.opencontainers.image.source")
	f.Func("tag", "name the image: a `reference`; may be repeated", func(v string) error {
		if !image.ValidName(v) {
			return errors.New("it is not the name of an image")
		}
		r.tags = append(r.tags, v)
		return nil
	})
	f.StringVar(&r.output, "output", "", "write the image to `tar:file`, for docker load or ctr images import (- is standard output), or to oci-layout:directory")
	f.BoolVar(&r.loads, "load", false, "load the image into the container engine")
	f.BoolVar(&r.pushes, "push", false, "push the image to the registries that the tags name")
}

// check refuses what contradicts itself, and fills in the platform.
func (r *runnerFlags) check() error {
	if len(r.platforms) == 0 {
		r.platforms = []string{ownPlatform()}
	}
	slices.Sort(r.platforms) // the order is part of the index's digest
	r.platforms = slices.Compact(r.platforms)
	kind, path, _ := strings.Cut(r.output, ":")
	several := len(r.platforms) > 1
	switch {
	case r.output != "" && (path == "" || kind != "tar" && kind != "oci-layout"):
		return usagef("--output="+r.output, "write tar:file or oci-layout:directory")
	case several && kind == "tar":
		return usagef("--output="+r.output, "a tar for docker load has one platform: name one, or write oci-layout:directory")
	case several && r.loads:
		return usagef("--load", "an engine loads the image of one platform: name one")
	case several && r.gorun[""] != "":
		return usagef("--gorun="+r.gorun[""], "it is for one platform: write os/arch=file")
	case r.pushes && len(r.tags) == 0:
		return usagef("--push", "name where to with --tag")
	}
	for platform := range r.gorun {
		if platform != "" && !slices.Contains(r.platforms, platform) {
			return usagef("--gorun="+platform+"=…", "that is none of the platforms: %s", strings.Join(r.platforms, ", "))
		}
	}
	return nil
}

func buildRunner(ctx context.Context, c *command, f *flags) error {
	var r runnerFlags
	r.define(f)
	err := cmp.Or(f.none(), r.check())
	if err != nil {
		return err
	}
	created, err := sourceDate(c.env.Get("SOURCE_DATE_EPOCH"))
	if err != nil {
		return err
	}
	l, err := readLock(r.file)
	if err != nil {
		return err
	}
	m, clean, err := c.newMaker()
	if err != nil {
		return err
	}
	defer clean()
	b := runnerBuild{maker: m, runnerFlags: r, lock: l, created: created}
	for _, platform := range r.platforms {
		if err := b.add(ctx, platform); err != nil {
			return err
		}
	}
	return b.deliver(ctx)
}

// sourceDate is https://reproducible-builds.org/specs/source-date-epoch/.
func sourceDate(value string) (time.Time, error) {
	if value == "" {
		return time.Time{}, nil
	}
	seconds, err := strconv.ParseInt(value, 10, 64)
	if err != nil || seconds < 0 {
		return time.Time{}, usagef("SOURCE_DATE_EPOCH="+value, "write it as seconds since 1970")
	}
	return time.Unix(seconds, 0), nil
}

// runnerBuild is one `image runner` under way.
type runnerBuild struct {
	*maker
	runnerFlags
	lock    container.Lock
	created time.Time
	images  []image.Image
}

// add makes the image of one platform.
func (b *runnerBuild) add(ctx context.Context, platform string) error {
	tc, release, err := b.lock.ChooseExact(b.goVersion, platform)
	if err != nil {
		return &usageError{err}
	}
	if release != "" {
		tc = container.Toolchain{Version: release, Platform: platform}
	}
	tc, toolchain, err := b.make(ctx, tc)
	if err != nil {
		return err
	}
	gorun := cmp.Or(b.gorun[platform], b.gorun[""])
	if gorun == "" {
		if gorun, err = b.compile(ctx, tc, b.ldflags); err != nil {
			return err
		}
	}
	img, err := image.AssembleRunner(ctx, toolchain, b.dir, image.Runner{
		Toolchain: tc, Gorun: gorun, Created: b.created,
		Version: b.version, Revision: b.revision, Source: b.source,
	})
	b.images = append(b.images, img)
	return err
}
