package buildflags

import (
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/org/gorun-action/internal/testenv"
)

// reference is `go run`'s own way through a command line, made of the flag
// package and the rules in cmd/go/main.go and cmd/go/internal/run/run.go.
func reference(argv []string) (dir string, set []setting, pkg, args []string, err error) {
	if len(argv) > 0 {
		switch first := argv[0]; {
		case (first == "-C" || first == "--C") && len(argv) > 1:
			dir, argv = argv[1], argv[2:]
			err = chdirError(dir)
		case strings.HasPrefix(first, "-C=") || strings.HasPrefix(first, "--C="):
			_, dir, _ = strings.Cut(first, "=")
			argv = argv[1:]
			err = chdirError(dir)
		}
	}
	if err != nil {
		return "", nil, nil, nil, err
	}
	set, rest, err := flagPackage(argv)
	if err != nil {
		return "", nil, nil, nil, err
	}
	i := 0
	for i < len(rest) && strings.HasSuffix(rest[i], ".go") {
		if strings.HasSuffix(rest[i], "_test.go") {
			err = fmt.Errorf("go: cannot run *_test.go files (%s)", rest[i])
		}
		i++
	}
	switch {
	case i > 0:
	case len(rest) > 0 && !strings.HasPrefix(rest[0], "-"):
		i++
	default:
		err = errors.New("go: no go files listed")
	}
	return dir, set, rest[:i], rest[i:], err
}

func chdirError(dir string) error {
	if dir == "" {
		return errors.New("chdir: no such file or directory")
	}
	return nil
}

// flagPackage parses argv with the flag package and the flags of `go run`.
func flagPackage(argv []string) (set []setting, rest []string, err error) {
	flags := flag.NewFlagSet("run", flag.ContinueOnError)
	flags.SetOutput(discard{})
	for _, f := range slices.Concat(Table(), hidden()) {
		if !f.InGo {
			continue
		}
		keep := func(value string) error {
			if f.Name == "C" {
				return errChdir
			}
			canonical, err := f.kind.normalize(value)
			set = append(set, setting{f.Name, canonical})
			return err
		}
		if f.Bool {
			flags.BoolFunc(f.Name, "", keep)
		} else {
			flags.Func(f.Name, "", keep)
		}
	}
	err = flags.Parse(argv)
	return set, flags.Args(), err
}

type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }

// goRunRules parses as gorun does with --compat=go.
func goRunRules(argv []string) (p Parsed, b Build, pkg, args []string, err error) {
	if p, err = Parse(argv, nil); err != nil {
		return
	}
	if b, err = p.Build(Options{Compat: true, GOOS: "linux", GOARCH: "amd64"}); err != nil {
		return
	}
	pkg, args, err = p.Package(true)
	return
}

// The words of a fuzzed command line are separated by NUL bytes.
func FuzzParse(f *testing.F) {
	for _, line := range []string{
		"", ".", "-race . -v", "-C dir -v main.go x.go -- a", "-- . x", ". -- a -- b", "-ldflags=-s,-w -linkmode external .", "--tags -x -- -y",
		"-mod auto -gldebug .", "-p 3 x_test.go", "-C= .", "-v -C x .", "-buildvcs= -", "-exec 'a .", "-h", "---x", "-=", "-ldlgo / . ", "-debug-trace x .",
	} {
		f.Add(strings.Join(strings.Fields(line), "\x00"))
	}
	f.Fuzz(func(t *testing.T, joined string) {
		argv := strings.Split(joined, "\x00")
		checkGoRules(t, argv)
		checkOwnRules(t, argv)
	})
}

// Random sentences of the words that matter, where FuzzParse tries random bytes.
func TestRandomCommandLines(t *testing.T) {
	vocabulary := strings.Fields(`-- - . a main.go b.go x_test.go ./cmd/x x@latest = -= ---x -C --C=d -C= -v --v -v=false -race=x -race=1 -tags a,b
		-tags= --tags=c -ldflags -s,-w -ldflags=-s -ldflags=all=-w -linkmode external -linkmode=internal -mod auto -mod=auto -mod=vendor
		-gldebug -gcflags=m=-N,-l -exec= -exec x -p 3 -p=x -buildvcs -buildvcs=auto -murmur -gcstackiter=0 -buildmode=plugin -h -nonsense
		-ldlgo / -compiler gccgo -gccgoflags=-g -covermode=set -cover=false -n -json`)
	random := rand.New(rand.NewPCG(1, 2))
	accepted := 0
	for range testenv.Times(5_000, 50_000) {
		argv := make([]string, random.IntN(6))
		for i := range argv {
			argv[i] = vocabulary[random.IntN(len(vocabulary))]
		}
		accepted += checkGoRules(t, argv)
		checkOwnRules(t, argv)
		if t.Failed() {
			return
		}
	}
	if accepted < testenv.Times(100, 1000) {
		t.Errorf("only %d of the command lines are accepted: they test little", accepted)
	}
}

