package buildflags

import (
	"errors"
	"flag"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// words is a command line, split at blanks, with "”" for an empty word.
func words(line string) []string {
	list := strings.Fields(line)
	for i, word := range list {
		if word == "''" {
			list[i] = ""
		}
	}
	return list
}

func TestParse(t *testing.T) {
	for _, tt := range []struct {
		line  string
		given string // name=value
		rest  string
	}{
		{"", "", ""},
		{".", "", "."},
		{"-race .", "race=true", "."},
		{"--race .", "race=true", "."},
		{"-race=false .", "race=false", "."},
		{"-race=0 -v=T .", "race=false v=true", "."},
		{"-race false .", "race=true", "false ."},
		{"-tags a,b .", "tags=a,b", "."},
		{"-tags=a=b .", "tags=a=b", "."},
		{"--tags a .", "tags=a", "."},
		{"-tags -race .", "tags=-race", "."},
		{"-tags= .", "tags=", "."},
		{"-tags '' .", "tags=", "."},
		{"-tags -- .", "tags=--", "."},
		{"-v -- -race .", "v=true", "-race ."},
		{"-v . -race", "v=true", ". -race"},
		{"- -v", "", "- -v"},
		{"'' -v", "", "'' -v"},
		{"-buildvcs -buildvcs=auto -buildvcs=1 -buildvcs= .", "buildvcs=true buildvcs=auto buildvcs=true buildvcs=auto", "."},
		{"-ldflags=-s -ldflags=all=-w .", "ldflags=-s ldflags=all=-w", "."},
		{"-p 0x10 .", "p=0x10", "."},
		{"-debug-trace=f .", "debug-trace=f", "."},
		{"-murmur -linkmode internal -gcstackiter=false .", "murmur=true linkmode=internal gcstackiter=false", "."},
		{"-v --quiet --limit 3 -race --quiet=false main.go x", "v=true quiet=true limit=3 race=true quiet=false", "main.go x"},
		{"-quiet -limit=4 .", "quiet=true limit=4", "."},
	} {
		var own []string
		record := func(name string) func(string) error {
			return func(value string) error { own = append(own, name+"="+value); return nil }
		}
		p, err := Parse(words(tt.line), []Own{
			{Name: "quiet", Bool: true, Set: record("quiet")},
			{Name: "limit", Arg: "n", Set: record("limit")},
		})
		if err != nil {
			t.Errorf("%q: %v", tt.line, err)
			continue
		}
		var all, wantOwn []string
		for _, g := range p.given {
			all = append(all, g.name+"="+g.value)
			if g.own {
				wantOwn = append(wantOwn, g.name+"="+g.value)
			}
		}
		if got := strings.Join(all, " "); got != tt.given {
			t.Errorf("%q: flags %q, want %q", tt.line, got, tt.given)
		}
		if !slices.Equal(own, wantOwn) {
			t.Errorf("%q: own flags set to %q, want %q", tt.line, own, wantOwn)
		}
		if !slices.Equal(p.rest, words(tt.rest)) {
			t.Errorf("%q: rest %q, want %q", tt.line, p.rest, tt.rest)
		}
	}
}

// A flag in the form -x=value may be one that a newer go command knows, so it
// is Build that refuses it.
func TestParseErrors(t *testing.T) {
	own := []Own{
		{Name: "timeout", Arg: "duration", Usage: "end the program", Set: func(string) error { return errors.New("no duration") }},
		{Name: "quiet", Bool: true, Usage: "say less", Set: func(v string) error { _, err := strconv.ParseBool(v); return err }},
		{Name: "own", Set: func(string) error { return &UsageError{"said by itself", "do so"} }},
	}
	for _, tt := range []struct{ line, message, hint string }{
		{"-foo", "flag provided but not defined: -foo", "gorun -h lists"},
		{"-o x .", "flag provided but not defined: -o", "gorun -h lists"},
		{"-rase", "flag provided but not defined: -rase", "did you mean -race?"},
		{"-ldflag=-s", "flag provided but not defined: -ldflag", "did you mean -ldflags?"},
		{"-gcflag=-s", "flag provided but not defined: -gcflag", "did you mean -gcflags?"},
		{"-trmpth .", "flag provided but not defined: -trmpth", "did you mean -trimpath?"},
		{"-tag x", "flag provided but not defined: -tag", "did you mean -tags?"},
		{"--time-out 3s", "flag provided but not defined: -time-out", "did you mean --timeout?"},
		{"--timeout", "flag needs an argument: --timeout", "write --timeout duration"},
		{"--timeout x", `invalid value "x" for flag --timeout: no duration`, "--timeout: end the program"},
		{"--quiet=x", `invalid boolean value "x" for --quiet: strconv.ParseBool: parsing "x": invalid syntax`, "--quiet: say less"},
		{"--own x", "said by itself", "do so"},
		{"-tags", "flag needs an argument: -tags", "write -tags tag,list"},
		{"-race=maybe", `invalid boolean value "maybe" for -race: parse error`, "-race: detect"},
		{"-v -C dir", `invalid value "dir" for flag -C: -C flag must be first flag on command line`, "before every other flag"},
		{"-C a -C b", `invalid value "b" for flag -C: -C flag must be first flag on command line`, "write -C once"},
		{"-murmur -C a", `invalid value "a" for flag -C: -C flag must be first flag on command line`, "write -C once"},
		{"-C=", "-C names no directory", "leave it out"},
	} {
		p, err := Parse(words(tt.line), own)
		if err == nil {
			_, err = p.Build(Options{GOOS: "linux", GOARCH: "amd64"})
		}
		var usage *UsageError
		if !errors.As(err, &usage) {
			t.Errorf("%q: %v, want a usage error", tt.line, err)
			continue
		}
		if usage.Message != tt.message || !strings.Contains(usage.Hint, tt.hint) {
			t.Errorf("%q:\n got %q, %q\nwant %q, %q", tt.line, usage.Message, usage.Hint, tt.message, tt.hint)
		}
	}
}

func TestParseHelp(t *testing.T) {
	for _, line := range []string{"-h", "--help", "-v -help ."} {
		if _, err := Parse(words(line), nil); !errors.Is(err, flag.ErrHelp) {
			t.Errorf("%q: %v, want flag.ErrHelp", line, err)
		}
	}
	asked := ""
	own := []Own{{Name: "help", Bool: true, Set: func(v string) error { asked = v; return nil }}}
	if _, err := Parse([]string{"--help"}, own); err != nil || asked != "true" {
		t.Errorf("own help flag: %q, %v", asked, err)
	}
}

func TestChdir(t *testing.T) {
	quiet := []Own{{Name: "quiet", Bool: true, Set: func(string) error { return nil }}}
	for _, line := range []string{"-C dir -v .", "--C=dir -v .", "--quiet -C=dir -v .", "--C dir --quiet -v ."} {
		p, err := Parse(words(line), quiet)
		if err != nil {
			t.Errorf("%q: %v", line, err)
			continue
		}
		b, err := p.Build(Options{})
		if err != nil || p.Dir != "dir" || b.Dir != "dir" || !slices.Equal(b.Args, []string{"-v"}) {
			t.Errorf("%q: Dir %q and %q, Args %q, %v", line, p.Dir, b.Dir, b.Args, err)
		}
	}
}

func TestDistance(t *testing.T) {
	for _, tt := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"race", "race", 0}, {"rce", "race", 1}, {"raze", "race", 1}, {"ldflag", "gcflags", 3}, {"", "abc", 3}, {"abc", "", 3}} {
		if got := distance(tt.a, tt.b); got != tt.want {
			t.Errorf("distance(%q, %q) = %d, want %d", tt.a, tt.b, got, tt.want)
		}
	}
}

