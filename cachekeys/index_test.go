package cachekeys

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// later is a clock at which nothing that was written now is racy.
func later() time.Time { return time.Now().Add(time.Hour) }

// atOnce is a clock at which everything that was written now is racy, however
// slow the machine is.
func atOnce() time.Time { return time.Now().Add(-time.Hour) }

// program is a small workspace with something of each kind that an index keeps.
func program(t *testing.T) string {
	return write(t, map[string]string{
		"go.mod":          "module example.com/m\n\ngo 1.26\n",
		"main.go":         "package main\n\nimport (\n\t_ \"embed\"\n\t_ \"example.com/m/lib\"\n)\n\n//go:embed data/*.txt\nvar x string\n\nfunc main() {}\n",
		"main_test.go":    "package main\n",
		"data/a.txt":      "a",
		"lib/lib.go":      "package lib\n\n// #cgo LDFLAGS: -lm\n// #include \"x.h\"\nimport \"C\"\n",
		"lib/lib.s":       "#include \"x.h\"\n",
		"lib/x.h":         "#define X\n",
		"lib/lib_test.go": "package lib\n\nimport \"testing\"\n",
	})
}

// closureAt is the closure of the package in root for a pinned toolchain.
func closureAt(ix *Index, root string) *Closure {
	r := pinnedRequest(noEnv)
	r.Package, r.Workspace = []string{"."}, FindWorkspace(root, Options{})
	return ix.Closure(r)
}

func keyAt(root string) string {
	return closureAt(OpenIndex("", SHA256(), time.Now), root).ExecutableKey()
}

func save(t *testing.T, ix *Index) {
	t.Helper()
	if err := ix.Save(); err != nil {
		t.Fatal(err)
	}
}

