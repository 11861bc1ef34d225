package container

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// lookPath finds c.Path in the PATH of c.Env by the rules of exec.LookPath:
// the first file that may be executed, but never one that only a relative
// entry of PATH leads to. A path with a slash is taken as it is.
func lookPath(c Command) (string, error) {
	if strings.Contains(c.Path, "/") {
		return c.Path, nil
	}
	var denied string
	for _, dir := range filepath.SplitList(getenv(c.Env, "PATH")) {
		found := filepath.Join(dir, c.Path)
		switch err := mayExecute(inDir(c.Dir, found)); {
		case err == nil && !filepath.IsAbs(found):
			return "", WithHint(fmt.Errorf("%s %w: %w", c.Path, ErrNotExecutable, exec.ErrDot),
				"name it ./"+found)
		case err == nil:
			return found, nil
		case errors.Is(err, fs.ErrPermission) && denied == "":
			denied = found
		}
	}
	if denied != "" {
		return "", startError(c, denied, syscall.EACCES)
	}
	return "", fmt.Errorf("finding %q in PATH: %w", c.Path, fs.ErrNotExist)
}

// mayExecute returns nil for a file that this process may execute.
func mayExecute(file string) error {
	info, err := os.Stat(file)
	if err != nil {
		return err
	}
	if info.IsDir() {
		return syscall.EISDIR
	}
	err = unix.Faccessat(unix.AT_FDCWD, file, unix.X_OK, unix.AT_EACCESS)
	if err == unix.ENOSYS || err == unix.EPERM { // seccomp, see os/exec
		if info.Mode()&0o111 != 0 {
			return nil
		}
		return fs.ErrPermission
	}
	return err
}

// inDir returns path as a program in dir sees it.
func inDir(dir, path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(dir, path)
}

// getenv returns the value of the last name in env, the one that counts in
// os/exec.
func getenv(env []string, name string) string {
	for _, e := range slices.Backward(env) {
		if v, ok := strings.CutPrefix(e, name+"="); ok {
			return v
		}
	}
	return ""
}

// uniqueEnv returns env with the last value of each name only, as os/exec
// passes it on: which of two a program would see is up to its libc.
func uniqueEnv(env []string) []string {
	seen := make(map[string]bool, len(env))
	unique := make([]string, 0, len(env))
	for _, e := range slices.Backward(env) {
		name, _, ok := strings.Cut(e, "=")
		if ok && seen[name] {
			continue
		}
		seen[name] = ok
		unique = append(unique, e)
	}
	slices.Reverse(unique)
	return unique
}
