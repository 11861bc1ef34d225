// Package provision finds the place where the go command runs, and makes its
// toolchain ready: this machine's go, or a container of the pinned image. The
// image is taken from the engine, else pulled by digest, else assembled from
// the module proxy and loaded, in this order.
package provision

import (
	"context"
	"errors"
	"fmt"
	"go/version"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/org/gorun-action/container"
	"github.com/org/gorun-action/container/docker"
	"github.com/org/gorun-action/container/image"
	"github.com/org/gorun-action/internal/buildflags"
	"github.com/org/gorun-action/internal/goenv"
)

// Provider makes Sites. Its fields are set once; it is safe for concurrent use.
type Provider struct {
	// Mode is "auto", "docker" or "host".
	Mode string
	// Env is the go command's configuration: GOPROXY, GOMODCACHE.
	Env goenv.Env
	// DefaultProxy stands in for a GOPROXY that is set nowhere, which happens
	// on machines without Go; a release sets it at link time.
	DefaultProxy string
	// CacheDir keeps what was learned about toolchains outside the lock.
	CacheDir string
	// Repository is where pinned images are pulled from; "" is nowhere.
	Repository string
	// Self is gorun's own executable, which becomes the capture helper.
	Self string
	// Host runs programs on this machine.
	Host container.Executor
	// Track is told the names of containers (docker.Container).
	Track func(name string) (release func())
	// TrackDir is told the temporary directories; nil is told nothing.
	TrackDir func(path string) (release func())
	// Notice is told what the user should know.
	Notice func(string)
}

// Site implements runner.Builder.
func (p *Provider) Site(ctx context.Context, want container.Want, report func(container.Progress)) (container.Site, error) {
	if p.Mode == "host" {
		return p.hostSite(want)
	}
	engine, err := docker.Connect(ctx)
	if err == nil {
		return p.dockerSite(ctx, engine, want, report)
	}
	if p.Mode == "docker" || want.Image != "" {
		return container.Site{}, container.WithHint(err, "start the engine or set DOCKER_HOST, or build with this machine's go: --builder=host")
	}
	site, hostErr := p.hostSite(want)
	if errors.Is(hostErr, errNoGo) {
		return site, container.WithHint(fmt.Errorf("%w, and %w", err, hostErr), "start a container engine, or install Go")
	}
	if hostErr == nil {
		p.Notice("no container engine answers: building with this machine's go, which nothing pins")
	}
	return site, hostErr
}

// hostSite is this machine's go. A version that is demanded is left to it:
// GOTOOLCHAIN makes it become that release, or fetch and verify it.
func (p *Provider) hostSite(want container.Want) (container.Site, error) {
	path, err := p.findGo()
	if err != nil {
		return container.Site{}, err
	}
	site := container.Site{Builder: "host", Executor: p.Host, Go: path, Helper: p.Self, Version: releaseOf(path)}
	if want.From != "--go-version" {
		site.Version = switched(want, site.Version)
		return site, nil
	}
	release, err := exactRelease(want.Version)
	if err != nil {
		return container.Site{}, err
	}
	if release != site.Version {
		site.Env = []string{"GOTOOLCHAIN=go" + release}
	}
	site.Version = release
	return site, nil
}

// switched is the release that a go command of release own becomes by itself:
// the one that GOTOOLCHAIN names, or "" where a go or toolchain line asks for a
// newer one and the go command decides.
func switched(want container.Want, own string) string {
	v := "go" + strings.TrimPrefix(want.Version, "go")
	switch {
	case want.Exact:
		return strings.TrimPrefix(v, "go")
	case want.Version != "" && version.Compare(v, "go"+own) > 0:
		return ""
	}
	return own
}

// errNoGo is wrapped by the error of findGo.
var errNoGo = errors.New("there is no go command on PATH")

// findGo looks for the go command on the caller's PATH.
func (p *Provider) findGo() (string, error) {
	for _, dir := range filepath.SplitList(p.Env.Get("PATH")) {
		if path, err := exec.LookPath(filepath.Join(dir, "go")); err == nil && filepath.IsAbs(dir) {
			return path, nil
		}
	}
	return "", container.WithHint(errNoGo, "install Go, or start a container engine and drop --builder=host")
}

// releaseOf reads the release of a go command from its GOROOT, "" when it is
// no plain installation.
func releaseOf(path string) string {
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		return ""
	}
	data, err := os.ReadFile(filepath.Join(filepath.Dir(filepath.Dir(real)), "VERSION"))
	if err != nil {
		return ""
	}
	first, _, _ := strings.Cut(string(data), "\n")
	release, _ := strings.CutPrefix(strings.TrimSpace(first), "go")
	return release
}

// exactRelease turns "1.26" into the newest pinned release of that line.
func exactRelease(want string) (string, error) {
	lock, err := container.PinnedToolchains()
	if err != nil {
		return "", err
	}
	tc, fetch, err := lock.ChooseExact(want, "linux/amd64")
	if err != nil {
		return "", &buildflags.UsageError{Message: err.Error(), Hint: "write a Go release, 1.26 or 1.26.8"}
	}
	if fetch != "" {
		return fetch, nil
	}
	return tc.Version, nil
}

// dockerSite is a container of the image that is wanted.
func (p *Provider) dockerSite(ctx context.Context, engine *docker.Engine, want container.Want, report func(container.Progress)) (container.Site, error) {
	platform, err := engine.Platform(ctx)
	if err != nil {
		return container.Site{}, err
	}
	// First, since an image may take a while to make.
	sibling, temp, err := p.sibling(ctx, engine)
	if err != nil {
		return container.Site{}, err
	}
	report, stop := steady(report)
	defer stop()
	m := images{Provider: p, engine: engine, platform: platform, own: sibling, temp: temp, report: report}
	site, img, err := m.choose(ctx, want)
	if err != nil {
		return container.Site{}, hinted(err)
	}
	site.Builder, site.Go = "docker", "go"
	site.Temp, site.Shares = temp, sibling.Shares
	site.Executor = &docker.Container{Engine: engine, Image: img.ID, Track: p.Track, Sibling: sibling}
	site.Helper = helperFor(p.Self, platform)
	site.User, err = engine.User(ctx)
	return site, err
}

// sibling is the container of this engine that gorun runs in, and where a run's
// temporary directory must be for the build's container to see it.
func (p *Provider) sibling(ctx context.Context, engine *docker.Engine) (*docker.Sibling, string, error) {
	sibling, err := engine.Sibling(ctx)
	if err != nil {
		return nil, "", err
	}
	temp, err := sibling.TempDir(p.Env.Get("GOTMPDIR"), os.TempDir(), p.Env.Get("RUNNER_TEMP"), p.CacheDir)
	return sibling, temp, err
}

// choose returns the image to take, and what a Site says of it.
func (m images) choose(ctx context.Context, want container.Want) (container.Site, docker.Image, error) {
	if want.Image != "" {
		img, err := m.named(ctx, want.Image)
		return container.Site{
			Image: want.Image, Digest: digestOf(want.Image),
			Version: goenv.Lookup(img.Env, "GOLANG_VERSION"), // the official image says so
		}, img, err
	}
	tc, img, err := m.pinned(ctx, want)
	return container.Site{Image: image.Name(tc), Digest: tc.Digest, Version: tc.Version, NoC: true}, img, err
}
