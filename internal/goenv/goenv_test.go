package goenv

import (
	"encoding/json"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// The go command itself says what is right.
func TestAgreesWithTheGoCommand(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "env")
	if err := os.WriteFile(file, []byte("# a comment\nGOPRIVATE=from.file\nGOARCH=arm64\nGOFLAGS=-v\r\nnot a setting\ngolower=x\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	xdg := filepath.Join(dir, "xdg")
	// Telemetry would write into the directory after the go command has ended.
	for _, config := range []string{filepath.Join(dir, ".config"), xdg} {
		put(t, filepath.Join(config, "go", "telemetry", "mode"), "off")
	}
	put(t, filepath.Join(xdg, "go", "env"), "GOSUMDB=off\n")
	put(t, filepath.Join(dir, "root", "go.env"), "GOPROXY=of.another.root\nGOPRIVATE=of.another.root\n")
	put(t, filepath.Join(dir, "rooted"), "GOROOT="+filepath.Join(dir, "root")+"\nGOPRIVATE=\n")
	put(t, filepath.Join(dir, "bom"), "\ufeffGOPRIVATE=x\nGOSUMDB=off\n\nGOPROXY=off\n\n")
	put(t, filepath.Join(dir, "sub", "deep", "env"), "GOPRIVATE=deep\n")
	put(t, filepath.Join(dir, "sub", "env"), "GOPRIVATE=sub\n")
	put(t, filepath.Join(dir, ".config", "go", "env"), "GOPRIVATE=of.the.home\n")
	for link, to := range map[string]string{"link": file, "into": "sub/deep"} {
		if err := os.Symlink(to, filepath.Join(dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(dir)
	elsewhere := t.TempDir()
	root, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		t.Fatal(err)
	}
	tests := map[string][]string{
		"plain":         {},
		"file":          {"GOENV=" + file},
		"file off":      {"GOENV=off"},
		"empty is none": {"GOENV=" + file, "GOPRIVATE="},
		"environment":   {"GOENV=" + file, "GOPRIVATE=x", "GOOS=darwin", "GOPATH=" + dir + ":/second"},
		"module cache":  {"GOMODCACHE=" + dir},
		"XDG":           {"XDG_CONFIG_HOME=" + xdg},
		"relative XDG":  {"XDG_CONFIG_HOME=xdg"},
		"relative":      {"GOENV=env"},
		"missing":       {"GOENV=no/such"},
		"a directory":   {"GOENV=sub"},
		"a link":        {"GOENV=link"},
		"over a link":   {"GOENV=into/../env"},
		"BOM":           {"GOENV=" + filepath.Join(dir, "bom")},
		"another root":  {"GOENV=rooted"},
		"GOROOT":        {"GOENV=off", "GOROOT=" + filepath.Join(dir, "root")},
		"a value":       {"GOENV=env", "GOFLAGS=-v -x\t", "GOPROXY= "},
	}
	for name, extra := range tests {
		t.Run(name, func(t *testing.T) {
			environ := append([]string{"HOME=" + dir, "PATH=" + os.Getenv("PATH"), "GOTOOLCHAIN=local"}, extra...)
			want := goEnv(t, "", environ)
			e := Load(environ, strings.TrimSpace(string(root)))
			for name, got := range map[string]string{
				"GOPRIVATE": e.Get("GOPRIVATE"), "GOFLAGS": e.Get("GOFLAGS"), "GOPROXY": e.Get("GOPROXY"), "GOSUMDB": e.Get("GOSUMDB"),
				"GOOS": e.GOOS(), "GOARCH": e.GOARCH(), "GOPATH": e.GOPATH(), "GOMODCACHE": e.GOMODCACHE(),
			} {
				if got != want[name] {
					t.Errorf("%s = %q, the go command says %q", name, got, want[name])
				}
			}
			frozen, err := e.Frozen(t.TempDir())
			if err != nil {
				t.Fatal(err)
			}
			if later := goEnv(t, elsewhere, frozen.Environ()); !maps.Equal(later, want) {
				t.Errorf("frozen it is %v, and was %v", later, want)
			}
		})
	}
}

func put(t *testing.T, file, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func goEnv(t *testing.T, dir string, environ []string) map[string]string {
	t.Helper()
	cmd := exec.Command("go", "env", "-json", "GOPRIVATE", "GOFLAGS", "GOPROXY", "GOSUMDB", "GOOS", "GOARCH", "GOPATH", "GOMODCACHE")
	cmd.Dir, cmd.Env = dir, environ
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var env map[string]string
	if err := json.Unmarshal(out, &env); err != nil {
		t.Fatal(err)
	}
	return env
}

func TestConfiguredLeavesOutTheEnvironment(t *testing.T) {
	file := filepath.Join(t.TempDir(), "env")
	if err := os.WriteFile(file, []byte("GOPRIVATE=a\nGOFLAGS=-v\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	got := strings.Join(Load([]string{"GOENV=" + file, "GOFLAGS=-x"}, "").Configured(), " ")
	if got != "GOPRIVATE=a" {
		t.Errorf("Configured() = %q", got)
	}
}