func TestPackage(t *testing.T) {
	const noFiles = "go: no go files listed"
	for _, tt := range []struct {
		line      string
		pkg, args string // of gorun
		compat    string // "package | arguments" of go run, or its error
	}{
		{"", ".", "", noFiles},
		{"-v", ".", "", noFiles},
		{"--", ".", "", noFiles},
		{".", ".", "", ". |"},
		{". a b", ".", "a b", ". | a b"},
		{". -v", ".", "-v", ". | -v"},
		{". --", ".", "", ". | --"},
		{". -- a", ".", "a", ". | -- a"},
		{". -- a -- b", ".", "a -- b", ". | -- a -- b"},
		{". -- --", ".", "--", ". | -- --"},
		{". a -- b", ".", "a -- b", ". | a -- b"},
		{"-- a b", ".", "a b", "a | b"},
		{"-v -- . x", ".", ". x", ". | x"},
		{"-- -- x", ".", "-- x", noFiles},
		{"-- -x", ".", "-x", noFiles},
		{"main.go", "main.go", "", "main.go |"},
		{"main.go a", "main.go", "a", "main.go | a"},
		{"a.go b.go c d.go", "a.go b.go", "c d.go", "a.go b.go | c d.go"},
		{"a.go -- b.go", "a.go", "b.go", "a.go | -- b.go"},
		{"-race main.go -- arg1", "main.go", "arg1", "main.go | -- arg1"},
		{"-- a.go b", ".", "a.go b", "a.go | b"},
		{"./cmd/x x_test.go", "./cmd/x", "x_test.go", "./cmd/x | x_test.go"},
		{"example.com/x@latest -h", "example.com/x@latest", "-h", "example.com/x@latest | -h"},
	} {
		p, err := Parse(words(tt.line), nil)
		if err != nil {
			t.Fatal(err)
		}
		pkg, args, err := p.Package(false)
		if err != nil || strings.Join(pkg, " ") != tt.pkg || strings.Join(args, " ") != tt.args {
			t.Errorf("gorun %s: %q, %q, %v; want %q, %q", tt.line, pkg, args, err, tt.pkg, tt.args)
		}
		pkg, args, err = p.Package(true)
		got := strings.TrimSpace(strings.Join(pkg, " ") + " | " + strings.Join(args, " "))
		if err != nil {
			got = err.Error()
		}
		if got != tt.compat {
			t.Errorf("gorun --compat=go %s: %q, want %q", tt.line, got, tt.compat)
		}
	}
}

func TestPackageErrors(t *testing.T) {
	for _, tt := range []struct{ line, message string }{
		{"x_test.go", "go: cannot run *_test.go files (x_test.go)"},
		{"a.go x_test.go", "go: cannot run *_test.go files (x_test.go)"},
		{"-", "go: no go files listed"},
	} {
		p, err := Parse(words(tt.line), nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, compat := range []bool{false, true} {
			_, _, err = p.Package(compat)
			var usage *UsageError
			if !errors.As(err, &usage) || usage.Message != tt.message || usage.Hint == "" {
				t.Errorf("%q, compat %v: %v", tt.line, compat, err)
			}
		}
	}
}
