package buildcache

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/org/gorun-action/internal/testenv"
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

// newProgram is a machine with program, what its first build used, and that as
// a pack. Its caches are kept.
func newProgram(t *testing.T, flags ...string) (*machine, built, []byte) {
	t.Helper()
	m := newMachine(t, flags...)
	m.write(program)
	m.tidy()
	must(t, removeAll(m.mods))
	cold := m.build()
	t.Logf("cold: %v, %d packages", cold.took.Round(time.Millisecond), len(cold.compiled))
	pack := m.pack(cold)
	t.Logf("pack: %d bytes", len(pack))
	m.keep()
	return m, cold, pack
}

// One build from nothing takes most of the time, so that these share it.
func TestBuilds(t *testing.T) {
	t.Parallel()
	m, cold, pack := newProgram(t)
	proxy := m.proxy
	in := func(name string, test func(t *testing.T, m *machine)) {
		t.Run(name, func(t *testing.T) {
			shared := *m
			shared.TB, shared.proxy = t, proxy
			shared.word("first")
			test(t, &shared)
		})
	}
	in("fresh machine", func(t *testing.T, m *machine) { testFreshMachine(t, m, pack, testenv.Full()) })
	if !testenv.Full() {
		return
	}
	in("same again", func(t *testing.T, m *machine) { testSameAgain(t, m, pack) })
	in("needs", func(t *testing.T, m *machine) { testNeeds(t, m, pack) })
	in("poisoned", func(t *testing.T, m *machine) { testPoisoned(t, m, cold) })
	in("other directories", func(t *testing.T, m *machine) { testOtherDirectories(t, m) })
	in("commits", func(t *testing.T, m *machine) { testCommits(t, m, pack, 30) })
	in("module index", testModuleIndex)
	in("missing package", func(t *testing.T, m *machine) { testMissingPackage(t, m, pack) })
}

// Flags that need another standard library.
func TestFlags(t *testing.T) {
	t.Parallel()
	testenv.Long(t, "it takes minutes")
	cases := map[string][]string{
		"trimpath": {"-trimpath", "-tags=x", "-mod=mod"},
		"race":     {"-race"},
	}
	for name, flags := range cases {
		t.Run(name, func(t *testing.T) {
			m, _, pack := newProgram(t, flags...)
			testFreshMachine(t, m, pack, false)
		})
	}
}

// A fresh machine with the pack of the last build and without module proxy
// compiles what has changed and nothing else, to the program of a build that
// has no pack.
func testFreshMachine(t *testing.T, m *machine, pack []byte, fromNothing bool) {
	m.word("other")
	m.restore(pack)
	proxy := m.proxy
	m.proxy = "off"
	warm := m.build()
	t.Logf("with the pack: %v", warm.took.Round(time.Millisecond))
	// The main package is compiled as "main" and imports the other one.
	if want := []string{"example.com/p/words", "main"}; !slices.Equal(warm.compiled, want) {
		t.Errorf("compiled %v, want %v", warm.compiled, want)
	}
	m.recall()
	m.proxy = proxy
	if fromNothing {
		m.wipe()
	}
	without := m.build()
	if !bytes.Equal(warm.program, without.program) {
		t.Error("the program is not the one of a build without pack")
	}
	if fromNothing == (len(without.compiled) < 50) {
		t.Errorf("%d packages were compiled without the pack", len(without.compiled))
	}
}

// A build from a pack uses what is in the pack: its own is the same.
func testSameAgain(t *testing.T, m *machine, pack []byte) {
	m.proxy = "off"
	m.restore(pack)
	again := m.pack(m.build())
	if !bytes.Equal(again, pack) {
		t.Errorf("the second pack has %d bytes, the first %d", len(again), len(pack))
	}
}

// Each kind of file is there because the go command asks for it, but for the
// .info, which it only shows.
func testNeeds(t *testing.T, m *machine, pack []byte) {
	m.proxy = "off"
	for pattern, needed := range map[string]bool{
		"cache/download/*/*/*/@v/*.mod":     true,
		"cache/download/*/*/*/@v/*.ziphash": true,
		"cache/download/*/*/*/@v/*.info":    false,
		"github.com/*/*@*":                  true,
		"nothing":                           false,
	} {
		m.restore(pack)
		paths, err := filepath.Glob(filepath.Join(m.mods, pattern))
		must(t, err)
		if len(paths) == 0 && pattern != "nothing" {
			t.Errorf("the pack has no %s", pattern)
		}
		for _, path := range paths {
			must(t, os.RemoveAll(path))
		}
		if _, err := m.tryBuild(); (err != nil) != needed {
			t.Errorf("without %s: %v", pattern, err)
		}
	}
}

// An output that is damaged in GOCACHE does not get into a pack.
func testPoisoned(t *testing.T, m *machine, cold built) {
	m.recall()
	good := m.collect(cold).Index
	victim := good.outputs[len(good.outputs)-1]
	path := filepath.Join(m.cache, entryName(victim.sum, "-d"))
	data, err := os.ReadFile(path)
	must(t, err)
	data[len(data)/2] ^= 1
	must(t, os.WriteFile(path, data, 0o644))
	bad := m.collect(cold).Index
	if slices.Contains(bad.outputs, victim) || len(bad.outputs) != len(good.outputs)-1 {
		t.Errorf("%d outputs, and %d with one poisoned", len(good.outputs), len(bad.outputs))
	}
}

// The same content elsewhere, and at another time, is the same pack.
func testOtherDirectories(t *testing.T, m *machine) {
	m.recall()
	b := m.whole(built{})
	first := pack(t, must2(Collect(b)))
	m.recall()
	moved := Dirs{filepath.Join(t.TempDir(), "x"), filepath.Join(t.TempDir(), "mod")}
	must(t, os.CopyFS(moved.GoCache, os.DirFS(m.cache)))
	must(t, os.CopyFS(moved.ModCache, os.DirFS(m.mods)))
	for i, p := range b.Packages {
		if rest, ok := strings.CutPrefix(p.Dir, b.ModCache); ok {
			b.Packages[i].Dir = moved.ModCache + rest
		}
	}
	b.GoCache, b.ModCache = moved.GoCache, moved.ModCache
	slices.Reverse(b.Packages)
	slices.Reverse(b.Sums)
	if second := pack(t, must2(Collect(b))); !bytes.Equal(first, second) {
		t.Errorf("one pack has %d bytes, the other %d", len(first), len(second))
	}
}

// What earlier commits needed does not stay in the pack.
func testCommits(t *testing.T, m *machine, pack []byte, n int) {
	m.proxy = "off"
	var sizes []int
	for i := 1; i <= n; i++ {
		m.word(fmt.Sprintf("commit %04d", i))
		m.restore(pack)
		pack = m.pack(m.build())
		sizes = append(sizes, len(pack))
		if i == 1 || i == 10 || i == n {
			t.Logf("commit %d: %d bytes", i, len(pack))
		}
	}
	if most := slices.Max(sizes); float64(most) > 1.02*float64(sizes[0]) {
		t.Errorf("the pack grew from %d to %d bytes", sizes[0], most)
	}
}
