package image

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb"
	"golang.org/x/mod/sumdb/dirhash"
	"golang.org/x/mod/sumdb/note"

	"github.com/org/gorun-action/container"
)

// fakeGo is an Executor that answers as a go command might.
type fakeGo struct {
	t              *testing.T
	stdout, stderr string
	code           int
	err            error
	got            container.Command
}

func (g *fakeGo) Run(_ context.Context, c container.Command) (container.ExitStatus, error) {
	g.got = c
	fmt.Fprint(c.Stdout, g.stdout)
	fmt.Fprint(c.Stderr, g.stderr)
	return container.ExitStatus{Code: g.code}, g.err
}

func TestDownload(t *testing.T) {
	errBroken := errors.New("no such engine")
	answer := func(values ...string) string {
		data, _ := json.Marshal(map[string]string{"Path": modulePath, values[0]: values[1]})
		return string(data)
	}
	tests := []struct {
		name string
		fakeGo
		err, hint string
		is        error
	}{
		{"good", fakeGo{stdout: `{"Path":"golang.org/toolchain","Zip":"/m/x.zip","Sum":"h1:x","Dir":"/m"}`}, "", "", nil},
		{"mismatch", fakeGo{code: 1, stdout: answer("Error", "golang.org/toolchain@v: verifying module: checksum mismatch\n\tdownloaded: h1:a\n\tsum.db: h1:b\n\nSECURITY ERROR")}, "downloaded: h1:a", "", container.ErrIntegrity},
		{"forged database", fakeGo{code: 1, stdout: answer("Error", "verifying module: x: SECURITY ERROR\nmisbehaving server")}, "misbehaving server", "", container.ErrIntegrity},
		{"mismatch on stderr", fakeGo{code: 1, stderr: "verifying x: checksum mismatch"}, "status 1: verifying", "", container.ErrIntegrity},
		{"no such release", fakeGo{code: 1, stdout: answer("Error", "reading https://p/x.info: 404 Not Found")}, "404 Not Found", "see go.dev/dl", nil},
		{"no network", fakeGo{code: 1, stdout: answer("Error", "dial tcp: lookup p: no such host")}, "no such host", "", nil},
		{"no JSON", fakeGo{stdout: "hello"}, "reading what go mod download says", "", nil},
		{"nothing", fakeGo{stdout: "{}"}, "names no zip", "", nil},
		{"crash", fakeGo{code: 2, stderr: "go: unknown command"}, "status 2: go: unknown command", "", nil},
		{"no go", fakeGo{err: errBroken}, "running /go", "", errBroken},
	}
	for _, tt := range tests {
		g := Go{Executor: &tt.fakeGo, Path: "/go", Dir: "/empty", User: "1:2", Mounts: []container.Mount{{Source: "/m", Target: "/m"}},
			Env: []string{"PATH=/bin", "GOFLAGS=-mod=vendor"}}
		tc, zip, err := g.Download(t.Context(), "1.26.99", "linux/arm64")
		if tt.err == "" {
			if want := (container.Toolchain{Version: "1.26.99", Platform: "linux/arm64", Sum: "h1:x"}); tc != want || zip != "/m/x.zip" || err != nil {
				t.Errorf("%s: %+v, %s, %v", tt.name, tc, zip, err)
			}
		} else if err == nil || !strings.Contains(err.Error(), tt.err) || !strings.Contains(container.Hint(err), tt.hint) ||
			tt.is != nil && !errors.Is(err, tt.is) || tt.is == nil && errors.Is(err, container.ErrIntegrity) {
			t.Errorf("%s: error %v (hint %q), want %q", tt.name, err, container.Hint(err), tt.err)
		}
		c := tt.got
		if got := strings.Join(c.Args, " "); c.Path != "/go" || c.Dir != "/empty" || c.User != "1:2" || len(c.Mounts) != 1 ||
			got != "mod download -json golang.org/toolchain@v0.0.1-go1.26.99.linux-arm64" {
			t.Errorf("%s: ran %+v", tt.name, c)
		}
	}
	if _, _, err := (Go{Executor: &fakeGo{t: t}}).Download(t.Context(), "1.26.9@latest", "linux/amd64"); err == nil {
		t.Error("no error for what is no release")
	}
}

func TestDownloadEnv(t *testing.T) {
	for _, tt := range []struct{ env, want []string }{
		{nil, []string{"GOFLAGS="}},
		{[]string{"GOFLAGS=-mod=vendor -tags=x"}, []string{"GOFLAGS="}},
		{[]string{"GOFLAGS=-mod=mod -modcacherw"}, []string{"GOFLAGS=-modcacherw"}},
		{[]string{"GOFLAGS=-modcacherw", "GOFLAGS=-trimpath"}, []string{"GOFLAGS="}},
	} {
		got := downloadEnv(append([]string{"GOTOOLCHAIN=auto", "A=b"}, tt.env...))
		for _, want := range append(tt.want, "GOTOOLCHAIN=local", "GOENV=off", "A=b") {
			name, _, _ := strings.Cut(want, "=")
			last := slices.DeleteFunc(slices.Clone(got), func(kv string) bool { return !strings.HasPrefix(kv, name+"=") })
			if len(last) == 0 || last[len(last)-1] != want {
				t.Errorf("%q: %q, want %s", tt.env, got, want)
			}
		}
	}
}

