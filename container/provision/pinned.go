package provision

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/org/gorun-action/container"
	"github.com/org/gorun-action/container/docker"
	"github.com/org/gorun-action/container/image"
	"github.com/org/gorun-action/internal/buildflags"
)

// pinnedImage is the image of the toolchain that the lock, or what was learned
// before, holds for want; else of the release that a go command fetches.
func (p *Provider) pinnedImage(ctx context.Context, engine *docker.Engine, want container.Want, platform string, report func(container.Progress)) (container.Toolchain, docker.Image, error) {
	tc, release, err := p.choose(want, platform)
	if err != nil {
		return tc, docker.Image{}, err
	}
	if release != "" {
		return p.learn(ctx, engine, release, platform, report)
	}
	img, err := has(ctx, engine, tc.Config, tc.Digest)
	if !errors.Is(err, fs.ErrNotExist) {
		return tc, img, err
	}
	if img, err = p.pulled(ctx, engine, tc, report); err == nil {
		return tc, img, nil
	}
	zip, err := image.Fetch(ctx, tc, p.source(), report)
	if err != nil {
		return tc, img, err
	}
	defer p.forget(zip)
	_, img, err = p.assemble(ctx, engine, tc, zip, report)
	return tc, img, err
}

// choose consults the lock, then what earlier runs learned.
func (p *Provider) choose(want container.Want, platform string) (container.Toolchain, string, error) {
	lock, err := container.PinnedToolchains()
	if err != nil {
		return container.Toolchain{}, "", err
	}
	choose := lock.Choose
	if want.Exact {
		choose = lock.ChooseExact
	}
	tc, release, err := choose(want.Version, platform)
	if err != nil {
		return tc, "", &buildflags.UsageError{Message: fmt.Sprintf("%s: %v", want.From, err), Hint: "name a Go release: --go-version=1.26.8"}
	}
	if release != "" {
		if known, ok := p.learned().Find(release, platform); ok {
			return known, "", nil
		}
	}
	return tc, release, nil
}

// pulled gets a pinned image from the repository, where one is configured.
func (p *Provider) pulled(ctx context.Context, engine *docker.Engine, tc container.Toolchain, report func(container.Progress)) (docker.Image, error) {
	if p.Repository == "" {
		return docker.Image{}, fs.ErrNotExist
	}
	ref := p.Repository + "@" + tc.Digest
	if err := p.pull(ctx, engine, ref, report); err != nil {
		p.Notice(fmt.Sprintf("the toolchain image is made here, since %v", err))
		return docker.Image{}, err
	}
	return has(ctx, engine, tc.Config, tc.Digest)
}

func (p *Provider) source() image.Source {
	proxy := p.Env.Get("GOPROXY")
	if proxy == "" {
		proxy = p.DefaultProxy
	}
	return image.Source{GOPROXY: proxy, ModCache: p.Env.GOMODCACHE(), Dir: p.zips()}
}

func (p *Provider) zips() string { return filepath.Join(p.CacheDir, "toolchain") }

// forget removes a zip that was downloaded for its image, which the engine
// has now; one in the module cache is not ours.
func (p *Provider) forget(zip string) {
	if strings.HasPrefix(zip, p.zips()+string(filepath.Separator)) {
		os.Remove(zip)
	}
}

// assemble makes the image of tc from its zip, proves that it is the pinned
// one, and loads it. A toolchain without digests gets them.
func (p *Provider) assemble(ctx context.Context, engine *docker.Engine, tc container.Toolchain, zip string, report func(container.Progress)) (container.Toolchain, docker.Image, error) {
	dir, clean, err := p.tempDir()
	if err != nil {
		return tc, docker.Image{}, err
	}
	defer clean()
	img, err := image.Assemble(ctx, zip, dir, tc, report)
	if err != nil {
		return tc, docker.Image{}, err
	}
	if tc.Digest == "" {
		tc, err = image.Pin(img, tc)
	} else {
		err = image.Check(img, tc)
	}
	if err != nil {
		return tc, docker.Image{}, err
	}
	archive, stream := io.Pipe()
	go func() { stream.CloseWithError(image.WriteArchive(stream, img, imageName(tc))) }()
	err = engine.Load(ctx, counted(archive, "loading go"+tc.Version+" into the engine", image.ArchiveSize(img), report))
	archive.CloseWithError(err)
	if err != nil {
		return tc, docker.Image{}, err
	}
	loaded, err := has(ctx, engine, tc.Config, tc.Digest)
	if errors.Is(err, fs.ErrNotExist) {
		err = fmt.Errorf("the image that the engine loaded %w: neither %s nor %s is there", container.ErrIntegrity, tc.Config, tc.Digest)
	}
	return tc, loaded, err
}

// counted reports how much of r has been read.
func counted(r io.Reader, task string, total int64, report func(container.Progress)) io.Reader {
	return &counter{Reader: r, report: report, p: container.Progress{Task: task, Total: total, Unit: "bytes"}}
}

type counter struct {
	io.Reader
	p      container.Progress
	report func(container.Progress)
}

func (c *counter) Read(b []byte) (int, error) {
	n, err := c.Reader.Read(b)
	c.p.Done += int64(n)
	c.report(c.p)
	return n, err
}
