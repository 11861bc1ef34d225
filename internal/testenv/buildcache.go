package testenv

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

// BuildCache is a build cache for containers in which uid runs the go command.
// What most programs of tests import is compiled in it, for the release in the
// runner image and for the one that a go.mod with go 1.26 chooses.
func BuildCache(t testing.TB, uid int) string {
	t.Helper()
	NeedEngine(t)
	locked, err := sum(filepath.Join(Module(t), "container", "toolchains.json"))
	must(t, err)
	name := "go-build-" + locked[:12]
	warm := Shared(t, name, func(path string) error { return warmUp(t, path) })
	if uid == os.Getuid() {
		return warm
	}
	return Shared(t, fmt.Sprint(name, "-", uid), func(path string) error {
		if err := os.CopyFS(path, os.DirFS(warm)); err != nil {
			return err
		}
		return filepath.WalkDir(path, func(path string, _ fs.DirEntry, err error) error {
			return errors.Join(err, os.Lchown(path, uid, uid))
		})
	})
}

// warming imports what most programs of tests import.
const warming = `package main

import (
	_ "bufio"
	_ "encoding/json"
	_ "log"
	_ "net"
	_ "os/exec"
	_ "os/signal"
	_ "os/user"
	_ "runtime/debug"
)

func main() {}
`

// warmUp has both toolchains build a program.
func warmUp(t testing.TB, cache string) error {
	dir := t.TempDir()
	must(t, os.Mkdir(cache, 0o755))
	must(t, os.WriteFile(filepath.Join(dir, "go.mod"), []byte("module example.com/warming\n\ngo 1.26\n"), 0o644))
	must(t, os.WriteFile(filepath.Join(dir, "main.go"), []byte(warming), 0o644))
	env := []string{"GOCACHE=" + cache, "GOFLAGS=", "GORUN_CACHE_DIR=" + CacheDir(t), "GORUN_CACHE_MODE=off"}
	return errors.Join(
		run(dir, env, Gorun(t), "--builder=docker", "."),
		run(dir, nil, "docker", "run", "--rm", "-v", dir+":/src", "-v", cache+":/cache/go-build", "-e", "GORUN_RUN_AS=self", RunnerImage(t), "."),
	)
}
