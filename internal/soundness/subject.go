package soundness

import (
	"context"
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

//go:embed all:testdata/probe testdata/clib testdata/cmain
var crafted embed.FS

// subject is a real module with a program to run.
//
// Its tree holds src (its modules), out (what lies outside: overlays, targets
// of symbolic links) and home.
type subject struct {
	name    string
	root    string // of the main module or the workspace, relative to the tree
	module  string // of the main module
	path    string // the main module's path
	probe   string // the crafted main package
	use     string // Go source: imports, and func use() any
	pinned  bool   // C comes from an image
	cgo     bool   // the probe has a cgo package
	git     bool
	modules []source
	// shadow are import paths within the main module's path that other modules
	// provide, as directories.
	shadow []string
	// replaced are directories of local modules that are no main module.
	replaced []string
	settings []setting
	prepare  func(ctx context.Context, t *tree, env []string) error

	environ []string
	files   []string // all files of src
	goroot  string
}

// source is a module of the module proxy and where its copy goes.
type source struct {
	module, dir string
	only        []string // the directories to copy, nil for all
	goMod       string   // instead of its own
}

// setting is one way to run a subject.
type setting struct {
	name  string
	apply func(*state) bool
	// kind is the kind of edits that the setting is there for, "" for all.
	kind string
}

// copies fetches the modules and lays them out.
func (s *subject) copies(ctx context.Context, t *tree) error {
	for _, m := range s.modules {
		from, err := download(ctx, m.module)
		if err != nil {
			return err
		}
		if err := m.copy(os.DirFS(from), t.abs(m.dir)); err != nil {
			return fmt.Errorf("copying %s: %w", m.module, err)
		}
	}
	return s.craft(t)
}

func (m source) copy(from fs.FS, to string) error {
	roots := m.only
	if roots == nil {
		roots = []string{"."}
	}
	for _, root := range roots {
		if err := copyTree(from, root, filepath.Join(to, root), func(s string) string { return s }); err != nil {
			return err
		}
	}
	if m.goMod == "" {
		return nil
	}
	return os.WriteFile(filepath.Join(to, "go.mod"), []byte(m.goMod), 0o644)
}

// craft adds the probe.
func (s *subject) craft(t *tree) error {
	named := func(text string) string { return strings.ReplaceAll(text, "MODULE", s.path) }
	if err := copyTree(crafted, "testdata/probe", t.abs(s.probe), named); err != nil {
		return err
	}
	for _, name := range []string{"clib", "cmain"} {
		if !s.cgo {
			break
		}
		if err := copyTree(crafted, "testdata/"+name, t.abs(s.probe+"/"+name), named); err != nil {
			return err
		}
	}
	if s.use != "" {
		return os.WriteFile(t.abs(s.probe+"/use.go"), []byte("package main\n\n"+s.use), 0o644)
	}
	return os.WriteFile(t.abs(s.probe+"/use.go"), []byte("package main\n\nfunc use() any { return 10 }\n"), 0o644)
}

func copyTree(from fs.FS, root, to string, change func(string) string) error {
	return fs.WalkDir(from, root, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		at := filepath.Join(to, strings.TrimPrefix(name, root))
		if root == "." {
			at = filepath.Join(to, name)
		}
		if d.IsDir() {
			return os.MkdirAll(at, 0o755)
		}
		data, err := fs.ReadFile(from, name)
		if err != nil {
			return err
		}
		return os.WriteFile(at, []byte(change(string(data))), 0o644)
	})
}

// download returns the directory of a module, which the go command verifies.
func download(ctx context.Context, module string) (string, error) {
	cmd := exec.CommandContext(ctx, "go", "mod", "download", "-json", module)
	cmd.Env = append(os.Environ(), "GOFLAGS=", "GOWORK=off")
	cmd.Dir = os.TempDir()
	out, err := cmd.Output()
	var m struct{ Dir, Error string }
	if jsonErr := json.Unmarshal(out, &m); err != nil || jsonErr != nil || m.Dir == "" {
		return "", fmt.Errorf("downloading %s: %w %s", module, err, m.Error)
	}
	return m.Dir, nil
}

