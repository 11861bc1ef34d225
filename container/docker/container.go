package docker

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"syscall"
	"time"

	"github.com/docker/docker/api/types"
	dockercontainer "github.com/docker/docker/api/types/container"
	"github.com/docker/docker/pkg/stdcopy"
	"golang.org/x/sys/unix"

	"github.com/org/gorun-action/container"
)

// removeOptions take a container away whatever its state.
var removeOptions = dockercontainer.RemoveOptions{Force: true, RemoveVolumes: true}

// cleanupTimeout bounds how long an engine may take to start a container, and to
// remove one.
const cleanupTimeout = 20 * time.Second

// engineGrace is how long an engine gets for all that is left to do when a run
// was cancelled, beside the time that the command has to stop. One that does not
// answer keeps nobody.
const engineGrace = 2 * time.Second

var errNoAnswer = fmt.Errorf("the container engine did not answer within %v", engineGrace)

// createTimeout bounds how long an engine may take over a container, which it
// creates in a fraction of a second unless the machine is overloaded.
const createTimeout = time.Minute

// Container is the Executor that runs each Command in a new container of one
// image. It is safe for concurrent use.
type Container struct {
	Engine *Engine
	// Image is the id of the image, never a tag: what was checked is what runs.
	Image string
	// Track, when not nil, is told the name of each container before it is
	// created, so that somebody can remove it should this process die. The
	// function it returns is called when the container is gone.
	Track func(name string) (release func())
	// Sibling is the container that this process itself runs in, nil for none.
	Sibling *Sibling
}

// Run implements container.Executor. The container shares this process's network:
// what the go command reaches here, it reaches there, loopback proxies
// included.
//
// The engine keeps some things to itself: a program that a signal ended is
// reported with Code 128 + signal, one of another system's format ends with
// the runtime's own message and status, and the two output streams are each in
// order, but not with each other.
func (c *Container) Run(ctx context.Context, cmd container.Command) (container.ExitStatus, error) {
	name := "gorun-" + strings.ToLower(rand.Text())
	release := func() {}
	if c.Track != nil {
		release = c.Track(name)
	}
	engine, cancel := outlasting(ctx, cmd.Stop)
	defer cancel() // the last of all
	defer func() {
		leaving, cancel := outlasting(ctx, nil)
		defer cancel()
		defer context.AfterFunc(engine, cancel)()
		if c.remove(leaving, name) == nil {
			release()
		}
	}()
	if ctx.Err() != nil {
		return container.ExitStatus{}, fmt.Errorf("creating the container: %w", context.Cause(ctx))
	}
	if err := c.create(engine, name, cmd); err != nil {
		return container.ExitStatus{}, err
	}
	output, err := c.attach(engine, name, cmd)
	if err != nil {
		return container.ExitStatus{}, err
	}
	// The wait outlives ctx: a stopped container still has a status.
	exited, failed := c.Engine.api.ContainerWait(engine, name, dockercontainer.WaitConditionNextExit)
	if err := c.start(engine, name, cmd); err != nil {
		return container.ExitStatus{}, err
	}
	status, err := c.wait(ctx, engine, name, cmd, exited, failed)
	return status, errors.Join(err, <-output)
}

// outlasting returns a context for the engine: what was cut short at once would
// leave a container behind, and nobody would know whether its program had begun.
func outlasting(ctx context.Context, steps []container.StopStep) (context.Context, context.CancelFunc) {
	grace := engineGrace
	for _, s := range steps {
		grace += s.Wait
	}
	engine, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		time.AfterFunc(grace, func() { cancel(errNoAnswer) })
	})
	return engine, func() { stop(); cancel(nil) }
}

// maxProcesses is far above what the go command starts, which is a few for each
// processor.
const maxProcesses = 4096

