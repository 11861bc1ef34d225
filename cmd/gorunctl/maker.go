package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"golang.org/x/term"

	"github.com/org/gorun-action/container"
	"github.com/org/gorun-action/container/docker"
	"github.com/org/gorun-action/container/image"
	"github.com/org/gorun-action/container/provision"
	"github.com/org/gorun-action/internal/goenv"
	"github.com/org/gorun-action/internal/report"
	"github.com/org/gorun-action/runner"
)

// defaultProxy stands in for a GOPROXY that is set nowhere, which happens on
// machines without Go. A release sets it with -ldflags=-X.
var defaultProxy string

// command is gorunctl with everything that it takes from its process.
type command struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	env            goenv.Env
	goPath         string // the go command, "" where there is none
	progress       image.Progress
}

func newCommand(stdout, stderr io.Writer, environ []string) *command {
	path := findGo(goenv.Load(environ, "").Get("PATH"))
	return &command{
		stdout: stdout, stderr: stderr,
		env:      goenv.Load(environ, gorootOf(path)),
		goPath:   path,
		progress: progressOn(stderr),
	}
}

// findGo looks for the go command on a PATH, "" where there is none.
func findGo(path string) string {
	for _, dir := range filepath.SplitList(path) {
		file := filepath.Join(dir, "go")
		if info, err := os.Stat(file); err == nil && filepath.IsAbs(dir) && info.Mode().IsRegular() && info.Mode()&0o111 != 0 {
			return file
		}
	}
	return ""
}

// gorootOf returns the installation that a go command belongs to, "" where
// that cannot be told.
func gorootOf(path string) string {
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		return ""
	}
	root := filepath.Dir(filepath.Dir(real))
	if _, err := os.Stat(filepath.Join(root, "VERSION")); err != nil {
		return ""
	}
	return root
}

// progressOn shows progress as gorun does: a bar on a terminal, else a line
// now and then, and neither for what takes less than a second.
func progressOn(stderr io.Writer) image.Progress {
	var opts report.TextOptions
	if f, ok := stderr.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		opts.Terminal = true
		if width, _, err := term.GetSize(int(f.Fd())); err == nil {
			opts.Width = width
		}
	}
	text := report.NewText(stderr, opts)
	return func(p container.Progress) { text.Event(runner.Progressed{Progress: p}) }
}

// maker makes images in a temporary directory.
type maker struct {
	*command
	dir string
}

// newMaker returns a maker and what removes its files, which the images that
// it made need.
func (c *command) newMaker() (*maker, func(), error) {
	dir, err := os.MkdirTemp(c.env.Get("GOTMPDIR"), "gorunctl-")
	if err != nil {
		return nil, nil, container.WithHint(err, "make room in the temporary directory, or name another one with TMPDIR")
	}
	return &maker{c, dir}, func() { os.RemoveAll(dir) }, nil
}

// fetch returns the zip of a pinned toolchain.
func (m *maker) fetch(ctx context.Context, tc container.Toolchain) (zip string, err error) {
	proxy := m.env.Get("GOPROXY")
	if proxy == "" {
		proxy = defaultProxy
	}
	return image.Fetch(ctx, tc, image.Source{GOPROXY: proxy, ModCache: m.env.GOMODCACHE(), Dir: filepath.Join(m.dir, "zip")}, m.progress)
}

// goCommand returns the host's go, for what is not in the lock.
func (m *maker) goCommand() (image.Go, error) {
	if m.goPath == "" {
		return image.Go{}, container.WithHint(errors.New("there is no go command on PATH, which downloads and verifies what is not in the lock"), "install Go")
	}
	empty := filepath.Join(m.dir, "empty")
	if err := os.MkdirAll(empty, 0o777); err != nil {
		return image.Go{}, err
	}
	return image.Go{Executor: container.Host{}, Path: m.goPath, Dir: empty, Env: append(m.env.Environ(), m.env.Configured()...)}, nil
}

// download returns the entry, without digests, and the zip of a release that
// is not in the lock.
func (m *maker) download(ctx context.Context, release, platform string) (container.Toolchain, string, error) {
	g, err := m.goCommand()
	if err != nil {
		return container.Toolchain{}, "", err
	}
	m.progress(container.Progress{Task: fmt.Sprintf("downloading go%s %s with the go command", release, platform), Unit: "bytes"})
	return g.DownloadVerified(ctx, release, platform, m.progress)
}

// load puts the image of a toolchain into the engine and returns its id there.
func (m *maker) load(ctx context.Context, tc container.Toolchain, img image.Image) (id string, err error) {
	return m.intoEngine(ctx, provision.LoadableOf(tc, img))
}

func (m *maker) intoEngine(ctx context.Context, img provision.Loadable) (id string, err error) {
	engine, err := docker.Connect(ctx)
	if err != nil {
		return "", container.WithHint(err, "start the engine or set DOCKER_HOST, or write a file with --output")
	}
	defer engine.Close()
	loaded, err := img.Load(ctx, engine, m.progress)
	return loaded.ID, err
}
