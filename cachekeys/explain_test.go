package cachekeys

import (
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// explained is a build of which one thing changes.
type explained struct {
	root string
	env  map[string]string
	r    Request
}

func (e *explained) closure() *Closure {
	r := e.r
	r.Getenv = func(name string) string { return e.env[name] }
	r.Workspace = FindWorkspace(e.root, Options{})
	return OpenIndex("", SHA256(), time.Now).Closure(r)
}

func newExplained(t *testing.T) *explained {
	root := write(t, map[string]string{
		"go.mod":   "module example.com/m\n\ngo 1.26\n\nrequire (\n\tgolang.org/x/sys v0.47.0\n\tgolang.org/x/old v1.0.0\n)\n",
		"go.sum":   "golang.org/x/sys v0.47.0 h1:a=\ngolang.org/x/sys v0.47.0/go.mod h1:b=\nexample.com/indirect v1.1.0 h1:c=\n",
		"main.go":  "package main\n\nimport (\n\t_ \"embed\"\n\t_ \"example.com/m/lib\"\n)\n\n//go:embed data.txt\nvar x string\n\nfunc main() {}\n",
		"data.txt": "a", "lib/lib.go": "package lib\n", "lib/old.go": "package lib\n", "default.pgo": "a", "o.json": `{"Replace":{}}`,
	})
	return &explained{root: root, env: map[string]string{"GOAMD64": "v2", "CGO_CFLAGS": "-O1"}, r: Request{
		Package: []string{"."}, Target: "linux/amd64", Toolchain: Toolchain{Version: "1.26.8", Digest: "sha256:" + strings.Repeat("ab", 32)},
		ModCache: "/nowhere/mod", Flags: flagsOf("-tags=unit,old -ldflags=-s"),
	}}
}

func (e *explained) edit(t *testing.T, name, old, text string) {
	path := filepath.Join(e.root, name)
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	overwrite(t, path, strings.ReplaceAll(string(data), old, text))
}

func TestDifferences(t *testing.T) {
	for what, tt := range map[string]struct {
		change func(t *testing.T, e *explained)
		want   []string
	}{
		"nothing": {func(*testing.T, *explained) {}, nil},
		"a file": {func(t *testing.T, e *explained) {
			overwrite(t, filepath.Join(e.root, "lib/lib.go"), "package lib // x\n")
		}, []string{"lib/lib.go changed"}},
		"a new file":       {func(t *testing.T, e *explained) { overwrite(t, filepath.Join(e.root, "lib/new.go"), "package lib\n") }, []string{"lib/new.go is new"}},
		"a file is gone":   {func(t *testing.T, e *explained) { os.Remove(filepath.Join(e.root, "lib/old.go")) }, []string{"lib/old.go is gone"}},
		"an embedded file": {func(t *testing.T, e *explained) { overwrite(t, filepath.Join(e.root, "data.txt"), "b") }, []string{"data.txt changed"}},
		"the profile":      {func(t *testing.T, e *explained) { os.Remove(filepath.Join(e.root, "default.pgo")) }, []string{"default.pgo is gone"}},
		"a module's version": {func(t *testing.T, e *explained) {
			e.edit(t, "go.mod", "sys v0.47.0", "sys v0.48.0")
			e.edit(t, "go.sum", "sys v0.47.0", "sys v0.48.0")
		}, []string{"golang.org/x/sys v0.47.0 → v0.48.0"}},
		"a new module":        {func(t *testing.T, e *explained) { e.edit(t, "go.mod", ")\n", "\texample.com/new v1.0.0\n)\n") }, []string{"example.com/new v1.0.0 is new"}},
		"a module is gone":    {func(t *testing.T, e *explained) { e.edit(t, "go.mod", "\tgolang.org/x/old v1.0.0\n", "") }, []string{"golang.org/x/old v1.0.0 is gone"}},
		"an indirect module":  {func(t *testing.T, e *explained) { e.edit(t, "go.sum", "indirect v1.1.0", "indirect v1.2.0") }, []string{"example.com/indirect v1.1.0 → v1.2.0"}},
		"the go line":         {func(t *testing.T, e *explained) { e.edit(t, "go.mod", "go 1.26", "go 1.25") }, []string{"go 1.26 → 1.25"}},
		"a comment in go.mod": {func(t *testing.T, e *explained) { e.edit(t, "go.mod", "go 1.26", "go 1.26 // x") }, []string{"go.mod changed"}},
		"go.sum is gone":      {func(t *testing.T, e *explained) { os.Remove(filepath.Join(e.root, "go.sum")) }, []string{"go.sum is gone", "example.com/indirect v1.1.0 is gone"}},
		"a tag more":          {func(_ *testing.T, e *explained) { e.r.Flags = append(e.r.Flags, flagsOf("-tags=old,e2e,unit")...) }, []string{"-tags: +e2e"}},
		"other tags":          {func(_ *testing.T, e *explained) { e.r.Flags = append(e.r.Flags, flagsOf("-tags=e2e,unit")...) }, []string{"-tags: +e2e -old"}},
		"no tags":             {func(_ *testing.T, e *explained) { e.r.Flags = append(e.r.Flags, flagsOf("-tags=")...) }, []string{"-tags: -unit -old"}},
		"a flag":              {func(_ *testing.T, e *explained) { e.r.Flags = append(e.r.Flags, flagsOf("-race")...) }, []string{"-race: +true"}},
		"a tool's flag":       {func(_ *testing.T, e *explained) { e.r.Flags = append(e.r.Flags, flagsOf("-ldflags=-w")...) }, []string{"-ldflags: -s → -s -w"}},
		"a variable":          {func(_ *testing.T, e *explained) { e.env["GOAMD64"] = "v3" }, []string{"GOAMD64: v2 → v3"}},
		"a variable is set":   {func(_ *testing.T, e *explained) { e.env["GODEBUG"] = "x=1" }, []string{"GODEBUG: +x=1"}},
		"a variable is unset": {func(_ *testing.T, e *explained) { delete(e.env, "GOAMD64") }, []string{"GOAMD64: -v2"}},
		"the Go release":      {func(_ *testing.T, e *explained) { e.r.Toolchain.Version = "1.26.9" }, []string{"toolchain go: 1.26.8 → 1.26.9"}},
		"the image":           {func(_ *testing.T, e *explained) { e.r.Toolchain.Digest = "sha256:" + strings.Repeat("cd", 32) }, []string{"toolchain image: sha256:" + strings.Repeat("ab", 32) + " → sha256:" + strings.Repeat("cd", 32)}},
		"the target":          {func(_ *testing.T, e *explained) { e.r.Target = "linux/arm64" }, []string{"target: linux/amd64 → linux/arm64"}},
		"the package":         {func(_ *testing.T, e *explained) { e.r.Package = []string{"./."} }, []string{"package: . → ./."}},
		"the module cache":    {func(_ *testing.T, e *explained) { e.r.ModCache = "/other" }, []string{"directory GOMODCACHE: /nowhere/mod → /other"}},
		"several": {func(t *testing.T, e *explained) {
			e.env["GOAMD64"] = "v3"
			overwrite(t, filepath.Join(e.root, "main.go"), "package main\n")
		}, []string{"GOAMD64: v2 → v3", "data.txt is gone", "lib/lib.go is gone", "lib/old.go is gone", "main.go changed"}},
	} {
		t.Run(what, func(t *testing.T) {
			e := newExplained(t)
			before := e.closure()
			about := roundTrip(t, before.About())
			tt.change(t, e)
			after := e.closure()
			got := after.Differences(about)
			if what == "several" {
				slices.Sort(got)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("Differences (-want +got):\n%s", diff)
			}
			if distance := after.Distance(about); (distance == 0) != (before.ExecutableKey() == after.ExecutableKey()) {
				t.Errorf("Distance is %d", distance)
			}
		})
	}
}

func roundTrip(t *testing.T, a About) About {
	t.Helper()
	again, err := ParseAbout(a.Encode())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(a, again, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("About, encoded and parsed (-want +got):\n%s", diff)
	}
	return again
}

// The form that is kept, with everything that has to be written in another way.
func TestAboutGolden(t *testing.T) {
	about := About{
		Inputs:  []Input{{KindPackage, "", "a.go\nb.go"}, {KindFlag, "-ldflags", "-X\tmain.x=\\n\\\\t"}, {KindFile, "main.go", "9f86d081"}, {KindFile, "odd\nname\t", "\\"}},
		Modules: map[string]string{"golang.org/x/sys": "v0.47.0", "go": "1.26", "example.com/r": "=> ../r"},
	}
	roundTrip(t, about)
	golden(t, "about", string(about.Encode()))
}

func TestDistanceIsNearerForLess(t *testing.T) {
	e := newExplained(t)
	first := e.closure().About()
	overwrite(t, filepath.Join(e.root, "data.txt"), "b")
	second := e.closure().About()
	overwrite(t, filepath.Join(e.root, "lib/new.go"), "package lib\n")
	now := e.closure()
	if far, near := now.Distance(first), now.Distance(second); far <= near || near == 0 {
		t.Errorf("distances %d and %d", far, near)
	}
}

// A proxy's password is in no input, no explanation and nothing that is kept.
func TestNoSecretIsShown(t *testing.T) {
	const secret = "hunter2secret"
	e := &explained{root: write(t, map[string]string{"go.mod": "module m\n"}), env: map[string]string{}, r: pinnedRequest(nil)}
	e.r.Package = []string{"example.com/tool@v1.2.3"}
	before := e.closure()
	for _, name := range sourceEnv {
		e.env[name] = "https://user:" + secret + "@proxy.example"
	}
	after := e.closure()
	about := roundTrip(t, after.About())
	shown := Text(after.Inputs) + string(after.About().Encode()) + Text(about.Inputs) + strings.Join(after.Differences(before.About()), "\n") + strings.Join(before.Differences(about), "\n")
	if strings.Contains(shown, secret) || strings.Contains(shown, "user:") {
		t.Errorf("the password is in\n%s", shown)
	}
	if before.ExecutableKey() == after.ExecutableKey() || !strings.Contains(shown, "GOPROXY") {
		t.Errorf("GOPROXY does not count:\n%s", shown)
	}
}

func TestParseAboutOfGarbage(t *testing.T) {
	good := string(newExplained(t).closure().About().Encode())
	for what, text := range map[string]string{
		"nothing": "", "text": "hello", "half of the first line": aboutMagic[:5], "JSON": `{"inputs":[]}`, "the next format": strings.Replace(good, "about 1", "about 2", 1),
		"no last newline": good[:len(good)-1], "a line without tabs": good + "hello\n", "one tab": good + "file\tmain.go\n", "an empty line": good + "\n",
	} {
		if a, err := ParseAbout([]byte(text)); err == nil {
			t.Errorf("%s is %v", what, a)
		}
	}
}

// aboutBound is how much memory may be taken for each byte that is parsed.
const aboutBound = 160

// What somebody made up takes memory in proportion to its size.
func TestParseAboutIsBounded(t *testing.T) {
	for what, piece := range map[string]string{"empty inputs": "\t\t\n", "small inputs": "a\tb\tc\n", "modules": "version\t\t\n", "tabs": "\t", "backslashes": `\t\n\`, "newlines": "\n"} {
		data := []byte(aboutMagic + strings.Repeat(piece, (1<<20)/len(piece)))
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := ParseAbout(data)
		runtime.ReadMemStats(&after)
		each := (after.TotalAlloc - before.TotalAlloc) / uint64(len(data))
		if each > aboutBound {
			t.Errorf("%s: %v, %d bytes for each byte", what, err, each)
		}
		t.Logf("%s: %d bytes for each byte", what, each)
	}
}

func FuzzParseAbout(f *testing.F) {
	f.Add([]byte(aboutMagic + "file\tmain.go\t9f86\nversion\tgo\t1.26\nflag\t\\\\n\t\\t\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		about, err := ParseAbout(data)
		if err != nil {
			return
		}
		again, err := ParseAbout(about.Encode())
		if diff := cmp.Diff(about, again, cmpopts.EquateEmpty()); err != nil || diff != "" {
			t.Errorf("again: %v\n%s", err, diff)
		}
	})
}
