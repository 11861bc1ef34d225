package main

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"

	"github.com/org/gorun-action/container"
)

// defaultProxy is what a release takes for a GOPROXY that nobody has set, on
// machines without Go. It is set at link time: -ldflags=-X=main.defaultProxy=URL.
var defaultProxy string

// self is the path of this program, under which it starts its helpers.
func self() string {
	path, err := os.Executable()
	if err != nil {
		return os.Args[0]
	}
	return path
}

// goroot finds the installation of the go command on PATH, for its go.env;
// "" where there is none.
func goroot() string {
	path, err := exec.LookPath("go")
	if err != nil {
		return ""
	}
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real
	}
	root := filepath.Dir(filepath.Dir(path))
	if _, err := os.Stat(filepath.Join(root, "VERSION")); err != nil {
		return ""
	}
	return root
}

// printVersion says which gorun this is and which toolchains it pins.
func printVersion(w io.Writer) error {
	version := "(devel)"
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		version = info.Main.Version
	}
	lock, err := container.PinnedToolchains()
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "gorun %s\n", version)
	for _, t := range lock.Toolchains {
		fmt.Fprintf(w, "go%s %s %s\n", t.Version, t.Platform, t.Digest)
	}
	return nil
}
