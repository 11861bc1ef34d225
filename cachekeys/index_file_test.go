package cachekeys

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// smallIndex is the file of an index, and the root and key of what it is of.
func smallIndex(t *testing.T) (data []byte, root, key string) {
	root, file := program(t), filepath.Join(t.TempDir(), "index")
	ix := OpenIndex(file, SHA256(), later)
	key = closureAt(ix, root).ExecutableKey()
	ix.SetExtras("p", []string{"/x"})
	save(t, ix)
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return data, root, key
}

// Damage anywhere is found, and the index is as good as none.
func TestIndexDamaged(t *testing.T) {
	data, root, key := smallIndex(t)
	file := filepath.Join(t.TempDir(), "index")
	damaged := func(what string, data []byte) {
		if new(Index).decode(data) == nil {
			t.Errorf("%s: it is decoded", what)
		}
	}
	for i := range data {
		damaged(fmt.Sprintf("cut at %d", i), data[:i])
		for _, bit := range []byte{1, 0x80, 0xff} {
			flipped := slices.Clone(data)
			flipped[i] ^= bit
			damaged(fmt.Sprintf("byte %d ^ %#x", i, bit), flipped)
		}
		if i%97 == 0 {
			overwrite(t, file, string(data[:i]))
			if got := closureAt(OpenIndex(file, SHA256(), later), root).ExecutableKey(); got != key {
				t.Errorf("cut at %d: the key is %s, not %s", i, got, key)
			}
		}
	}
	damaged("more behind", append(slices.Clone(data), 0))
	t.Logf("%d bytes", len(data))
}

func TestIndexOfAnotherKind(t *testing.T) {
	root, file := program(t), filepath.Join(t.TempDir(), "index")
	ix := OpenIndex(file, Murmur3(), later)
	murmur := closureAt(ix, root)
	save(t, ix)
	other := OpenIndex(file, SHA256(), later)
	sha := closureAt(other, root)
	if files, _ := other.Hashed(); files == 0 {
		t.Error("an index of Murmur3 was used for SHA-256")
	}
	if murmur.ExecutableKey() == sha.ExecutableKey() {
		t.Error("both fingerprints have the same key")
	}
	save(t, other)
	if got := closureAt(OpenIndex(file, SHA256(), later), root).ExecutableKey(); got != sha.ExecutableKey() {
		t.Errorf("after it was rebuilt, the key is %s", got)
	}
	if !strings.Contains(Text(murmur.Inputs), "flag -murmur: murmur3") {
		t.Error("the fingerprint is no input")
	}
}

// craftedIndex is an index file with a right checksum.
func craftedIndex(body []byte) []byte {
	return append(binary.LittleEndian.AppendUint32([]byte(indexMagic), crc32.Checksum(body, castagnoli)), body...)
}

// decodeBound is how much memory may be taken for each byte of an index file
// that is not one.
const decodeBound = 128

func TestIndexHugeCounts(t *testing.T) {
	worst := 0.0
	for _, least := range []int{1, 2, 8, 20, 30, 40, 80} { // what one thing takes at least, to pass for possible
		for what, body := range hugeCounts(uint64(hugeIndex / least)) {
			each := decodeCost(t, what, craftedIndex(append(body, slices.Repeat([]byte{0xff}, hugeIndex-len(body))...)))
			worst = max(worst, each)
			if each > decodeBound {
				t.Errorf("%s: %.0f bytes for each byte", what, each)
			}
		}
	}
	t.Logf("at most %.0f bytes for each byte of the file", worst)
}

const hugeIndex = 1 << 19

// hugeCounts are beginnings of index files that announce n things.
func hugeCounts(n uint64) map[string][]byte {
	name := append([]byte{0, 6}, "sha256"...)
	dir := append([]byte{0, 2}, "/x"...)
	dir = append(dir, make([]byte, 1+8+8+1+1+1+1)...) // stamp and flags
	count := binary.AppendUvarint(nil, n-min(n, 100))
	return map[string][]byte{
		"directories": slices.Concat(name, count),
		"entries":     slices.Concat(name, []byte{1}, dir, count),
		"files":       slices.Concat(name, []byte{1}, dir, []byte{0}, count),
		"programs":    slices.Concat(name, []byte{0}, count),
		"extras":      slices.Concat(name, []byte{0, 1, 0, 1, 'p'}, count),
		"overflow":    slices.Concat(name, []byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1}),
	}
}

func decodeCost(t *testing.T, what string, data []byte) float64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	err := (&Index{print: SHA256()}).decode(data)
	runtime.ReadMemStats(&after)
	if err == nil {
		t.Errorf("%s: it is decoded", what)
	}
	return float64(after.TotalAlloc-before.TotalAlloc) / float64(len(data))
}

