package buildflags

import (
	"cmp"
	"maps"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// pageFlags is the parameter list of the manual page of `go run`.
var pageFlags = strings.Fields(`exec a asmflags buildflags buildmode compiler gcflags gccgoflags gcstackiter gldebug
	installsuffix ldflags linkshared ldlgo linkmode mod modfile msan murmur n p race tags toolexec trimpath v work`)

// helpFlags returns the flags that the help of the go command on PATH lists,
// with the words that stand for their values.
func helpFlags(t *testing.T) map[string]string {
	t.Helper()
	flags := map[string]string{}
	list := regexp.MustCompile(`(?m)^\t-([A-Za-z]\w*)(?: (.+))?$`)
	for _, m := range list.FindAllStringSubmatch(goHelp(t, "build"), -1) {
		flags[m[1]] = m[2]
	}
	usage, _, _ := strings.Cut(goHelp(t, "run"), "\n")
	for _, m := range regexp.MustCompile(`\[-(\w+)(?: ([^]]+))?\]`).FindAllStringSubmatch(usage, -1) {
		flags[m[1]] = m[2]
	}
	return flags
}

func goHelp(t *testing.T, topic string) string {
	t.Helper()
	out, err := exec.Command("go", "help", topic).Output()
	if err != nil {
		t.Fatalf("go help %s: %v", topic, err)
	}
	return string(out)
}

func TestTableIsGoHelp(t *testing.T) {
	got := map[string]string{}
	for _, f := range Table() {
		if f.InGo {
			got[f.Name] = f.Arg
		}
	}
	want := helpFlags(t)
	if len(want) < 30 {
		t.Fatalf("only %d flags found in go help: has its form changed? %v", len(want), want)
	}
	for name, arg := range want {
		if a, ok := got[name]; !ok {
			t.Errorf("go has -%s %s, and the table has no row for it", name, arg)
		} else if a != arg {
			t.Errorf("-%s: the table calls its value %q, go help %q", name, a, arg)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(got)) {
		if _, ok := want[name]; !ok {
			t.Errorf("the table says that go has -%s, and go help lists no such flag", name)
		}
	}
}

func TestTableIsThePage(t *testing.T) {
	var got []string
	for _, f := range Table() {
		if f.OnPage {
			got = append(got, f.Name)
		}
		if !f.OnPage && !f.InGo {
			t.Errorf("-%s is neither Go's nor the page's", f.Name)
		}
	}
	slices.Sort(got)
	if want := slices.Sorted(slices.Values(pageFlags)); !slices.Equal(got, want) {
		t.Errorf("flags of the page:\n got %v\nwant %v", got, want)
	}
}

func TestTableRows(t *testing.T) {
	seen := map[string]bool{}
	for _, f := range Table() {
		if seen[f.Name] {
			t.Errorf("-%s has two rows", f.Name)
		}
		seen[f.Name] = true
		if f.Usage == "" || strings.HasSuffix(f.Usage, ".") || !slices.Contains(groups(), f.Group) {
			t.Errorf("-%s: usage %q, group %q", f.Name, f.Usage, f.Group)
		}
		if (f.Group == pageOnly) == f.InGo {
			t.Errorf("-%s: in Go %v, group %q", f.Name, f.InGo, f.Group)
		}
	}
}

// The go command itself says which flags want a value.
func TestTableBooleansAreGos(t *testing.T) {
	for _, f := range slices.Concat(Table(), hidden()) {
		out := goFails(t, "-"+f.Name)
		wants := "go: no go files listed" // a boolean flag is fine, and the package is missing
		switch {
		case !f.InGo:
			wants = "flag provided but not defined: -" + f.Name
		case !f.Bool:
			wants = "flag needs an argument: -" + f.Name
		case slices.Contains([]string{"msan", "asan"}, f.Name):
			continue // checked against the system and compiler before the package is
		}
		if !slices.Contains(strings.Split(out, "\n"), wants) {
			t.Errorf("go run -%s says %q, want %q", f.Name, out, wants)
		}
	}
}

// Every flag of the table is accepted in its own way, and refused where only
// Go's flags are.
func TestEveryFlag(t *testing.T) {
	sample := map[string]string{"p": "4", "linkmode": "auto", "ldlgo": "/", "buildmode": "pie", "compiler": "gc"}
	for _, f := range Table() {
		t.Run(f.Name, func(t *testing.T) {
			argv := []string{"-" + f.Name}
			value := "true"
			if !f.Bool {
				value = cmp.Or(sample[f.Name], "-x")
				argv = append(argv, value)
			}
			p, err := Parse(append(argv, "."), nil)
			if err != nil {
				t.Fatal(err)
			}
			if pkg, _, _ := p.Package(false); !slices.Equal(pkg, []string{"."}) {
				t.Errorf("package %q: the flag took another number of words", pkg)
			}
			// Another system than this one, so that -ldlgo looks for no file.
			b, err := p.Build(Options{GOOS: "freebsd", GOARCH: "riscv64"})
			if err != nil {
				t.Fatal(err)
			}
			inArgs := slices.ContainsFunc(b.Args, func(a string) bool {
				return a == "-"+f.Name || strings.HasPrefix(a, "-"+f.Name+"=")
			})
			if want := f.InGo && f.Class != Handled; inArgs != want {
				t.Errorf("Args = %q, want -%s in it: %v", b.Args, f.Name, want)
			}
			if v, ok := b.Value(f.Name); f.InGo && f.Name != "C" && (v != value || !ok) {
				t.Errorf("Value = %q, %v, want %q", v, ok, value)
			}
			for _, o := range []Options{{Strict: true, GOOS: "freebsd"}, {Compat: true, GOOS: "freebsd"}} {
				if _, err := p.Build(o); (err == nil) != f.InGo {
					t.Errorf("strict %v, compat %v: %v", o.Strict, o.Compat, err)
				}
			}
		})
	}
}
