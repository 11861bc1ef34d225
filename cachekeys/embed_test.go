package cachekeys

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// embedTree is what each package of TestEmbedAgainstGo has.
var embedTree = []string{
	"a.txt", "b.tmpl", ".c.tmpl", "_d.tmpl", "with space.txt", "x.go.txt", "code/c.go", "code/c_test.go", "code/go.work",
	"s/one", "s/.hidden", "s/_under", "s/deep/two", "s/deep/.three", "s/.dir/four", "s/_dir/five", "s/.git/HEAD", "s/.hg/x",
	"s/mod/go.mod", "s/mod/six", "s/mod/deep/seven", "s/vendor/eight", "s/testdata/nine",
	".h/one", "_u/one", "other/go.mod", "other/one", "p/en/x.html", "p/fr/x.html", "p/fr/y.html", "p/x.html", "[odd]/f", "empty/.x",
}

// embedPatternsTried are patterns that the go command takes, and some that it
// refuses.
var embedPatternsTried = []string{
	"a.txt", "*.txt", "*.tmpl", "?.tmpl", ".c.tmpl", "_d.tmpl", `"with space.txt"`, "`with space.txt`", "with*", "code", "code/*.go", "code/c_test.go",
	"s", "all:s", "s/*", "all:s/*", "s/.hidden", "s/.dir", "all:s/.dir", "s/_dir", "s/deep", "s/deep/*", "s/*/two", "s/vendor", "s/testdata/nine",
	".h", "all:.h", "_u", "_u/*", "p/*/x.html", "p/*", "*/x.html", "p/[a-e]*", "p/[^e]?", "a.txt b.tmpl p", "p p/en p/en/x.html", "*.t[mx]*",
	"s/mod", "s/mod/six", "other", "other/one", "s/.git", "s/.git/HEAD", ".", "..", "../x", "/etc/passwd", "a//b", "nothing", "nothing/*", "[", "[odd]/f",
	`\[odd\]/f`, "empty", "all:empty", "all:", "s/", "./a.txt", "s/../a.txt", "link", "link/one", "link/*", "l.txt", "s/one/x", "all:*.txt",
}

// Each pattern in a package of its own: what the closure finds is what the go
// command lists.
func TestEmbedAgainstGo(t *testing.T) {
	root := embedModule(t)
	ours := embedInputs(t, root)
	agree := 0
	for dir, p := range embedListing(t, root) {
		var i int
		if _, err := fmt.Sscanf(dir, "p%03d", &i); err != nil {
			t.Fatal(err)
		}
		switch got := ours[dir]; {
		case p.Error != nil: // nothing is kept of a build that fails
		case !slices.Equal(got, p.EmbedFiles):
			t.Errorf("//go:embed %s (-go +ours):\n%s", embedPatternsTried[i], cmp.Diff(p.EmbedFiles, got))
		default:
			agree++
		}
	}
	if agree < 30 {
		t.Errorf("only %d patterns are ones that the go command takes", agree)
	}
	t.Logf("%d of %d patterns are ones that the go command takes", agree, len(embedPatternsTried))
}

func embedModule(t *testing.T) string {
	files := map[string]string{"go.mod": "module example.com/m\n\ngo 1.26\n"}
	for i, pattern := range embedPatternsTried {
		dir := fmt.Sprintf("p%03d/", i)
		files[dir+"p.go"] = "package p\n\nimport \"embed\"\n\n//go:embed " + pattern + "\nvar files embed.FS\n"
		for _, name := range embedTree {
			files[dir+name] = name
		}
	}
	root := write(t, files)
	for i := range embedPatternsTried {
		for name, target := range map[string]string{"link": "s", "l.txt": "a.txt", "s/link": "one"} {
			if err := os.Symlink(target, filepath.Join(root, fmt.Sprintf("p%03d", i), name)); err != nil {
				t.Fatal(err)
			}
		}
	}
	return root
}

// embedInputs are the embedded files by package. Directories and links are
// inputs as well: what they are decides what is embedded.
func embedInputs(t *testing.T, root string) map[string][]string {
	found := map[string][]string{}
	for i := range embedPatternsTried {
		r := pinnedRequest(noEnv)
		r.Package, r.Workspace = []string{fmt.Sprintf("./p%03d", i)}, FindWorkspace(root, Options{})
		for _, in := range OpenIndex("", SHA256(), time.Now).Closure(r).Inputs {
			dir, name, _ := strings.Cut(in.Name, "/")
			if in.Kind == KindEmbed && in.Value != "directory" && in.Value != "present" && !strings.HasPrefix(in.Value, "link ") {
				found[dir] = append(found[dir], name)
			}
		}
	}
	return found
}

type embedPackage struct {
	Dir        string
	EmbedFiles []string
	Error      *struct{ Err string }
}

func embedListing(t *testing.T, root string) map[string]embedPackage {
	cmd := exec.Command("go", "list", "-e", "-json=Dir,EmbedFiles,Error", "./...")
	cmd.Dir, cmd.Env = root, append(os.Environ(), "GOFLAGS=", "GOWORK=off")
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]embedPackage{}
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p embedPackage
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return found
		} else if err != nil {
			t.Fatal(err)
		}
		if dir := filepath.Base(p.Dir); strings.HasPrefix(dir, "p") && filepath.Dir(p.Dir) == root {
			found[dir] = p
		}
	}
}

// GODEBUG=embedfollowsymlinks=1 lets a pattern match a link: its target counts.
func TestEmbedLinks(t *testing.T) {
	root := write(t, map[string]string{
		"go.mod": "module example.com/m\n\ngo 1.26\n", "real.txt": "one", "other.txt": "one",
		"main.go": "package main\n\nimport _ \"embed\"\n\n//go:embed l.txt\nvar x string\n\nfunc main() {}\n",
	})
	link := filepath.Join(root, "l.txt")
	point := func(target string) {
		os.Remove(link)
		if err := os.Symlink(target, link); err != nil {
			t.Fatal(err)
		}
	}
	keys := map[string]string{}
	point("real.txt")
	keys["at first"] = keyAt(root)
	overwrite(t, filepath.Join(root, "real.txt"), "two")
	keys["another content"] = keyAt(root)
	point("other.txt")
	keys["another target"] = keyAt(root)
	os.Remove(link)
	overwrite(t, link, "one")
	keys["no link"] = keyAt(root)
	distinct := map[string]string{}
	for what, key := range keys {
		if other, taken := distinct[key]; taken {
			t.Errorf("%s has the key of %s", what, other)
		}
		distinct[key] = what
	}
}
