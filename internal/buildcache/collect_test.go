package buildcache

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// tinyModCache has two modules, of which b has a file that is too large.
func tinyModCache(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range map[string]string{
		"example.com/!a@v1.0.0/go.mod":                   "module example.com/A\n",
		"example.com/!a@v1.0.0/p/p.go":                   "package p\n",
		"example.com/!a@v1.0.0/p/unused.go":              "package p\n",
		"example.com/!a@v1.0.0/include/a.h":              "",
		"cache/download/example.com/!a/@v/v1.0.0.mod":    "module example.com/A\ngo 1.20\nrequire example.com/b v1.0.0\n",
		"cache/download/example.com/!a/@v/v1.0.0.info":   "{}",
		"cache/download/example.com/!a/@v/v1.0.0.zip":    "PK",
		"cache/download/example.com/!a/@v/v1.0.0.lock":   "",
		"cache/download/example.com/!a/@v/list":          "v1.0.0\n",
		"example.com/b@v1.0.0/b.go":                      "package b\n",
		"example.com/b@v1.0.0/large.bin":                 "",
		"cache/download/example.com/b/@v/v1.0.0.mod":     "module example.com/b\n",
		"cache/download/example.com/b/@v/v1.0.0.ziphash": "h1:",
	} {
		must(t, writeEntry(filepath.Join(dir, name), []byte(content)))
	}
	must(t, os.Truncate(filepath.Join(dir, "example.com/b@v1.0.0/large.bin"), 64<<20+1))
	return dir
}

func (x *Index) names(t *testing.T) (names []string) {
	t.Helper()
	for _, f := range x.files {
		p, err := newPlace(x.modules[f.module].ModuleVersion)
		must(t, err)
		names = append(names, p.file(f))
	}
	return names
}

