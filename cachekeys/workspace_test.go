package cachekeys

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func write(t *testing.T, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	for name, text := range files {
		file := filepath.Join(root, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func TestFindWorkspace(t *testing.T) {
	root := write(t, map[string]string{
		"m/.git/HEAD":         "",
		"m/go.mod":            "module example.com/m\n\ngo 1.25.3\n\ntoolchain go1.26.1\n\nreplace example.com/r v1.0.0 => ../r\n\nreplace example.com/v => example.com/w v1.0.0\n",
		"m/alt.mod":           "module example.com/m\n\ngo 1.27\n",
		"m/pkg/x.go":          "package pkg\n",
		"w/go.work":           "go 1.26\n\nuse (\n\t./a\n\t../m\n)\n\nreplace example.com/q => ./q\n",
		"w/a/go.mod":          "module example.com/a\n\ngo 1.24\n",
		"broken/go.mod":       "modul x\n",
		"broken/deep/main.go": "package main\n",
		"future/go.mod":       "module example.com/f\n\ngo 1.26\n\nsomething new\n",
		"none/main.go":        "package main\n",
	})
	at := func(name string) string { return filepath.Join(root, name) }
	m := []Module{{Path: "example.com/m", Dir: at("m")}, {Path: "example.com/r", Dir: at("r"), Replacement: true}}
	tests := []struct {
		name string
		dir  string
		o    Options
		want Workspace
	}{
		{"module", "m/pkg", Options{}, Workspace{GoMod: at("m/go.mod"), Modules: m, Go: "1.25.3", Toolchain: "1.26.1", VCS: at("m")}},
		{"-modfile", "m/pkg", Options{ModFile: "../alt.mod"}, Workspace{GoMod: at("m/go.mod"), Modules: m[:1], Go: "1.27", VCS: at("m")}},
		{"go.work", "w/a", Options{}, Workspace{
			GoMod: at("w/a/go.mod"), GoWork: at("w/go.work"), Go: "1.26",
			Modules: []Module{{Path: "example.com/a", Dir: at("w/a")}, m[0], m[1], {Path: "example.com/q", Dir: at("w/q"), Replacement: true}},
		}},
		{"GOWORK=off", "w/a", Options{GOWORK: "off"}, Workspace{GoMod: at("w/a/go.mod"), Modules: []Module{{Path: "example.com/a", Dir: at("w/a")}}, Go: "1.24"}},
		{"GOWORK=file", "m", Options{GOWORK: at("w/go.work")}, Workspace{
			GoMod: at("m/go.mod"), GoWork: at("w/go.work"), Go: "1.26", VCS: at("m"),
			Modules: []Module{{Path: "example.com/a", Dir: at("w/a")}, m[0], m[1], {Path: "example.com/q", Dir: at("w/q"), Replacement: true}},
		}},
		{"a go.mod that nobody can read", "broken/deep", Options{}, Workspace{GoMod: at("broken/go.mod"), Modules: []Module{{Path: "", Dir: at("broken")}}}},
		{"a go.mod of a newer Go", "future", Options{}, Workspace{GoMod: at("future/go.mod"), Modules: []Module{{Path: "example.com/f", Dir: at("future")}}, Go: "1.26"}},
		{"no module", "none", Options{}, Workspace{}},
		{"pkg@version", "m", Options{Versioned: true}, Workspace{VCS: at("m")}},
		{"GOPATH mode", "m", Options{GOPATH: true}, Workspace{VCS: at("m")}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.want.Dir = at(tt.dir)
			if diff := cmp.Diff(tt.want, FindWorkspace(at(tt.dir), tt.o)); diff != "" {
				t.Errorf("FindWorkspace (-want +got):\n%s", diff)
			}
		})
	}
}

func TestModuleIsTheInnermost(t *testing.T) {
	w := Workspace{Modules: []Module{{Path: "a", Dir: "/w"}, {Path: "b", Dir: "/w/nested"}}}
	for path, want := range map[string]string{"/w/x.go": "a", "/w/nested/y.go": "b", "/w/nestedx/y.go": "a", "/elsewhere": ""} {
		if m, _ := w.Module(path); m.Path != want {
			t.Errorf("Module(%s) = %q, want %q", path, m.Path, want)
		}
	}
}

func TestCgoNeed(t *testing.T) {
	root := write(t, map[string]string{
		"go.mod":             "module example.com/m\n\ngo 1.26\n",
		"pure/main.go":       "package main\n\nimport _ \"example.com/m/optional\"\n\nfunc main() {}\n",
		"optional/c.go":      "package optional\n\nimport \"C\"\n",
		"optional/pure.go":   "//go:build !cgo\n\npackage optional\n",
		"direct/main.go":     "package main\n\nimport \"C\"\n\nfunc main() {}\n",
		"indirect/main.go":   "package main\n\nimport _ \"example.com/m/needs\"\n\nfunc main() {}\n",
		"needs/n.go":         "package needs\n\nimport \"C\"\n",
		"needs/more.go":      "package needs\n",
		"windows/w.go":       "//go:build windows\n\npackage windows\n\nimport \"C\"\n",
		"windows/rest.go":    "package windows\n",
		"tagged/t.go":        "//go:build withc\n\npackage tagged\n\nimport \"C\"\n",
		"tagged/rest.go":     "package tagged\n",
		"script.go":          "package main\n\nimport \"C\"\n\nfunc main() {}\n",
		"cycle/a/a.go":       "package a\n\nimport _ \"example.com/m/cycle/b\"\n",
		"cycle/b/b.go":       "package b\n\nimport _ \"example.com/m/cycle/a\"\n",
		"unparsable/main.go": "package main\n\nimport \"C\n",
	})
	tests := []struct {
		pkg  string
		tags []string
		want string
	}{
		{"./pure", nil, ""},
		{"example.com/m/direct", nil, "direct/main.go"},
		{"./indirect", nil, "needs/n.go"},
		{"./windows", nil, ""},
		{"./tagged", nil, ""},
		{"./tagged", []string{"withc"}, "tagged/t.go"},
		{"script.go", nil, "script.go"},
		{"./cycle/a", nil, ""},
		{"./unparsable", nil, ""},
		{"./nowhere", nil, ""},
		{"golang.org/x/elsewhere", nil, ""},
	}
	w := FindWorkspace(root, Options{})
	for _, tt := range tests {
		got := w.CgoNeed([]string{tt.pkg}, "linux", "amd64", tt.tags)
		if filepath.IsAbs(got) {
			got, _ = filepath.Rel(root, got)
		}
		if got != tt.want {
			t.Errorf("CgoNeed(%s, %v) = %q, want %q", tt.pkg, tt.tags, got, tt.want)
		}
	}
}

// The kernel goes to where a link leads before it goes up.
func TestResolve(t *testing.T) {
	root, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(root, "deep", "sub"), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("deep/sub", filepath.Join(root, "ln")); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		"x": "x", "./x/": "x", "ln": "ln", "ln/x": "ln/x", "ln/..": "deep", "ln/../x": "deep/x", "ln/../../x": "x", "deep/../ln/../x": "deep/x",
		"deep/sub/../x": "deep/x", "..x/y": "..x/y", "none/../x": "x", filepath.Join(root, "deep") + "/../x": "x", root + "/ln/../x": "deep/x",
	} {
		if got := Resolve(root, path); got != filepath.Join(root, want) {
			t.Errorf("%s is %s, want %s", path, got, want)
		}
	}
}
