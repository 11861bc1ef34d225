package buildcache

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// choice is a file that is ignored, until it is edited without a new size.
const choice = `
-- words/choice.go --
//go:build  ignored

package words

func init() { println("chosen") }
`

// freeze gives all sources the same old mtime, as an archive or a checkout that
// wants to be reproducible does.
func (m *machine) freeze() {
	m.Helper()
	old := time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
	must(m, filepath.WalkDir(m.src, func(path string, d fs.DirEntry, err error) error {
		if err == nil {
			err = os.Chtimes(path, old, old)
		}
		return err
	}))
}

// With the module index in a restored GOCACHE, an edit that changes neither size
// nor mtime is missed, and the wrong program built. With a pack it is not.
func testModuleIndex(t *testing.T, m *machine) {
	defer os.Remove(filepath.Join(m.src, "words", "choice.go"))
	m.recall()
	m.write(choice)
	m.freeze()
	before := m.build()
	c := m.collect(before)
	pack := pack(t, c)
	if n := indexes(t, m.cache); n == 0 {
		t.Fatal("GOCACHE has no module index: this tests nothing")
	} else {
		t.Logf("GOCACHE has %d parts of the module index", n)
	}
	for _, path := range c.paths {
		if isIndex(t, path) {
			t.Errorf("%s is a part of the module index", path)
		}
	}

	m.write(strings.Replace(choice, "  ignored", " !ignored", 1))
	m.freeze()
	if raw := m.build(); !bytes.Equal(raw.program, before.program) {
		t.Fatal("the raw GOCACHE is no trap here: this tests nothing")
	}
	m.restore(pack)
	if after := m.build(); !bytes.Contains(after.program, []byte("chosen")) {
		t.Error("the edit was missed")
	}
}

func indexes(t *testing.T, dir string) (n int) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "??", "*-d"))
	must(t, err)
	for _, file := range files {
		if isIndex(t, file) {
			n++
		}
	}
	return n
}

func isIndex(t *testing.T, file string) bool {
	t.Helper()
	if info, err := os.Stat(file); err != nil || info.IsDir() {
		return false
	}
	data, err := os.ReadFile(file)
	must(t, err)
	return bytes.HasPrefix(data, []byte("go index v"))
}

// A package that is not in the pack, in a module that is: without Skip the go
// command finds the module, but not the package.
func testMissingPackage(t *testing.T, m *machine, pack []byte) {
	m.write("-- words/words.go --\npackage words\n\nimport \"golang.org/x/mod/module\"\n\nvar Word = module.CheckPath(\"a\").Error()\n")
	imports := []string{"github.com/google/go-cmp/cmp", "golang.org/x/mod/module"}
	m.restore(pack)
	if _, err := m.tryBuild(); err == nil {
		t.Fatal("the sparse module has the package: this tests nothing")
	}
	goSum, err := os.ReadFile(filepath.Join(m.src, "go.sum"))
	must(t, err)
	_, content := ReadSums(goSum)

	m.wipe()
	p, err := Open(bytes.NewReader(pack), Limits{})
	must(t, err)
	skip := p.Index.Skip(imports, content)
	// x/mod requires x/tools, which requires go-cmp.
	for module, want := range map[string]bool{"golang.org/x/mod": true, "github.com/rogpeppe/go-internal": false} {
		if skip(ModuleVersion{Path: module}) != want {
			t.Errorf("skip %s: %v", module, !want)
		}
	}
	_, err = p.Restore(t.Context(), Dirs{m.cache, m.mods}, Options{Old: time.Now().Add(-2 * time.Hour), Skip: skip})
	must(t, err)
	after := m.build()
	if !strings.Contains(after.errors, "downloading golang.org/x/mod ") || strings.Contains(after.errors, "downloading github.com/rogpeppe/go-internal") {
		t.Errorf("not just the one module was fetched:\n%.2000s", after.errors)
	}
}
