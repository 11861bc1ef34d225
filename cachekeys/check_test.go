package cachekeys

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/rogpeppe/go-internal/goproxytest"
)

// checkRoot is a module that replaces another by a directory that only a module
// of the module cache imports from.
func checkRoot(t *testing.T) string {
	return write(t, map[string]string{
		"m/go.mod":           "module example.com/m\n\ngo 1.26\n\nrequire (\n\texample.com/far v1.0.0\n\texample.com/local v1.0.0\n)\n\nreplace example.com/local => ../local\n",
		"m/main.go":          "package main\n\nimport _ \"example.com/far\"\n\nfunc main() {}\n",
		"local/go.mod":       "module example.com/local\n\ngo 1.26\n",
		"local/sub/l.go":     "package sub\n\nimport _ \"example.com/local/inner\"\n",
		"local/inner/i.go":   "package inner\n",
		"local/inner/x.json": "",
		"proxy/example.com_far_v1.0.0.txtar": "-- .info --\n{\"Version\":\"v1.0.0\"}\n-- .mod --\nmodule example.com/far\n\ngo 1.26\n\nrequire example.com/local v1.0.0\n" +
			"-- go.mod --\nmodule example.com/far\n\ngo 1.26\n\nrequire example.com/local v1.0.0\n-- far.go --\npackage far\n\nimport _ \"example.com/local/sub\"\n",
	})
}

// The go command's list has a local package that only a module of the module
// cache leads to: it is learned, and from then on it counts, even where the
// sources lie in the module cache.
func TestCheckLearnsExtras(t *testing.T) {
	for what, modCache := range map[string]string{"beside the module cache": "modcache", "in the module cache": "."} {
		t.Run(what, func(t *testing.T) { checkLearnsExtras(t, modCache) })
	}
}

func checkLearnsExtras(t *testing.T, modCache string) {
	root := checkRoot(t)
	at := func(name string) string { return filepath.Join(root, filepath.FromSlash(name)) }
	modCache = filepath.Join(root, modCache)
	packages := farListing(t, root, modCache)
	r := pinnedRequest(noEnv)
	r.Package, r.ModCache, r.Workspace = []string{"."}, modCache, FindWorkspace(at("m"), Options{})
	ix := OpenIndex("", SHA256(), time.Now)
	first := ix.Closure(r).Check(packages)
	if want := []string{at("local/inner"), at("local/sub")}; !slices.Equal(first.Extra, want) || !contain(first.Reasons, "reached through other modules only") {
		t.Fatalf("Check says %+v; want the directories %q", first, want)
	}
	r.Extra = first.Extra
	second := ix.Closure(r)
	if v := second.Check(packages); len(v.Reasons)+len(v.Extra) > 0 {
		t.Errorf("with the directories known, Check says %+v", v)
	}
	if second.ExecutableKey() == ix.Closure(pinnedRequest(noEnv)).ExecutableKey() || !second.Covers(at("local/sub/l.go")) {
		t.Error("the directories do not count")
	}
	overwrite(t, at("local/inner/i.go"), "package inner // changed\n")
	ix.Again()
	if ix.Closure(r).ExecutableKey() == second.ExecutableKey() {
		t.Error("a change of what only other modules reach has the same key")
	}
}

