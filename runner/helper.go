package runner

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/google/renameio/v2"

	"github.com/org/gorun-action/container"
	"github.com/org/gorun-action/internal/capture"
)

// placeHelper puts the capture helper into the work directory.
func (r *run) placeHelper(ctx context.Context, site container.Site, view view, dir string) error {
	at := filepath.Join(dir, capture.Name)
	if _, err := os.Lstat(at); err == nil {
		return nil // of the build before
	}
	if !site.Contained() {
		return os.Symlink(site.Helper, at)
	}
	if site.Helper != "" {
		if site.Sees(site.Helper) == nil {
			return nil // mounted there by view
		}
		return copyFile(site.Helper, at)
	}
	if err := r.compiledHelper(ctx, site, view, dir, at); err != nil {
		return fmt.Errorf("compiling the capture helper in the toolchain container: %w", err)
	}
	return nil
}

// compiledHelper builds the helper with the site's own toolchain, once for
// each image: the cache directory keeps it as capture/<key>/<its SHA-256>.
func (r *run) compiledHelper(ctx context.Context, site container.Site, view view, dir, at string) error {
	kept := filepath.Join(r.spec.CacheDir, "capture", helperKey(site))
	if data, err := readVerified(kept); err == nil {
		return os.WriteFile(at, data, 0o755)
	}
	if err := r.compileHelper(ctx, site, view, dir, at); err != nil {
		return err
	}
	if err := keepVerified(kept, at); err != nil {
		r.warnCache(fmt.Sprintf("keeping the capture helper for the next run: %v", err), "make room, or name another directory with --cache-dir")
	}
	return nil
}

// compileHelper uses -trimpath where the user's program does, so that the
// standard library's packages are compiled once for both, and a pack has them
// once.
func (r *run) compileHelper(ctx context.Context, site container.Site, view view, dir, at string) error {
	src := filepath.Join(dir, "helper")
	if err := writeFiles(src, capture.Source()); err != nil {
		return err
	}
	args := []string{"build", "-ldflags=-s -w", "-o", at, "."}
	if r.trimmed() {
		args = slices.Insert(args, 1, "-trimpath")
	}
	var text strings.Builder
	status, err := site.Executor.Run(ctx, container.Command{
		Path: site.Go, Args: args, Dir: src,
		Env: append(neutral(view.env), site.Env...), Mounts: view.mounts, User: site.User,
		Stdout: &text, Stderr: &text,
	})
	if err == nil && status.Code != 0 {
		err = errors.New(strings.TrimSpace(text.String()))
	}
	return err
}

// helperKey changes with the toolchain and with the helper's source.
func helperKey(site container.Site) string {
	sum := sha256.Sum256(fmt.Append(nil, site.Digest, capture.Source()))
	return hex.EncodeToString(sum[:16])
}

// neutral is the environment without what the user's build asks for: the
// helper is for the container itself, not for the target.
func neutral(env []string) []string {
	var out []string
	for _, kv := range env {
		switch name, _, _ := strings.Cut(kv, "="); name {
		case "GOFLAGS", "GOOS", "GOARCH", "CGO_ENABLED", "GOWORK", "GO111MODULE", "GOEXPERIMENT":
		default:
			out = append(out, kv)
		}
	}
	return append(out, "GOFLAGS=", "GOWORK=off", "CGO_ENABLED=0")
}

// readVerified returns the one file in dir whose name is its SHA-256.
func readVerified(dir string) ([]byte, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		data, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err == nil && hashOf(data) == e.Name() {
			return data, nil
		}
	}
	return nil, fs.ErrNotExist
}

func keepVerified(dir, file string) error {
	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	return renameio.WriteFile(filepath.Join(dir, hashOf(data)), data, 0o644, renameio.WithTempDir(dir))
}

func hashOf(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// writeFiles writes files by their slash-separated names.
func writeFiles(dir string, files map[string]string) error {
	for name, text := range files {
		file := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}
