package provision

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/google/renameio/v2"

	"github.com/org/gorun-action/container"
	"github.com/org/gorun-action/container/docker"
	"github.com/org/gorun-action/container/image"
	"github.com/org/gorun-action/internal/buildflags"
)

// learnedFile keeps, in the cache directory, the entries of toolchains that
// are not in gorun's own lock, in the lock's format.
//
// It is a short cut to the id of an image that the engine has, and nothing
// more: what it says is taken only if the engine has that image and the image
// itself says, in its labels, that it was made from that module with that sum.
// In every other case the go command and the checksum database decide anew,
// and the file is put right. So a damaged file costs time, and who would use
// it to bring in another image must have put that image into the engine.
const learnedFile = "toolchains.json"

// learned returns what earlier runs wrote down. A file that cannot be read is
// an empty one.
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

// outside is the image of a release that is not in the lock.
func (m images) outside(ctx context.Context, release, from string) (tc container.Toolchain, img docker.Image, err error) {
	find := func() (img docker.Image, err error) {
		tc, img, err = m.known(ctx, release)
		return img, err
	}
	learn := func() (img docker.Image, err error) {
		tc, img, err = m.learn(ctx, release)
		if errors.Is(err, fs.ErrNotExist) {
			err = &buildflags.UsageError{
				Message: fmt.Sprintf("%s asks for go%s, which does not exist for %s: %v", from, release, m.platform, err),
				Hint:    "see go.dev/dl for the releases and their platforms",
			}
		}
		return img, err
	}
	img, err = m.once(ctx, container.Toolchain{Version: release, Platform: m.platform}, find, learn)
	return tc, img, err
}

// known returns the image of a release that was learned before. Whatever
// speaks against it makes it unknown.
func (m images) known(ctx context.Context, release string) (container.Toolchain, docker.Image, error) {
	tc, ok := m.learned().Find(release, m.platform)
	if !ok {
		return tc, docker.Image{}, fs.ErrNotExist
	}
	img, err := has(ctx, m.engine, tc.Config, tc.Digest)
	if err != nil || !image.MadeFrom(img.Labels, tc) {
		return tc, docker.Image{}, fs.ErrNotExist
	}
	return tc, img, nil
}

// learn gets a release that is not in the lock: a go command downloads it and
// verifies it with the checksum database, and its image's digests are kept for
// the next time.
func (m images) learn(ctx context.Context, release string) (container.Toolchain, docker.Image, error) {
	dir, clean, err := container.TempDir(cmp.Or(m.temp, m.Env.Get("GOTMPDIR")), m.TrackDir)
	if err != nil {
		return container.Toolchain{}, docker.Image{}, err
	}
	defer clean()
	goCommand, modcache, err := m.goCommand(ctx, dir)
	if err != nil {
		return container.Toolchain{}, docker.Image{}, err
	}
	stop := m.watch(release, modcache)
	tc, zip, err := goCommand.DownloadVerified(ctx, release, m.platform, nil) // watch reports for both
	stop()
	if err != nil {
		return tc, docker.Image{}, err
	}
	tc, img, err := m.assemble(ctx, tc, zip, dir)
	if err == nil {
		m.keep(tc)
	}
	return tc, img, err
}

// watch reports how large the go command's download has grown; the go command
// itself says nothing until it is done.
func (m images) watch(release, modcache string) (stop func()) {
	pattern := filepath.Join(modcache, "cache", "download", "golang.org", "toolchain", "@v", "*go"+release+"."+strings.ReplaceAll(m.platform, "/", "-")+".zip*")
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for tick := time.Tick(250 * time.Millisecond); ; { // a bar that moves
			m.report(container.Progress{Task: "downloading go" + release + " with the go command", Done: largest(pattern), Unit: "bytes"})
			select {
			case <-done:
				return
			case <-tick:
			}
		}
	}()
	return func() { close(done); <-ended }
}

