package runner

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/org/gorun-action/cachekeys"
	"github.com/org/gorun-action/container"
	"github.com/org/gorun-action/internal/buildflags"
	"github.com/org/gorun-action/internal/goenv"
)

// viewOf returns the view of a container build in dir.
func viewOf(t *testing.T, dir string, environ, argv []string) (view, string) {
	t.Helper()
	parsed, err := buildflags.Parse(argv, nil)
	if err != nil {
		t.Fatal(err)
	}
	build, err := parsed.Build(buildflags.Options{GOOS: "linux", GOARCH: "amd64"})
	if err != nil {
		t.Fatal(err)
	}
	pkg, args, err := parsed.Package(false)
	if err != nil {
		t.Fatal(err)
	}
	r := &run{Runner: &Runner{Report: &recorder{}}, spec: Spec{
		Dir: dir, Env: goenv.Load(environ, ""), Build: build, Package: pkg, Args: args, CacheDir: t.TempDir(),
	}}
	plan, err := r.plan(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	work := t.TempDir()
	v, err := r.view(t.Context(), plan, container.Site{Builder: "docker", Digest: "sha256:" + strings.Repeat("ab", 32)}, work, PackCaches{})
	if err != nil {
		t.Fatal(err)
	}
	return v, work
}

func write(t *testing.T, dir string, files map[string]string) string {
	t.Helper()
	if err := writeFiles(dir, files); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestContainerSeesNoSecrets(t *testing.T) {
	environ := []string{
		"HOME=" + t.TempDir(), "ACTIONS_RUNTIME_TOKEN=secret", "GITHUB_TOKEN=secret", "AWS_SECRET_ACCESS_KEY=secret",
		"GOPROXY=http://127.0.0.1:1", "GOPRIVATE=example.com", "HTTPS_PROXY=http://proxy:3128", "GOFLAGS=-v", "GOARCH=arm64", "PATH=/bin",
	}
	v, _ := viewOf(t, t.TempDir(), environ, nil)
	env := strings.Join(v.env, "\n")
	for _, want := range []string{"GOPROXY=http://127.0.0.1:1", "GOPRIVATE=example.com", "HTTPS_PROXY=http://proxy:3128", "GOFLAGS=-v", "GOARCH=arm64", "GOOS=linux", "GOTOOLCHAIN=local", "GOENV=off"} {
		if !slices.Contains(v.env, want) {
			t.Errorf("%s is missing from the container's environment:\n%s", want, env)
		}
	}
	if strings.Contains(env, "secret") || strings.Contains(env, "PATH=/bin") {
		t.Errorf("the container sees too much:\n%s", env)
	}
}

func TestContainerMounts(t *testing.T) {
	root := t.TempDir()
	write(t, root, map[string]string{
		"m/go.mod":             "module example.com/m\n\ngo 1.26\n\nreplace example.com/r => ../replaced\n",
		"m/cmd/x/main.go":      "package main\n",
		"replaced/go.mod":      "module example.com/r\n",
		"elsewhere/alt.mod":    "module example.com/m\n\ngo 1.26\n\nreplace example.com/r => ../replaced\n",
		"elsewhere/o.json":     `{"Replace": {"a.go": "` + root + `/overlay/a.go", "gone.go": ""}}`,
		"overlay/a.go":         "package main\n",
		"proxy/x":              "",
		"home/.netrc":          "machine example.com login u password p\n",
		"other/file/main.go":   "package main\n",
		"work/go.work":         "go 1.26\n\nuse ./a\nuse ../outside\n",
		"work/a/go.mod":        "module example.com/a\n",
		"outside/go.mod":       "module example.com/o\n",
		"gopath/src/p/main.go": "package main\n",
	})
	at := func(name string) string { return filepath.Join(root, name) }
	environ := []string{"HOME=" + at("home")}
	tests := []struct {
		name     string
		dir      string
		environ  []string
		argv     []string
		read     []string
		writable []string
	}{
		{"module", "m/cmd/x", nil, nil, []string{"m", "replaced", "home/.netrc"}, []string{"home/go/pkg/mod"}},
		{"-mod=mod", "m", nil, []string{"-mod=mod", "."}, []string{"home/.netrc"}, []string{"m", "replaced"}},
		{"-modfile", "m", nil, []string{"-modfile=../elsewhere/alt.mod", "."}, []string{"m", "replaced", "elsewhere/alt.mod"}, nil},
		{"-overlay", "m", nil, []string{"-overlay", "../elsewhere/o.json", "."}, []string{"elsewhere/o.json", "overlay/a.go"}, nil},
		{"file list", "m", nil, []string{"../other/file/main.go"}, []string{"m", "other/file"}, nil},
		{"go.work", "work/a", nil, nil, []string{"work", "outside"}, nil},
		{"file proxy", "m", []string{"GOPROXY=file://" + at("proxy") + ",off"}, nil, []string{"proxy"}, nil},
		{"GOPATH mode", "gopath/src/p", []string{"GO111MODULE=off", "GOPATH=" + at("gopath")}, nil, []string{"gopath/src"}, nil},
		{"GOCACHE", "m", []string{"GOCACHE=" + at("gocache")}, nil, nil, []string{"gocache"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			v, work := viewOf(t, at(tt.dir), append(slices.Clone(environ), tt.environ...), tt.argv)
			for _, name := range tt.read {
				if m := shows(v.mounts, at(name)); m == nil || m.Writable {
					t.Errorf("%s is not mounted read-only: %+v", name, v.mounts)
				}
			}
			for _, name := range append(tt.writable, work) {
				if m := shows(v.mounts, cachekeys.Absolute(root, name)); m == nil || !m.Writable {
					t.Errorf("%s is not mounted writable: %+v", name, v.mounts)
				}
			}
		})
	}
}

// shows returns the innermost mount that shows path, or nil.
func shows(mounts []container.Mount, path string) *container.Mount {
	var best *container.Mount
	for i, m := range mounts {
		if m.Source == m.Target && cachekeys.Within(m.Target, path) && (best == nil || len(m.Target) > len(best.Target)) {
			best = &mounts[i]
		}
	}
	return best
}

func TestTidyKeepsAccess(t *testing.T) {
	in := []container.Mount{
		{Source: "/w/m", Target: "/w/m"}, {Source: "/w", Target: "/w"}, {Source: "/w/m/c", Target: "/w/m/c", Writable: true},
		{Source: "/w/m/c/d", Target: "/w/m/c/d", Writable: true}, {Source: "/w", Target: "/w", Writable: false}, {Source: "/self", Target: "/w/m/c/helper"},
	}
	want := []container.Mount{
		{Source: "/w", Target: "/w"}, {Source: "/w/m/c", Target: "/w/m/c", Writable: true}, {Source: "/self", Target: "/w/m/c/helper"},
	}
	if diff := cmp.Diff(want, tidy(in)); diff != "" {
		t.Errorf("tidy (-want +got):\n%s", diff)
	}
}

func TestMountsThatHideTheToolchain(t *testing.T) {
	for dir, hides := range map[string]bool{"/": true, "/usr": true, "/usr/local": true, "/usr/local/go": true, "/etc": true, "/home/u": false, "/tmp/x": false, "/srv/etc": false} {
		if hidesToolchain(dir) != hides {
			t.Errorf("hidesToolchain(%s) = %v", dir, !hides)
		}
	}
}

// The list of variables must not fall behind the go command's own.
func TestConfiguredKnowsTheGoCommandsVariables(t *testing.T) {
	// Where things are, on this machine, and what the container decides itself.
	ours := strings.Fields("GOBIN GOCACHE GOCACHEPROG GOENV GOEXE GOGCCFLAGS GOHOSTARCH GOHOSTOS GOMODCACHE GOOS GOARCH GOPATH GOROOT GOTMPDIR GOTOOLCHAIN GOTOOLDIR")
	root, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		t.Fatal(err)
	}
	src, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(root)), "src/internal/cfg/cfg.go"))
	if err != nil {
		t.Fatal(err)
	}
	_, list, ok := strings.Cut(string(src), "KnownEnv = `")
	list, _, ok2 := strings.Cut(list, "`")
	if !ok || !ok2 {
		t.Fatal("internal/cfg has no KnownEnv any more")
	}
	for _, name := range strings.Fields(list) {
		if !slices.Contains(configured, name) && !slices.Contains(ours, name) {
			t.Errorf("the go command knows %s; decide what a container gets of it", name)
		}
	}
}

