package main

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/org/gorun-action/container"
)

// world is what a gorunctl of a test sees: a proxy with toolchains in small, a
// lock file, and an environment that leads nowhere else.
type world struct {
	*testing.T
	proxy, lock string
	environ     []string
	stdin       io.Reader
}

func newWorld(t *testing.T) *world {
	t.Helper()
	path, err := exec.LookPath("go")
	if err != nil {
		t.Fatal(err) // the go command runs this test
	}
	w := &world{T: t, proxy: t.TempDir(), lock: filepath.Join(t.TempDir(), "toolchains.json")}
	w.environ = []string{
		"PATH=" + filepath.Dir(path), "HOME=" + t.TempDir(), "GOMODCACHE=" + t.TempDir(), "GOFLAGS=-modcacherw",
		// With one file proxy alone the go command lets GOSUMDB be off for
		// toolchains too (cmd/go/internal/modfetch, useSumDB).
		"GOPROXY=file://" + w.proxy, "GOSUMDB=off", "GOENV=off",
	}
	return w
}

// publish puts a release into the proxy.
func (w *world) publish(release, platform, content string) {
	w.Helper()
	version := "v0.0.1-go" + release + "." + strings.ReplaceAll(platform, "/", "-")
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, f := range [][2]string{{"VERSION", "go" + release + "\n"}, {"bin/go", content}} {
		entry, err := z.Create("golang.org/toolchain@" + version + "/" + f[0])
		if err != nil {
			w.Fatal(err)
		}
		io.WriteString(entry, f[1])
	}
	if err := z.Close(); err != nil {
		w.Fatal(err)
	}
	w.file(version+".zip", b.String())
	w.file(version+".mod", "module golang.org/toolchain\n")
	w.file(version+".info", fmt.Sprintf(`{"Version":%q,"Time":"2026-11-02T20:36:21Z"}`, version))
	old, _ := os.ReadFile(w.path("list"))
	w.file("list", string(old)+version+"\n")
}

func (w *world) path(name string) string {
	return filepath.Join(w.proxy, "golang.org", "toolchain", "@v", name)
}

func (w *world) file(name, content string) {
	w.Helper()
	if err := os.MkdirAll(filepath.Dir(w.path(name)), 0o777); err != nil {
		w.Fatal(err)
	}
	if err := os.WriteFile(w.path(name), []byte(content), 0o666); err != nil {
		w.Fatal(err)
	}
}

// run runs gorunctl, and the test fails unless it exits with status.
func (w *world) run(status int, args ...string) (stdout, stderr string) {
	w.Helper()
	var out, errs bytes.Buffer
	if got := Main(w.Context(), args, w.stdin, &out, &errs, w.environ); got != status {
		w.Fatalf("gorunctl %s: status %d, want %d\n%s%s", strings.Join(args, " "), got, status, out.String(), errs.String())
	}
	return out.String(), errs.String()
}

// wants fails the test unless text has each of the pieces.
func (w *world) wants(text string, pieces ...string) {
	w.Helper()
	for _, p := range pieces {
		if !strings.Contains(text, p) {
			w.Errorf("there is no %q in\n%s", p, text)
		}
	}
}

// locked returns the lock file.
func (w *world) locked() container.Lock {
	w.Helper()
	l, err := readLock(w.lock)
	if err != nil {
		w.Fatal(err)
	}
	return l
}

func (w *world) releases() string {
	w.Helper()
	var all []string
	for _, tc := range w.locked().Toolchains {
		all = append(all, tc.Version+" "+tc.Platform[len("linux/"):])
	}
	return strings.Join(all, ", ") + "; " + w.locked().Default
}

func TestHelp(t *testing.T) {
	w := newWorld(t)
	for _, arg := range []string{"-h", "--help", "help"} {
		out, errs := w.run(0, arg)
		for _, s := range subcommands() {
			w.wants(out, "    "+s.name)
		}
		if errs != "" {
			t.Errorf("%s writes to stderr: %s", arg, errs)
		}
	}
	flags := map[string][]string{
		"image build":  {"-go-version release", "-platform os/arch", "-output file", "-load", "-push reference", "-file file"},
		"image runner": {"-go-version release", "-platform os/arch", "-gorun file", "-ldflags flags", "-version release", "-revision commit", "-source address", "-tag reference", "-output tar:file", "-load", "-push", "-file file"},
		"image verify": {"-go-version release", "-platform os/arch", "-file file"},
		"image list":   {"-json", "-file file"},
		"cache ls":     {"-json", "-long", "-store list", "-cache-dir directory"},
		"cache rm":     {"-all", "-store list", "-cache-dir directory"},
		"cache prune":  {"-size size", "-age time", "-json", "-store list", "-cache-dir directory"},
		"cache verify": {"-store list", "-cache-dir directory"},
		"cache key":    {"-public"},
		"lock":         {"-file file", "-platforms os/arch", "-default release", "-allow-missing"},
	}
	for _, s := range subcommands() {
		out, errs := w.run(0, append(strings.Fields(s.name), "-h")...)
		w.wants(out, "Usage: gorunctl "+s.name)
		w.wants(out, flags[s.name]...)
		if errs != "" || flags[s.name] == nil {
			t.Errorf("%s -h: stderr %q", s.name, errs)
		}
	}
}

func TestMisuse(t *testing.T) {
	w := newWorld(t)
	for args, want := range map[string]string{
		"":                                  "name a command",
		"image":                             `"image": there is no such command`,
		"image paint":                       `"image paint": there is no such command`,
		"locks":                             `"locks": there is no such command`,
		"image list x":                      `"x": gorunctl image list takes no arguments`,
		"image list --yaml":                 "flag provided but not defined: -yaml",
		"image build --go-version=1.x":      `go version "1.x" is not a Go release`,
		"image verify --go-version=v1":      `go version "v1" is not a Go release`,
		"lock 1.26.x --file=none":           `"1.26.x": is not a Go release`,
		"lock --file=none":                  "there is no lock yet: name the releases to pin",
		"lock 1.26.8 --default=1.27.4":      `"1.27.4": the default must be one of the releases to pin: 1.26.8`,
		"lock --default=x 1.26.8 --file=no": `"x": the default must be`,
	} {
		out, errs := w.run(2, strings.Fields(args)...)
		w.wants(errs, "gorunctl: "+want)
		if out != "" {
			t.Errorf("%s writes to stdout: %s", args, out)
		}
	}
	_, errs := w.run(2, "image", "list", "--yaml")
	w.wants(errs, "hint: gorunctl image list -h lists the flags")
}

func TestMainEndsWithItsContext(t *testing.T) {
	w := newWorld(t)
	w.publish("1.26.97", "linux/amd64", "1")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("no more"))
	var out, errs bytes.Buffer
	for _, args := range [][]string{{"lock", "--file", w.lock, "1.26.97", "--allow-missing"}, {"image", "verify"}} {
		if got := Main(ctx, args, nil, &out, &errs, w.environ); got != 1 {
			t.Errorf("%s: status %d", args, got)
		}
		w.wants(errs.String(), "no more")
	}
}
