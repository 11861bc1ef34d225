package provision

import (
	"fmt"
	"go/version"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/org/gorun-action/container"
	"github.com/org/gorun-action/container/docker"
	"github.com/org/gorun-action/container/image"
)

// Identity implements runner.Builder. It says what Site will come to, so that
// an executable can be found that this toolchain built; who keeps one compares
// it with the Site that there was.
func (p *Provider) Identity(want container.Want) container.Identity {
	switch {
	case p.Mode == "host":
		return p.hostIdentity(want)
	case p.Mode == "docker" || want.Image != "" || docker.Listens():
		return p.imageIdentity(want)
	}
	return p.hostIdentity(want)
}

// imageIdentity takes the engine to be of this machine's architecture.
func (p *Provider) imageIdentity(want container.Want) container.Identity {
	id := container.Identity{Builder: "docker"}
	if want.Image != "" {
		id.Image, id.Digest = want.Image, digestOf(want.Image)
		if id.Digest == "" {
			id.Unknown = "the toolchain image is not named by digest"
		}
		return id
	}
	tc, err := p.locked(want, "linux/"+runtime.GOARCH)
	if err != nil {
		id.Unknown = err.Error()
		return id
	}
	id.Image, id.Digest, id.Version = image.Name(tc), tc.Digest, tc.Version
	return id
}

// locked is the toolchain of the lock, or of what was learned before.
func (p *Provider) locked(want container.Want, platform string) (container.Toolchain, error) {
	lock, err := container.PinnedToolchains()
	if err != nil {
		return container.Toolchain{}, err
	}
	tc, release, err := choose(lock, want, platform)
	if err != nil || release == "" {
		return tc, err
	}
	if tc, ok := p.learned().Find(release, platform); ok {
		return tc, nil
	}
	return tc, fmt.Errorf("go%s is not pinned, and was not used here before", release)
}

func choose(lock container.Lock, want container.Want, platform string) (container.Toolchain, string, error) {
	if want.Exact {
		return lock.ChooseExact(want.Version, platform)
	}
	return lock.Choose(want.Version, platform)
}

// hostIdentity is this machine's go, or the release that it becomes.
func (p *Provider) hostIdentity(want container.Want) container.Identity {
	path, err := p.findGo()
	if err != nil {
		return container.Identity{Builder: "host", Unknown: err.Error()}
	}
	id := container.Identity{Builder: "host", Go: path, Root: p.goroot(path), Version: releaseOf(path)}
	release, why := p.becomes(want, id.Version)
	if why != "" {
		id.Unknown = why
		return id
	}
	if release != id.Version {
		id.Version, id.Root = release, p.downloaded(release)
		if _, err := os.Stat(filepath.Join(id.Root, "VERSION")); err != nil {
			id.Unknown = "go" + release + " is not on this machine yet"
		}
	}
	return id
}

// goroot is GOROOT of a go command: the variable, else where it is installed.
func (p *Provider) goroot(path string) string {
	if root := p.Env.Get("GOROOT"); root != "" {
		return root
	}
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real
	}
	return filepath.Dir(filepath.Dir(path))
}

// downloaded is GOROOT of a release that the go command fetched
// (cmd/go/internal/toolchain).
func (p *Provider) downloaded(release string) string {
	return filepath.Join(p.Env.GOMODCACHE(), "golang.org", fmt.Sprintf("toolchain@v0.0.1-go%s.%s-%s", release, runtime.GOOS, runtime.GOARCH))
}

// becomes is the release that a go command of release own runs as: see
// switched. why is set when only the go command can tell.
func (p *Provider) becomes(want container.Want, own string) (release, why string) {
	if want.From == "--go-version" {
		release, err := exactRelease(want.Version)
		if err != nil {
			return "", err.Error()
		}
		return release, ""
	}
	switch setting := p.Env.Get("GOTOOLCHAIN"); {
	case setting == "local":
		return own, ""
	case strings.Contains(setting, "+") || setting == "path":
		return "", "GOTOOLCHAIN=" + setting + " leaves the release to the go command"
	}
	if release = switched(want, own); release != "" {
		return release, ""
	}
	if !version.IsValid("go"+want.Version) || strings.Count(want.Version, ".") < 2 {
		return "", "the go command chooses a release of Go " + want.Version + " by itself"
	}
	return want.Version, ""
}
