package buildflags

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// buildLine is Parse and Build of a shell-like line: SplitQuoted's quotes.
func buildLine(t *testing.T, o Options, line string) (Build, error) {
	t.Helper()
	argv, err := SplitQuoted(line)
	if err != nil {
		t.Fatal(err)
	}
	p, err := Parse(argv, nil)
	if err != nil {
		t.Fatal(err)
	}
	if o.GOOS == "" {
		o.GOOS, o.GOARCH = runtime.GOOS, runtime.GOARCH
	}
	return p.Build(o)
}

func TestBuildArgs(t *testing.T) {
	for _, tt := range []struct {
		line, goflags string
		args          []string
	}{
		{line: "."},
		{line: "-race -v=1 -trimpath=false -tags a,b .", args: []string{"-race", "-v", "-trimpath=false", "-tags=a,b"}},
		{line: "-buildvcs -buildvcs=auto .", args: []string{"-buildvcs", "-buildvcs=auto"}},
		{line: "-C d -n -json -exec x -x .", args: []string{"-x"}},
		{line: `"-ldflags=-X main.a=b" -ldflags=all=-s .`, args: []string{"-ldflags=-X main.a=b", "-ldflags=all=-s"}},
		{line: "-covermode atomic -overlay=o.json .", args: []string{"-covermode=atomic", "-overlay=o.json"}},
		{line: "-debug-trace t .", args: []string{"-debug-trace=t"}},

		// -mod
		{line: "-mod auto ."},
		{line: "-mod=vendor -mod=auto ."},
		{line: "-mod=auto -mod=vendor .", args: []string{"-mod=vendor"}},
		{line: "-mod= .", args: []string{"-mod="}},

		// comma-separated lists
		{line: "-ldflags=-s,-w .", args: []string{"-ldflags=-s -w"}},
		{line: "-gcflags all=-N,-l .", args: []string{"-gcflags=all=-N -l"}},
		{line: "-asmflags -S,-v -gccgoflags=-O2,-g .", args: []string{"-asmflags=-S -v", "-gccgoflags=-O2 -g"}},
		{line: `"-ldflags=-s -w" .`, args: []string{"-ldflags=-s -w"}},
		{line: `"-ldflags=-s, -w" .`, args: []string{"-ldflags=-s, -w"}},
		{line: "-ldflags=-X=a=b,-s .", args: []string{"-ldflags=-X=a=b,-s"}},
		{line: "-gcflags=-d=a,b .", args: []string{"-gcflags=-d=a,b"}},
		{line: "-gcflags=-N,l .", args: []string{"-gcflags=-N,l"}},
		{line: "-gcflags=-N, .", args: []string{"-gcflags=-N,"}},
		{line: "-gcflags=-N,- .", args: []string{"-gcflags=-N,-"}},
		{line: `-ldflags=-s,-w" .`, args: []string{`-ldflags=-s,-w"`}},
		{line: "-gccgoflags=-Wl,-z,-now .", args: []string{"-gccgoflags=-Wl,-z,-now"}},
		{line: "-gccgoflags=-g,-Wl,-s .", args: []string{"-gccgoflags=-g,-Wl,-s"}},
		{line: "-tags=-a,-b .", args: []string{"-tags=-a,-b"}},

		// -linkmode
		{line: "-linkmode external .", args: []string{"-ldflags=-linkmode=external"}},
		{line: "-linkmode external -linkmode internal .", args: []string{"-ldflags=-linkmode=internal"}},
		{line: `-linkmode external "-ldflags=-s -w" -v .`, args: []string{"-ldflags=-s -w -linkmode=external", "-v"}},
		{line: "-linkmode external -ldflags=-s,-w .", args: []string{"-ldflags=-s -w -linkmode=external"}},
		{line: "-linkmode auto -ldflags= .", args: []string{"-ldflags=-linkmode=auto"}},
		{line: "-linkmode auto -ldflags=-s -ldflags=-w .", args: []string{"-ldflags=-s", "-ldflags=-w -linkmode=auto"}},
		{line: "-linkmode auto -ldflags=all=-linkmode=external -ldflags=-w .", args: []string{"-ldflags=all=-linkmode=external", "-ldflags=-w -linkmode=auto"}},
		{line: "-linkmode auto .", goflags: "-ldflags=-s", args: []string{"-ldflags=-s -linkmode=auto"}},
		{line: "-linkmode auto -ldflags=-w .", goflags: "-ldflags=-s", args: []string{"-ldflags=-w -linkmode=auto"}},
		{line: "-linkmode auto -ldflags=-w .", goflags: "-ldflags=-linkmode=external", args: []string{"-ldflags=-w -linkmode=auto"}},
		{line: "-linkmode external -compiler gccgo .", args: []string{"-compiler=gccgo"}},
		{line: "-linkmode external .", goflags: "-compiler=gccgo"},

		// -gldebug
		{line: "-gldebug .", args: []string{"-gcflags=-dwarf=true", "-ldflags=-s=0 -w=0"}},
		{line: "-gldebug -gldebug=false ."},
		{line: "-gldebug -linkmode auto .", args: []string{"-gcflags=-dwarf=true", "-ldflags=-s=0 -w=0 -linkmode=auto"}},
		{line: `-gldebug "-ldflags=-X a.b=c" -gcflags=all=-N .`, args: []string{"-gcflags=-dwarf=true", "-ldflags=-s=0 -w=0 -X a.b=c", "-gcflags=all=-dwarf=true -N"}},
		{line: "-gldebug .", goflags: "-gcflags=-N -ldflags=all=-X=a.b=c", args: []string{"-gcflags=-dwarf=true -N", "-ldflags=-s=0 -w=0", "-ldflags=all=-s=0 -w=0 -X=a.b=c"}},
		{line: "-gldebug -compiler=gccgo .", args: []string{"-compiler=gccgo"}},

		// the rest
		{line: "-murmur -gcstackiter -buildflags=-g ."},
	} {
		b, err := buildLine(t, Options{GOFLAGS: tt.goflags}, tt.line)
		if err != nil {
			t.Errorf("GOFLAGS=%q gorun %s: %v", tt.goflags, tt.line, err)
		} else if !slices.Equal(b.Args, tt.args) {
			t.Errorf("GOFLAGS=%q gorun %s:\n got %q\nwant %q", tt.goflags, tt.line, b.Args, tt.args)
		}
	}
}