func TestHostRootsFollowTheVariables(t *testing.T) {
	dir := write(t, t.TempDir(), map[string]string{
		"bundle.pem":  "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
		"more/a.crt":  "-----BEGIN CERTIFICATE-----\nBBBB\n-----END CERTIFICATE-----\n",
		"more/b.0":    "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
		"more/README": "no certificate\n",
	})
	env := goenv.Load([]string{"SSL_CERT_FILE=" + dir + "/bundle.pem", "SSL_CERT_DIR=" + dir + "/more"}, "")
	got := string(env.Roots())
	if strings.Count(got, "AAAA") != 1 || strings.Count(got, "BBBB") != 1 || strings.Contains(got, "no certificate") {
		t.Errorf("the bundle is\n%s", got)
	}
}

func TestVersioned(t *testing.T) {
	for arg, want := range map[string]bool{"example.com/x@latest": true, "./x@y": false, "/x@y": false, "x@y.go": false, ".": false} {
		if versioned([]string{arg}) != want {
			t.Errorf("versioned(%s) = %v", arg, !want)
		}
	}
}

func TestWantedToolchain(t *testing.T) {
	tests := []struct {
		name string
		spec Spec
		env  string
		w    cachekeys.Workspace
		want container.Want
	}{
		{"nobody asks", Spec{}, "", cachekeys.Workspace{}, container.Want{}},
		{"go line", Spec{}, "", cachekeys.Workspace{GoMod: "/m/go.mod", Go: "1.25"}, container.Want{Version: "1.25", From: "go line of go.mod"}},
		{"toolchain line", Spec{}, "", cachekeys.Workspace{GoWork: "/m/go.work", Go: "1.25", Toolchain: "1.26.3"}, container.Want{Version: "1.26.3", From: "toolchain line of go.work"}},
		{"GOTOOLCHAIN", Spec{}, "GOTOOLCHAIN=go1.26.8", cachekeys.Workspace{Go: "1.25"}, container.Want{Version: "1.26.8", Exact: true, From: "GOTOOLCHAIN"}},
		{"GOTOOLCHAIN=local", Spec{}, "GOTOOLCHAIN=local", cachekeys.Workspace{GoMod: "/m/go.mod", Go: "1.25"}, container.Want{Version: "1.25", From: "go line of go.mod"}},
		{"--go-version", Spec{GoVersion: "go1.27"}, "GOTOOLCHAIN=go1.26.8", cachekeys.Workspace{Go: "1.25"}, container.Want{Version: "1.27", Exact: true, From: "--go-version"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.spec.Env = goenv.Load([]string{tt.env, "GOENV=off"}, "")
			r := &run{spec: tt.spec}
			if diff := cmp.Diff(tt.want, r.want(tt.w)); diff != "" {
				t.Errorf("want (-want +got):\n%s", diff)
			}
		})
	}
}

func TestCachesAreAbsolute(t *testing.T) {
	for caches, want := range map[[2]string]bool{{"/mod", "/build"}: true, {"mod", "/build"}: false, {"/mod", "build"}: false, {"/mod", ""}: false} {
		if err := absolute(caches[:]...); (err == nil) != want {
			t.Errorf("%q: %v", caches, err)
		}
	}
}

// A module below a home directory that is a git work tree shows a build nothing
// of that home, unless the build is to be stamped.
func TestContainerSeesNoWorkTree(t *testing.T) {
	root := write(t, t.TempDir(), map[string]string{".git/HEAD": "", ".ssh/id": "", "m/go.mod": "module example.com/m\n", "m/main.go": "package main\n"})
	for flag, want := range map[string]bool{"-buildvcs=auto": false, "-buildvcs=false": false, "-buildvcs=true": true} {
		v, _ := viewOf(t, filepath.Join(root, "m"), []string{"HOME=" + root}, []string{flag, "."})
		if got := shows(v.mounts, filepath.Join(root, ".ssh/id")) != nil; got != want {
			t.Errorf("%s: the build sees .ssh: %v", flag, got)
		}
	}
}