// create creates the container.
func (c *Container) create(ctx context.Context, name string, cmd container.Command) error {
	mounts, err := c.Sibling.translate(cmd.Mounts)
	if err != nil {
		return fmt.Errorf("creating the container: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, createTimeout)
	defer cancel()
	config := &dockercontainer.Config{
		Image:        c.Image,
		Entrypoint:   []string{cmd.Path},
		Cmd:          cmd.Args,
		WorkingDir:   cmd.Dir,
		Env:          cmd.Env,
		User:         cmd.User,
		AttachStdout: true,
		AttachStderr: true,
		Labels:       map[string]string{"org.gorun": "build"},
	}
	host := &dockercontainer.HostConfig{
		AutoRemove:  true,
		NetworkMode: c.Sibling.network(),
		Mounts:      mounts,
		LogConfig:   dockercontainer.LogConfig{Type: "none"}, // we read the output; the engine need not keep it
		SecurityOpt: []string{"no-new-privileges"},
		// Of what root may do, a build needs nothing: no raw sockets in this
		// machine's network, no device nodes, no files of others.
		CapDrop:   []string{"ALL"},
		Resources: dockercontainer.Resources{PidsLimit: new(int64(maxProcesses))},
	}
	_, err = c.Engine.api.ContainerCreate(ctx, config, host, nil, nil, name)
	if err != nil && strings.Contains(err.Error(), "bind source path does not exist") {
		err = container.WithHint(err, "the engine does not see this machine's files, as one on another machine: build with --builder=host")
	}
	if err != nil {
		return fmt.Errorf("creating the container: %w", err)
	}
	return nil
}

// attach connects the container's output. The channel gives one value when all
// of it has been written.
func (c *Container) attach(ctx context.Context, name string, cmd container.Command) (<-chan error, error) {
	conn, err := c.connect(ctx, name)
	if err != nil {
		return nil, fmt.Errorf("attaching to the container: %w", err)
	}
	done := make(chan error, 1)
	stop := context.AfterFunc(ctx, conn.Close)
	go func() {
		defer conn.Close()
		defer stop()
		_, err := stdcopy.StdCopy(orDiscard(cmd.Stdout), orDiscard(cmd.Stderr), conn.Reader)
		if err != nil {
			err = fmt.Errorf("reading the container's output: %w", err)
		}
		done <- err
	}()
	return done, nil
}

// connect does what ContainerAttach does, and does not wait longer than ctx: the
// client looks at it before it has the answer only.
func (c *Container) connect(ctx context.Context, name string) (types.HijackedResponse, error) {
	type answer struct {
		conn types.HijackedResponse
		err  error
	}
	got := make(chan answer, 1)
	go func() {
		conn, err := c.Engine.api.ContainerAttach(ctx, name, dockercontainer.AttachOptions{Stream: true, Stdout: true, Stderr: true})
		got <- answer{conn, err}
	}()
	select {
	case a := <-got:
		return a.conn, a.err
	case <-ctx.Done():
		go func() {
			if a := <-got; a.err == nil {
				a.conn.Close()
			}
		}()
		return types.HijackedResponse{}, context.Cause(ctx)
	}
}

func orDiscard(w io.Writer) io.Writer {
	if w == nil {
		return io.Discard
	}
	return w
}

// start starts the container.
func (c *Container) start(ctx context.Context, name string, cmd container.Command) error {
	ctx, cancel := context.WithTimeout(ctx, cleanupTimeout)
	defer cancel()
	err := c.Engine.api.ContainerStart(ctx, name, dockercontainer.StartOptions{})
	if err == nil {
		if cmd.Started != nil {
			cmd.Started(0)
		}
		return nil
	}
	// The engine has no codes for these; its words come from runc.
	switch text := err.Error(); {
	case strings.Contains(text, "executable file not found"), strings.Contains(text, cmd.Path+": no such file or directory"):
		return fmt.Errorf("%s in the container: %w", cmd.Path, fs.ErrNotExist)
	case strings.Contains(text, cmd.Path) && (strings.Contains(text, "permission denied") || strings.Contains(text, "exec format error")):
		return fmt.Errorf("%s in the container: %w: %w", cmd.Path, container.ErrNotExecutable, err)
	}
	return fmt.Errorf("starting the container: %w", err)
}

// wait returns the container's status, and ends the container by cmd.Stop when
// ctx is done before.
func (c *Container) wait(ctx, engine context.Context, name string, cmd container.Command, exited <-chan dockercontainer.WaitResponse, failed <-chan error) (container.ExitStatus, error) {
	var stop <-chan time.Time
	steps, done := cmd.Stop, ctx.Done()
	stopped := false
	for {
		select {
		case r := <-exited:
			if r.Error != nil {
				return container.ExitStatus{}, fmt.Errorf("waiting for the container: %s", r.Error.Message)
			}
			return container.ExitStatus{Code: int(r.StatusCode), Stopped: stopped}, nil
		case err := <-failed:
			return container.ExitStatus{}, fmt.Errorf("waiting for the container: %w", err)
		case sig := <-cmd.Signals:
			if s, ok := sig.(syscall.Signal); ok {
				c.kill(engine, name, s)
			}
		case <-done:
			stopped, done = true, nil
			stop = c.step(engine, name, &steps)
		case <-stop:
			stop = c.step(engine, name, &steps)
		}
	}
}

// step takes the next step of a stop, KILL after the last, and returns when to
// take the one after it.
func (c *Container) step(ctx context.Context, name string, steps *[]container.StopStep) <-chan time.Time {
	if len(*steps) == 0 {
		c.kill(ctx, name, syscall.SIGKILL)
		return nil
	}
	next := (*steps)[0]
	*steps = (*steps)[1:]
	c.kill(ctx, name, next.Signal)
	return time.After(next.Wait)
}

// kill sends a signal. A container that is already gone needs none.
func (c *Container) kill(ctx context.Context, name string, sig syscall.Signal) {
	ctx, cancel := context.WithTimeout(ctx, cleanupTimeout)
	defer cancel()
	_ = c.Engine.api.ContainerKill(ctx, name, unix.SignalName(sig))
}

// remove takes the container away where the engine has not done so already;
// it has, unless the run ended early. After an error the name stays tracked.
func (c *Container) remove(ctx context.Context, name string) error {
	ctx, cancel := context.WithTimeout(ctx, cleanupTimeout)
	defer cancel()
	err := c.Engine.Remove(ctx, name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
