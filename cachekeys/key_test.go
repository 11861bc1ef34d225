package cachekeys

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

var update = flag.Bool("update", false, "write the golden files instead of comparing with them")

// syntheticRoot is nowhere: the index is told what is there, so that the place
// is the same on every machine.
const syntheticRoot = "/nowhere/workspace"

// synthetic is an index that believes in files below syntheticRoot. It reads
// them somewhere else.
func synthetic(t *testing.T, files map[string]string) *Index {
	t.Helper()
	real, ix := write(t, files), OpenIndex("", SHA256(), later)
	for name := range files {
		path := filepath.Join(syntheticRoot, name)
		d := ix.dir(filepath.Dir(path))
		f := d.record(filepath.Base(path))
		ix.look(filepath.Join(real, name), f, wholeFile)
		if isSource(f.name) {
			f.whole = ""
			ix.look(filepath.Join(real, name), f, roleOf(f.name))
		}
		f.stamp = stamp{Mode: unix.S_IFREG}
		d.checked, d.listed = ix.gen, true
	}
	for _, d := range ix.dirs {
		for _, f := range d.files {
			d.entries = append(d.entries, dirEntry{f.name, 'f'})
		}
	}
	return ix
}

// syntheticRequest is one with something of everything.
func syntheticRequest() Request {
	env := map[string]string{"GOAMD64": "v3", "CGO_ENABLED": "1", "CGO_CFLAGS": "-O1", "GOPROXY": "off"}
	r := pinnedRequest(func(name string) string { return env[name] })
	r.Toolchain.Arch = "amd64"
	r.Workspace = Workspace{
		Dir: syntheticRoot, GoMod: filepath.Join(syntheticRoot, "go.mod"),
		Modules: []Module{{Path: "example.com/secret", Dir: syntheticRoot}},
	}
	r.Package, r.Flags = []string{"."}, flagsOf("-trimpath -tags=b,a -ldflags=-X␣main.version=1 -v")
	return r
}

func syntheticFiles() map[string]string {
	return map[string]string{
		"go.mod": "module example.com/secret\n\ngo 1.26\n", "go.sum": "",
		"main.go":      "package main\n\nimport (\n\t_ \"embed\"\n\t_ \"example.com/secret/lib\"\n)\n\n//go:embed data.txt\nvar data string\n\nfunc main() {}\n",
		"main_test.go": "package main\n\nimport \"testing\"\n\nfunc TestX(t *testing.T) {}\n",
		"data.txt":     "data", "lib/lib.go": "package lib\n", "lib/lib_windows.s": "TEXT x\n",
	}
}

// The keys of a fixed workspace. When they change, every executable that was
// kept is lost: that is right only when the inputs have changed their meaning,
// and then keyFormat has to change, too.
func TestKeysGolden(t *testing.T) {
	c := synthetic(t, syntheticFiles()).Closure(syntheticRequest())
	keys := "format: " + keyFormat + "\nexecutable: " + c.ExecutableKey() + "\nprogram: " + c.ProgramPrefix() + "\nbuild: " + c.BuildKey() + "\n"
	for _, prefix := range c.BuildPrefixes() {
		keys += "build prefix: " + prefix + "\n"
	}
	keysBefore := golden(t, "keys", keys)
	golden(t, "inputs", Text(c.Inputs))
	if keysBefore != keys && strings.HasPrefix(keysBefore, "format: "+keyFormat+"\n") {
		t.Errorf("the keys of the same workspace are others, and keyFormat is still %q", keyFormat)
	}
}

// golden compares with a golden file and returns what it has.
func golden(t *testing.T, name, got string) string {
	t.Helper()
	file := filepath.Join("testdata", name+".golden")
	if *update {
		overwrite(t, file, got)
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("%v; go test ./cachekeys -run %s -update writes it", err, t.Name())
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", file, diff)
	}
	return string(want)
}

// Another format gives other keys of every kind.
func TestKeyFormatIsInEveryKey(t *testing.T) {
	c := synthetic(t, syntheticFiles()).Closure(syntheticRequest())
	for _, key := range append(c.BuildPrefixes(), c.BuildKey(), c.ExecutableKey(), c.ProgramPrefix()) {
		if !strings.HasPrefix(key[1:], keyFormat+"-") {
			t.Errorf("%s does not begin with its format, %s", key, keyFormat)
		}
	}
}