// checkGoRules compares --compat=go with the reference, and returns how many
// command lines (0 or 1) both accept.
func checkGoRules(t *testing.T, argv []string) int {
	t.Helper()
	dir, set, pkg, args, want := reference(argv)
	p, b, gotPkg, gotArgs, got := goRunRules(argv)
	if (got == nil) != (want == nil) {
		t.Fatalf("%q: %v, Go's rules say: %v", argv, got, want)
	}
	if got != nil {
		return 0
	}
	if p.Dir != dir || !slices.Equal(gotPkg, pkg) || !slices.Equal(gotArgs, args) {
		t.Errorf("%q: dir %q, package %q, arguments %q; Go's rules say %q, %q, %q", argv, p.Dir, gotPkg, gotArgs, dir, pkg, args)
	}
	for _, s := range set {
		value, _ := last(set, s.name)
		if v, _ := b.Value(s.name); v != value && s.name != "cover" {
			t.Errorf("%q: -%s is %q, Go's rules say %q", argv, s.name, v, value)
		}
	}
	return 1
}

// checkOwnRules holds for gorun's own reading of any command line: no panic,
// every refusal is a usage error, arguments are the end of the command line,
// and what is handed to the go command is in Go's spelling.
func checkOwnRules(t *testing.T, argv []string) {
	t.Helper()
	p, err := Parse(argv, nil)
	if err != nil {
		if usage := new(UsageError); !errors.As(err, &usage) && !errors.Is(err, flag.ErrHelp) {
			t.Errorf("%q: %v", argv, err)
		}
		return
	}
	pkg, args, err := p.Package(false)
	if err == nil && (len(pkg) == 0 || len(args) > len(argv) || !slices.Equal(args, argv[len(argv)-len(args):])) {
		t.Errorf("%q: package %q, arguments %q", argv, pkg, args)
	}
	for _, strict := range []bool{false, true} {
		// Another system than this one, so that -ldlgo looks for no file.
		b, err := p.Build(Options{Strict: strict, GOFLAGS: "-mod=mod -ldflags=-s", GOOS: "freebsd", GOARCH: "riscv64"})
		if err != nil {
			if usage := new(UsageError); !errors.As(err, &usage) || usage.Hint == "" {
				t.Errorf("%q: %v", argv, err)
			}
			continue
		}
		if _, _, err := flagPackage(append(b.Args, ".")); err != nil {
			t.Errorf("%q: Args %q are not Go's: %v", argv, b.Args, err)
		}
		if _, err := parseGOFLAGS(goflagsOf(b)); err != nil {
			t.Errorf("%q: %q: %v", argv, b.Env, err)
		}
	}
}

func goflagsOf(b Build) string {
	for _, kv := range b.Env {
		if value, ok := strings.CutPrefix(kv, "GOFLAGS="); ok {
			return value
		}
	}
	return ""
}

func FuzzSplitQuoted(f *testing.F) {
	for _, s := range []string{"", "a b", `'a b' "c"`, `'`, `a'b"c`, "'a'b", "\t''\n"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		list, err := SplitQuoted(s)
		if err != nil {
			if list != nil || !strings.ContainsAny(s, `'"`) {
				t.Errorf("%q: %q, %v", s, list, err)
			}
			return
		}
		joined, err := JoinQuoted(list)
		if err != nil {
			t.Fatalf("%q: words %q cannot be joined: %v", s, list, err)
		}
		if again, err := SplitQuoted(joined); err != nil || !slices.Equal(again, list) {
			t.Errorf("%q → %q → %q → %q, %v", s, list, joined, again, err)
		}
		total := 0
		for _, word := range list {
			total += len(word)
		}
		if total > len(s) {
			t.Errorf("%q: words %q are longer than the text", s, list)
		}
	})
}

func FuzzGOFLAGS(f *testing.F) {
	for _, s := range []string{"", "-race", "-mod=mod -v", "'-ldflags=-X a.b=c' --mod=vendor", "-x=y -foo", "x", "-n=0"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, goflags string) {
		settings, err := parseGOFLAGS(goflags)
		if err != nil {
			return
		}
		kept := slices.DeleteFunc(settings, func(s setting) bool { return s.name == "mod" })
		again, err := parseGOFLAGS(withoutGOFLAG(goflags, "mod"))
		if err != nil || !slices.Equal(again, kept) {
			t.Errorf("GOFLAGS=%q without -mod: %q, %v, want %q", goflags, again, err, kept)
		}
	})
}