// farListing runs the go command against a module proxy of its own.
func farListing(t *testing.T, root, modCache string) []Built {
	srv, err := goproxytest.NewServer(filepath.Join(root, "proxy"), "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(srv.Close)
	env := append(os.Environ(), "GOFLAGS=-modcacherw -mod=mod", "GOWORK=off", "GONOSUMDB=*", "GOSUMDB=off", "GOTOOLCHAIN=local", "GOPROXY="+srv.URL, "GOMODCACHE="+modCache)
	cmd := exec.Command("go", "list", "-deps", "-json", ".")
	cmd.Dir, cmd.Env = filepath.Join(root, "m"), env
	return listed(t, cmd)
}

func TestCheck(t *testing.T) {
	root := program(t)
	at := func(name string) string { return filepath.Join(root, name) }
	whole := Built{ImportPath: "example.com/m", Dir: root, Files: []string{"main.go", "data/a.txt"}}
	tests := map[string]struct {
		packages []Built
		want     Verdict
	}{
		"nothing":                    {nil, Verdict{}},
		"the closure":                {[]Built{whole, {ImportPath: "example.com/m/lib", Dir: at("lib"), Files: []string{"lib.go", "lib.s"}}}, Verdict{}},
		"the standard library":       {[]Built{{ImportPath: "net", Dir: "/usr/go/src/net", Standard: true, Files: []string{"x.go"}, Cgo: true}}, Verdict{}},
		"the module cache":           {[]Built{{ImportPath: "x", Dir: "/nowhere/mod/x@v1.0.0", Files: []string{"x.go"}, Pinned: true}}, Verdict{}},
		"below the module cache":     {[]Built{{ImportPath: "x", Dir: "/nowhere/mod/x", Files: []string{"x.go"}}}, Verdict{Extra: []string{"/nowhere/mod/x"}, Reasons: []string{"x is reached through other modules only: it counts from the next build on"}}},
		"beside the module cache":    {[]Built{{ImportPath: "x", Dir: "/nowhere/model", Files: []string{"x.go"}}}, Verdict{Extra: []string{"/nowhere/model"}, Reasons: []string{"x is reached through other modules only: it counts from the next build on"}}},
		"an embedded file is missed": {[]Built{{ImportPath: "example.com/m", Dir: root, Files: []string{"main.go", "data/b.txt"}}}, Verdict{Reasons: []string{"data/b.txt belongs to the build, and gorun did not find it"}}},
		"a file that is not there":   {[]Built{{ImportPath: "example.com/m", Dir: root, Files: []string{"gone.go"}}}, Verdict{Reasons: []string{"gone.go belongs to the build, and gorun did not find it"}}},
		"an absolute name":           {[]Built{{ImportPath: "example.com/m", Dir: root, Files: []string{at("main.go")}}}, Verdict{}},
		"two packages are missed": {[]Built{{ImportPath: "b", Dir: "/b", Files: []string{"b.go"}}, {ImportPath: "a", Dir: "/a", Files: []string{"a.go"}}}, Verdict{
			Extra:   []string{"/a", "/b"},
			Reasons: []string{"b is reached through other modules only: it counts from the next build on", "a is reached through other modules only: it counts from the next build on"},
		}},
	}
	c := closureAt(OpenIndex("", SHA256(), time.Now), root)
	for what, tt := range tests {
		if diff := cmp.Diff(tt.want, c.Check(tt.packages), cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", what, diff)
		}
	}
}

// cgo outside the standard library is sure in an image only, and there only
// when every file is known.
func TestCheckCgo(t *testing.T) {
	cgo := []Built{{ImportPath: "example.com/far", Dir: "/nowhere/mod/far@v1.0.0", Files: []string{"x.go"}, Cgo: true, Pinned: true}}
	for what, tt := range map[string]struct {
		line string
		host bool
		want string
	}{
		"pinned":             {"", false, ""},
		"pinned, with files": {"// #cgo LDFLAGS: -Llib\n", false, "uses files that nothing lists (-Llib)"},
		"here":               {"", true, "nothing pins this machine's C compiler"},
	} {
		root := write(t, map[string]string{"go.mod": "module m\n\ngo 1.26\n", "main.go": "package main\n\n" + tt.line + "import \"C\"\n\nfunc main() {}\n"})
		r := pinnedRequest(noEnv)
		r.Package, r.Workspace = []string{"."}, FindWorkspace(root, Options{})
		if tt.host {
			r.Toolchain.Digest = ""
		}
		c := OpenIndex("", SHA256(), time.Now).Closure(r)
		reasons := c.Check(cgo).Reasons
		if (len(reasons) > 0) != (tt.want != "") || tt.want != "" && !strings.Contains(reasons[0], tt.want) {
			t.Errorf("%s: %q, want %q", what, reasons, tt.want)
		}
		if c.ExecutableKey() == "" {
			t.Errorf("%s: there is no key to look for: %q", what, c.Reasons)
		}
	}
}

func TestCovers(t *testing.T) {
	root := program(t)
	c := closureAt(OpenIndex("", SHA256(), time.Now), root)
	for name, want := range map[string]bool{
		"go.mod": true, "main.go": true, "main_test.go": true, "data/a.txt": true, "lib/lib.go": true, "lib/lib.s": true, "lib/x.h": true, "lib": true, ".": true,
		"inc/y.h": false, "data/b.txt": false, "other": false, "lib/notes.txt": false, "../elsewhere": false,
	} {
		if got := c.Covers(filepath.Join(root, name)); got != want {
			t.Errorf("Covers(%s) is %v", name, got)
		}
	}
}
