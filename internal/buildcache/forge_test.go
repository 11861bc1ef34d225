package buildcache

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
)

// forged is a pack that is made by hand: an index, and the bytes that are said
// to be those of its files.
type forged struct {
	*Index
	data [][]byte
}

// sample is a good one: outputs of 0 bytes to several frames, and two modules.
func sample(large int) forged {
	rng := rand.New(rand.NewPCG(1, 2))
	f := forged{Index: &Index{}}
	for i, size := range []int{0, 10, 3000, large} {
		data := make([]byte, size)
		for j := range data[:min(size, 100)] {
			data[j] = byte(rng.Uint32())
		}
		sum := sha256.Sum256(data)
		f.outputs, f.data = append(f.outputs, output{sum, int64(size)}), append(f.data, data)
		f.actions = append(f.actions, action{digest{byte(i)}, i}, action{digest{byte(i), 1}, 0})
	}
	f.modules = []mod{
		{ModuleVersion: ModuleVersion{"example.com/A", "v1.0.0"}, dir: true, requires: []int{1}},
		{ModuleVersion: ModuleVersion{"example.com/b/v2", "v2.1.0-Pre"}, dir: true},
		{ModuleVersion: ModuleVersion{"example.com/c", "v0.0.1"}, loose: true},
	}
	f.packages = []string{"example.com/A", "example.com/A/sub", "example.com/b/v2"}
	f.add(0, tree, "a.go", "package a\n")
	f.add(0, tree, "sub/é.go", "package sub\n")
	f.add(0, gomod, "", "module example.com/A\n")
	f.add(0, ziphash, "", "h1:a=")
	f.add(1, tree, "b.go", "package b\n")
	f.add(1, ziphash, "", "h1:b=")
	f.add(2, info, "", "{}")
	return f
}

func (f *forged) add(module int, k kind, name, content string) {
	f.files = append(f.files, file{module: module, kind: k, name: name, size: int64(len(content)), sum: sha256.Sum256([]byte(content))})
	f.data = append(f.data, []byte(content))
}

// bytes is the pack, whatever is wrong with it.
func (f forged) bytes(t testing.TB) []byte {
	t.Helper()
	var out bytes.Buffer
	_, err := writeIndex(&out, f.Index)
	must(t, err)
	all := bytes.Join(f.data, nil)
	for _, u := range cut(f.sizes()) {
		for i := range u.frames() {
			n := min(u.frame(i), len(all))
			out.Write(packFrame(t, all[:n], u.frame(i)))
			all = all[n:]
		}
	}
	return out.Bytes()
}

// packFrame packs data as a frame that says it has raw bytes.
func packFrame(t testing.TB, data []byte, raw int) []byte {
	t.Helper()
	enc, err := newEncoder()
	must(t, err)
	packed := enc.EncodeAll(data, nil)
	var out bytes.Buffer
	must(t, binary.Write(&out, binary.LittleEndian, frameHead{uint32(raw), uint32(len(packed)), checksum(packed)}))
	return append(out.Bytes(), packed...)
}

// yard is a directory where packs are restored again and again, with things
// around that none may touch.
type yard struct {
	testing.TB
	dir    string
	before string
}

func newYard(t testing.TB) *yard {
	t.Helper()
	y := &yard{TB: t, dir: t.TempDir()}
	must(t, os.MkdirAll(filepath.Join(y.dir, "canary", "sub"), 0o755))
	must(t, os.WriteFile(filepath.Join(y.dir, "canary", "sub", "file"), []byte("alive"), 0o644))
	y.before = y.around()
	return y
}

func (y *yard) dirs() Dirs {
	return Dirs{filepath.Join(y.dir, "gocache"), filepath.Join(y.dir, "gomodcache")}
}

// around says what is there besides the two caches.
func (y *yard) around() string {
	y.Helper()
	var out bytes.Buffer
	must(y, filepath.WalkDir(y.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if path == y.dirs().GoCache || path == y.dirs().ModCache {
			return filepath.SkipDir
		}
		data, _ := os.ReadFile(path)
		fmt.Fprintf(&out, "%s %v %q\n", path, d.Type(), data)
		return nil
	}))
	return out.String()
}

// restore restores and then looks around.
func (y *yard) restore(pack []byte) error {
	y.Helper()
	y.clean()
	err := restoreTo(y.Context(), pack, y.dirs())
	if now := y.around(); now != y.before {
		y.Fatalf("something was written outside:\n%s\nbefore:\n%s", now, y.before)
	}
	return err
}

func (y *yard) clean() {
	y.Helper()
	must(y, os.RemoveAll(y.dirs().GoCache))
	must(y, os.RemoveAll(y.dirs().ModCache))
}

func restoreTo(ctx context.Context, pack []byte, to Dirs) error {
	p, err := Open(bytes.NewReader(pack), Limits{})
	if err != nil {
		return err
	}
	_, err = p.Restore(ctx, to, Options{})
	return err
}
