// Package docker runs Commands in containers of a Docker engine, and gets
// images into it. It is the only home of github.com/docker/docker, so that its
// successor can take its place: nothing of that module appears in an exported
// signature.
package docker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"time"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/image"
	"github.com/docker/docker/client"
	"github.com/docker/docker/pkg/jsonmessage"

	"github.com/org/gorun-action/container"
)

// pingTimeout is how long an engine gets to answer before it counts as absent.
// A local one answers in milliseconds; one that is starting up, or a socket
// that nobody serves, must not hold up a run.
const pingTimeout = 3 * time.Second

// Engine is a connection to a Docker engine. It is safe for concurrent use.
type Engine struct{ api *client.Client }

// ErrNoEngine is wrapped by the error of Connect when no engine answers.
var ErrNoEngine = errors.New("no container engine answers")

// Connect finds the engine as the docker command does: DOCKER_HOST,
// DOCKER_TLS_VERIFY, DOCKER_CERT_PATH and DOCKER_API_VERSION of the process's
// environment, else the default socket.
func Connect(ctx context.Context) (*Engine, error) {
	api, err := client.NewClientWithOpts(client.FromEnv, client.WithAPIVersionNegotiation())
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNoEngine, err)
	}
	ctx, cancel := context.WithTimeout(ctx, pingTimeout)
	defer cancel()
	ping, err := api.Ping(ctx)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%w: %w", ErrNoEngine, err), api.Close())
	}
	if ping.OSType != "" && ping.OSType != "linux" {
		return nil, errors.Join(fmt.Errorf("%w: the engine runs %s containers, gorun needs linux ones", ErrNoEngine, ping.OSType), api.Close())
	}
	return &Engine{api: api}, nil
}

// Close ends the connection.
func (e *Engine) Close() error { return e.api.Close() }

// Host returns the engine's address, "unix:///var/run/docker.sock".
func (e *Engine) Host() string { return e.api.DaemonHost() }

// Platform returns what the engine's machine runs by itself: "linux/amd64".
func (e *Engine) Platform(ctx context.Context) (string, error) {
	v, err := e.api.ServerVersion(ctx)
	if err != nil {
		return "", fmt.Errorf("asking the engine for its platform: %w", err)
	}
	return v.Os + "/" + v.Arch, nil
}

// Image is an image that the engine has.
type Image struct {
	// ID is the digest of the image's configuration in an engine with the
	// classic store, of its manifest in one with the containerd store.
	ID string
	// Digests are the "repository@sha256:…" names it was pulled by.
	Digests []string
	// Env is the environment that its containers start with.
	Env []string
	// Labels are what its maker says of it.
	Labels map[string]string
}

// Image returns the image of that id or reference. One that the engine does
// not have is fs.ErrNotExist.
func (e *Engine) Image(ctx context.Context, ref string) (Image, error) {
	info, err := e.api.ImageInspect(ctx, ref)
	if cerrdefs.IsNotFound(err) {
		return Image{}, fmt.Errorf("image %s: %w", ref, fs.ErrNotExist)
	}
	if err != nil {
		return Image{}, fmt.Errorf("inspecting image %s: %w", ref, err)
	}
	img := Image{ID: info.ID, Digests: info.RepoDigests}
	if info.Config != nil {
		img.Env, img.Labels = info.Config.Env, info.Config.Labels
	}
	return img, nil
}

// Load adds the images of an archive, the format of `docker load`. What it
// reports, under the name of task, begins once the engine has all of the
// archive. report may be nil.
func (e *Engine) Load(ctx context.Context, archive io.Reader, task string, report func(container.Progress)) error {
	resp, err := e.api.ImageLoad(ctx, archive, client.ImageLoadWithQuiet(report == nil))
	if err != nil {
		return fmt.Errorf("loading the image into the engine: %w", err)
	}
	defer resp.Body.Close()
	sum := layerProgress{task: task, status: "Loading layer", layers: map[string][2]int64{}}
	if err := drain(resp.Body, func(m jsonmessage.JSONMessage) { sum.add(m, report) }); err != nil {
		return fmt.Errorf("loading the image into the engine: %w", err)
	}
	return nil
}

// Pull gets an image from its registry. auth is what the X-Registry-Auth
// header of the engine's API takes; "" pulls without credentials. A reference
// that the registry does not have is fs.ErrNotExist. report may be nil.
func (e *Engine) Pull(ctx context.Context, ref, auth string, report func(container.Progress)) error {
	body, err := e.api.ImagePull(ctx, ref, image.PullOptions{RegistryAuth: auth})
	if cerrdefs.IsNotFound(err) {
		return fmt.Errorf("pulling %s: %w: %w", ref, fs.ErrNotExist, err)
	}
	if err != nil {
		return fmt.Errorf("pulling %s: %w", ref, err)
	}
	defer body.Close()
	download := layerProgress{task: "pulling " + ref, status: "Downloading", layers: map[string][2]int64{}}
	extract := layerProgress{task: "extracting " + ref, status: "Extracting", layers: map[string][2]int64{}}
	each := func(m jsonmessage.JSONMessage) { download.add(m, report); extract.add(m, report) }
	if err := drain(body, each); err != nil {
		return fmt.Errorf("pulling %s: %w", ref, err)
	}
	return nil
}

// layerProgress adds up what the engine says of each layer in one status.
type layerProgress struct {
	task, status string
	layers       map[string][2]int64
}

func (p *layerProgress) add(m jsonmessage.JSONMessage, report func(container.Progress)) {
	if report == nil || m.Progress == nil || m.Status != p.status {
		return
	}
	p.layers[m.ID] = [2]int64{m.Progress.Current, m.Progress.Total}
	sum := container.Progress{Task: p.task, Unit: "bytes"}
	for _, l := range p.layers {
		sum.Done += l[0]
		sum.Total += l[1]
	}
	report(sum)
}

// drain reads the engine's messages to their end; the engine reports a failure
// of the request in the last of them. What is no message is no news.
func drain(r io.Reader, each func(jsonmessage.JSONMessage)) error {
	dec := json.NewDecoder(r)
	for {
		var m jsonmessage.JSONMessage
		if err := dec.Decode(&m); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return fmt.Errorf("reading the engine's answer: %w", err)
		}
		if m.Error != nil {
			return m.Error
		}
		each(m)
	}
}

// Remove ends the container of that name and removes it. One that does not
// exist is fs.ErrNotExist.
func (e *Engine) Remove(ctx context.Context, name string) error {
	err := e.api.ContainerRemove(ctx, name, removeOptions)
	if cerrdefs.IsNotFound(err) {
		return fmt.Errorf("container %s: %w", name, fs.ErrNotExist)
	}
	if cerrdefs.IsConflict(err) { // the engine is removing it already
		return nil
	}
	return err
}

// User returns the "uid:gid" under which a container writes files that belong
// to this process's user, or "" when the engine is rootless: there the
// container's root is that user.
func (e *Engine) User(ctx context.Context) (string, error) {
	info, err := e.api.Info(ctx)
	if err != nil {
		return "", fmt.Errorf("asking the engine for its security options: %w", err)
	}
	if slices.Contains(info.SecurityOptions, "name=rootless") {
		return "", nil
	}
	return fmt.Sprintf("%d:%d", os.Getuid(), os.Getgid()), nil
}
