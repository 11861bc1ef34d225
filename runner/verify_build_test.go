package runner

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/org/gorun-action/cachekeys"
	"github.com/org/gorun-action/internal/goenv"
)

func mirrored(t *testing.T, spec Spec) (*mirror, Plan, error) {
	t.Helper()
	r := (&Runner{Report: &recorder{}}).begin(spec)
	plan := Plan{Dir: spec.Dir, Package: spec.Package, workspace: cachekeys.FindWorkspace(spec.Dir, r.workspaceOptions())}
	dir := t.TempDir()
	m := &mirror{root: filepath.Join(dir, "sources")}
	err := r.copySources(t.Context(), plan, m, dir)
	return m, plan, err
}

// below lists the files and links under dir, links with their targets.
func below(t *testing.T, dir string) (out []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		rel, _ := filepath.Rel(dir, path)
		if target, err := os.Readlink(path); err == nil {
			rel += " -> " + target
		}
		out = append(out, rel)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestSourcesAreCopied(t *testing.T) {
	root := write(t, t.TempDir(), map[string]string{
		"app/go.mod": "module example.com/app\n\ngo 1.26\n\nreplace example.com/lib => ../lib\n", "app/main.go": "package main\n", "app/.git/HEAD": "x",
		"app/.cache/entry": "x", "lib/go.mod": "module example.com/lib\n", "lib/sub/lib.go": "package sub\n", "outside/one.txt": "1", "other/two.txt": "2",
	})
	for link, target := range map[string]string{"app/near": "main.go", "app/abs": filepath.Join(root, "app/main.go"), "app/out": "../outside/one.txt", "app/gone": "nowhere", "app/dir": "../other"} {
		if err := os.Symlink(target, filepath.Join(root, link)); err != nil {
			t.Fatal(err)
		}
	}
	m, _, err := mirrored(t, Spec{Dir: filepath.Join(root, "app"), Package: []string{"."}, CacheDir: filepath.Join(root, "app/.cache")})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"app/abs -> " + m.path(filepath.Join(root, "app/main.go")), "app/dir -> " + filepath.Join(root, "other"), "app/go.mod", "app/gone -> nowhere",
		"app/main.go", "app/near -> main.go", "app/out -> ../outside/one.txt", "lib/go.mod", "lib/sub/lib.go", "outside/one.txt",
	}
	if diff := cmp.Diff(want, below(t, m.path(root))); diff != "" {
		t.Errorf("copied (-want +got):\n%s", diff)
	}
}

// A temporary directory inside the module is not copied into itself.
func TestCopyDoesNotHoldItself(t *testing.T) {
	root := write(t, t.TempDir(), map[string]string{"go.mod": "module example.com/m\n", "tmp/work/x": "x"})
	alias := filepath.Join(t.TempDir(), "alias")
	if err := os.Symlink(root, alias); err != nil {
		t.Fatal(err)
	}
	r := (&Runner{Report: &recorder{}}).begin(Spec{Dir: alias})
	dir := filepath.Join(alias, "tmp/work")
	m := &mirror{root: filepath.Join(dir, "sources")}
	if err := r.copySources(t.Context(), Plan{Dir: alias, workspace: cachekeys.FindWorkspace(alias, cachekeys.Options{})}, m, dir); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"go.mod"}, below(t, m.path(alias))); diff != "" {
		t.Errorf("copied (-want +got):\n%s", diff)
	}
}

func TestCopyStops(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	stopped := errors.New("stopped")
	cancel(stopped)
	root := write(t, t.TempDir(), map[string]string{"go.mod": "module example.com/m\n"})
	if err := (&mirror{root: t.TempDir()}).copy(ctx, root); !errors.Is(err, stopped) {
		t.Errorf("copying after the end of the context: %v", err)
	}
}

func TestSpecElsewhere(t *testing.T) {
	root := write(t, t.TempDir(), map[string]string{"m/go.mod": "module example.com/m\n", "m/cmd/x/main.go": "package main\n", "go.work": "use ./m\n"})
	env := goenv.Load([]string{"HOME=/h", "GOCACHE=/c", "GOCACHEPROG=/p"}, "")
	spec := Spec{Dir: filepath.Join(root, "m/cmd"), Env: env, Package: []string{filepath.Join(root, "m/cmd/x/main.go"), "/not/copied.go", "x/other.go"}}
	m, plan, err := mirrored(t, spec)
	if err != nil {
		t.Fatal(err)
	}
	r := (&Runner{}).begin(spec)
	moved := r.specElsewhere(plan, *m, "/work")
	if diff := cmp.Diff([]string{m.path(spec.Package[0]), "/not/copied.go", "x/other.go"}, moved.Package); diff != "" {
		t.Errorf("package (-want +got):\n%s", diff)
	}
	if want := m.path(spec.Dir); moved.Dir != want {
		t.Errorf("it is built in %s, not in %s", moved.Dir, want)
	}
	for name, want := range map[string]string{"GOCACHE": "/work/cache", "GOCACHEPROG": "", "GOWORK": m.path(filepath.Join(root, "go.work")), "HOME": "/h"} {
		if got := moved.Env.Get(name); got != want {
			t.Errorf("%s = %q, want %q", name, got, want)
		}
	}
}

// A copy below somebody's go.mod would be another build.
func TestCopyInsideAnotherModule(t *testing.T) {
	m := mirror{root: "/tmp/x"}
	around := Plan{workspace: cachekeys.Workspace{GoMod: "/tmp/go.mod"}}
	err := sameWorkspace(Plan{}, around, m)
	if err == nil || !strings.Contains(err.Error(), "/tmp/go.mod") {
		t.Errorf("a copy inside another module: %v", err)
	}
	if err := sameWorkspace(Plan{workspace: cachekeys.Workspace{GoMod: "/m/go.mod"}}, Plan{workspace: cachekeys.Workspace{GoMod: "/tmp/x/m/go.mod"}}, m); err != nil {
		t.Error(err)
	}
}