func TestKeyGrammar(t *testing.T) {
	long := strings.Repeat("x", 4000)
	grammar := regexp.MustCompile(`^[a-z0-9.-]+$`)
	for _, target := range []string{"linux/amd64", "LINUX/Amd64", "weird os/ärch_1", ""} {
		r := syntheticRequest()
		r.Target, r.Flags = target, append(r.Flags, Flag{"ldflags", long}, Flag{"tags", "secrettag"})
		c := synthetic(t, syntheticFiles()).Closure(r)
		for _, key := range append(c.BuildPrefixes(), c.BuildKey(), c.ExecutableKey(), c.ProgramPrefix()) {
			if !grammar.MatchString(key) || len(key) >= 512 {
				t.Errorf("%q: %d letters", key, len(key))
			}
			if strings.Contains(key, "secret") || strings.Contains(key, "workspace") || strings.Contains(key, "main") {
				t.Errorf("%q has a name in it", key)
			}
		}
	}
}

// The prefixes of build keys are ever shorter beginnings of the whole.
func TestBuildPrefixes(t *testing.T) {
	at := func(change func(r *Request, files map[string]string)) []string {
		r, files := syntheticRequest(), syntheticFiles()
		change(&r, files)
		c := synthetic(t, files).Closure(r)
		return append([]string{c.BuildKey()}, c.BuildPrefixes()...)
	}
	base := at(func(*Request, map[string]string) {})
	for i := 1; i < len(base); i++ {
		if !strings.HasPrefix(base[i-1], base[i]) || base[i-1] == base[i] {
			t.Errorf("%s is no beginning of %s", base[i], base[i-1])
		}
	}
	for what, tt := range map[string]struct {
		same   int // how many of the shortest stay
		change func(r *Request, files map[string]string)
	}{
		"a source":  {3, func(_ *Request, f map[string]string) { f["lib/lib.go"] = "package lib\n\nvar x int\n" }},
		"go.sum":    {2, func(_ *Request, f map[string]string) { f["go.sum"] = "x" }},
		"a flag":    {1, func(r *Request, _ map[string]string) { r.Flags = append(r.Flags, Flag{"race", "true"}) }},
		"toolchain": {0, func(r *Request, _ map[string]string) { r.Toolchain.Digest = "sha256:02" }},
		"target":    {0, func(r *Request, _ map[string]string) { r.Target = "linux/arm64" }},
	} {
		same := 0
		for i, key := range at(tt.change) {
			if key == base[i] {
				same++
			}
		}
		if same != tt.same {
			t.Errorf("%s: %d prefixes stay, want %d", what, same, tt.same)
		}
	}
}

// Every part of an input counts, and no two lists hash alike by being put
// together in another way.
func TestInputSumIsInjective(t *testing.T) {
	seen := map[string]string{}
	for _, list := range [][]Input{
		{}, {{}}, {{}, {}}, {{"a", "b", "c"}}, {{"ab", "", "c"}}, {{"a", "bc", ""}}, {{"", "ab", "c"}}, {{"a", "b", ""}, {"c", "", ""}},
		{{"a", "b\x00", "c"}}, {{"a", "b", "\x00c"}}, {{"a", "b\x00\x00", "c"}}, {{"a", "b\x00\x01", "c"}}, {{"a\x00\x00b", "", "c"}},
		{{"a", "b", "c\x00\x00a\x00\x00b\x00\x00c"}}, {{"a", "b", "c"}, {"a", "b", "c"}}, {{"a", "b", "\x01"}}, {{"a", "b", "\x00"}}, {{"a", "b", "\x00\x01"}},
	} {
		h := newSum()
		for _, in := range list {
			h.input(in)
		}
		sum := h.hex(wholePart)
		if other, taken := seen[sum]; taken {
			t.Errorf("%q has the sum of %s", list, other)
		}
		seen[sum] = fmt.Sprintf("%q", list)
	}
}

// What print says goes one line to each input, in an order that is always the
// same.
func TestTextIsStable(t *testing.T) {
	c := synthetic(t, syntheticFiles()).Closure(syntheticRequest())
	text := Text(c.Inputs)
	if strings.Count(text, "\n") != len(c.Inputs) {
		t.Errorf("%d inputs in\n%s", len(c.Inputs), text)
	}
	for range 10 {
		again := synthetic(t, syntheticFiles()).Closure(syntheticRequest())
		if Text(again.Inputs) != text || again.ExecutableKey() != c.ExecutableKey() {
			t.Errorf("again\n%s\nfirst\n%s", Text(again.Inputs), text)
		}
	}
	var b strings.Builder
	if n, err := c.WriteTo(&b); err != nil || int(n) != len(text) || b.String() != text {
		t.Errorf("WriteTo: %d, %v", n, err)
	}
}
