package monorepo

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"go/ast"
	"go/format"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/org/gorun-action/internal/testenv"
)

var small = Options{Packages: 40, FilesPerPackage: 5, Seed: 1}

// TestProgram builds, vets, tests and runs a repository: the sum that the
// program prints is the one that this test finds in the graph.
func TestProgram(t *testing.T) {
	testenv.Long(t, "it links the tests of twenty packages")
	dir := filepath.Join(t.TempDir(), "repo")
	if err := Write(dir, small); err != nil {
		t.Fatal(err)
	}
	goCommand(t, dir, "vet", "./...")
	goCommand(t, dir, "vet", "-tags=integration", "./...")
	tests := goCommand(t, dir, "test", "./internal/...", "./libs/...") // half of them: each is a link
	if n := strings.Count(tests, "ok  \t"); n < small.Packages/4 {
		t.Errorf("%d packages have tests that passed, want at least %d:\n%s", n, small.Packages/4, tests)
	}
	deps := goCommand(t, dir, "list", "-deps", Main)
	if n := strings.Count(deps, Module+"/"); n != small.Packages {
		t.Errorf("the main package reaches %d packages with itself, want %d", n, small.Packages)
	}
	want := fmt.Sprintf("%d packages, weight %d\n", small.Packages, weightOf(t, generate(small)))
	if got := goCommand(t, dir, "run", Main); got != want {
		t.Errorf("it printed %q, want %q", got, want)
	}
}

// TestSystems checks that of the files for some systems each system takes one.
func TestSystems(t *testing.T) {
	o := small
	o.Packages = 120 // one package of twenty has such files
	dir := filepath.Join(t.TempDir(), "repo")
	if err := Write(dir, o); err != nil {
		t.Fatal(err)
	}
	sets := map[string]int{}
	for _, system := range []string{"linux/amd64", "windows/arm64", "darwin/arm64"} {
		goos, goarch, _ := strings.Cut(system, "/")
		t.Setenv("GOOS", goos)
		t.Setenv("GOARCH", goarch)
		files := goCommand(t, dir, "list", "-f", "{{.GoFiles}}", "./...")
		sets[system] = strings.Count(files, "system_") + 1000*strings.Count(files, "word_")
	}
	if n := sets["linux/amd64"]; n < 1001 || n != sets["windows/arm64"] || n != sets["darwin/arm64"] {
		t.Errorf("the systems take different numbers of files: %v", sets)
	}
}

func goCommand(t *testing.T, dir string, args ...string) string {
	t.Helper()
	cmd := exec.Command("go", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOFLAGS=", "GOWORK=off")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go %s: %v\n%s%s", strings.Join(args, " "), err, out, &stderr)
	}
	return string(out)
}

// weightOf finds the weight by parsing the sources: the number of elements in
// each file's list of functions, and the calls of Weight.
func weightOf(t *testing.T, files []file) int {
	t.Helper()
	own, calls := map[string]int{}, map[string][]string{}
	for _, f := range files {
		if strings.HasSuffix(f.name, ".go") && !strings.HasSuffix(f.name, "_test.go") {
			read(t, f, own, calls)
		}
	}
	weights := map[string]int{}
	var weigh func(dir string) int
	weigh = func(dir string) int {
		if w, ok := weights[dir]; ok {
			return w
		}
		w := own[dir]
		for _, d := range calls[dir] {
			w += weigh(d)
		}
		weights[dir] = w % 1000003
		return weights[dir]
	}
	return weigh("cmd/server")
}

func read(t *testing.T, f file, own map[string]int, calls map[string][]string) {
	t.Helper()
	parsed, err := parser.ParseFile(token.NewFileSet(), f.name, f.text, 0)
	if err != nil {
		t.Fatal(err)
	}
	dir := path.Dir(f.name)
	for _, spec := range parsed.Imports {
		if p, _ := strconv.Unquote(spec.Path.Value); strings.HasPrefix(p, Module) {
			calls[dir] = append(calls[dir], strings.TrimPrefix(p, Module+"/"))
		}
	}
	ast.Inspect(parsed, func(n ast.Node) bool {
		if list, ok := n.(*ast.CompositeLit); ok {
			if array, ok := list.Type.(*ast.ArrayType); ok && fmt.Sprint(array.Elt) == "any" {
				own[dir] += len(list.Elts)
			}
		}
		return true
	})
}

