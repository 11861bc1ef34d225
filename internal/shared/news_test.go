package shared

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/org/gorun-action/cachekeys"
	"github.com/org/gorun-action/internal/buildcache"
	"github.com/org/gorun-action/runner"
)

// A pack with one small package more is sent all the same: without it, the
// whole module would be fetched on every new machine.
func TestNewPackageIsNews(t *testing.T) {
	modcache := t.TempDir()
	for name, text := range map[string]string{
		"cache/download/example.com/m/@v/v1.0.0.mod":     "module example.com/m\n\ngo 1.26\n",
		"cache/download/example.com/m/@v/v1.0.0.ziphash": "h1:x",
		"example.com/m@v1.0.0/go.mod":                    "module example.com/m\n\ngo 1.26\n",
		"example.com/m@v1.0.0/a/a.go":                    "package a\n" + strings.Repeat("// large\n", 1000),
		"example.com/m@v1.0.0/b/b.go":                    "package b\n",
	} {
		file := filepath.Join(modcache, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	less, more := builtOf(modcache, "a"), builtOf(modcache, "a", "b")
	c := &Cache{restored: restoredPack{key: "p-1", index: indexOf(t, less)}}
	if reason := c.nothingNew(less, indexOf(t, less)); reason == "" {
		t.Error("the same pack is sent again")
	}
	if reason := c.nothingNew(more, indexOf(t, more)); reason != "" {
		t.Errorf("a pack with another package is not sent: %s", reason)
	}
	c.restored.index = indexOf(t, more)
	if reason := c.nothingNew(less, indexOf(t, less)); reason == "" {
		t.Error("a pack with fewer packages is sent")
	}
}

// builtOf is a build of those packages of the module.
func builtOf(modcache string, names ...string) runner.PackBuild {
	b := runner.PackBuild{ModCache: modcache, Prefixes: []string{"p-"}}
	for _, name := range names {
		b.Packages = append(b.Packages, runner.BuiltPackage{Module: "example.com/m", Built: cachekeys.Built{
			ImportPath: "example.com/m/" + name, Dir: filepath.Join(modcache, "example.com/m@v1.0.0", name), Files: []string{name + ".go"},
		}})
	}
	return b
}

// indexOf is that of the build's pack, as another machine reads it.
func indexOf(t *testing.T, b runner.PackBuild) *buildcache.Index {
	t.Helper()
	contents, err := buildcache.Collect(buildcache.Build{
		GoCache: t.TempDir(), ModCache: b.ModCache, Packages: packages(b), Sums: []buildcache.ModuleVersion{{Path: "example.com/m", Version: "v1.0.0"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if _, err := contents.Write(&out); err != nil {
		t.Fatal(err)
	}
	pack, err := buildcache.Open(&out, buildcache.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	return pack.Index
}