func largest(pattern string) (size int64) {
	files, _ := filepath.Glob(pattern)
	for _, file := range files {
		if info, err := os.Stat(file); err == nil {
			size = max(size, info.Size())
		}
	}
	return size
}

// goCommand is the host's go, or that of the lock's default toolchain, and its
// module cache.
func (m images) goCommand(ctx context.Context, dir string) (image.Go, string, error) {
	modcache := m.Env.GOMODCACHE()
	if path, err := m.findGo(); err == nil {
		frozen, err := m.Env.Frozen(dir)
		env := append(frozen.Environ(), m.Env.Configured()...)
		return image.Go{Executor: m.Host, Path: path, Dir: dir, Env: env}, modcache, err
	}
	if modcache == "" || os.MkdirAll(modcache, 0o755) != nil || m.own.Shares(modcache) != nil {
		modcache = filepath.Join(dir, "mod")
	}
	g, err := m.containedGo(ctx, dir, modcache)
	return g, modcache, err
}

func (m images) containedGo(ctx context.Context, dir, modcache string) (image.Go, error) {
	_, img, err := m.pinned(ctx, container.Want{})
	if err != nil {
		return image.Go{}, err
	}
	g := image.Go{
		Executor: &docker.Container{Engine: m.engine, Image: img.ID, Track: m.Track, Sibling: m.own},
		Path:     "go", Dir: dir,
		Env: append(m.configured(), "HOME="+dir, "GOMODCACHE="+modcache, "GOPATH="+dir, "GOCACHE="+dir),
		// The one that holds the other comes first.
		Mounts: []container.Mount{{Source: dir, Target: dir, Writable: true}},
	}
	if !strings.HasPrefix(modcache, dir) {
		g.Mounts = append(g.Mounts, container.Mount{Source: modcache, Target: modcache, Writable: true})
	}
	if err := m.trust(&g, dir); err != nil {
		return g, err
	}
	g.User, err = m.engine.User(ctx)
	return g, err
}

// trust gives the container this machine's CA roots and the user's netrc.
func (m images) trust(g *image.Go, dir string) error {
	if file := m.Env.Netrc(); file != "" && m.own.Shares(file) == nil {
		g.Mounts = append(g.Mounts, container.Mount{Source: file, Target: file})
		g.Env = append(g.Env, "NETRC="+file)
	}
	roots := m.Env.Roots()
	if len(roots) == 0 {
		return nil
	}
	file := filepath.Join(dir, "roots.pem")
	g.Env = append(g.Env, "SSL_CERT_FILE="+file)
	return os.WriteFile(file, roots, 0o644)
}

// configured is what a download in a container has to know.
func (p *Provider) configured() []string {
	var env []string
	for _, name := range []string{
		"GOPROXY", "GOSUMDB", "GOPRIVATE", "GONOPROXY", "GONOSUMDB", "GOINSECURE", "GOAUTH",
		"HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy",
	} {
		if v := p.Env.Get(name); v != "" {
			env = append(env, name+"="+v)
		}
	}
	return env
}

// keep writes down an entry, in place of an older one. That it could not be
// kept costs the next run a download, and nothing else.
func (p *Provider) keep(tc container.Toolchain) {
	lock := container.Lock{Default: tc.Version, Toolchains: []container.Toolchain{tc}}
	for _, t := range p.learned().Toolchains {
		if t.Version != tc.Version || t.Platform != tc.Platform {
			lock.Toolchains = append(lock.Toolchains, t)
		}
	}
	data, err := lock.Encode()
	if err == nil {
		err = errors.Join(os.MkdirAll(p.CacheDir, 0o755), renameio.WriteFile(filepath.Join(p.CacheDir, learnedFile), data, 0o644, renameio.WithTempDir(p.CacheDir)))
	}
	if err != nil {
		p.Notice("the toolchain will be looked up again next time: " + err.Error())
	}
}