func TestBuildErrors(t *testing.T) {
	for _, tt := range []struct {
		line, goflags string
		message, hint string
	}{
		{line: "-linkmode shared .", message: `invalid value "shared" for flag -linkmode: want internal, external or auto`, hint: "auto"},
		{line: "-linkmode= .", message: `invalid value "" for flag -linkmode`},
		{line: "-linkmode internal -compiler gccgo .", message: "not possible with -compiler gccgo", hint: "gc"},
		{line: `-v -linkmode external "-ldflags=-s -linkmode internal" . x`, message: "-linkmode conflicts with -linkmode in -ldflags",
			hint: "gorun -v '-ldflags=-s -linkmode internal' . x"},
		{line: "-linkmode external -- x", goflags: "-ldflags=-linkmode=auto", message: "-linkmode conflicts with -linkmode=auto in -ldflags (from $GOFLAGS)",
			hint: "gorun -- x"},
		{line: "-linkmode external -ldflags=all=-s .", message: `-linkmode cannot be added to -ldflags, whose pattern "all" may or may not match the program`,
			hint: "gorun '-ldflags=all=-s -linkmode=external' ."},
		{line: "-v -linkmode=external .", goflags: "-ldflags=all=-s", message: `pattern "all"`, hint: "gorun -v '-ldflags=all=-s -linkmode=external' ."},
		{line: "-ldlgo /none/ld.so .", message: "interpreter /none/ld.so does not exist", hint: "-ldlgo"},
		{line: "-ldlgo / .", message: "interpreter / is a directory"},
		{line: "-ldlgo= .", message: "-ldlgo names no interpreter"},
		{line: "-ldlgo /bin/sh -ldflags=-I=/x .", message: "-ldlgo conflicts with -I=/x in -ldflags", hint: "gorun -ldflags=-I=/x ."},
		{line: "-ldlgo /bin/sh -compiler gccgo -gccgoflags=-Wl,--dynamic-linker=/x .", message: "-ldlgo conflicts with -Wl,--dynamic-linker=/x in -gccgoflags"},
		{line: "-buildmode plugin .", message: "-buildmode=plugin makes a plugin, which cannot be run", hint: "go build -buildmode=plugin"},
		{line: "-buildmode=c-shared .", message: "-buildmode=c-shared makes a C shared library, which cannot be run"},
		{line: "-buildmode=shared .", message: "which cannot be run"},
		{line: "-buildmode=archive .", message: "which cannot be run"},
		{line: ".", goflags: "-buildmode=c-archive", message: "-buildmode=c-archive (from $GOFLAGS) makes a C archive, which cannot be run"},
	} {
		_, err := buildLine(t, Options{GOFLAGS: tt.goflags}, tt.line)
		var usage *UsageError
		if !errors.As(err, &usage) {
			t.Errorf("GOFLAGS=%q gorun %s: %v, want a usage error", tt.goflags, tt.line, err)
		} else if !strings.Contains(usage.Message, tt.message) || !strings.Contains(usage.Hint, tt.hint) || usage.Hint == "" {
			t.Errorf("GOFLAGS=%q gorun %s:\n got %q, %q\nwant %q, %q", tt.goflags, tt.line, usage.Message, usage.Hint, tt.message, tt.hint)
		}
	}
}

