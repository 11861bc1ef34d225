package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/org/gorun-action/container"
)

const gorunPackage = "github.com/org/gorun-action/cmd/gorun"

// compile builds gorun for a runner image and returns its executable. The go
// command becomes the release that the image holds, since another one would
// make another executable.
func (m *maker) compile(ctx context.Context, tc container.Toolchain, ldflags string) (string, error) {
	g, err := m.goCommand()
	if err != nil {
		return "", container.WithHint(err, "install Go, or name an executable with --gorun")
	}
	dir, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("finding the working directory: %w", err)
	}
	m.progress(container.Progress{Task: "compiling gorun for " + tc.Platform + " with go" + tc.Version, Unit: "bytes"})
	exe := filepath.Join(m.dir, "gorun-"+strings.ReplaceAll(tc.Platform, "/", "-"))
	var output bytes.Buffer
	status, err := g.Executor.Run(ctx, container.Command{
		Path: g.Path, Dir: dir, Env: append(g.Env, compileEnv(tc)...), Stdout: &output, Stderr: &output,
		Args: []string{"build", "-trimpath", "-buildvcs=false", "-ldflags=" + ldflags, "-o", exe, gorunPackage},
	})
	if err == nil && status.Shell() != 0 {
		err = errors.New(strings.TrimSpace(output.String()))
	}
	if err != nil {
		return "", container.WithHint(fmt.Errorf("compiling gorun for %s with go%s: %w", tc.Platform, tc.Version, err),
			"run this in a checkout of gorun, or name an executable with --gorun")
	}
	return exe, nil
}

// compileEnv leaves nothing of what the executable depends on to the machine.
func compileEnv(tc container.Toolchain) []string {
	goos, arch, _ := strings.Cut(tc.Platform, "/")
	return []string{
		"GOENV=off", "GOFLAGS=", "GOWORK=off", "GO111MODULE=on", "GOTOOLCHAIN=go" + tc.Version,
		"CGO_ENABLED=0", "GOOS=" + goos, "GOARCH=" + arch, "GOAMD64=v1", "GOARM64=v8.0", "GOEXPERIMENT=", "GOFIPS140=off",
	}
}