func TestReleases(t *testing.T) {
	g := Go{Executor: &fakeGo{stdout: "golang.org/toolchain v0.0.1-go1.26.8.linux-amd64 v0.0.1-go1.27rc1.linux-amd64 v0.0.1-go1.27.0.linux-arm64 v0.0.1-go1.27.0.darwin-arm64 v0.0.2-go1.2.linux-amd64\n"}}
	got, err := g.Releases(t.Context(), []string{"linux/amd64", "linux/arm64"})
	if err != nil || !slices.Equal(got, []string{"1.26.8", "1.27rc1", "1.27.0"}) {
		t.Errorf("%q, %v", got, err)
	}
}

// realGo is the go command of this machine.
type realGo struct{}

func (realGo) Run(ctx context.Context, c container.Command) (container.ExitStatus, error) {
	cmd := exec.CommandContext(ctx, c.Path, c.Args...)
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = c.Dir, c.Env, c.Stdout, c.Stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return container.ExitStatus{Code: exit.ExitCode()}, nil
	}
	return container.ExitStatus{}, err
}

// TestDownloadWithGo lets the real go command download a toolchain from a
// proxy of our own and check it against a checksum database of our own, which
// has the right sum, another one, or none. Nothing leaves this machine.
func TestDownloadWithGo(t *testing.T) {
	path, err := exec.LookPath("go")
	if err != nil {
		t.Fatal(err) // the go command runs this test
	}
	file := fakeZip(t)
	tc := fakeToolchain(t, file)
	other := "h1:" + strings.Repeat("A", 43) + "="
	for name, pinned := range map[string]string{"right": tc.Sum, "other": other, "none": ""} {
		t.Run(name, func(t *testing.T) {
			server, key := moduleServer(t, file, pinned)
			g := Go{Executor: realGo{}, Path: path, Dir: t.TempDir(), Env: append(os.Environ(),
				"GOPATH="+t.TempDir(), "GOPROXY="+server, "GOSUMDB="+key+" "+server+"/sumdb", "GONOSUMDB=", "GOPRIVATE=", "GOMODCACHE="+t.TempDir(), "GOFLAGS=-modcacherw -mod=vendor")}
			got, zip, err := g.Download(t.Context(), fakeRelease, "linux/amd64")
			switch pinned {
			case tc.Sum:
				if got != tc || err != nil {
					t.Fatalf("%+v, %v", got, err)
				}
				if err := VerifyZip(t.Context(), zip, "it", tc.Sum, nil); err != nil {
					t.Error(err)
				}
			case other:
				if !errors.Is(err, container.ErrIntegrity) || !strings.Contains(err.Error(), tc.Sum) || !strings.Contains(err.Error(), other) {
					t.Errorf("error %v", err)
				}
			default:
				if err == nil || errors.Is(err, container.ErrIntegrity) || !strings.Contains(err.Error(), "/sumdb/lookup/") {
					t.Errorf("error %v", err)
				}
			}
		})
	}
}

// moduleServer is a proxy that has one toolchain and a checksum database that
// has sum for it; key is how GOSUMDB names the database.
func moduleServer(t *testing.T, zip, sum string) (url, key string) {
	t.Helper()
	signer, verifier, err := note.GenerateKey(nil, "sum.test")
	if err != nil {
		t.Fatal(err)
	}
	const goMod = "module " + modulePath + "\n"
	modSum, err := dirhash.Hash1([]string{"go.mod"}, func(string) (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(goMod)), nil })
	if err != nil {
		t.Fatal(err)
	}
	db := sumdb.NewServer(sumdb.NewTestServer(signer, func(path, vers string) ([]byte, error) {
		if sum == "" || path != modulePath || strings.TrimSuffix(vers, "/go.mod") != fakeModule {
			return nil, os.ErrNotExist
		}
		return fmt.Appendf(nil, "%s %s %s\n%s %s/go.mod %s\n", path, fakeModule, sum, path, fakeModule, modSum), nil
	}))
	mux := http.NewServeMux()
	mux.Handle("/sumdb/", http.StripPrefix("/sumdb", db))
	at := "/golang.org/toolchain/@v/" + fakeModule
	mux.HandleFunc(at+".info", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, `{"Version":%q,"Time":"2026-11-02T20:36:21Z"}`, fakeModule)
	})
	mux.HandleFunc(at+".mod", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, goMod) })
	mux.HandleFunc(at+".zip", func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, zip) })
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server.URL, verifier
}