// The corrected command lines in the hints are accepted, as is the Go
// spelling that --strict-flags proposes.
func TestHintsAreAccepted(t *testing.T) {
	for _, tt := range []struct {
		line, goflags, hint string
		strict              bool
	}{
		{line: "-linkmode external -ldflags=all=-s .", hint: "gorun '-ldflags=all=-s -linkmode=external' ."},
		{line: "-C d -n -linkmode external -ldflags=-s,-w -v . -x", strict: true, hint: "gorun -C d -n '-ldflags=-s -w -linkmode=external' -v . -x"},
		{line: "-ldflags=-s,-w -- x", strict: true, hint: "gorun '-ldflags=-s -w' -- x"},
		{line: "-mod auto -race .", strict: true, hint: "gorun -race ."},
		{line: "-mod auto .", goflags: "-mod=mod", strict: true, hint: "GOFLAGS=' ' gorun ."},
		{line: "-gldebug .", strict: true, hint: "gorun -gcflags=-dwarf=true '-ldflags=-s=0 -w=0' ."},
		{line: "-buildflags -g .", strict: true, hint: "CGO_CFLAGS='-O2 -g -Wa,-g' gorun ."},
		{line: "-murmur .", strict: true, hint: "gorun ."},
		{line: "-gcstackiter=false .", strict: true, hint: "gorun ."},
	} {
		o := Options{Strict: tt.strict, GOFLAGS: tt.goflags}
		_, err := buildLine(t, o, tt.line)
		var usage *UsageError
		if !errors.As(err, &usage) || !strings.HasSuffix(usage.Hint, ": "+tt.hint) {
			t.Errorf("%s: %v, hint %q, want %q", tt.line, err, usage.Hint, tt.hint)
			continue
		}
		_, corrected, _ := strings.Cut(tt.hint, "gorun ")
		if b, err := buildLine(t, Options{Strict: true}, corrected); err != nil {
			t.Errorf("%s: the hint %q is refused too: %v", tt.line, corrected, err)
		} else if b.Notices != nil {
			t.Errorf("%s: the hint %q draws notices %q", tt.line, corrected, b.Notices)
		}
	}
}

func TestStrictAcceptsGo(t *testing.T) {
	for _, line := range []string{"-race .", "-ldflags=-X=a=b,c .", "-mod=vendor .", "-gccgoflags=-Wl,-z .", "-C d -n -exec x ."} {
		if _, err := buildLine(t, Options{Strict: true}, line); err != nil {
			t.Errorf("%s: %v", line, err)
		}
	}
}

// With Compat nothing is translated, checked or noticed.
func TestCompat(t *testing.T) {
	line := "-mod=auto -ldflags=-s,-w -buildmode=plugin -v ."
	b, err := buildLine(t, Options{Compat: true}, line)
	want := []string{"-mod=auto", "-ldflags=-s,-w", "-buildmode=plugin", "-v"}
	if err != nil || !slices.Equal(b.Args, want) || b.Env != nil || b.Notices != nil {
		t.Errorf("%s: %+v, %v", line, b, err)
	}
}

