package main

import (
	"context"
	"io"
	golog "log"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"github.com/org/gorun-action/container"
	"github.com/org/gorun-action/container/docker"
	"github.com/org/gorun-action/internal/capture"
)

// dispatch runs what the program's own name says: gorun, or one of the helpers
// that gorun starts itself as.
func dispatch(argv []string) int {
	switch filepath.Base(argv[0]) {
	case capture.Name:
		return capture.Main(argv)
	case container.GuardName:
		container.ServeGuard(os.Stdin, container.GuardActions{RemoveContainer: removeContainer})
		return 0
	case container.DrainName:
		container.ServeDrain(os.Stdin, os.Stdout)
		return 0
	}
	// net/http logs what servers say out of turn ("Unsolicited response…"), which
	// would be among the program's own lines, and there a command to GitHub.
	golog.SetOutput(io.Discard)
	c := command{
		args: argv[1:], environ: os.Environ(), inherited: os.Environ(),
		stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr,
		signals: forwarded(), now: time.Now,
	}
	if filepath.Base(argv[0]) == actionName {
		c.act(os.Stdout)
		c.action.exposed = hideCredentials()
	} else if slices.ContainsFunc(c.inherited, isCredential) {
		_ = hideCredentials() // what an ordinary process can do against its own user
	}
	return c.run(context.Background())
}

// forwarded receives the signals that are meant for the program. One that this
// process was told to ignore (nohup) stays ignored, here and in the program.
func forwarded() chan os.Signal {
	ch := make(chan os.Signal, 16)               // a burst while the build ends must not be lost
	if signals := passedOn(); len(signals) > 0 { // none would be all
		signal.Notify(ch, signals...)
	}
	return ch
}

// passedOn are the signals that are the program's and that nobody ignores.
func passedOn() []os.Signal {
	all := []os.Signal{
		syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP, syscall.SIGQUIT,
		syscall.SIGUSR1, syscall.SIGUSR2, syscall.SIGWINCH,
	}
	return slices.DeleteFunc(all, signal.Ignored)
}

// removeContainer is the guard's: it removes the container of a gorun that
// was killed.
func removeContainer(ctx context.Context, name string) error {
	engine, err := docker.Connect(ctx)
	if err != nil {
		return err
	}
	defer engine.Close()
	return engine.Remove(ctx, name)
}