// ready makes a subject's private tree. modcache and gocache are the go
// command's, goroot its installation.
func (s *subject) ready(ctx context.Context, dir, modcache, gocache, goroot string) (*tree, error) {
	t := &tree{root: filepath.Join(dir, "tree"), trash: filepath.Join(dir, "trash")}
	for _, d := range []string{t.trash, t.abs("src"), t.abs("out"), t.abs("home"), t.abs("tmp")} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			return nil, err
		}
	}
	s.goroot = goroot
	s.environ = environment(t, modcache, gocache)
	if err := s.copies(ctx, t); err != nil {
		return nil, err
	}
	for _, step := range []func(context.Context, *tree) error{s.prepared, s.repository, s.survey} {
		if err := step(ctx, t); err != nil {
			return nil, fmt.Errorf("preparing %s: %w", s.name, err)
		}
	}
	return t, s.furnish(t)
}

// environment is the whole environment of the go command and of gorun. The
// module cache is its own proxy, so that no edit asks the network.
func environment(t *tree, modcache, gocache string) []string {
	return []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + t.abs("home"), "TMPDIR=" + t.abs("tmp"),
		"GOCACHE=" + gocache, "GOMODCACHE=" + modcache,
		"GOPROXY=file://" + filepath.ToSlash(modcache) + "/cache/download", "GOSUMDB=off", "GOTOOLCHAIN=local",
	}
}

func (s *subject) prepared(ctx context.Context, t *tree) error {
	if s.prepare == nil {
		return nil
	}
	return s.prepare(ctx, t, slices.Concat(s.environ, onlinePreparation()))
}

// onlinePreparation lets the go command complete go.sum and vendor once.
func onlinePreparation() []string {
	env := []string{"GOFLAGS=-mod=mod"}
	for _, name := range []string{"GOPROXY", "GOSUMDB"} {
		out, err := exec.Command("go", "env", name).Output()
		if err == nil {
			env = append(env, name+"="+strings.TrimSpace(string(out)))
		}
	}
	return env
}

// goIn runs the go command while a subject is prepared.
func goIn(ctx context.Context, dir string, env []string, args ...string) error {
	return runIn(ctx, dir, env, "go", args...)
}

func runIn(ctx context.Context, dir string, env []string, name string, args ...string) error {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir, cmd.Env = dir, env
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("running %s %s: %w\n%s", name, strings.Join(args, " "), err, out)
	}
	return nil
}

// repository puts the subject under version control.
func (s *subject) repository(ctx context.Context, t *tree) error {
	if !s.git {
		return nil
	}
	for _, args := range [][]string{{"init", "-q"}, {"add", "."}, {"commit", "-q", "-m", "one"}} {
		if err := gitIn(ctx, t, s.root, args...); err != nil {
			return err
		}
	}
	return nil
}

func gitIn(ctx context.Context, t *tree, dir string, args ...string) error {
	env := []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + t.abs("home"), "GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@example.com",
		"GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a@example.com", "GIT_AUTHOR_DATE=2026-01-02T03:04:05Z", "GIT_COMMITTER_DATE=2026-01-02T03:04:05Z",
	}
	return runIn(ctx, t.abs(dir), env, "git", args...)
}

// survey lists the files that edits choose from.
func (s *subject) survey(_ context.Context, t *tree) error {
	return filepath.WalkDir(t.abs("src"), func(name string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() && d.Name() == ".git" {
			return fs.SkipDir
		}
		if err == nil && d.Type().IsRegular() {
			rel, _ := filepath.Rel(t.root, name)
			s.files = append(s.files, filepath.ToSlash(rel))
		}
		return err
	})
}

// state is the pristine state under a setting.
func (s *subject) state(t *tree) *state {
	return &state{
		tree: t, sub: s, dir: t.abs(s.module),
		pkg: []string{"./" + strings.TrimPrefix(strings.TrimPrefix(s.probe, s.module), "/")},
	}
}

func (s *subject) importPath(dir string) string {
	return path.Join(s.path, strings.TrimPrefix(dir, s.module))
}