func FuzzIndexDecode(f *testing.F) {
	ix := OpenIndex("", SHA256(), later)
	ix.dir("/x").record("y.go").source = source{imports: []string{"a", "b"}, embeds: []string{"c"}}
	ix.SetExtras("p", []string{"/x"})
	f.Add(ix.encode()[len(indexMagic)+4:])
	f.Add([]byte("\x00\x06sha256\x00\x00"))
	f.Fuzz(func(t *testing.T, body []byte) {
		ix := &Index{print: SHA256()}
		if ix.decode(craftedIndex(body)) != nil {
			return
		}
		again := &Index{print: SHA256()}
		if err := again.decode(ix.encode()); err != nil {
			t.Errorf("what was decoded cannot be decoded again: %v", err)
		}
	})
}

// writerFile names the index that TestIndexWriter, in a process of its own,
// writes again and again.
const writerFile = "GORUN_TEST_INDEX_FILE"

func TestIndexWriter(t *testing.T) {
	file, root, given := strings.Cut(os.Getenv(writerFile), "\n")
	if !given {
		return // TestIndexManyWriters starts it
	}
	for range 5 {
		ix := OpenIndex(file, SHA256(), time.Now)
		closureAt(ix, root)
		ix.dirty.Store(true)
		save(t, ix)
	}
}

