package provision

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/org/gorun-action/container"
	"github.com/org/gorun-action/internal/buildflags"
	"github.com/org/gorun-action/internal/goenv"
)

// What needs an engine is tested with it, by cmd/gorun's adverse scripts.

func TestDigestOf(t *testing.T) {
	digest := "sha256:" + strings.Repeat("0a", 32)
	for ref, want := range map[string]string{
		digest:                              digest,
		"golang@" + digest:                  digest,
		"127.0.0.1:5000/a/b:tag@" + digest:  digest,
		"golang:1.26":                       "",
		"golang@sha256:0a":                  "",
		"golang@" + digest + "0":            "",
		"golang@" + strings.ToUpper(digest): "",
		"a@b@" + digest:                     "",
		"a b@" + digest:                     "",
		"":                                  "",
	} {
		if got := digestOf(ref); got != want {
			t.Errorf("digestOf(%q) = %q, want %q", ref, got, want)
		}
	}
}

func TestNetrc(t *testing.T) {
	got := parseNetrc(`
machine a.example login gopher password secret
machine b.example:8443
	login other
	password word
machine a.example login later password ignored
machine nologin password p
default login anybody password x
machine late login l password p
`)
	want := map[string][2]string{"a.example": {"gopher", "secret"}, "b.example:8443": {"other", "word"}}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%v, want %v", got, want)
	}
}

// Credentials go to the machine they are for, and never over plain http.
func TestNetrcTransport(t *testing.T) {
	var seen string
	handler := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		name, password, _ := r.BasicAuth()
		seen = name + ":" + password
	})
	plain := httptest.NewServer(handler)
	defer plain.Close()
	host := strings.TrimPrefix(plain.URL, "http://")
	client := &http.Client{Transport: netrcTransport{map[string][2]string{host: {"gopher", "secret"}}}}
	for url, want := range map[string]string{plain.URL: ":", "http://me:mine@" + host: "me:mine"} {
		resp, err := client.Get(url)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if seen != want {
			t.Errorf("%s was sent %q, want %q", url, seen, want)
		}
	}
	// That https is sent it, cannot be seen here without changing whom the
	// process trusts; what decides is the scheme.
	req := httptest.NewRequest(http.MethodGet, "https://"+host, nil)
	client.Transport.RoundTrip(req)
	if req.Header.Get("Authorization") != "" {
		t.Error("the caller's request was changed")
	}
}

func TestHints(t *testing.T) {
	for _, tt := range []struct {
		err  error
		hint string
	}{
		{errors.New("reading x: tls: failed to verify certificate: x509: certificate signed by unknown authority"), "SSL_CERT_FILE"},
		{fmt.Errorf("writing the layer: %w", syscall.ENOSPC), "TMPDIR"},
		{errors.New("Error processing tar file: no space left on device"), "docker system df"},
		{errors.New("fetching go1: reading http://p/x: 403 Forbidden"), "credentials"},
		{errors.New("reading http://p/x: dial tcp 127.0.0.1:1: connection refused"), "GOPROXY"},
		{errors.New("something else"), ""},
		{fmt.Errorf("the image %w", container.ErrIntegrity), ""},
		{container.WithHint(errors.New("dial tcp"), "its own"), "its own"},
		{&buildflags.UsageError{Message: "downloading", Hint: "in the error"}, ""},
	} {
		if got := container.Hint(hinted(tt.err)); !strings.Contains(got, tt.hint) || (got == "") != (tt.hint == "") {
			t.Errorf("%v: hint %q, want %q", tt.err, got, tt.hint)
		}
	}
}

func entry(version string) container.Toolchain {
	return container.Toolchain{Version: version, Platform: "linux/amd64", Sum: "h1:x", Digest: "sha256:d" + version, Config: "sha256:c"}
}

func TestLearnedEntriesAreReplaced(t *testing.T) {
	p := &Provider{CacheDir: filepath.Join(t.TempDir(), "made"), Notice: func(s string) { t.Error(s) }}
	p.keep(entry("1.26.9"))
	p.keep(entry("1.24.1"))
	changed := entry("1.26.9")
	changed.Digest = "sha256:other"
	p.keep(changed)
	if got, _ := p.learned().Find("1.26.9", "linux/amd64"); got != changed {
		t.Errorf("%v, want %v", got, changed)
	}
	if _, ok := p.learned().Find("1.24.1", "linux/amd64"); !ok {
		t.Error("the other entry is gone")
	}
	for _, damage := range []string{"", "{", `{"default":"1.26.9","toolchains":[{"version":"1.26.9"}]}`} {
		if err := os.WriteFile(filepath.Join(p.CacheDir, learnedFile), []byte(damage), 0o644); err != nil {
			t.Fatal(err)
		}
		if got := p.learned(); len(got.Toolchains) > 0 {
			t.Errorf("%q is taken for %v", damage, got)
		}
	}
	p.keep(entry("1.26.9"))
	if files, _ := os.ReadDir(p.CacheDir); len(files) != 1 || len(p.learned().Toolchains) != 1 {
		t.Errorf("%v with %v", files, p.learned())
	}
}