func TestHandled(t *testing.T) {
	for _, tt := range []struct {
		line, goflags string
		exec          []string
		given         bool
		json, dry     bool
	}{
		{line: "."},
		{line: `-exec "a 'b c'" .`, exec: []string{"a", "b c"}, given: true},
		{line: "-exec=a -exec=b .", exec: []string{"b"}, given: true},
		{line: "-exec= .", given: true},
		{line: ".", goflags: `"-exec=a 'b'"`, exec: []string{"a", "b"}, given: true},
		{line: "-exec=c .", goflags: "-exec=a", exec: []string{"c"}, given: true},
		{line: "-exec= .", goflags: "-exec=a", given: true},
		{line: "-json -n .", json: true, dry: true},
		{line: ".", goflags: "-n --json", json: true, dry: true},
		{line: "-n=false .", goflags: "-n -json=0"},
	} {
		b, err := buildLine(t, Options{GOFLAGS: tt.goflags}, tt.line)
		if err != nil {
			t.Errorf("%s: %v", tt.line, err)
			continue
		}
		if !slices.Equal(b.Exec, tt.exec) || (b.Exec == nil) != (tt.exec == nil) || b.ExecGiven != tt.given || b.JSON != tt.json || b.DryRun != tt.dry || b.Args != nil {
			t.Errorf("GOFLAGS=%q gorun %s: exec %q (given %v), json %v, n %v, Args %q", tt.goflags, tt.line, b.Exec, b.ExecGiven, b.JSON, b.DryRun, b.Args)
		}
	}
}

func TestValue(t *testing.T) {
	b, err := buildLine(t, Options{GOFLAGS: "-race -tags=a -unknown=x -v=0"}, "-tags b,c -race=false -coverpkg=./... -murmur .")
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name, value string
		ok          bool
	}{
		{"race", "false", true}, {"tags", "b,c", true}, {"v", "false", true}, {"cover", "true", true}, {"coverpkg", "./...", true},
		{"unknown", "", false}, {"mod", "", false}, {"murmur", "", false},
	} {
		if value, ok := b.Value(tt.name); value != tt.value || ok != tt.ok {
			t.Errorf("Value(%q) = %q, %v", tt.name, value, ok)
		}
	}
	b, err = buildLine(t, Options{}, "-cover=false -covermode=count .")
	if value, _ := b.Value("cover"); err != nil || value != "true" {
		t.Errorf("-covermode sets -cover: %q, %v", value, err)
	}
	b, err = buildLine(t, Options{}, "-covermode=count -cover=false .")
	if value, _ := b.Value("cover"); err != nil || value != "false" {
		t.Errorf("a later -cover=false counts: %q, %v", value, err)
	}
}

func TestMurmur(t *testing.T) {
	b, err := buildLine(t, Options{}, "-murmur .")
	if err != nil || !b.Murmur || b.Args != nil || b.Notices != nil {
		t.Errorf("%+v, %v", b, err)
	}
	if b, err = buildLine(t, Options{}, "-murmur -murmur=false ."); err != nil || b.Murmur {
		t.Errorf("the last -murmur counts: %+v, %v", b, err)
	}
}

func TestNeedsC(t *testing.T) {
	for _, tt := range []struct{ line, goflags, goos, want string }{
		{line: ".", goos: "linux"},
		{line: "-race .", goos: "linux", want: "-race"},
		{line: "-race .", goos: "darwin"},
		{line: "-race=false .", goflags: "-race", goos: "linux"},
		{line: ".", goflags: "-race", goos: "linux", want: "-race"},
		{line: "-msan .", goos: "linux", want: "-msan"},
		{line: "-asan .", goos: "darwin", want: "-asan"},
		{line: "-compiler gccgo -race .", goos: "linux", want: "-compiler gccgo"},
		{line: "-linkshared .", goos: "linux", want: "-linkshared"},
		{line: "-linkmode external .", goos: "linux", want: "-linkmode external"},
		{line: "-linkmode internal .", goos: "linux"},
		{line: `"-ldflags=-s -linkmode external" .`, goos: "linux", want: "-ldflags=-linkmode=external"},
		{line: "-ldflags=--linkmode=external .", goos: "linux", want: "-ldflags=-linkmode=external"},
		{line: "-ldflags=-linkmode=external -ldflags=-s .", goos: "linux"},
		{line: "-ldflags=-s .", goflags: "-ldflags=-linkmode=external", goos: "linux"},
		{line: "-ldflags=all=-linkmode=external .", goos: "linux", want: "-ldflags=-linkmode=external"},
	} {
		b, err := buildLine(t, Options{GOFLAGS: tt.goflags, GOOS: tt.goos, GOARCH: "amd64"}, tt.line)
		if err != nil || b.NeedsC != tt.want {
			t.Errorf("GOOS=%s GOFLAGS=%q gorun %s: NeedsC = %q, %v, want %q", tt.goos, tt.goflags, tt.line, b.NeedsC, err, tt.want)
		}
	}
}