func TestIndexManyWriters(t *testing.T) {
	root, file := program(t), filepath.Join(t.TempDir(), "index")
	want := keyAt(root)
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			cmd := exec.Command(os.Args[0], "-test.run=^TestIndexWriter$")
			cmd.Env = append(os.Environ(), writerFile+"="+file+"\n"+root)
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%v\n%s", err, out)
			}
		})
		wg.Go(func() {
			for range 20 {
				ix := OpenIndex(file, SHA256(), time.Now)
				if got := closureAt(ix, root).ExecutableKey(); got != want {
					t.Errorf("the key is %s, not %s", got, want)
				}
				ix.dirty.Store(true)
				if err := ix.Save(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	onlyIndex(t, file)
}

// onlyIndex checks that the file is whole and that nothing lies beside it.
func onlyIndex(t *testing.T, file string) {
	t.Helper()
	data, err := os.ReadFile(file)
	if err == nil {
		err = (&Index{print: SHA256()}).decode(data)
	}
	if err != nil {
		t.Error(err)
	}
	if names, _ := os.ReadDir(filepath.Dir(file)); len(names) != 1 {
		t.Errorf("beside the index lies more: %v", names)
	}
}

// Where the index cannot be written, Save says so, and all else is as ever.
func TestIndexThatCannotBeWritten(t *testing.T) {
	root, dir := program(t), t.TempDir()
	want := keyAt(root)
	overwrite(t, filepath.Join(dir, "file"), "")
	for _, file := range []string{"file/index", "/proc/index"} {
		ix := OpenIndex(Absolute(dir, file), SHA256(), time.Now)
		if got := closureAt(ix, root).ExecutableKey(); got != want {
			t.Errorf("%s: the key is %s", file, got)
		}
		if ix.Save() == nil {
			t.Errorf("%s: it was saved", file)
		}
		if got := closureAt(ix, root).ExecutableKey(); got != want {
			t.Errorf("%s: after that, the key is %s", file, got)
		}
	}
	if names, _ := os.ReadDir(dir); len(names) != 1 {
		t.Errorf("something was left behind: %v", names)
	}
}

func TestIndexReadOnlyDirectory(t *testing.T) {
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o555); err != nil {
		t.Fatal(err)
	}
	ix := OpenIndex(filepath.Join(dir, "index"), SHA256(), time.Now)
	closureAt(ix, program(t))
	err := ix.Save()
	if names, _ := os.ReadDir(dir); os.Geteuid() != 0 && (err == nil || len(names) > 0) {
		t.Errorf("Save: %v; the directory has %v", err, names)
	}
}

// What is no regular file does not stop the closure, and counts as what it is.
func TestIndexIrregular(t *testing.T) {
	root := program(t)
	at := func(name string) string { return filepath.Join(root, name) }
	for name, make := range map[string]func(path string) error{
		"fifo.go":      func(path string) error { return unix.Mkfifo(path, 0o644) },
		"dir.go":       func(path string) error { return os.Mkdir(path, 0o755) },
		"loop.go":      func(path string) error { return os.Symlink("loop.go", path) },
		"dangling.go":  func(path string) error { return os.Symlink("nowhere", path) },
		"dirlink.go":   func(path string) error { return os.Symlink("lib", path) },
		"null.go":      func(path string) error { return os.Symlink("/dev/null", path) },
		"data/p.txt":   func(path string) error { return unix.Mkfifo(path, 0o644) },
		"data/l.txt":   func(path string) error { return os.Symlink("a.txt", path) },
		"lib/other.go": func(path string) error { return os.Symlink("../main.go", path) },
	} {
		if err := make(at(name)); err != nil {
			t.Fatal(err)
		}
	}
	done := make(chan string)
	go func() { done <- Text(closureAt(OpenIndex("", SHA256(), time.Now), root).Inputs) }()
	select {
	case text := <-done:
		irregularInputs(t, text)
	case <-time.After(10 * time.Second):
		t.Fatal("the closure hangs")
	}
}

func irregularInputs(t *testing.T, text string) {
	for _, line := range []string{
		"file fifo.go: irregular", "file loop.go: absent", "file dangling.go: absent", "file dirlink.go: directory",
		"file null.go: irregular", "embed data/p.txt: irregular", "embed data/l.txt: link to a.txt ", "file lib/other.go: ",
	} {
		if !strings.Contains(text, line) {
			t.Errorf("%q is missing in\n%s", line, text)
		}
	}
	if strings.Contains(text, "file dir.go") {
		t.Error("a directory named dir.go is a file")
	}
}

// A link counts by where it leads: the content, whatever way it comes.
func TestIndexLinks(t *testing.T) {
	root := write(t, map[string]string{
		"go.mod": "module example.com/m\n\ngo 1.26\n", "main.go": "package main\n\nimport _ \"example.com/m/pkg\"\n\nfunc main() {}\n",
		"real/r.go": "package pkg\n", "real/two.go": "package pkg // two\n", "elsewhere/p.go": "package pkg\n", "third/p.go": "package pkg // three\n",
	})
	at := func(name string) string { return filepath.Join(root, name) }
	ix := OpenIndex("", SHA256(), time.Now)
	key := func() string { ix.Again(); return closureAt(ix, root).ExecutableKey() }
	link := func(target, name string) func() {
		return func() {
			os.Remove(at(name))
			if err := os.Symlink(target, at(name)); err != nil {
				t.Fatal(err)
			}
		}
	}
	last := key()
	for _, tt := range []struct {
		what   string
		change func()
		same   bool
	}{
		{"a package is a link", link("elsewhere", "pkg"), false},
		{"its target changes", func() { overwrite(t, at("elsewhere/p.go"), "package pkg // more\n") }, false},
		{"its target gets a file", link("../real/r.go", "elsewhere/r.go"), false},
		{"the target of that changes", func() { overwrite(t, at("real/r.go"), "package pkg // x\n") }, false},
		{"it leads to another file", link("../real/two.go", "elsewhere/r.go"), false},
		{"it leads there another way", link("../real/../real/two.go", "elsewhere/r.go"), true},
		{"a file beside the target", func() { overwrite(t, at("real/three.go"), "package pkg\n") }, true},
		{"the package leads elsewhere", link("third", "pkg"), false},
		{"the package is gone", func() { os.Remove(at("pkg")) }, false},
	} {
		tt.change()
		now := key()
		if (now == last) != tt.same {
			t.Errorf("%s: the key is the same: %v", tt.what, now == last)
		}
		if fresh := keyAt(root); fresh != now {
			t.Errorf("%s: a new index has another key", tt.what)
		}
		last = now
	}
}

// A memo that is damaged anywhere says nothing.
func TestMemoDamaged(t *testing.T) {
	root, dir := program(t), memoDirectory(t.TempDir())
	ix := dir.open()
	c := closureAt(ix, root)
	ix.Remember(c)
	if key, ok := dir.open().Recall(c.request); !ok || key != c.ExecutableKey() {
		t.Fatalf("the memo has the key %q (%v), not %q", key, ok, c.ExecutableKey())
	}
	files, err := filepath.Glob(filepath.Join(string(dir), "index-*"))
	if err != nil || len(files) != 1 {
		t.Fatalf("memos %q, %v", files, err)
	}
	data, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	for i := range data {
		flipped := slices.Clone(data)
		flipped[i] ^= 0x11
		for what, damaged := range map[string][]byte{"cut": data[:i], "flipped": flipped} {
			overwrite(t, files[0], string(damaged))
			if key, ok := dir.open().Recall(c.request); ok {
				t.Errorf("%s at %d of %d: the key is %q", what, i, len(data), key)
			}
		}
	}
}

// What may change without another stamp is not remembered.
func TestMemoOfRacyFiles(t *testing.T) {
	root, dir := program(t), memoDirectory(t.TempDir())
	ix := dir.open()
	ix.now = atOnce
	c := closureAt(ix, root)
	ix.Remember(c)
	if key, ok := dir.open().Recall(c.request); ok {
		t.Errorf("files that were written just now are remembered: %q", key)
	}
}

func TestTidy(t *testing.T) {
	dir := t.TempDir()
	now := time.Now()
	for name, age := range map[string]time.Duration{
		"used": 29 * 24 * time.Hour, "old": 31 * 24 * time.Hour, ".index-1": 2 * time.Hour, ".index-2": time.Minute,
	} {
		overwrite(t, filepath.Join(dir, name), "x")
		if err := os.Chtimes(filepath.Join(dir, name), now, now.Add(-age)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(dir, "directory"), 0o755); err != nil {
		t.Fatal(err)
	}
	Tidy(dir, now)
	var left []string
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		left = append(left, e.Name())
	}
	if want := []string{".index-2", "directory", "used"}; !slices.Equal(left, want) {
		t.Errorf("left are %q, want %q", left, want)
	}
	Tidy(filepath.Join(dir, "absent"), now)
}
