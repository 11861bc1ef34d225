package buildcache

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"
)

// program has three modules, of which it uses a part, a local package to
// change, and an embedded file.
const program = `
-- go.mod --
module example.com/p

go 1.25.0

require (
	github.com/google/go-cmp v0.7.0
	github.com/rogpeppe/go-internal v1.16.0
	golang.org/x/mod v0.42.0
)
-- main.go --
package main

import (
	_ "embed"
	"os"

	"example.com/p/words"
	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
	"golang.org/x/mod/semver"
)

//go:embed greeting.txt
var greeting string

func main() {
	os.Stdout.WriteString(greeting + words.Word + cmp.Diff(1, 2) + semver.Major("v1.2.3") + string(txtar.Parse(nil).Comment))
}
-- greeting.txt --
hello
-- words/words.go --
package words

const Word = "first"
`

// goSum is of the modules of program.
func (m *machine) tidy() {
	m.Helper()
	if out, err := m.command("mod", "tidy").CombinedOutput(); err != nil {
		m.Fatalf("%v\n%s", err, out)
	}
}

// word changes a constant in a local package.
func (m *machine) word(w string) {
	m.write("-- words/words.go --\npackage words\n\nconst Word = \"" + w + "\"\n")
}

// newProgram is a machine with program, which was built once.
func newProgram(t *testing.T, flags ...string) (*machine, built) {
	t.Helper()
	m := newMachine(t, flags...)
	m.write(program)
	m.tidy()
	must(t, removeAll(m.mods))
	return m, m.build()
}

// A fresh machine with the pack of the last build and without module proxy
// compiles what has changed and nothing else, to the program of a build that
// has no cache.
func TestFreshMachine(t *testing.T) {
	cases := []struct {
		name  string
		flags []string
		long  bool
	}{
		{"plain", nil, false},
		{"trimpath", []string{"-trimpath", "-tags=x"}, true},
		{"race", []string{"-race"}, true},
		{"mod", []string{"-mod=mod"}, true},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if c.long && testing.Short() {
				t.Skip("builds the standard library twice more")
			}
			testFreshMachine(t, c.flags)
		})
	}
}

func testFreshMachine(t *testing.T, flags []string) {
	m, cold := newProgram(t, flags...)
	t.Logf("cold: %v, %d packages", cold.took.Round(time.Millisecond), len(cold.compiled))
	pack := m.pack(cold)

	m.word("other")
	m.restore(pack)
	proxy := m.proxy
	m.offline()
	warm := m.build()
	t.Logf("pack: %d bytes; with it: %v", len(pack), warm.took.Round(time.Millisecond))
	// The main package is compiled as "main" and links the other one.
	if want := []string{"example.com/p/words", "main"}; !slices.Equal(warm.compiled, want) {
		t.Errorf("compiled %v, want %v", warm.compiled, want)
	}

	m.wipe()
	m.proxy = proxy
	without := m.build()
	if !bytes.Equal(warm.program, without.program) {
		t.Error("the program is not the one of a build without cache")
	}
	if !strings.Contains(string(warm.program), "other") || bytes.Equal(warm.program, cold.program) {
		t.Error("the program is not the changed one")
	}
}
