package cachekeys

import (
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"testing"
	"time"
)

func TestLeavesOut(t *testing.T) {
	for name, c := range map[string]struct {
		file, text, tags string
		want             bool
	}{
		"plain":            {"a.go", "package a\n", "", false},
		"its name":         {"a_windows.go", "package a\n", "", true},
		"name of target":   {"a_linux.go", "package a\n", "", false},
		"another system":   {"a.go", "// A comment.\n\n//go:build windows\n\npackage a\n", "", true},
		"the target":       {"a.go", "//go:build linux && amd64\n\npackage a\n", "", false},
		"android is linux": {"a.go", "//go:build !linux\n\npackage a\n", "", true},
		"unix":             {"a.go", "//go:build !unix\n\npackage a\n", "", true},
		"a tag":            {"a.go", "//go:build WITHOUT || !(linux || darwin)\n\npackage a\n", "", true},
		"a tag that is":    {"a.go", "//go:build WITHOUT || !(linux || darwin)\n\npackage a\n", "OTHER,WITHOUT", false},
		"cgo":              {"a.go", "//go:build cgo && !windows\n\npackage a\n", "", false},
		"no cgo":           {"a.go", "//go:build !cgo\n\npackage a\n", "", false},
		"both ways":        {"a.go", "//go:build cgo && !cgo\n\npackage a\n", "", true},
		"a release":        {"a.go", "//go:build go1.99\n\npackage a\n", "", false},
		"an experiment":    {"a.go", "//go:build !goexperiment.jsonv2\n\npackage a\n", "", false},
		"race":             {"a.go", "//go:build race\n\npackage a\n", "", false},
		"ignore":           {"a.go", "//go:build ignore\n\npackage a\n", "", true},
		"old form":         {"a.go", "// +build windows\n\npackage a\n", "", false},
		"behind a block":   {"a.go", "/* x */\n//go:build windows\n\npackage a\n", "", false},
		"too late":         {"a.go", "package a\n\n//go:build windows\n", "", false},
		"no constraint":    {"a.go", "//go:build windows &&\n\npackage a\n", "", false},
	} {
		path := filepath.Join(t.TempDir(), c.file)
		if err := os.WriteFile(path, []byte(c.text), 0o644); err != nil {
			t.Fatal(err)
		}
		r := Request{Target: "linux/amd64", Flags: []Flag{{"tags", c.tags}}}
		if got := newTarget(&r).leavesOut(path); got != c.want {
			t.Errorf("%s: left out: %v, want %v", name, got, c.want)
		}
		r.Flags = append(r.Flags, Flag{"overlay", "o.json"})
		if newTarget(&r).leavesOut(path) {
			t.Errorf("%s: left out, and an overlay may have another one", name)
		}
	}
}

// TestImports: what only a file mentions that the build leaves out is none; as
// soon as another one does, it is.
func TestImports(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"go.mod":       "module example.com/m\n\ngo 1.26\n",
		"main.go":      "package main\n\nimport (\n\t\"fmt\"\n\t\"example.org/used\"\n\t\"example.org/both\"\n\t_ \"example.com/m/a\"\n)\n",
		"stub.go":      "//go:build WITHOUT\n\npackage main\n\nimport (\n\t\"example.org/stub\"\n\t\"example.org/both\"\n)\n",
		"a/a.go":       "package a\n\nimport \"example.org/cgo\"\n",
		"main_test.go": "package main\n\nimport \"example.org/test\"\n",
	} {
		file := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for tags, want := range map[string][]string{
		"":        {"example.org/both", "example.org/cgo", "example.org/used"},
		"WITHOUT": {"example.org/both", "example.org/cgo", "example.org/stub", "example.org/used"},
	} {
		r := Request{
			Workspace: FindWorkspace(dir, Options{GOWORK: "off"}), Package: []string{"."}, Target: runtime.GOOS + "/" + runtime.GOARCH,
			Toolchain: Toolchain{Digest: "sha256:0"}, Getenv: func(string) string { return "" }, Flags: []Flag{{"tags", tags}},
		}
		if got := OpenIndex("", SHA256(), time.Now).Closure(r).Imports(); !slices.Equal(got, want) {
			t.Errorf("with -tags=%s: %q, want %q", tags, got, want)
		}
	}
}
