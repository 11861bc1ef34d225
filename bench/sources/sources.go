// Package sources makes those of the programs that are measured.
package sources

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
)

// ActVersion is pinned so that the program has the same packages every time.
const ActVersion = "github.com/nektos/act@v0.2.89"

// Act checks out a program of more than 500 packages: what is in the module
// cache is read-only and would be no local code. env is that of the go command.
func Act(ctx context.Context, dir string, env []string) error {
	var out, errs bytes.Buffer
	download := exec.CommandContext(ctx, "go", "mod", "download", "-json", ActVersion)
	download.Dir, download.Env, download.Stdout, download.Stderr = filepath.Dir(dir), env, &out, &errs
	if err := download.Run(); err != nil {
		return fmt.Errorf("downloading %s: %w\n%s%s", ActVersion, err, &out, &errs)
	}
	var downloaded struct{ Dir string }
	if err := json.Unmarshal(out.Bytes(), &downloaded); err != nil {
		return fmt.Errorf("downloading %s: %w", ActVersion, err)
	}
	return Whole(dir, func(tmp string) error { return copyTree(tmp, downloaded.Dir) })
}

// Module makes a module of one file.
func Module(dir, main string) error {
	return Whole(dir, func(tmp string) error {
		if err := os.WriteFile(filepath.Join(tmp, "go.mod"), []byte("module example.com/program\n\ngo 1.26\n"), 0o644); err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(tmp, "main.go"), []byte(main), 0o644)
	})
}

// Whole fills a directory under another name and renames it, so that there is
// never half a program.
func Whole(dir string, fill func(tmp string) error) error {
	tmp, err := os.MkdirTemp(filepath.Dir(dir), ".making-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	if err := fill(tmp); err != nil {
		return err
	}
	return os.Rename(tmp, dir)
}

// copyTree copies a tree so that its owner may write.
func copyTree(to, from string) error {
	root := os.DirFS(from)
	return fs.WalkDir(root, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if target := filepath.Join(to, filepath.FromSlash(name)); d.IsDir() {
			return os.MkdirAll(target, 0o755)
		} else if data, err := fs.ReadFile(root, name); err != nil {
			return err
		} else {
			return os.WriteFile(target, data, 0o644)
		}
	})
}