// TestSameBytes holds the bytes of one repository: a change of them makes old
// measurements incomparable, and should be meant.
func TestSameBytes(t *testing.T) {
	const golden = "7ba0627a5dc7827c5804991bf276e87be58cf22dc2c0c704698eac0e8b1d3818"
	sum := func(o Options) string {
		h := sha256.New()
		for _, f := range generate(o) {
			fmt.Fprintf(h, "%s\x00%d\x00%s", f.name, len(f.text), f.text)
		}
		return fmt.Sprintf("%x", h.Sum(nil))
	}
	if got := sum(small); got != golden {
		t.Errorf("the repository has the sum %s, want %s", got, golden)
	}
	other := small
	other.Seed = 2
	if sum(other) == golden {
		t.Error("another seed made the same repository")
	}
}

// TestShape checks the promises of the package comment at full size.
func TestShape(t *testing.T) {
	o := Options{Packages: 2000, FilesPerPackage: 5, Seed: 1}
	units := graph(o)
	imported, names := map[*unit]bool{}, map[string]bool{}
	for i, u := range units {
		names[u.name] = true
		for _, d := range u.deps {
			imported[d] = true
			if d.index >= u.index {
				t.Errorf("%s imports %s, which is not below it", u.name, d.name)
			}
		}
		if n := len(u.deps); (n < 3 || n > 8) && i >= 199 && u.name != "main" {
			t.Errorf("%s imports %d packages", u.name, n)
		}
	}
	if len(units) != o.Packages || len(names) != o.Packages || len(imported) != o.Packages-1 {
		t.Errorf("%d packages with %d names, of which %d are imported", len(units), len(names), len(imported))
	}
}

func TestFiles(t *testing.T) {
	o := small
	o.Packages = 300
	count := map[string]int{}
	for _, f := range generate(o) {
		count[kindOf(f)]++
		if !strings.HasSuffix(f.name, ".go") {
			continue
		}
		if formatted, err := format.Source([]byte(f.text)); err != nil || string(formatted) != f.text {
			t.Fatalf("%s is not formatted (%v):\n%s", f.name, err, f.text)
		}
		if len(f.text) > 14<<10 {
			t.Errorf("%s has %d bytes", f.name, len(f.text))
		}
	}
	for _, kind := range []string{"source", "test", "doc.go", "schema.sql", "gen.go", "system_windows.go", "word_generic.go", "integration_test.go", "README.md"} {
		if count[kind] == 0 {
			t.Errorf("no %s among %v", kind, count)
		}
	}
	if got, want := count["source"], 299*5+1; got != want {
		t.Errorf("%d ordinary files, want %d", got, want)
	}
}

// kindOf is the name of a file that only some packages have, else what it is.
func kindOf(f file) string {
	base := path.Base(f.name)
	special := []string{"doc.go", "gen.go", "integration_test.go", "system_linux.go", "system_windows.go", "system_other.go", "word_amd64.go", "word_generic.go"}
	switch {
	case slices.Contains(special, base) || !strings.HasSuffix(base, ".go"):
		return base
	case strings.HasSuffix(base, "_test.go"):
		return "test"
	}
	return "source"
}

func TestWriteLeavesWhatIsThere(t *testing.T) {
	dir := t.TempDir()
	if err := Write(dir, small); !errors.Is(err, fs.ErrExist) {
		t.Errorf("the error is %v, want fs.ErrExist", err)
	}
	if err := Write(filepath.Join(dir, "no", "repo"), small); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the error without a parent is %v, want fs.ErrNotExist", err)
	}
	if err := Write(filepath.Join(dir, "repo"), Options{Packages: 1}); err == nil {
		t.Error("a repository without packages was made")
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 0 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
}

// TestAnySize looks for options that the generator cannot cope with.
func TestAnySize(t *testing.T) {
	for packages := 2; packages < 60; packages += testenv.Times(7, 1) {
		for _, n := range []int{1, 30} {
			o := Options{Packages: packages, FilesPerPackage: n, Seed: uint64(packages)}
			if packages%10 != 0 && n > 1 {
				continue
			}
			if files := generate(o); len(files) < 3+(packages-1)*n+1 {
				t.Errorf("%+v: %d files", o, len(files))
			}
		}
	}
}