func TestNotices(t *testing.T) {
	for line, want := range map[string][]string{
		"-race -ldflags=-s,-w -mod auto -linkmode auto -murmur .": nil,
		"-gcstackiter -gcstackiter .":                             {"Go has no such switch; nothing changes"},
		"-gcstackiter=false .":                                    nil,
		"-gldebug .":                                              {"debug information is kept"},
		"-gldebug -gcflags=-dwarf=0 .":                            {"-dwarf=0 in -gcflags counts"},
		"-gldebug -ldflags=-s=0 .":                                {"debug information is kept"},
		"-buildflags=-g .":                                        {"-buildflags is deprecated"},
		"-buildflags= .":                                          nil,
	} {
		b, err := buildLine(t, Options{}, line)
		if err != nil || len(b.Notices) != len(want) {
			t.Errorf("%s: %q, %v", line, b.Notices, err)
			continue
		}
		for i, part := range want {
			if !strings.Contains(b.Notices[i], part) {
				t.Errorf("%s: notice %q, want %q in it", line, b.Notices[i], part)
			}
		}
	}
	for _, o := range []Options{{GOOS: "js", GOARCH: "wasm"}, {GOOS: "plan9", GOARCH: "amd64"}} {
		b, err := buildLine(t, o, "-gldebug -ldlgo /none .")
		if err != nil || len(b.Notices) != 2 || b.Args != nil || b.Interpreter != "" {
			t.Errorf("%s: %+v, %v", o.GOOS, b, err)
		}
	}
}

func TestEnv(t *testing.T) {
	for _, tt := range []struct {
		line, cflags, goflags string
		want                  []string
	}{
		{line: "-buildflags=-g .", want: []string{"CGO_CFLAGS=-O2 -g -Wa,-g"}},
		{line: `-buildflags "--defsym A=1" .`, cflags: "-O0", want: []string{"CGO_CFLAGS=-O0 -Wa,--defsym -Wa,A=1"}},
		{line: `-buildflags "-I 'a b'" .`, cflags: "-O0", want: []string{"CGO_CFLAGS=-O0 -Wa,-I '-Wa,a b'"}},
		{line: "-mod auto .", goflags: "-v -mod=mod '-ldflags=-X a.b=c' --mod=vendor", want: []string{"GOFLAGS=-v '-ldflags=-X a.b=c'"}},
		{line: "-mod auto .", goflags: "-mod=mod", want: []string{"GOFLAGS= "}},
		{line: "-mod auto .", goflags: "-v"},
		{line: "-mod auto -mod=vendor .", goflags: "-mod=mod"},
	} {
		b, err := buildLine(t, Options{CgoCFlags: tt.cflags, GOFLAGS: tt.goflags}, tt.line)
		if err != nil || !slices.Equal(b.Env, tt.want) {
			t.Errorf("GOFLAGS=%q gorun %s: %q, %v, want %q", tt.goflags, tt.line, b.Env, err, tt.want)
		}
	}
}

func TestLdlgo(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "ld.so"), nil, 0o755); err != nil {
		t.Fatal(err)
	}
	abs := filepath.Join(dir, "ld.so")
	for _, tt := range []struct {
		line string
		want []string
	}{
		{"-ldlgo " + abs + " .", []string{"-ldflags=-I " + abs}},
		{"-C " + dir + " -ldlgo ld.so .", []string{"-ldflags=-I ld.so"}},
		{"-ldlgo " + abs + " -compiler gccgo -gccgoflags=-g .", []string{"-compiler=gccgo", "-gccgoflags=-g -Wl,--dynamic-linker=" + abs}},
		{"-ldlgo " + abs + " -linkmode external -ldflags=-s .", []string{"-ldflags=-s -linkmode=external -I " + abs}},
	} {
		b, err := buildLine(t, Options{}, tt.line)
		if err != nil || !slices.Equal(b.Args, tt.want) {
			t.Errorf("%s: %q, %v, want %q", tt.line, b.Args, err, tt.want)
		}
	}
}