func TestCollectModules(t *testing.T) {
	t.Parallel()
	dir := tinyModCache(t)
	a := Package{ImportPath: "example.com/A/p", Module: "example.com/A", Dir: filepath.Join(dir, "example.com/!a@v1.0.0/p"), Files: []string{"p.go"}}
	cgo := a
	cgo.Cgo = true
	b := Package{ImportPath: "example.com/b", Module: "example.com/b", Dir: filepath.Join(dir, "example.com/b@v1.0.0"), Files: []string{"b.go"}}
	large := b
	large.Files = []string{"b.go", "large.bin"}
	const base = "cache/download/example.com/!a/@v/v1.0.0.info cache/download/example.com/!a/@v/v1.0.0.mod"
	cases := []struct {
		name     string
		packages []Package
		sums     []ModuleVersion
		want     string
	}{
		{"a package", []Package{a}, nil, "example.com/!a@v1.0.0/go.mod example.com/!a@v1.0.0/p/p.go " + base},
		{"with cgo", []Package{cgo}, nil, "example.com/!a@v1.0.0/go.mod example.com/!a@v1.0.0/include/a.h example.com/!a@v1.0.0/p/p.go example.com/!a@v1.0.0/p/unused.go " + base},
		{"with a large file", []Package{large}, nil, "cache/download/example.com/b/@v/v1.0.0.mod"},
		{"only in go.sum", nil, []ModuleVersion{{"example.com/b", "v1.0.0"}, {"example.com/x", "v1.0.0"}, {"go", "1.26"}}, "cache/download/example.com/b/@v/v1.0.0.mod cache/download/example.com/b/@v/v1.0.0.ziphash"},
		{"elsewhere", []Package{{ImportPath: "local", Dir: t.TempDir(), Files: []string{"x.go"}}}, nil, ""},
		{"a toolchain", []Package{{ImportPath: "fmt", Dir: filepath.Join(dir, "golang.org/toolchain@v0.0.1-go1.26.8.linux-amd64/src/fmt"), Files: []string{"x.go"}}}, nil, ""},
	}
	for _, c := range cases {
		got, err := Collect(Build{ModCache: dir, Packages: c.packages, Sums: c.sums})
		must(t, err)
		if names := strings.Join(got.Index.names(t), " "); names != c.want {
			t.Errorf("%s: %s\nwant %s", c.name, names, c.want)
		}
		if len(got.paths) != len(got.Index.files) {
			t.Errorf("%s: %d paths", c.name, len(got.paths))
		}
	}
	for name, files := range map[string][]string{"missing": {"q.go"}, "outside": {"../../b@v1.0.0/b.go"}} {
		bad := a
		bad.Files = files
		if _, err := Collect(Build{ModCache: dir, Packages: []Package{bad}}); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	replaced := a
	replaced.Module = "example.com/original"
	if got, err := Collect(Build{ModCache: dir, Packages: []Package{replaced}}); err != nil || !got.Index.renamed {
		t.Errorf("a replaced module is not seen (%v)", err)
	}
}

// Only what has the form of an entry, a good output, and a use in the build.
func TestCollectCache(t *testing.T) {
	t.Parallel()
	dir, since := t.TempDir(), time.Now()
	put := func(name, output, id string, at time.Time) {
		out := sum(output)
		text := action{id: sum(id)}.entry(outputOf(output), at)
		path := filepath.Join(dir, entryName(sum(name), "-a"))
		must(t, writeEntry(path, []byte(text)))
		must(t, os.Chtimes(path, at, at))
		must(t, writeEntry(filepath.Join(dir, entryName(out, "-d")), []byte(output)))
	}
	put("used", "!<arch>\nused", "used", since)
	put("same output", "!<arch>\nused", "same output", since.Add(time.Second))
	put("old", "!<arch>\nold", "old", since.Add(-2*time.Hour))
	put("moved", "!<arch>\nmoved", "other", since)
	put("index", "go index v2\nx", "index", since)
	put("empty", "", "empty", since)
	put("sources", "./a.go\n_cgo_gotypes.go\n./b.s\n", "sources", since)
	put("text", "# warning: a.go\n", "text", since)
	put("lost", "!<arch>\nlost", "lost", since)
	must(t, os.Remove(filepath.Join(dir, entryName(sum("!<arch>\nlost"), "-d"))))
	put("program", "ELF", "program", since)
	program := filepath.Join(dir, entryName(sum("ELF"), "-d"))
	must(t, os.Remove(program))
	must(t, os.MkdirAll(filepath.Join(program, "hello"), 0o755))
	put("large", "!<arch>\nlarge", "large", since)
	must(t, os.Truncate(filepath.Join(dir, entryName(sum("!<arch>\nlarge"), "-d")), 64<<20+1))
	put("short", "!<arch>\nshort", "short", since)
	must(t, os.Truncate(filepath.Join(dir, entryName(sum("short"), "-a")), 100))
	must(t, writeEntry(filepath.Join(dir, "00", "README-a"), []byte("v1")))

	c, err := Collect(Build{GoCache: dir, Since: since})
	must(t, err)
	got, want := map[digest]digest{}, map[digest]digest{sum("used"): sum("!<arch>\nused"), sum("same output"): sum("!<arch>\nused"), sum("text"): sum("# warning: a.go\n")}
	for _, a := range c.Index.actions {
		got[a.id] = c.Index.outputs[a.output].sum
	}
	if len(c.Index.outputs) != 2 || len(got) != len(want) {
		t.Errorf("%d outputs, %d actions", len(c.Index.outputs), len(got))
	}
	for id, out := range want {
		if got[id] != out {
			t.Errorf("%x leads to %x, want %x", id, got[id], out)
		}
	}
}

func outputOf(content string) output { return output{sum(content), int64(len(content))} }

func TestParseEntry(t *testing.T) {
	t.Parallel()
	text := action{id: sum("a")}.entry(outputOf("b"), time.Unix(5, 0))
	if id, out, ok := parseEntry([]byte(text)); !ok || id != sum("a") || out != outputOf("b") {
		t.Errorf("%q is read as %x, %v, %v", text, id, out, ok)
	}
	for _, bad := range []string{"", text[1:], text + "\n", strings.TrimSpace(text), strings.Replace(text, "v1", "v2", 1), strings.ToUpper(text),
		strings.Replace(text, " 1 ", " 01 ", 1), strings.Replace(text, " 1 ", "-1 ", 1), strings.Replace(text, "  1 ", " x1 ", 1)} {
		if _, _, ok := parseEntry([]byte(bad)); ok {
			t.Errorf("%q is read", bad)
		}
	}
}

// What is restored has the text, the modes and the times of the go command's.
func TestRestored(t *testing.T) {
	t.Parallel()
	f := sample(4000)
	y := newYard(t)
	p, err := Open(bytes.NewReader(f.bytes(t)), Limits{})
	must(t, err)
	old := time.Unix(1_700_000_000, 5000)
	stats, err := p.Restore(t.Context(), y.dirs(), Options{Old: old, Skip: func(m ModuleVersion) bool { return m.Path == "example.com/b/v2" }})
	must(t, err)
	if stats.Files != p.Index.Files()-2 || stats.Raw != p.Index.Raw()-int64(len("package b\nh1:b=")) || stats.Packed != int64(len(f.bytes(t))) {
		t.Errorf("%+v", stats)
	}
	entry := filepath.Join(y.dirs().GoCache, entryName(f.actions[4].id, "-a"))
	info, err := os.Stat(entry)
	must(t, err)
	if text, _ := os.ReadFile(entry); string(text) != f.actions[4].entry(f.outputs[2], old) || !info.ModTime().Equal(old) {
		t.Errorf("%q of %v", text, info.ModTime())
	}
	var got []string
	must(t, fs.WalkDir(os.DirFS(y.dirs().ModCache), ".", func(path string, d fs.DirEntry, err error) error {
		info, _ := d.Info()
		if perm := info.Mode().Perm(); !d.IsDir() && perm != 0o444 || d.IsDir() && perm&0o700 != 0o700 {
			t.Errorf("%s has mode %v", path, perm)
		}
		if !d.IsDir() {
			got = append(got, path)
		}
		return err
	}))
	want := []string{"cache/download/example.com/!a/@v/v1.0.0.mod", "cache/download/example.com/!a/@v/v1.0.0.ziphash",
		"cache/download/example.com/c/@v/v0.0.1.info", "example.com/!a@v1.0.0/a.go", "example.com/!a@v1.0.0/sub/é.go"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q\nwant %q", got, want)
	}
}

// Without modules, nothing of them is written nor read.
func TestRestoreWithoutModules(t *testing.T) {
	t.Parallel()
	pack := sample(5 << 20).bytes(t)
	y := newYard(t)
	p, err := Open(bytes.NewReader(pack), Limits{})
	must(t, err)
	stats, err := p.Restore(t.Context(), Dirs{GoCache: y.dirs().GoCache}, Options{})
	must(t, err)
	if stats.Packed >= int64(len(pack)) || stats.Files != int64(len(p.Index.actions)+len(p.Index.outputs)) {
		t.Errorf("%+v of %d bytes", stats, len(pack))
	}
	if y.around() != y.before {
		t.Error("something else was written")
	}
}

func TestNews(t *testing.T) {
	t.Parallel()
	old := sample(4000).Index
	more := sample(4000)
	more.add(2, gomod, "", "module example.com/c\n")
	content := sample(4000)
	content.files[0].sum[0]++
	for name, test := range map[string]struct {
		x, old *Index
		want   int64
	}{
		"the same":         {old, old, 0},
		"less":             {old, more.Index, 0},
		"nothing to be in": {old, nil, old.Raw()},
		"a file":           {more.Index, old, int64(len("module example.com/c\n"))},
		"content":          {content.Index, old, content.files[0].size},
	} {
		if got := test.x.News(test.old); got != test.want {
			t.Errorf("%s: %d bytes are new, not %d", name, got, test.want)
		}
	}
}
