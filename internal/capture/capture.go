// Package capture is what gorun names as -exec in its own `go run`: it takes
// the executable that the go command has just linked, instead of running it.
//
// On the host gorun itself does this under the name Name. For a toolchain
// container, where gorun may not run (another system, or linked against a C
// library that the image lacks), Source is compiled there. This file
// therefore imports nothing but a little of the standard library.
package capture

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// Name is the base name under which a program acts as the capture helper.
const Name = "gorun-capture"

// Files in the directory of the helper, which must be writable.
const (
	// ExecutableDir holds the executable, under the name that the go command
	// gave it.
	ExecutableDir = "executable"
	// PathFile holds the PATH that the go command gave the program: its own
	// with GOROOT/bin in front.
	PathFile = "path"
)

// Main is the helper: args are its own path and that of the executable. What
// it leaves is complete or absent. It returns the exit status.
func Main(args []string) int {
	if len(args) < 2 {
		fmt.Fprintln(os.Stderr, "gorun-capture: this is gorun's own helper, run by the go command")
		return 2
	}
	if err := take(filepath.Dir(args[0]), args[1]); err != nil {
		fmt.Fprintf(os.Stderr, "gorun-capture: keeping the executable: %v\n", err)
		return 1
	}
	return 0
}

func take(dir, executable string) error {
	if err := os.WriteFile(filepath.Join(dir, PathFile), []byte(os.Getenv("PATH")), 0o600); err != nil {
		return err
	}
	out := filepath.Join(dir, ExecutableDir)
	if err := os.Mkdir(out, 0o755); err != nil {
		return err
	}
	part := filepath.Join(dir, "part")
	if err := copyFile(part, executable); err != nil {
		return err
	}
	return os.Rename(part, filepath.Join(out, filepath.Base(executable)))
}

// copyFile copies rather than links: the go command's cache must not change
// when somebody writes to the executable.
func copyFile(to, from string) (err error) {
	src, err := os.Open(from)
	if err != nil {
		return err
	}
	defer src.Close()
	dst, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o755)
	if err != nil {
		return err
	}
	if _, err := io.Copy(dst, src); err != nil {
		dst.Close()
		return err
	}
	return dst.Close()
}
