package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/org/gorun-action/internal/testenv"
)

// A module at / is a module as any other: what the go command runs after each
// edit is what gorun runs.
func TestModuleAtRoot(t *testing.T) {
	t.Parallel()
	if !mayMount(t) {
		t.Skip("NOT TESTED: it takes root to mount")
	}
	c := newCacheTest(t, "host")
	root := c.rooted()
	env := append(os.Environ(), "PATH=/go/bin", "GOROOT=/go", "GOCACHE=/gocache", "GOENV=off", "GOFLAGS=", "GOPROXY=off", "GOPATH=/gopath", "GORUN_CACHE_DIR=/gorun-cache", "TMPDIR=/tmp", "GOTOOLCHAIN=local")
	in := func(args ...string) string {
		shell := exec.Command("chroot", append([]string{root}, args...)...)
		shell.Env = env
		out, err := shell.CombinedOutput()
		if err != nil {
			return string(out) + err.Error()
		}
		return string(out)
	}
	put(t, filepath.Join(root, "go.mod"), "module example.com/root\n\ngo 1.26\n")
	lib := func(word string) string { return "package lib\n\nconst Word = \"" + word + "\"\n" }
	main := "package main\n\nimport \"example.com/root/lib\"\n\nfunc main() { println(lib.Word) }\n"
	for _, step := range []struct{ file, text, want string }{
		{"lib/lib.go", lib("one"), ""},
		{"main.go", main, "one\n"},
		{"lib/lib.go", lib("two"), "two\n"},
		{"lib/more.go", "package lib\n\nfunc init() { println(\"more\") }\n", "more\ntwo\n"},
		{"go.work", "go 1.26\n\nuse .\n\nreplace example.com/none => ./none\n", "more\ntwo\n"},
		{"lib/go.mod", "module example.com/elsewhere\n", ""},
		{"lib/lib.go", lib("one"), ""},
	} {
		put(t, filepath.Join(root, step.file), step.text)
		for _, args := range [][]string{{"."}, {"example.com/root"}, {"/"}, {"-C", "/lib/..", "."}} {
			want := in(append([]string{"/go/bin/go", "run"}, args...)...)
			if step.want != "" && want != step.want {
				t.Fatalf("%s, %q: the go command says %q", step.file, args, want)
			}
			for range 2 {
				got := in(append([]string{"/gorun", "--log-format=none", "--builder=host"}, args...)...)
				if step.want != "" && got != want || step.want == "" && got == "one\n" {
					t.Errorf("%s, %q: gorun says %q, the go command %q", step.file, args, got, want)
				}
			}
		}
	}
}

// rooted is a root directory with a Go installation and gorun.
func (c *cacheTest) rooted() string {
	c.Helper()
	root := filepath.Join(c.dir, "root")
	for name, from := range map[string]string{"go": testenv.GoEnv(c.T, "GOROOT"), "gocache": testenv.GoEnv(c.T, "GOCACHE"), "dev": "/dev", "proc": "/proc"} {
		at := filepath.Join(root, name)
		c.must(os.MkdirAll(at, 0o755))
		c.tool("mount", "--bind", from, at)
		c.Cleanup(func() { exec.Command("umount", "-l", at).Run() })
	}
	c.must(os.MkdirAll(filepath.Join(root, "tmp"), 0o755))
	c.tool("cp", "-L", testenv.Gorun(c.T), filepath.Join(root, "gorun"))
	return root
}