func TestWhatCannotBeKeptIsNoticed(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	noticed := ""
	p := &Provider{CacheDir: file, Notice: func(s string) { noticed = s }}
	p.keep(entry("1.26.9"))
	if !strings.Contains(noticed, "looked up again") {
		t.Errorf("noticed %q", noticed)
	}
}

// At most one holds the lock; who waits says so, and leaves with its context.
func TestExclusive(t *testing.T) {
	var waits sync.Map
	m := images{Provider: &Provider{CacheDir: t.TempDir()}, report: func(p container.Progress) { waits.Store(p.Task, true) }}
	unlock, err := m.exclusive(t.Context(), entry("1.26.9"))
	if err != nil {
		t.Fatal(err)
	}
	other, err := m.exclusive(t.Context(), entry("1.26.8"))
	if err != nil {
		t.Fatalf("another release: %v", err)
	}
	other()
	got := make(chan func())
	go func() {
		again, _ := m.exclusive(t.Context(), entry("1.26.9"))
		got <- again
	}()
	select {
	case <-got:
		t.Fatal("two hold the lock")
	case <-time.After(3 * lockPoll):
	}
	if _, ok := waits.Load("waiting for another gorun, which makes go1.26.9"); !ok {
		t.Error("it waits in silence")
	}
	unlock()
	(<-got)()
}

func TestExclusiveWithoutADirectory(t *testing.T) {
	m := images{Provider: &Provider{CacheDir: "/dev/null"}, report: func(container.Progress) {}}
	unlock, err := m.exclusive(t.Context(), entry("1.26.9"))
	if err != nil {
		t.Fatal(err)
	}
	unlock()
}

func TestSteadyRepeatsWhatStandsStill(t *testing.T) {
	var mu sync.Mutex
	count := map[container.Progress]int{}
	report, stop := steady(func(p container.Progress) { mu.Lock(); defer mu.Unlock(); count[p]++ })
	stalled := container.Progress{Task: "downloading", Done: 1, Total: 2}
	report(stalled)
	time.Sleep(repeatEvery * 5 / 2)
	done := container.Progress{Task: "downloading", Done: 2, Total: 2}
	report(done)
	time.Sleep(repeatEvery * 3 / 2)
	stop()
	if count[stalled] < 2 || count[done] != 1 {
		t.Errorf("%v", count)
	}
}

// Without an engine auto is the host's go, and says so once; docker is not.
func TestNoEngine(t *testing.T) {
	t.Setenv("DOCKER_HOST", "unix:///nonexistent/engine.sock")
	for _, tt := range []struct {
		mode, path, image string
		builder, err      string
		notices           int
	}{
		{"auto", os.Getenv("PATH"), "", "host", "", 1},
		{"host", os.Getenv("PATH"), "", "host", "", 0},
		{"docker", os.Getenv("PATH"), "", "", "no container engine answers", 0},
		{"auto", os.Getenv("PATH"), "golang@sha256:0", "", "no container engine answers", 0},
		{"auto", "/nonexistent", "", "", "and there is no go command on PATH", 0},
		{"host", "/nonexistent", "", "", "there is no go command on PATH", 0},
		{"host", ".:relative", "", "", "there is no go command on PATH", 0},
	} {
		notices := 0
		p := &Provider{Mode: tt.mode, Env: goenv.Load([]string{"PATH=" + tt.path}, ""), Notice: func(string) { notices++ }}
		site, err := p.Site(t.Context(), container.Want{Image: tt.image}, nil)
		switch {
		case site.Builder != tt.builder || notices != tt.notices:
			t.Errorf("%+v: builder %q, %d notices", tt, site.Builder, notices)
		case (err == nil) != (tt.err == ""), err != nil && (!strings.Contains(err.Error(), tt.err) || container.Hint(err) == ""):
			t.Errorf("%+v: error %v, hint %q", tt, err, container.Hint(err))
		}
	}
}

// The verdict names the release only where it is known which one it will be.
func TestVersionOfTheHost(t *testing.T) {
	path, err := (&Provider{Env: goenv.Load([]string{"PATH=" + os.Getenv("PATH")}, "")}).findGo()
	if err != nil {
		t.Fatal(err)
	}
	own := releaseOf(path)
	for _, tt := range []struct {
		want    container.Want
		version string
		env     string
	}{
		{container.Want{}, own, "[]"},
		{container.Want{Version: "1.18", From: "go line of go.mod"}, own, "[]"},
		{container.Want{Version: "1.999", From: "go line of go.mod"}, "", "[]"},
		{container.Want{Version: "go1.999.1", From: "toolchain line of go.mod"}, "", "[]"},
		{container.Want{Version: "1.18.1", Exact: true, From: "GOTOOLCHAIN"}, "1.18.1", "[]"},
		{container.Want{Version: "1.26.99", Exact: true, From: "--go-version"}, "1.26.99", "[GOTOOLCHAIN=go1.26.99]"},
	} {
		p := &Provider{Mode: "host", Env: goenv.Load([]string{"PATH=" + os.Getenv("PATH")}, "")}
		site, err := p.Site(t.Context(), tt.want, nil)
		if err != nil || site.Version != tt.version || fmt.Sprint(site.Env) != tt.env {
			t.Errorf("%+v: %q with %v, %v", tt.want, site.Version, site.Env, err)
		}
	}
}
