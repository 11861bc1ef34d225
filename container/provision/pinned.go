package provision

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"

	"github.com/org/gorun-action/container"
	"github.com/org/gorun-action/container/docker"
	"github.com/org/gorun-action/container/image"
	"github.com/org/gorun-action/internal/buildflags"
)

// images finds toolchain images in an engine, and makes those that it lacks.
type images struct {
	*Provider
	engine   *docker.Engine
	platform string          // of the engine
	own      *docker.Sibling // the container that gorun runs in, nil for none
	temp     string          // for what a container is to see, "" for anywhere
	report   func(container.Progress)
}

// pinned is the image of the toolchain that the lock holds for want; else of
// the release that a go command fetches.
func (m images) pinned(ctx context.Context, want container.Want) (container.Toolchain, docker.Image, error) {
	lock, err := container.PinnedToolchains()
	if err != nil {
		return container.Toolchain{}, docker.Image{}, err
	}
	tc, release, err := choose(lock, want, m.platform)
	if err != nil {
		return tc, docker.Image{}, &buildflags.UsageError{Message: fmt.Sprintf("%s: %v", want.From, err), Hint: "name a Go release: --go-version=1.26.8"}
	}
	if release != "" {
		return m.outside(ctx, release, want.From)
	}
	img, err := m.once(ctx, tc, func() (docker.Image, error) { return has(ctx, m.engine, tc.Config, tc.Digest) }, func() (docker.Image, error) { return m.provide(ctx, tc) })
	return tc, img, err
}

// once looks for an image and, when there is none, makes it, while every other
// gorun with the same cache directory waits and then finds it.
func (m images) once(ctx context.Context, tc container.Toolchain, find, make func() (docker.Image, error)) (docker.Image, error) {
	img, err := find()
	if !errors.Is(err, fs.ErrNotExist) {
		return img, err
	}
	unlock, err := m.exclusive(ctx, tc)
	if err != nil {
		return img, err
	}
	defer unlock()
	if img, err = find(); !errors.Is(err, fs.ErrNotExist) {
		return img, err
	}
	return make()
}

// has returns the image of tc, if the engine has it: by the id that it gets in
// an engine with the classic store, then in one with the containerd store.
func has(ctx context.Context, engine *docker.Engine, config, digest string) (docker.Image, error) {
	img, err := engine.Image(ctx, config)
	if errors.Is(err, fs.ErrNotExist) {
		img, err = engine.Image(ctx, digest)
	}
	if err == nil && img.ID != config && img.ID != digest {
		err = fmt.Errorf("the engine's image %s %w %s", img.ID, container.ErrIntegrity, config)
	}
	return img, err
}

// provide gets a pinned image into the engine.
func (m images) provide(ctx context.Context, tc container.Toolchain) (docker.Image, error) {
	img, err := m.pulled(ctx, tc)
	if err == nil || ctx.Err() != nil {
		return img, err
	}
	dir, clean, err := container.TempDir(m.Env.Get("GOTMPDIR"), m.TrackDir)
	if err != nil {
		return img, err
	}
	defer clean()
	zip, err := image.Fetch(ctx, tc, m.source(dir), m.report)
	if err != nil {
		return img, err
	}
	_, img, err = m.assemble(ctx, tc, zip, dir)
	return img, err
}

// pulled gets a pinned image from the repository, where one is configured.
func (m images) pulled(ctx context.Context, tc container.Toolchain) (docker.Image, error) {
	if m.Repository == "" {
		return docker.Image{}, fs.ErrNotExist
	}
	err := m.pull(ctx, m.Repository+"@"+tc.Digest)
	if err == nil {
		var img docker.Image
		if img, err = has(ctx, m.engine, tc.Config, tc.Digest); err == nil {
			return img, nil
		}
	}
	if ctx.Err() == nil {
		m.Notice(fmt.Sprintf("the toolchain image is made here, since it could not be pulled: %v", err))
	}
	return docker.Image{}, err
}

// source is the module proxy. What is downloaded goes into dir, which ends
// with the run: the engine keeps the image.
func (m images) source(dir string) image.Source {
	proxy := m.Env.Get("GOPROXY")
	if proxy == "" {
		proxy = m.DefaultProxy
	}
	return image.Source{GOPROXY: proxy, ModCache: m.Env.GOMODCACHE(), Dir: dir, Client: &http.Client{Transport: withNetrc(m.Env.Netrc())}}
}

// assemble makes the image of tc from its zip, proves that it is the pinned
// one, and loads it. A toolchain without digests gets them. dir takes the
// layers.
func (m images) assemble(ctx context.Context, tc container.Toolchain, zip, dir string) (container.Toolchain, docker.Image, error) {
	img, err := image.Assemble(ctx, zip, dir, tc, m.report)
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
	loaded, err := LoadableOf(tc, img).Load(ctx, m.engine, m.report)
	return tc, loaded, err
}

// Loadable is an image on its way into an engine.
type Loadable struct {
	Image image.Image
	// Names are what the engine is to call it, and Title what people do.
	Names []string
	Title string
	// Config and Digest are its digests: an engine knows it by one of them.
	Config, Digest string
}

// LoadableOf is the image of tc, which has its digests.
func LoadableOf(tc container.Toolchain, img image.Image) Loadable {
	return Loadable{Image: img, Names: []string{image.Name(tc)}, Title: "go" + tc.Version, Config: tc.Config, Digest: tc.Digest}
}

// Load puts the image into an engine, and makes sure that the engine then has
// that one.
func (l Loadable) Load(ctx context.Context, engine *docker.Engine, report func(container.Progress)) (docker.Image, error) {
	if err := l.send(ctx, engine, report); err != nil {
		return docker.Image{}, err
	}
	loaded, err := has(ctx, engine, l.Config, l.Digest)
	if errors.Is(err, fs.ErrNotExist) {
		err = fmt.Errorf("the image that the engine loaded %w: neither %s nor %s is there", container.ErrIntegrity, l.Config, l.Digest)
	}
	return loaded, err
}

// send streams the image into the engine, which then unpacks it.
func (l Loadable) send(ctx context.Context, engine *docker.Engine, report func(container.Progress)) error {
	archive, stream := io.Pipe()
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		stream.CloseWithError(image.WriteArchive(stream, l.Image, l.Names...))
	}()
	counted := &counter{Reader: archive, report: report, p: container.Progress{Task: "sending " + l.Title + " to the engine", Total: image.ArchiveSize(l.Image), Unit: "bytes"}}
	err := engine.Load(ctx, counted, "loading "+l.Title+" into the engine", report)
	archive.CloseWithError(errors.Join(err, io.ErrClosedPipe))
	<-sent // the layers are still being read until then
	return err
}

// counter reports how much has been read through it.
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
