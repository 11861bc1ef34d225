package provision

import (
	"context"
	"errors"
	"os"
	"path/filepath"

	"github.com/org/gorun-action/container"
	"github.com/org/gorun-action/container/docker"
	"github.com/org/gorun-action/container/image"
)

// learnedFile keeps, in the cache directory, the entries of toolchains that
// are not in gorun's own lock, in the lock's format.
const learnedFile = "toolchains.json"

// learned returns what earlier runs wrote down. A file that cannot be read is
// an empty one: it is only a cache, and every entry is checked again when its
// image is made.
func (p *Provider) learned() container.Lock {
	data, err := os.ReadFile(filepath.Join(p.CacheDir, learnedFile))
	if err != nil {
		return container.Lock{}
	}
	lock, err := container.ParseLock(data)
	if err != nil {
		return container.Lock{}
	}
	return lock
}

// learn gets a release that is not in the lock: a go command downloads it and
// verifies it with the checksum database, and its image's digests are kept for
// the next time.
func (p *Provider) learn(ctx context.Context, engine *docker.Engine, release, platform string, report func(container.Progress)) (container.Toolchain, docker.Image, error) {
	dir, clean, err := p.tempDir()
	if err != nil {
		return container.Toolchain{}, docker.Image{}, err
	}
	defer clean()
	goCommand, err := p.goCommand(ctx, engine, platform, dir, report)
	if err != nil {
		return container.Toolchain{}, docker.Image{}, err
	}
	report(container.Progress{Task: "downloading go" + release + " with the go command", Unit: "bytes"})
	tc, zip, err := goCommand.Download(ctx, release, platform)
	if err != nil {
		return tc, docker.Image{}, err
	}
	tc, img, err := p.assemble(ctx, engine, tc, zip, report)
	if err == nil {
		p.keep(tc)
	}
	return tc, img, err
}

// goCommand is the host's go, or that of the lock's default toolchain.
func (p *Provider) goCommand(ctx context.Context, engine *docker.Engine, platform, dir string, report func(container.Progress)) (image.Go, error) {
	modcache := p.Env.GOMODCACHE()
	env := append(p.Env.Environ(), p.Env.Configured()...)
	if path, err := p.findGo(); err == nil {
		return image.Go{Executor: p.Host, Path: path, Dir: dir, Env: env}, nil
	}
	_, img, err := p.pinnedImage(ctx, engine, container.Want{}, platform, report)
	if err != nil {
		return image.Go{}, err
	}
	if err := os.MkdirAll(modcache, 0o755); err != nil {
		return image.Go{}, err
	}
	user, err := engine.User(ctx)
	return image.Go{
		Executor: &docker.Container{Engine: engine, Image: img.ID, Track: p.Track},
		Path:     "go", Dir: dir, User: user,
		Env:    append(p.configured(), "HOME="+dir, "GOMODCACHE="+modcache, "GOPATH="+dir, "GOCACHE="+dir),
		Mounts: []container.Mount{{Source: dir, Target: dir, Writable: true}, {Source: modcache, Target: modcache, Writable: true}},
	}, err
}

// configured is what a download in a container has to know.
func (p *Provider) configured() []string {
	var env []string
	for _, name := range []string{"GOPROXY", "GOSUMDB", "GOPRIVATE", "GONOPROXY", "GONOSUMDB", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy"} {
		if v := p.Env.Get(name); v != "" {
			env = append(env, name+"="+v)
		}
	}
	return env
}

// keep writes down an entry. That it could not be kept costs the next run a
// download, and nothing else.
func (p *Provider) keep(tc container.Toolchain) {
	lock := p.learned()
	if _, ok := lock.Find(tc.Version, tc.Platform); ok {
		return
	}
	lock.Toolchains = append(lock.Toolchains, tc)
	if lock.Default == "" {
		lock.Default = tc.Version
	}
	data, err := lock.Encode()
	if err == nil {
		err = replaceFile(filepath.Join(p.CacheDir, learnedFile), data)
	}
	if err != nil {
		p.Notice("the toolchain will be looked up again next time: " + err.Error())
	}
}

func replaceFile(path string, data []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	part, err := os.CreateTemp(filepath.Dir(path), ".part-")
	if err != nil {
		return err
	}
	defer os.Remove(part.Name())
	_, err = part.Write(data)
	if err := errors.Join(err, part.Close()); err != nil {
		return err
	}
	return os.Rename(part.Name(), path)
}
