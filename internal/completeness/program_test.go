package completeness

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/org/gorun-action/cachekeys"
)

// program is something to build: a txtar archive of testdata, whose comment
// has directives as those of cachekeys' closure tests (dir, package, flag,
// env), or gorun itself.
type program struct {
	t     *testing.T
	root  string
	dir   string // below root
	pkg   []string
	flags []cachekeys.Flag
	env   map[string]string
}

func load(t *testing.T, file string) *program {
	archive, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	p := &program{t: t, root: filepath.Join(t.TempDir(), "work"), env: map[string]string{}}
	for _, f := range archive.Files {
		path := filepath.Join(p.root, filepath.FromSlash(f.Name))
		p.must(os.MkdirAll(filepath.Dir(path), 0o755))
		p.must(os.WriteFile(path, f.Data, 0o644))
	}
	for line := range strings.Lines(string(archive.Comment)) {
		word, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		p.directive(word, rest)
	}
	return p
}

func (p *program) directive(word, rest string) {
	name, value, given := strings.Cut(rest, "=")
	switch word {
	case "", "#":
	case "dir":
		p.dir = rest
	case "package":
		p.pkg = strings.Fields(rest)
	case "flag":
		if !given {
			value = "true"
		}
		p.flags = append(p.flags, cachekeys.Flag{Name: name, Value: value})
	case "env":
		p.env[name] = value
	default:
		p.t.Fatalf("unknown directive %s", word)
	}
}

func (p *program) must(err error) {
	p.t.Helper()
	if err != nil {
		p.t.Fatal(err)
	}
}

// itself is gorun.
func itself(t *testing.T) *program {
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	return &program{t: t, root: root, pkg: []string{"./cmd/gorun"}}
}

func (p *program) workspace() cachekeys.Workspace {
	var o cachekeys.Options
	for _, f := range p.flags {
		if f.Name == "modfile" {
			o.ModFile = f.Value
		}
	}
	return cachekeys.FindWorkspace(filepath.Join(p.root, p.dir), o)
}

// modules are the paths of the local modules.
func (p *program) modules() (paths []string) {
	for _, m := range p.workspace().Modules {
		paths = append(paths, m.Path)
	}
	return paths
}

// closure is that of the program for a toolchain in an image: the C compiler
// is pinned.
func (p *program) closure(modCache string) *cachekeys.Closure {
	c := cachekeys.OpenIndex("", cachekeys.SHA256(), time.Now).Closure(cachekeys.Request{
		Workspace: p.workspace(), Package: p.pkg, Flags: p.flags, Target: "linux/amd64", ModCache: modCache,
		Toolchain: cachekeys.Toolchain{Version: "1.26.8", Digest: "sha256:01"},
		Getenv:    func(name string) string { return p.env[name] },
	})
	// What is included from elsewhere is an input, and a reason against keeping
	// what was built.
	watched := func(reason string) bool { return !strings.Contains(reason, "does not watch") }
	if slices.ContainsFunc(c.Reasons, watched) || slices.ContainsFunc(c.CReasons, watched) {
		p.t.Errorf("there is no key: %q, %q", c.Reasons, c.CReasons)
	}
	return c
}

// command is `go run` with a program that does nothing in the place of the one
// that is built, behind the words of prefix.
func (p *program) command(own ownDirs, prefix ...string) *exec.Cmd {
	args := append(prefix, "go", "run", "-exec=true")
	for _, f := range p.flags {
		args = append(args, "-"+f.Name+"="+f.Value)
	}
	args = append(args, p.pkg...)
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Dir = filepath.Join(p.root, p.dir)
	cmd.Env = append(os.Environ(), "GOFLAGS=", "GOWORK=", "GOPROXY=off", "GOTOOLCHAIN=local", "GOTMPDIR="+own.Tmp, "TMPDIR="+own.Tmp, "PWD="+cmd.Dir)
	for name, value := range p.env {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	return cmd
}

func (p *program) run(cmd *exec.Cmd) {
	p.t.Helper()
	if out, err := cmd.CombinedOutput(); err != nil {
		p.t.Fatalf("%v: %v\n%s", cmd.Args, err, out)
	}
}

// ownDirs are the pinned places and the go command's own.
type ownDirs struct {
	GOROOT, GOMODCACHE, GOCACHE, GOENV, GOTELEMETRYDIR, GOPATH string

	Tmp string `json:"-"`
}

func findOwn(t *testing.T) ownDirs {
	var own ownDirs
	out, err := exec.Command("go", "env", "-json").Output()
	if err == nil {
		err = json.Unmarshal(out, &own)
	}
	if err != nil {
		t.Fatal(err)
	}
	own.Tmp = t.TempDir()
	return own
}
