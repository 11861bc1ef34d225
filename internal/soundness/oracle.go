package soundness

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/org/gorun-action/cachekeys"
)

//go:embed testdata/hasher/main.go.txt
var hasherSource []byte

// oracle is the go command.
type oracle struct {
	hasher  string // the program that prints the digest of an executable
	scratch string // for build caches that are used once
	std     string // a build cache for the standard library alone
	// compiled says that std is filled.
	compiled bool
	runs     int
	time     time.Duration // of all go commands
}

// built is what the go command made of a state: the digest of an executable,
// or why there is none.
type built struct{ Sum, Failure string }

func (b built) String() string {
	if b.Sum != "" {
		return "builds " + b.Sum
	}
	return "fails: " + b.Failure
}

// newHasher compiles the program for `go run -exec`.
func newHasher(ctx context.Context, dir string) (string, error) {
	source, program := filepath.Join(dir, "hasher.go"), filepath.Join(dir, "hasher")
	if err := os.WriteFile(source, hasherSource, 0o644); err != nil {
		return "", err
	}
	cmd := exec.CommandContext(ctx, "go", "build", "-o", program, source)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), "GOFLAGS=", "GOWORK=off")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("compiling the hasher: %w\n%s", err, out)
	}
	return program, nil
}

// run asks for the bytes.
func (o *oracle) run(ctx context.Context, s *state, env ...string) built {
	o.runs++
	args := slices.Concat([]string{"run", "-C", s.dir, "-exec=" + o.hasher}, s.command())
	out, err := o.goCommand(ctx, s, args, env)
	_, sum, ok := strings.Cut(string(out), "executable ")
	if err == nil && ok {
		return built{Sum: strings.TrimSpace(sum)}
	}
	return built{Failure: normal(err, out)}
}

// fresh asks a go command that has nothing but the standard library: the build
// cache's own idea of what an object depends on leaves out some includes
// (golang/go#24355).
func (o *oracle) fresh(ctx context.Context, s *state) (built, error) {
	if err := o.standard(ctx, s); err != nil {
		return built{}, err
	}
	cache, err := os.MkdirTemp(o.scratch, "gocache")
	if err != nil {
		return built{}, err
	}
	defer os.RemoveAll(cache)
	if err := cloneCache(cache, o.std); err != nil {
		return built{}, fmt.Errorf("copying the standard library's objects: %w", err)
	}
	return o.run(ctx, s, "GOCACHE="+cache), nil
}

// standard compiles what the standard library has of the subject, once.
func (o *oracle) standard(ctx context.Context, s *state) error {
	if o.compiled {
		return nil
	}
	o.compiled = true
	plain := s.sub.state(s.tree)
	args := []string{"build", "-C", s.tree.root, "fmt", "embed", "os", "runtime/cgo", "unsafe", "strings", "sync", "crypto/x509", "net", "os/user"}
	if out, err := o.goCommand(ctx, plain, args, []string{"GOCACHE=" + o.std, "GOWORK=off"}); err != nil {
		return fmt.Errorf("compiling the standard library: %w\n%s", err, out)
	}
	return nil
}

// cloneCache links the objects, which are never written again, and copies the
// entries that lead to them, which are.
func cloneCache(to, from string) error {
	return filepath.WalkDir(from, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, name)
		if err != nil {
			return err
		}
		at := filepath.Join(to, rel)
		switch {
		case d.IsDir():
			return os.MkdirAll(at, 0o755)
		case strings.HasSuffix(name, "-d") && os.Link(name, at) == nil: // not to another file system
			return nil
		}
		data, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		return os.WriteFile(at, data, 0o644)
	})
}

// goCommand runs go with its module index off: with frozen modification times
// that index builds the wrong program.
func (o *oracle) goCommand(ctx context.Context, s *state, args, env []string) ([]byte, error) {
	defer func(began time.Time) { o.time += time.Since(began) }(time.Now())
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = s.tree.root
	environ := append(s.environ(), env...)
	debug := "goindex=0"
	if own := lookup(environ, "GODEBUG"); own != "" {
		debug = own + "," + debug
	}
	cmd.Env = append(environ, "GODEBUG="+debug)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return stderr.Bytes(), err
	}
	return out, nil
}

func lookup(environ []string, name string) string {
	for _, kv := range slices.Backward(environ) {
		if value, ok := strings.CutPrefix(kv, name+"="); ok {
			return value
		}
	}
	return ""
}

var temporary = regexp.MustCompile(`(go-build|cgo-gcc-input-|gocache)[0-9]+`)

// normal is the text of a failure without the names of temporary files.
func normal(err error, stderr []byte) string {
	text := temporary.ReplaceAllString(string(stderr), "$1")
	if err != nil {
		text = err.Error() + "\n" + text
	}
	return strings.TrimSpace(text)
}

// listed is what go list prints for a package.
type listed struct {
	ImportPath, Dir                                                                                                     string
	Standard                                                                                                            bool
	GoFiles, CgoFiles, CFiles, CXXFiles, MFiles, HFiles, FFiles, SFiles, SwigFiles, SwigCXXFiles, SysoFiles, EmbedFiles []string
	Module                                                                                                              cachekeys.ListedModule
}

// list asks for the packages of the build, as gorun does before it keeps an
// executable.
func (o *oracle) list(ctx context.Context, s *state) ([]cachekeys.Built, error) {
	fields := "-json=ImportPath,Dir,Standard,GoFiles,CgoFiles,CFiles,CXXFiles,MFiles,HFiles,FFiles,SFiles,SwigFiles,SwigCXXFiles,SysoFiles,EmbedFiles,Module"
	args := slices.Concat([]string{"list", "-C", s.dir, "-deps", fields}, s.command())
	args = slices.DeleteFunc(args, func(a string) bool { return a == "-v" })
	out, err := o.goCommand(ctx, s, args, nil)
	if err != nil {
		return nil, fmt.Errorf("listing packages: %w\n%s", err, out)
	}
	var packages []cachekeys.Built
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p listed
		err := d.Decode(&p)
		if errors.Is(err, io.EOF) {
			return packages, nil
		}
		if err != nil {
			return nil, fmt.Errorf("reading the list of packages: %w", err)
		}
		packages = append(packages, p.built())
	}
}

func (p listed) built() cachekeys.Built {
	return cachekeys.Built{
		ImportPath: p.ImportPath, Dir: p.Dir, Standard: p.Standard, Cgo: len(p.CgoFiles) > 0, Pinned: p.Module.Pins(p.Dir),
		Files: slices.Concat(p.GoFiles, p.CgoFiles, p.CFiles, p.CXXFiles, p.MFiles, p.HFiles, p.FFiles, p.SFiles,
			p.SwigFiles, p.SwigCXXFiles, p.SysoFiles, p.EmbedFiles),
	}
}