func overwrite(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestIndexAnswersTheSame(t *testing.T) {
	root, file := program(t), filepath.Join(t.TempDir(), "deep", "index")
	ix := OpenIndex(file, SHA256(), later)
	want := Text(closureAt(ix, root).Inputs)
	ix.SetExtras("program", []string{"/a", "/b"})
	if files, _ := ix.Hashed(); files == 0 {
		t.Fatal("a new index has read nothing")
	}
	save(t, ix)
	again := OpenIndex(file, SHA256(), later)
	if got := Text(closureAt(again, root).Inputs); got != want {
		t.Errorf("with the index\n%s\nwithout\n%s", got, want)
	}
	if files, bytes := again.Hashed(); files != 0 || bytes != 0 {
		t.Errorf("%d files with %d bytes were read again", files, bytes)
	}
	if got := again.Extras("program"); !slices.Equal(got, []string{"/a", "/b"}) || again.Extras("other") != nil {
		t.Errorf("Extras = %q", got)
	}
}

// An index that has learned nothing is not written again.
func TestIndexSavesWhatIsNew(t *testing.T) {
	root, file := program(t), filepath.Join(t.TempDir(), "index")
	ix := OpenIndex(file, SHA256(), later)
	closureAt(ix, root)
	save(t, ix)
	before := stampOf(file)
	again := OpenIndex(file, SHA256(), later)
	closureAt(again, root)
	save(t, again)
	if stampOf(file) != before {
		t.Error("an index that learned nothing was written")
	}
	overwrite(t, filepath.Join(root, "main.go"), "package main\n")
	again.Again()
	closureAt(again, root)
	save(t, again)
	if stampOf(file) == before {
		t.Error("an index that learned something was not written")
	}
}

// A write right after a look, with the same size and the modification time put
// back, may leave the stamp as it was: only that the record is racy tells.
func TestIndexRacilyClean(t *testing.T) {
	path := filepath.Join(t.TempDir(), "main.go")
	ix, equal := OpenIndex("", SHA256(), time.Now), 0
	for round := range 500 {
		overwrite(t, path, fmt.Sprintf("package main\n\nvar x = %05d\n", round))
		before := stampOf(path)
		ix.Again()
		was := ix.Sum(path)
		overwrite(t, path, fmt.Sprintf("package main\n\nvar y = %05d\n", round))
		if err := os.Chtimes(path, time.Time{}, time.Unix(0, before.Mtime)); err != nil {
			t.Fatal(err)
		}
		if stampOf(path) == before {
			equal++
		}
		ix.Again()
		if ix.Sum(path) == was {
			t.Fatalf("round %d: the sum is the same, the stamps were: %v", round, stampOf(path) == before)
		}
	}
	t.Logf("the stamp was the same in %d of 500 rounds", equal)
}

// The same through a file, with a stamp that is the same for certain: one clock
// sees a racy record, the other one does not, and is fooled.
func TestIndexRacyThroughAFile(t *testing.T) {
	root := program(t)
	main := filepath.Join(root, "main.go")
	for clock, want := range map[string]bool{"at once": true, "later": false} {
		now := map[string]func() time.Time{"at once": atOnce, "later": later}[clock]
		file := filepath.Join(t.TempDir(), "index")
		overwrite(t, main, "package main\n\nvar x = 1\n")
		ix := OpenIndex(file, SHA256(), now)
		was := closureAt(ix, root).ExecutableKey()
		overwrite(t, main, "package main\n\nvar x = 2\n")
		ix.dir(root).record("main.go").stamp = stampOf(main)
		save(t, ix)
		if differs := closureAt(OpenIndex(file, SHA256(), now), root).ExecutableKey() != was; differs != want {
			t.Errorf("with the clock %q the key differs: %v", clock, differs)
		}
	}
}

func TestStampRacy(t *testing.T) {
	const second = int64(time.Second)
	tests := []struct {
		ctime int64
		after time.Duration
		racy  bool
	}{
		{10*second + 1, -time.Hour, true}, // from the future
		{10*second + 1, 0, true},
		{10*second + 1, racyFine, true},
		{10*second + 1, racyFine + 1, false},
		{10 * second, racyFine + 1, true}, // perhaps no fractions of a second
		{10 * second, racyCoarse, true},
		{10 * second, racyCoarse + 1, false},
	}
	for _, tt := range tests {
		s := stamp{Ctime: tt.ctime}
		if got := s.racy(time.Unix(0, tt.ctime).Add(tt.after)); got != tt.racy {
			t.Errorf("ctime %d, read %v later: racy is %v", tt.ctime, tt.after, got)
		}
	}
}

// A racy record is read again as a whole: what another role had learned of the
// earlier content is of no use any more.
func TestIndexForgetsAllOfARacyRecord(t *testing.T) {
	root := t.TempDir()
	for _, tt := range []struct{ name, was, is string }{
		{"x_test.go", "package x\n\nvar a int\n", "package x\n\nvar b int\n"},
		{"x.go", "package x\n\nimport \"a\"\n", "package x\n\nimport \"b\"\n"},
	} {
		for _, roles := range [][]role{{roleOf(tt.name), wholeFile}, {wholeFile, roleOf(tt.name)}} {
			path := filepath.Join(root, tt.name)
			overwrite(t, path, tt.was)
			ix := OpenIndex("", SHA256(), later)
			f := lookInRoles(ix, path, roles)
			overwrite(t, path, tt.is)
			f.stamp, f.racy = stampOf(path), true // as if within one tick
			ix.Again()
			lookInRoles(ix, path, roles)
			want := lookInRoles(OpenIndex("", SHA256(), later), path, roles)
			if f.whole != want.whole || f.head != want.head || !slices.Equal(f.source.imports, want.source.imports) {
				t.Errorf("%s, looked at as %v: whole %.8s, head %.8s, imports %q; want %.8s, %.8s, %q",
					tt.name, roles, f.whole, f.head, f.source.imports, want.whole, want.head, want.source.imports)
			}
		}
	}
}

func lookInRoles(ix *Index, path string, roles []role) *fileRecord {
	f := ix.dir(filepath.Dir(path)).record(filepath.Base(path))
	for _, r := range roles {
		ix.look(path, f, r)
	}
	return f
}

// What an index knows of the past must not show in a key.
func TestIndexHistoryDoesNotShow(t *testing.T) {
	root := program(t)
	main := filepath.Join(root, "main.go")
	ix := OpenIndex("", SHA256(), later)
	for _, pattern := range []string{"main_test.go", "*.go", "lib", "data"} {
		overwrite(t, main, "package main\n\nimport _ \"embed\"\n\n//go:embed "+pattern+"\nvar x string\n\nfunc main() {}\n")
		ix.Again()
		closureAt(ix, root)
	}
	ix.Again()
	want := Text(closureAt(OpenIndex("", SHA256(), later), root).Inputs)
	if got := Text(closureAt(ix, root).Inputs); got != want {
		t.Errorf("an index with a past says\n%s\na new one\n%s", got, want)
	}
}

func TestIndexFrozenTimes(t *testing.T) {
	root := program(t)
	main, frozen := filepath.Join(root, "main.go"), time.Unix(1_000_000_000, 0)
	freeze := func() {
		if err := os.Chtimes(main, frozen, frozen); err != nil {
			t.Fatal(err)
		}
	}
	overwrite(t, main, "package main\n\nvar x = 1\n")
	freeze()
	ix := OpenIndex("", SHA256(), later)
	was := closureAt(ix, root).ExecutableKey()
	if !ix.Suspect() {
		t.Error("a modification time that somebody set is not suspect")
	}
	time.Sleep(20 * time.Millisecond) // longer than a tick
	overwrite(t, main, "package main\n\nvar x = 2\n")
	freeze()
	ix.Again()
	if closureAt(ix, root).ExecutableKey() == was {
		t.Error("a same-size edit with a frozen modification time has the same key")
	}
	fresh := OpenIndex("", SHA256(), later)
	closureAt(fresh, program(t))
	if fresh.Suspect() {
		t.Error("a fresh checkout is suspect")
	}
}

func TestIndexReplacedByRename(t *testing.T) {
	root := program(t)
	main, other := filepath.Join(root, "main.go"), filepath.Join(root, "other")
	times := time.Now().Add(-time.Hour)
	overwrite(t, main, "package main\n\nvar x = 1\n")
	overwrite(t, other, "package main\n\nvar x = 2\n")
	for _, f := range []string{main, other} {
		if err := os.Chtimes(f, times, times); err != nil {
			t.Fatal(err)
		}
	}
	ix := OpenIndex("", SHA256(), later)
	was := closureAt(ix, root).ExecutableKey()
	if err := os.Rename(other, main); err != nil {
		t.Fatal(err)
	}
	ix.Again()
	if closureAt(ix, root).ExecutableKey() == was {
		t.Error("another file of the same size and time has the same key")
	}
}

func TestIndexChanged(t *testing.T) {
	root := program(t)
	ix := OpenIndex("", SHA256(), later)
	closureAt(ix, root)
	for what, change := range map[string]func(){
		"a source":             func() { overwrite(t, filepath.Join(root, "lib", "lib.s"), "// other\n") },
		"the same bytes":       func() { overwrite(t, filepath.Join(root, "lib", "x.h"), "#define X\n") },
		"a new source":         func() { overwrite(t, filepath.Join(root, "lib", "new.go"), "package lib\n") },
		"an embedded file":     func() { overwrite(t, filepath.Join(root, "data", "a.txt"), "b") },
		"a new name beside it": func() { overwrite(t, filepath.Join(root, "data", "new"), "b") },
		"go.mod":               func() { overwrite(t, filepath.Join(root, "go.mod"), "module example.com/m\n") },
	} {
		ix.Again()
		if closureAt(ix, root); ix.Changed() {
			t.Errorf("before %s: changed", what)
		}
		change()
		ix.Again()
		if closureAt(ix, root); !ix.Changed() {
			t.Errorf("%s: not changed", what)
		}
	}
}

func TestIndexSettles(t *testing.T) {
	root := program(t)
	ix := OpenIndex("", SHA256(), later)
	if closureAt(ix, root); ix.Settles(time.Now()) != 0 {
		t.Error("it settles although nothing is racy")
	}
	ix = OpenIndex("", SHA256(), atOnce)
	closureAt(ix, root)
	now := time.Unix(0, stampOf(filepath.Join(root, "main.go")).Ctime)
	wait := ix.Settles(now)
	if wait <= 0 || wait > racyCoarse+time.Second {
		t.Fatalf("it settles in %v", wait)
	}
	if rest := ix.Settles(now.Add(wait)); rest > time.Millisecond {
		t.Errorf("after that, it settles in %v", rest)
	}
}

// However much of a file is read at once, what counts of it is the same.
func TestIndexReadsInPieces(t *testing.T) {
	dir := t.TempDir()
	for _, size := range []int{0, 1, 4000, 4095, 4096, 4097, 5000, 1 << 20, 1<<20 + 1, 3 << 20} {
		comment := "//" + strings.Repeat("x", size) + "\n"
		for name, text := range map[string]string{
			"a_test.go": "package a\n" + comment + "import \"b\"\nvar x int\n", "b_test.go": comment + "package b\nimport _ \"embed\"\n//go:embed x\nvar x string\n",
			"c_test.go": "package c\nimport \"b\"\n" + comment + "var x int\n", "d_test.go": "package d\nvar x int\n" + comment, "e_test.go": "package e" + strings.Repeat(" ", size) + "\nimport(\n",
			"f.go": "package f\nimport \"b\"\n" + comment, "g.bin": comment,
		} {
			path := filepath.Join(dir, name)
			overwrite(t, path, text)
			ix := OpenIndex("", SHA256(), later)
			f := lookInRoles(ix, path, []role{roleOf(name)})
			want, got := ix.sum([]byte(text)), f.whole
			if roleOf(name) == testFile {
				want, got = ix.sum([]byte(text)[:testEnd([]byte(text))]), f.head
			}
			whole := ix.Sum(path)
			if got != want || whole != ix.sum([]byte(text)) {
				t.Errorf("%s with %d bytes in its middle: %.8s, want %.8s; whole %.8s", name, size, got, want, whole)
			}
		}
	}
}

// ReadAll believes no stamp, and no memo.
func TestIndexReadAll(t *testing.T) {
	root, file := program(t), filepath.Join(t.TempDir(), "index")
	open := func(all bool) *Index {
		ix := OpenIndex(file, SHA256(), later)
		ix.Machine = OpenIndex(file+"-machine", SHA256(), later)
		ix.ReadAll, ix.Machine.ReadAll = all, all
		return ix
	}
	ix := open(false)
	c := closureAt(ix, root)
	ix.Remember(c)
	save(t, ix)
	if _, ok := open(false).Recall(c.request); !ok {
		t.Fatal("there is no memo: this tests nothing")
	}
	all := open(true)
	if _, ok := all.Recall(c.request); ok {
		t.Error("a memo was believed")
	}
	closureAt(all, root)
	if files, _ := all.Hashed(); files == 0 {
		t.Error("nothing was read")
	}
}

// The build ID is the one that the go command finds.
func TestBuildID(t *testing.T) {
	tool, err := exec.Command("go", "tool", "-n", "compile").Output()
	if err != nil {
		t.Fatal(err)
	}
	path := strings.TrimSpace(string(tool))
	want, err := exec.Command("go", "tool", "buildid", path).Output()
	if err != nil {
		t.Fatal(err)
	}
	ix := OpenIndex("", SHA256(), later)
	if f := lookInRoles(ix, path, []role{toolFile}); f.value() != "build ID "+strings.TrimSpace(string(want)) {
		t.Errorf("%s has the value %q, go tool buildid says %q", path, f.value(), want)
	}
	for name, text := range map[string]string{"VERSION": "go1.26\n", "empty": "", "elf": "\x7fELF", "cut": "\x7fELF\x50\x00\x00\x00\x04\x00\x00\x00Go\x00\x00short"} {
		file := filepath.Join(t.TempDir(), name)
		overwrite(t, file, text)
		if f := lookInRoles(ix, file, []role{toolFile}); f.value() != ix.sum([]byte(text)) {
			t.Errorf("%s has the value %q", name, f.value())
		}
	}
}
