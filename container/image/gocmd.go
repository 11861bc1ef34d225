package image

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/org/gorun-action/container"
)

// Go is a go command that may be asked for modules: the host's, or that of a
// pinned toolchain container.
type Go struct {
	Executor container.Executor
	// Path is the go command, "go" or a path, where Executor runs it.
	Path string
	// Dir is an empty directory outside of any module.
	Dir string
	// Env is the whole environment. What the GOENV file sets must be part of
	// it: the file is not read, since it could set GOFLAGS again.
	Env []string
	// Mounts and User are for a container, which needs GOMODCACHE and Dir.
	Mounts []container.Mount
	User   string
}

// maxOutput bounds what is kept of a go command's output; a list of all
// releases for all platforms has 60 KB.
const maxOutput = 4 << 20

// Download has the go command fetch a release and returns its entry for the
// lock, with the version, the platform and the sum set, and the path of the
// zip in the go command's module cache. The go command has checked it against
// the checksum database, which it does for toolchains whatever GOSUMDB says
// (cmd/go/internal/modfetch, useSumDB); a sum that is not the database's is an
// error that wraps container.ErrIntegrity.
func (g Go) Download(ctx context.Context, release, platform string) (tc container.Toolchain, zip string, err error) {
	tc = container.Toolchain{Version: release, Platform: platform}
	mod, err := moduleVersion(release, platform)
	if err != nil {
		return tc, "", fmt.Errorf("downloading a toolchain: %w", err)
	}
	stdout, runErr := g.run(ctx, "mod", "download", "-json", modulePath+"@"+mod)
	var answer struct{ Zip, Sum, Error string }
	jsonErr := json.Unmarshal(stdout, &answer)
	switch {
	case jsonErr == nil && answer.Error != "":
		err = downloadError(answer.Error)
	case runErr != nil:
		err = runErr
	case jsonErr != nil:
		err = fmt.Errorf("reading what go mod download says: %w", jsonErr)
	case answer.Zip == "" || answer.Sum == "":
		err = errors.New("go mod download names no zip")
	}
	if err != nil {
		return tc, "", fmt.Errorf("downloading go%s %s with %s: %w", release, platform, g.Path, err)
	}
	tc.Sum = answer.Sum
	return tc, answer.Zip, nil
}

// DownloadVerified is Download, with the zip's hash checked once more: the go
// command believes what lies in its module cache, we do not.
func (g Go) DownloadVerified(ctx context.Context, release, platform string, progress Progress) (container.Toolchain, string, error) {
	tc, zip, err := g.Download(ctx, release, platform)
	if err == nil {
		err = VerifyZip(ctx, zip, fmt.Sprintf("the module of go%s %s", release, platform), tc.Sum, progress)
	}
	return tc, zip, err
}

// Releases returns the releases, without their "go", that there are for any of
// the platforms, in no particular order and perhaps twice.
func (g Go) Releases(ctx context.Context, platforms []string) ([]string, error) {
	stdout, err := g.run(ctx, "list", "-m", "-versions", modulePath)
	if err != nil {
		return nil, fmt.Errorf("listing the Go releases: %w", err)
	}
	var releases []string
	for _, v := range strings.Fields(string(stdout)) {
		for _, p := range platforms {
			r, ok := strings.CutSuffix(v, "."+strings.ReplaceAll(p, "/", "-"))
			if r, isRelease := strings.CutPrefix(r, "v0.0.1-go"); ok && isRelease {
				releases = append(releases, r)
			}
		}
	}
	return releases, nil
}

// run runs the go command and returns its standard output, also when it fails.
func (g Go) run(ctx context.Context, args ...string) ([]byte, error) {
	var stdout, stderr limited
	status, err := g.Executor.Run(ctx, container.Command{
		Path: g.Path, Args: args, Dir: g.Dir, Env: downloadEnv(g.Env),
		Stdout: &stdout, Stderr: &stderr, Mounts: g.Mounts, User: g.User,
	})
	if cause := context.Cause(ctx); cause != nil {
		return nil, cause
	}
	if err != nil {
		return nil, fmt.Errorf("running %s: %w", g.Path, err)
	}
	if code := status.Shell(); code != 0 {
		text := strings.TrimSpace(stderr.String())
		return stdout.Bytes(), fmt.Errorf("go %s: %w", args[0], downloadError(fmt.Sprintf("status %d: %s", code, text)))
	}
	return stdout.Bytes(), nil
}

// downloadEnv returns an environment in which the go command neither becomes
// another one nor is told things about a build: of GOFLAGS only -modcacherw
// means something to a download, and -mod and -modfile would fail it.
func downloadEnv(env []string) []string {
	flags := ""
	for _, kv := range env {
		if v, ok := strings.CutPrefix(kv, "GOFLAGS="); ok {
			flags = "" // the last one counts
			if slices.Contains(strings.Fields(v), "-modcacherw") {
				flags = "-modcacherw"
			}
		}
	}
	return append(slices.Clone(env), "GOENV=off", "GOFLAGS="+flags, "GOTOOLCHAIN=local", "GO111MODULE=on", "GOWORK=off")
}

// downloadError makes an error of the go command's words. What it says of sums
// is in cmd/go/internal/modfetch, fetch.go (sumdbMismatch, sumdbAbsent) and in
// golang.org/x/mod/sumdb (SECURITY ERROR, for a forged database). A release that
// does not exist is fs.ErrNotExist.
func downloadError(text string) error {
	for _, sign := range []string{"checksum mismatch", "SECURITY ERROR", "checksum missing from sumdb"} {
		if strings.Contains(text, sign) {
			return fmt.Errorf("the checksum database says that it %w: %s", container.ErrIntegrity, text)
		}
	}
	if strings.Contains(text, "404 Not Found") || strings.Contains(text, "unknown revision") {
		return container.WithHint(absentError(text), "see go.dev/dl for the releases and their platforms")
	}
	return errors.New(text)
}

// absentError is the go command's text about a release that does not exist.
type absentError string

func (e absentError) Error() string        { return string(e) }
func (e absentError) Is(target error) bool { return target == fs.ErrNotExist }

// limited keeps the first maxOutput bytes.
type limited struct{ bytes.Buffer }

func (l *limited) Write(p []byte) (int, error) {
	l.Buffer.Write(p[:min(len(p), maxOutput-l.Len())])
	return len(p), nil
}
