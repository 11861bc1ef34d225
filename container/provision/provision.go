// Package provision finds the place where the go command runs, and makes its
// toolchain ready: this machine's go, or a container of the pinned image. The
// image is taken from the engine, else pulled by digest, else assembled from
// the module proxy and loaded, in this order.
package provision

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/org/gorun-action/container"
	"github.com/org/gorun-action/container/docker"
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
	if hostErr != nil {
		return container.Site{}, container.WithHint(fmt.Errorf("%w, and %w", err, hostErr), "start a container engine, or install Go")
	}
	p.Notice("no container engine answers: building with this machine's go, which nothing pins")
	return site, nil
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

// findGo looks for the go command on the caller's PATH.
func (p *Provider) findGo() (string, error) {
	for _, dir := range filepath.SplitList(p.Env.Get("PATH")) {
		if path, err := exec.LookPath(filepath.Join(dir, "go")); err == nil && filepath.IsAbs(dir) {
			return path, nil
		}
	}
	return "", container.WithHint(errors.New("there is no go command on PATH"), "install Go, or start a container engine and drop --builder=host")
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
	site := container.Site{Builder: "docker", Go: "go"}
	var image docker.Image
	platform, err := engine.Platform(ctx)
	if err != nil {
		return site, err
	}
	if want.Image != "" {
		image, err = p.namedImage(ctx, engine, want.Image, report)
		site.Image, site.Digest = want.Image, digestOf(want.Image)
		site.Version = valueOf(image.Env, "GOLANG_VERSION") // the official image says so
	} else {
		var tc container.Toolchain
		tc, image, err = p.pinnedImage(ctx, engine, want, platform, report)
		site.Image, site.Digest, site.Version, site.NoC = imageName(tc), tc.Digest, tc.Version, true
	}
	if err != nil {
		return container.Site{}, err
	}
	site.Executor = &docker.Container{Engine: engine, Image: image.ID, Track: p.Track}
	site.Helper = helperFor(p.Self, platform)
	site.User, err = engine.User(ctx)
	return site, err
}

// imageName is the tag under which a pinned image stands in the engine: for
// people, nothing is looked up by it.
func imageName(tc container.Toolchain) string {
	return "gorun/toolchain:" + tc.Version + "-" + strings.ReplaceAll(tc.Platform, "/", "-")
}

func valueOf(env []string, name string) string {
	for _, kv := range env {
		if v, ok := strings.CutPrefix(kv, name+"="); ok {
			return v
		}
	}
	return ""
}

// has returns the image of the first reference that the engine has.
func has(ctx context.Context, engine *docker.Engine, refs ...string) (docker.Image, error) {
	for _, ref := range refs {
		image, err := engine.Image(ctx, ref)
		if !errors.Is(err, fs.ErrNotExist) {
			return image, err
		}
	}
	return docker.Image{}, fs.ErrNotExist
}

// tempDir makes a directory that is removed by clean, or by whoever tracks it.
func (p *Provider) tempDir() (dir string, clean func(), err error) {
	dir, err = os.MkdirTemp(p.Env.Get("GOTMPDIR"), "gorun-")
	if err != nil {
		return "", nil, container.WithHint(err, "make room in the temporary directory, or name another one with TMPDIR")
	}
	release := func() {}
	if p.TrackDir != nil {
		release = p.TrackDir(dir)
	}
	return dir, func() { os.RemoveAll(dir); release() }, nil
}
