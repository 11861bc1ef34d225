package buildflags

import (
	"debug/dwarf"
	"debug/elf"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/org/gorun-action/internal/testenv"
)

// The tests in this file prove with the real go command what the package says
// about it.

// goRun runs `go run` in dir, with an environment in which only env configures
// the go command. Only its caches are the user's.
func goRun(t *testing.T, dir string, env []string, args ...string) (output string, err error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", append([]string{"run"}, args...)...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOFLAGS=", "GOENV=off", "GOWORK=off", "GOTOOLCHAIN=local", "GOPROXY=off", "PWD="+dir)
	cmd.Env = append(cmd.Env, env...)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// goFails returns what `go run` says when it fails in an empty directory.
func goFails(t *testing.T, args ...string) string {
	t.Helper()
	out, err := goRun(t, t.TempDir(), nil, args...)
	if err == nil {
		t.Fatalf("go run %q succeeded", args)
	}
	return out
}

// module writes the files of a txtar archive and a go.mod, and returns their
// directory.
func module(t *testing.T, archive string) string {
	t.Helper()
	dir := t.TempDir()
	files := txtar.Parse([]byte("-- go.mod --\nmodule m\n\ngo 1.25\n" + archive)).Files
	for _, f := range files {
		file := filepath.Join(dir, f.Name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, f.Data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// mustBuild is Parse and Build for this machine.
func mustBuild(t *testing.T, o Options, argv ...string) Build {
	t.Helper()
	p, err := Parse(argv, nil)
	if err != nil {
		t.Fatal(err)
	}
	o.GOOS, o.GOARCH = runtime.GOOS, runtime.GOARCH
	b, err := p.Build(o)
	if err != nil {
		t.Fatalf("%q: %v (%s)", argv, err, err.(*UsageError).Hint)
	}
	return b
}

// executable lets `go run` build with the flags of b and returns the ELF file
// that it would have run.
func executable(t *testing.T, dir string, b Build) *elf.File {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("reads ELF files and needs linux")
	}
	kept := filepath.Join(t.TempDir(), "kept")
	keep := filepath.Join(t.TempDir(), "keep")
	if err := os.WriteFile(keep, []byte("#!/bin/sh\nexec cp \"$1\" "+kept+"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	args := slices.Concat([]string{"-exec=" + keep}, b.Args, []string{"."})
	if out, err := goRun(t, dir, b.Env, args...); err != nil {
		t.Fatalf("go run %q: %v\n%s", args, err, out)
	}
	f, err := elf.Open(kept)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

// needC stops a test that needs a C compiler where there is none. CI has one.
func needC(t *testing.T) {
	t.Helper()
	if _, err := exec.LookPath("gcc"); err == nil {
		return
	}
	if os.Getenv("CI") != "" {
		t.Fatal("no gcc on PATH: CI must have one")
	}
	t.Skip("NOT TESTED: no gcc on PATH")
}

const adder = `
-- main.go --
package main

type pair struct{ a, b int }

var version string

//go:noinline
func add(first pair) int { return first.a + first.b }

func main() { println(version, add(pair{1, 2})) }
`

const cgoProgram = `
-- main.go --
package main

// static int three(void) { return 3; }
import "C"

func main() { println(C.three()) }
`

// parameters returns the names of the parameters of main.add in the debug
// information of the main package, which only the compiler can provide.
func parameters(t *testing.T, f *elf.File) (names []string) {
	t.Helper()
	d, err := f.DWARF()
	if err != nil {
		t.Fatal(err)
	}
	r, inside := d.Reader(), false
	for {
		e, err := r.Next()
		if err != nil {
			t.Fatal(err)
		}
		if e == nil {
			return names
		}
		name, _ := e.Val(dwarf.AttrName).(string)
		switch {
		case e.Tag == dwarf.TagSubprogram:
			inside = name == "main.add"
		case inside && e.Tag == dwarf.TagFormalParameter && !strings.HasPrefix(name, "~"):
			names = append(names, name)
		}
	}
}

func TestGldebugKeepsDebugInformation(t *testing.T) {
	dir := module(t, adder)
	bare := executable(t, dir, mustBuild(t, Options{}))
	if bare.Section(".symtab") != nil || bare.Section(".debug_info") != nil {
		t.Error("go run keeps debug information by itself: -gldebug has nothing to do any more")
	}
	for _, argv := range [][]string{
		{"-gldebug"},
		{"-gldebug", "-ldflags=-X main.version=v1", "-gcflags=-N -l"},
		{"-gldebug", "-ldflags=m=-X=main.version=v1", "-gcflags=m=-N"},
	} {
		f := executable(t, dir, mustBuild(t, Options{}, argv...))
		if f.Section(".symtab") == nil {
			t.Errorf("%q: no symbol table", argv)
		}
		if got := parameters(t, f); !slices.Equal(got, []string{"first"}) {
			t.Errorf("%q: parameters of main.add in the debug information: %q", argv, got)
		}
	}
	inherited := Options{GOFLAGS: `'-ldflags=all=-X=main.version=v2' -gcflags=m=-N`}
	b := mustBuild(t, inherited, "-gldebug")
	b.Env = append(b.Env, "GOFLAGS="+inherited.GOFLAGS)
	if got := parameters(t, executable(t, dir, b)); !slices.Equal(got, []string{"first"}) {
		t.Errorf("GOFLAGS: parameters of main.add in the debug information: %q", got)
	}
	if out, err := goRun(t, dir, b.Env, append(b.Args, ".")...); err != nil || out != "v2 3\n" {
		t.Errorf("-ldflags of GOFLAGS are lost: %q, %v", out, err)
	}
}

func TestUsersOwnStripCounts(t *testing.T) {
	b := mustBuild(t, Options{}, "-gldebug", "-ldflags=-s")
	if f := executable(t, module(t, adder), b); f.Section(".symtab") != nil {
		t.Error("-gldebug overrides the user's own -s")
	}
	if !strings.Contains(strings.Join(b.Notices, "\n"), "-s in -ldflags counts") {
		t.Errorf("notices = %q", b.Notices)
	}
}

func TestCommaLists(t *testing.T) {
	dir := module(t, `
-- main.go --
package main

func zero()

func main() { zero(); println("ran") }
-- zero.s --
TEXT ·zero(SB), 4, $0-0
	RET
`)
	for _, arg := range []string{"-ldflags=-s,-w", "-gcflags=-N,-l", "-gcflags=m=-N,-l", "-asmflags=-shared,-dynlink"} {
		if _, err := goRun(t, dir, nil, arg, "."); err == nil {
			t.Errorf("go run accepts %s: it is no longer the page's own form", arg)
		}
		b := mustBuild(t, Options{}, arg)
		if out, err := goRun(t, dir, nil, append(b.Args, ".")...); err != nil || out != "ran\n" {
			t.Errorf("%s → %q: %v\n%s", arg, b.Args, err, out)
		}
	}
}

func TestLinkmode(t *testing.T) {
	needC(t)
	pure, withC := module(t, adder), module(t, cgoProgram)
	external := mustBuild(t, Options{}, "-linkmode", "external", "-ldflags=-X main.version=v1")
	if !dynamic(executable(t, pure, external)) {
		t.Error("-linkmode external: the C linker makes dynamic executables, this one is static")
	}
	if out, err := goRun(t, pure, nil, append(external.Args, ".")...); err != nil || out != "v1 3\n" {
		t.Errorf("%q: %v\n%s", external.Args, err, out)
	}
	if out, err := goRun(t, pure, []string{"CC=/none"}, append(external.Args, "-ldflags=-linkmode=external -w=0", ".")...); err == nil {
		t.Errorf("external linking needs no C compiler: NeedsC is wrong\n%s", out)
	}
	for _, mode := range []string{"internal", "auto"} {
		b := mustBuild(t, Options{}, "-linkmode="+mode)
		if out, err := goRun(t, withC, nil, append(b.Args, ".")...); err != nil || out != "3\n" {
			t.Errorf("-linkmode %s: %v\n%s", mode, err, out)
		}
	}
}

func dynamic(f *elf.File) bool { return interpreter(f) != "" }

func interpreter(f *elf.File) string {
	s := f.Section(".interp")
	if s == nil {
		return ""
	}
	data, _ := s.Data()
	return strings.TrimRight(string(data), "\x00")
}

func TestLdlgoSetsTheInterpreter(t *testing.T) {
	needC(t)
	path := filepath.Join(t.TempDir(), "with blank.so")
	if err := os.WriteFile(path, nil, 0o755); err != nil {
		t.Fatal(err)
	}
	dir := module(t, cgoProgram)
	for _, argv := range [][]string{
		{"-ldlgo", path},
		{"-ldlgo", path, "-linkmode=external"},
		{"-ldlgo", path, "-ldflags=-s,-w"},
	} {
		b := mustBuild(t, Options{}, argv...)
		if got := interpreter(executable(t, dir, b)); got != path {
			t.Errorf("%q → %q: interpreter %q", argv, b.Args, got)
		}
		if b.Interpreter != path {
			t.Errorf("Interpreter = %q", b.Interpreter)
		}
	}
	if f := executable(t, module(t, adder), mustBuild(t, Options{}, "-ldlgo", path)); dynamic(f) {
		t.Error("a program without cgo has an interpreter: -ldlgo has an effect on static programs")
	}
}

func TestBuildflagsReachTheAssembler(t *testing.T) {
	needC(t)
	dir := module(t, `
-- main.go --
package main

// extern int answer;
import "C"

func main() { println(C.answer) }
-- answer.S --
.data
.globl answer
answer:
.long ANSWER
.section .note.GNU-stack,"",%progbits
`)
	b := mustBuild(t, Options{}, "-buildflags=--defsym ANSWER=42")
	// as takes the symbol of --defsym as the next word; -Wa passes both on in order.
	if out, err := goRun(t, dir, b.Env, append(b.Args, ".")...); err != nil || out != "42\n" {
		t.Errorf("%q: %v\n%s", b.Env, err, out)
	}
	if _, err := goRun(t, dir, nil, "."); err == nil {
		t.Error("builds without -buildflags: the test proves nothing")
	}
	if len(b.Notices) != 1 || !strings.Contains(b.Notices[0], "deprecated") {
		t.Errorf("notices = %q", b.Notices)
	}
}

// -mod auto has to undo the -mod of GOFLAGS, and of the GOENV file, where an
// empty -mod= does not.
func TestModAutoOverridesGOFLAGS(t *testing.T) {
	dir := module(t, `
require example.com/x v1.0.0
-- main.go --
package main

import "example.com/x"

func main() { println(x.X) }
-- vendor/modules.txt --
# example.com/x v1.0.0
## explicit
example.com/x
-- vendor/example.com/x/x.go --
package x

const X = "vendored"
`)
	goenv := filepath.Join(t.TempDir(), "env")
	if err := os.WriteFile(goenv, []byte("GOFLAGS=-mod=mod\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ goflags, env string }{
		{"-mod=mod", "GOFLAGS=-mod=mod"},
		{"-mod=mod -v=false", "GOFLAGS=-mod=mod -v=false"},
		{"-mod=mod", "GOENV=" + goenv},
	} {
		env := []string{tt.env}
		for _, arg := range []string{"-v=false", "-mod="} {
			if out, err := goRun(t, dir, env, arg, "."); err == nil {
				t.Errorf("%s go run %s works: %s", tt.env, arg, out)
			}
		}
		b := mustBuild(t, Options{GOFLAGS: tt.goflags}, "-mod", "auto")
		if out, err := goRun(t, dir, append(env, b.Env...), append(b.Args, ".")...); err != nil || out != "vendored\n" {
			t.Errorf("%s with -mod auto → %q %q: %v\n%s", tt.env, b.Env, b.Args, err, out)
		}
		if mode, ok := b.Value("mod"); ok {
			t.Errorf("Value(mod) = %q", mode)
		}
	}
}

// What gorun refuses, `go run` fails at.
func TestModesThatCannotRun(t *testing.T) {
	testenv.Long(t, "each mode compiles another standard library")
	needC(t)
	dir := module(t, adder)
	for _, mode := range []string{"archive", "c-archive", "c-shared", "shared", "plugin"} {
		if out, err := goRun(t, dir, nil, "-buildmode="+mode, "."); err == nil {
			t.Errorf("go run -buildmode=%s works: %s", mode, out)
		}
	}
	for _, mode := range []string{"exe", "pie", "default"} {
		b := mustBuild(t, Options{}, "-buildmode", mode)
		if out, err := goRun(t, dir, nil, append(b.Args, ".")...); err != nil || out != " 3\n" {
			t.Errorf("-buildmode=%s: %v\n%s", mode, err, out)
		}
	}
}

func TestSanitizersNeedCgo(t *testing.T) {
	for _, name := range []string{"-race", "-msan", "-asan"} {
		out, err := goRun(t, module(t, adder), []string{"CGO_ENABLED=0"}, name, ".")
		if err == nil || !strings.Contains(out, "requires cgo") && !strings.Contains(out, "not supported") {
			t.Errorf("%s without cgo: %v\n%s", name, err, out)
		}
	}
}

// Where both refuse a command line, they do so in the same words.
func TestErrorsAreGos(t *testing.T) {
	for _, argv := range [][]string{
		{"-p=x", "."},
		{"-p", "99999999999999999999", "."},
		{"-race=zz", "."},
		{"-buildvcs=zz", "."},
		{"-ldflags=foo", "."},
		{"-gcflags==-N", "."},
		{"-asmflags='a'=b", "."},
		{"-ldflags=-X 'a", "."},
		{"-tags", "'a", "."},
		{"-toolexec", "'a", "."},
		{"-exec", `"a`, "."},
		{"-v", "-C", "x", "."},
		{"-nonsense", "."},
		{"-murmur", "."},
		{"-linkmode", "external", "."},
		{"-=x"}, {"---x"}, {"--=x"},
		{"-ldflags"}, {"-C"},
		{"x_test.go"}, {"a.go", "x_test.go"},
		{}, {"-"}, {"-v"}, {"--"}, {"--", "-v"},
	} {
		first, _, _ := strings.Cut(goFails(t, argv...), "\n")
		if err := compat(argv); err == nil || err.Error() != first {
			t.Errorf("go run %q says %q, gorun %v", argv, first, err)
		}
	}
}

// compat returns the first error of a command line with --compat=go.
func compat(argv []string) error {
	p, err := Parse(argv, nil)
	if err != nil {
		return err
	}
	if _, err := p.Build(Options{Compat: true}); err != nil {
		return err
	}
	_, _, err = p.Package(true)
	return err
}

func TestErrorsInGOFLAGSAreGos(t *testing.T) {
	for _, goflags := range []string{
		"-race=zz", "-buildvcs=zz", "-ldflags", "--p=x", "--C=x", "x", "-", "--", "---x", "-=x", "'-v", `'-exec="a'`, `-ldflags=x`,
	} {
		dir := t.TempDir()
		out, _ := goRun(t, dir, []string{"GOFLAGS=" + goflags}, ".")
		first, _, _ := strings.Cut(out, "\n")
		if _, err := (Parsed{}).Build(Options{GOFLAGS: goflags}); err == nil || err.Error() != first {
			t.Errorf("GOFLAGS=%s: go says %q, gorun %v", goflags, first, err)
		}
	}
}
