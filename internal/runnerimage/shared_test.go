package runnerimage

import (
	"archive/tar"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/registry"

	"github.com/org/gorun-action/internal/acttest"
	"github.com/org/gorun-action/internal/testenv"
)

// fresh is what each new container of TestFreshContainers is told.
type fresh struct {
	*testing.T
	host, dir, modules, config string
}

// password is that of the registry.
const password = "open-sesame-2718"

// One container builds, and others that have nothing in common with it but a
// registry start where it stopped: without a go command when nothing has
// changed, else with its modules and what it compiled of them. None of them
// can fetch a module.
func TestFreshContainers(t *testing.T) {
	t.Parallel()
	testenv.Long(t, "three containers compile a part of the standard library")
	f := newFresh(t)
	root := []string{"-e", "GORUN_RUN_AS=self", "-e", "GOPROXY=off"}

	first := f.run("-e", "GOPROXY=file:///modules")
	f.expect("first", first, "one true", "miss", "restore executable miss", "restore pack miss", "save executable kept", "save pack kept")
	f.expect("owner", f.run("-e", "GOPROXY=off"), "one true", "hit", "restore executable hit")
	f.expect("root", f.run(root...), "one true", "hit", "restore executable hit")

	f.write("main.go", strings.Replace(needy, "one", "two", 1))
	near := f.run("-e", "GOPROXY=off", "-e", "GORUN_CACHE_MODE=read")
	f.expect("owner, changed", near, "two true", "miss", "restore executable miss", "restore pack near")
	asRoot := f.run(root...)
	f.expect("root, changed", asRoot, "two true", "miss", "restore executable miss", "restore pack near", "save executable kept", "save pack skipped")
	alone := f.run("-e", "GOPROXY=file:///modules", "-e", "GORUN_CACHE_MODE=off", "-e", "GORUN_CACHE_TO=none")
	f.expect("without a cache", alone, "two true", "off")
	for _, r := range []recorded{near, asRoot} {
		if r.SHA256 == "" || r.SHA256 != alone.SHA256 {
			t.Errorf("with a pack %q was built, without %q", r.SHA256, alone.SHA256)
		}
		if len(r.modules) > 0 {
			t.Errorf("in /cache/mod there is %q", r.modules)
		}
	}
	if len(alone.modules) == 0 {
		t.Error("what is in /cache/mod cannot be seen")
	}
	t.Logf("milliseconds: first %d, changed %d and %d, without a cache %d", first.total, near.total, asRoot.total, alone.total)
}

// needy is a program that needs another module.
const needy = `package main

import (
	"fmt"

	"github.com/google/go-cmp/cmp"
)

func main() { fmt.Println("one", cmp.Equal(1, 1)) }
`

func newFresh(t *testing.T) *fresh {
	t.Helper()
	f := &fresh{T: t, dir: workspace(t, needy), config: filepath.Join(t.TempDir(), "config.json")}
	f.write("go.mod", "module example.test/needy\n\ngo 1.26\n\nrequire github.com/google/go-cmp v0.7.0\n")
	f.write("go.sum", "github.com/google/go-cmp v0.7.0 h1:wk8382ETsv4JYUZwIsn6YpYiWiBsYLSJiTsyBybVuN8=\ngithub.com/google/go-cmp v0.7.0/go.mod h1:pXiqmnSA92OHEEa9HXL2W4E7lf9JzCmGVUdgjX3N/iU=\n")
	f.modules = acttest.Downloads(t, f.dir)
	f.host = acttest.ServeContainers(t, guarded(registry.New(registry.Logger(log.New(io.Discard, "", 0)))))
	auth := base64.StdEncoding.EncodeToString([]byte("ci:" + password))
	if err := os.WriteFile(f.config, fmt.Appendf(nil, `{"auths":{%q:{"auth":%q}}}`, f.host, auth), 0o600); err != nil {
		t.Fatal(err)
	}
	give(t, f.config)
	return f
}

// guarded asks for the password.
func guarded(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, given, _ := r.BasicAuth(); given != password {
			w.Header().Set("WWW-Authenticate", `Basic realm="registry"`)
			http.Error(w, "who are you", http.StatusUnauthorized)
			return
		}
		h.ServeHTTP(w, r)
	})
}

func (f *fresh) write(name, text string) {
	f.Helper()
	if err := os.WriteFile(filepath.Join(f.dir, name), []byte(text), 0o644); err != nil {
		f.Fatal(err)
	}
	give(f.T, f.dir)
}

// recorded is what a container's log and file system say.
type recorded struct {
	result
	transfers []string
	built     bool
	cache     string
	SHA256    string
	total     int64
	warnings  []string
	modules   []string // in its module cache
}

// run starts a new container.
func (f *fresh) run(options ...string) recorded {
	f.Helper()
	name := fmt.Sprintf("gorun-runnerimage-test-%d", os.Getpid())
	args := []string{"run", "--name", name, "-v", f.modules + ":/modules:ro", "-e", "GOSUMDB=off", "-v", f.config + ":/home/gorun/.docker/config.json:ro", "-e", "GORUN_CACHE_TO=oci:" + f.host + "/gorun/cache"}
	args = slices.Concat(args, mount(f.dir), options, []string{testenv.RunnerImage(f), "."})
	defer exec.Command("docker", "rm", "--force", "--volumes", name).Run()
	r := recorded{result: start(f.T, "", args...)}
	r.read()
	r.modules = files(f.T, name, "/cache/mod")
	return r
}

// read takes the log apart.
func (r *recorded) read() {
	for line := range strings.Lines(r.stderr) {
		var e struct {
			Event, Op, What, Outcome, Cache, Message string
			Executable                               struct{ SHA256 string }
			Timings                                  struct{ Total int64 } `json:"timings_ms"`
		}
		_ = json.Unmarshal([]byte(line), &e) // what is no record has no event
		switch e.Event {
		case "transfer":
			r.transfers = append(r.transfers, e.Op+" "+e.What+" "+e.Outcome)
		case "build":
			r.built = true
		case "warning":
			r.warnings = append(r.warnings, e.Message)
		case "result":
			r.cache, r.SHA256, r.total = e.Cache, e.Executable.SHA256, e.Timings.Total
		}
	}
	slices.Sort(r.transfers)
}

// expect holds a run to what it printed, to the verdict's word on the cache, and
// to what the registry was asked and answered.
func (f *fresh) expect(name string, r recorded, stdout, cache string, transfers ...string) {
	f.Helper()
	ok := r.status == 0 && r.stdout == stdout+"\n" && r.cache == cache && r.built == (cache != "hit") && len(r.warnings) == 0
	slices.Sort(transfers)
	if !ok || !slices.Equal(r.transfers, transfers) || strings.Contains(r.stderr, password) {
		f.Errorf("%s: want %q, cache %s, %q; got status %d, %q, cache %s, built %t, %q, warnings %q\n%s",
			name, stdout, cache, transfers, r.status, r.stdout, r.cache, r.built, r.transfers, r.warnings, r.stderr)
	}
}

// files lists the visible files below dir of a container.
func files(t *testing.T, container, dir string) (names []string) {
	t.Helper()
	cmd := exec.Command("docker", "cp", container+":"+dir, "-")
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	for archive := tar.NewReader(out); ; {
		h, err := archive.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if h.Typeflag != tar.TypeDir && !strings.HasPrefix(filepath.Base(h.Name), ".") {
			names = append(names, h.Name)
		}
	}
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	return names
}
