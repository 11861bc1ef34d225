package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"
	"github.com/google/go-containerregistry/pkg/registry"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/org/gorun-action/container"
	"github.com/org/gorun-action/container/docker"
	"github.com/org/gorun-action/container/image"
)

// theOldest is held by whoever takes the image of the oldest locked release
// away: no other test needs that release, and the scripts run side by side.
var theOldest sync.Mutex

// unload makes the engine lack the image of the oldest locked release, until
// the script's end for itself. If it was there before, it is there afterwards.
func unload(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 0 {
		ts.Fatalf("usage: unload")
	}
	tc, err := pinned("1.18")
	ts.Check(err)
	if ts.Value(&theOldest) == nil {
		theOldest.Lock()
		had := engineImage(tc) != ""
		ts.Defer(func() { restore(tc, had); theOldest.Unlock() })
	}
	ts.Check(removeImage(tc))
}

// restore leaves the engine as it was. What was there and has been taken away
// is loaded again by whoever needs it.
func restore(tc container.Toolchain, had bool) {
	if !had {
		removeImage(tc)
	}
}

func engineImage(tc container.Toolchain) string {
	for _, id := range []string{tc.Config, tc.Digest} {
		out, err := exec.Command("docker", "image", "inspect", "--format={{.Id}}", id).Output()
		if err == nil {
			return strings.TrimSpace(string(out))
		}
	}
	return ""
}

// removeImage removes an image with all its names. A container of the build
// that has just ended may still hold it for a moment.
func removeImage(tc container.Toolchain) error {
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(100 * time.Millisecond) {
		id := engineImage(tc)
		if id == "" {
			return nil
		}
		out, err := exec.Command("docker", "rmi", "-f", id).CombinedOutput()
		if err != nil && time.Now().After(deadline) {
			return fmt.Errorf("docker rmi: %s", out)
		}
	}
}

// hasImage makes sure that the engine has the image of the oldest locked
// release, under an id of the lock.
func hasImage(ts *testscript.TestScript, neg bool, args []string) {
	tc, err := pinned("1.18")
	ts.Check(err)
	id := engineImage(tc)
	if neg != (id == "") {
		ts.Fatalf("the engine's image of go%s is %q", tc.Version, id)
	}
	if !neg && id != tc.Config && id != tc.Digest {
		ts.Fatalf("the engine has %s, the lock pins %s and %s", id, tc.Config, tc.Digest)
	}
}

// startRegistry starts a registry and names a repository of it in a variable:
// `registry REPO` has nothing, `registry REPO oldest` the image of the oldest
// locked release.
func startRegistry(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: registry VARIABLE [oldest]")
	}
	server := httptest.NewServer(registry.New(registry.Logger(quiet())))
	ts.Defer(server.Close)
	repository := strings.TrimPrefix(server.URL, "http://") + "/toolchain"
	ts.Setenv(args[0], repository)
	if len(args) > 1 {
		ts.Check(push(repository, ts.Getenv("WORK")))
	}
}

// push makes the image of the oldest locked release and pushes it.
func push(repository, work string) error {
	tc, zip, err := oldestZip()
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp(work, "layers-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	img, err := image.Assemble(context(), zip, dir, tc, nil)
	if err != nil {
		return err
	}
	_, err = image.Push(context(), img, repository+":latest", nil)
	return err
}

// oldestZip is the module of the oldest locked release, downloaded by the go
// command once for all.
var oldestZip = sync.OnceValues2()
