package buildcache

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/org/gorun-action/internal/testenv"
)

// Each of these is an index that some other program could have written.
func TestHostileIndex(t *testing.T) {
	t.Parallel()
	rename := func(name string) func(*forged) { return func(f *forged) { f.files[0].name = name } }
	path := func(path string) func(*forged) { return func(f *forged) { f.modules[0].Path = path } }
	version := func(v string) func(*forged) { return func(f *forged) { f.modules[0].Version = v } }
	cases := map[string]func(*forged){
		"up":               rename("../a.go"),
		"up inside":        rename("a/../../b.go"),
		"absolute":         rename("/etc/passwd"),
		"empty":            rename(""),
		"dot":              rename("."),
		"double slash":     rename("a//b.go"),
		"backslash":        rename(`..\a.go`),
		"drive":            rename("c:/a.go"),
		"device":           rename("aux.go"),
		"zero byte":        rename("a\x00.go"),
		"no UTF-8":         rename("a\xff.go"),
		"long":             rename(strings.Repeat("a", 1025)),
		"deep":             rename(strings.Repeat("a/", 64) + "a"),
		"path up":          path("example.com/../../A"),
		"path without dot": path("cache"),
		"path absolute":    path("/example.com"),
		"path empty":       path(""),
		"path with @":      path("example.com/A@v1"),
		"path of one that is as long as a text may be": path("example.com/" + strings.Repeat("a", 1010)),
		"no version":           version(""),
		"branch":               version("main"),
		"short version":        version("v1"),
		"version up":           version("v1.0.0-/../../x"),
		"version with slash":   version("v1.0.0-a/b"),
		"output twice":         func(f *forged) { f.outputs[1] = f.outputs[2] },
		"outputs out of order": func(f *forged) { f.outputs[1], f.outputs[2] = f.outputs[2], f.outputs[1] },
		"action twice":         func(f *forged) { f.actions[1] = f.actions[0] },
		"module twice":         func(f *forged) { f.modules[1] = f.modules[0] },
		"file twice":           func(f *forged) { f.files[1] = f.files[0] },
		"package twice":        func(f *forged) { f.packages[1] = f.packages[0] },
		"package up":           func(f *forged) { f.packages[0] = "../a" },
		"case":                 func(f *forged) { f.files[0].name = "sub/É.go" },
		"case of a directory":  func(f *forged) { f.files[0].name = "SUB/b.go" },
		"file and directory":   func(f *forged) { f.files[0].name = "sub" },
		"no such output":       func(f *forged) { f.actions[0].output = 4 },
		"no such module":       func(f *forged) { f.files[6].module = 3 },
		"requires nothing":     func(f *forged) { f.modules[0].requires = []int{3} },
		"no directory":         func(f *forged) { f.modules[1].dir = false },
		"kind":                 func(f *forged) { f.files[6].kind = kinds },
		"large file":           func(f *forged) { f.outputs[3].size = 64<<20 + 1 },
		"negative size":        func(f *forged) { f.files[0].size = -1 },
		"large in all":         large,
		"more actions":         func(f *forged) { f.actions = make([]action, 200_001) },
	}
	for name, change := range cases {
		t.Run(name, func(t *testing.T) {
			f := sample(4000)
			change(&f)
			var out bytes.Buffer
			_, err := writeIndex(&out, f.Index)
			must(t, err)
			if _, err := Open(&out, Limits{}); err == nil {
				t.Error("accepted")
			} else {
				t.Log(err)
			}
		})
	}
}

// large has outputs of 64 MiB each, and 8 GiB in all.
func large(f *forged) {
	for i := range 128 {
		f.outputs = append(f.outputs, output{digest{byte(i)}, 64 << 20})
	}
}

// Each of these has a good index, and something wrong behind it.
func TestHostileFrames(t *testing.T) {
	t.Parallel()
	zeros := make([]byte, 32<<20)
	cases := map[string]func(t *testing.T) []byte{
		"module index": func(t *testing.T) []byte { return poisoned(t, "go index v2\nanything") },
		"index v3":     func(t *testing.T) []byte { return poisoned(t, "go index v3\n") },
		"same size": func(t *testing.T) []byte {
			f := sample(4000)
			f.data[2][7] ^= 1
			return f.bytes(t)
		},
		"module file": func(t *testing.T) []byte {
			f := sample(4000)
			f.data[4][0] = 'P'
			return f.bytes(t)
		},
		"last of a large one": func(t *testing.T) []byte {
			f := sample(9 << 20)
			f.data[3][9<<20-1] ^= 1
			return f.bytes(t)
		},
		"trailing byte":  func(t *testing.T) []byte { return append(sample(4000).bytes(t), 0) },
		"trailing frame": func(t *testing.T) []byte { return append(sample(4000).bytes(t), packFrame(t, []byte("x"), 1)...) },
		"bomb": func(t *testing.T) []byte {
			return behindIndex(t, sample(4000), packFrame(t, zeros, int(sample(4000).Raw())))
		},
		"frame too large": func(t *testing.T) []byte {
			return behindIndex(t, sample(4000), packFrame(t, zeros[:5<<20], 5<<20))
		},
		"length that is a lie": func(t *testing.T) []byte {
			b := behindIndex(t, sample(4000), nil)
			return binary.LittleEndian.AppendUint32(binary.LittleEndian.AppendUint32(b, uint32(sample(4000).Raw())), 1<<32-1)
		},
		"other cut": func(t *testing.T) []byte {
			f := sample(4000)
			all := bytes.Join(f.data, nil)
			return behindIndex(t, f, append(packFrame(t, all[:4000], 4000), packFrame(t, all[4000:], len(all)-4000)...))
		},
	}
	y := newYard(t)
	for name, make := range cases {
		if err := y.restore(make(t)); !errors.Is(err, errPack) {
			t.Errorf("%s: %v, want %v", name, err, errPack)
		}
	}
	must(t, y.restore(sample(9<<20).bytes(t)))
}

// poisoned has an output of that content, with its right name.
func poisoned(t *testing.T, content string) []byte {
	f := sample(4000)
	f.data[1] = []byte(content)
	f.outputs[1] = output{sum(content), int64(len(content))}
	return f.bytes(t)
}

// behindIndex is the index of a pack and other frames.
func behindIndex(t *testing.T, f forged, frames []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	_, err := writeIndex(&out, f.Index)
	must(t, err)
	return append(out.Bytes(), frames...)
}

// An index that unpacks to more than it says, or says more than is allowed.
func TestIndexBomb(t *testing.T) {
	t.Parallel()
	enc, err := newEncoder()
	must(t, err)
	packed := enc.EncodeAll(make([]byte, 32<<20), nil)
	for _, raw := range []uint32{100, 1 << 20, 64<<20 + 1, 1<<32 - 1} {
		h := head{Raw: raw, Packed: uint32(len(packed)), Sum: sha256.Sum256(packed)}
		copy(h.Magic[:], magic)
		var out bytes.Buffer
		must(t, binary.Write(&out, binary.LittleEndian, h))
		out.Write(packed)
		if _, err := Open(&out, Limits{}); !errors.Is(err, errPack) {
			t.Errorf("%d: %v", raw, err)
		}
	}
}

// A pack that ends anywhere, or has any bit wrong, is refused.
func TestDamage(t *testing.T) {
	t.Parallel()
	y := newYard(t)
	good := sample(9 << 20).bytes(t)
	must(t, y.restore(good))
	for _, end := range borders(t, good) {
		for _, n := range []int{end - 1, end} {
			if err := y.restore(good[:n]); n < len(good) && !errors.Is(err, errPack) {
				t.Errorf("%d of %d bytes: %v", n, len(good), err)
			}
		}
	}
	flips := testenv.Times(200, 3000)
	rng := rand.New(rand.NewPCG(3, 4))
	small := sample(5000).bytes(t)
	for range flips {
		bad := bytes.Clone(small)
		bit := rng.IntN(8 * len(bad))
		bad[bit/8] ^= 1 << (bit % 8)
		if y.restore(bad) == nil {
			t.Errorf("bit %d of byte %d does not matter", bit%8, bit/8)
		}
	}
}

// borders are where the parts of a pack end.
func borders(t *testing.T, pack []byte) []int {
	t.Helper()
	n := binary.Size(head{})
	ends := []int{8, 16, n, n + int(binary.LittleEndian.Uint32(pack[12:]))}
	for at := ends[3]; at < len(pack); {
		at += binary.Size(frameHead{}) + int(binary.LittleEndian.Uint32(pack[at+4:]))
		ends = append(ends, at)
	}
	if last := ends[len(ends)-1]; last != len(pack) || len(ends) < 8 {
		t.Fatalf("the parts end at %v, the pack at %d", ends, len(pack))
	}
	return ends
}

// What is in the way is not followed and not overwritten.
func TestInTheWay(t *testing.T) {
	t.Parallel()
	f := sample(4000)
	pack := f.bytes(t)
	cases := map[string]func(d Dirs) (link string, target string){
		"output": func(d Dirs) (string, string) {
			return filepath.Join(d.GoCache, entryName(f.outputs[1].sum, "-d")), "sub/file"
		},
		"action": func(d Dirs) (string, string) {
			return filepath.Join(d.GoCache, entryName(f.actions[1].id, "-a")), "sub/file"
		},
		"module": func(d Dirs) (string, string) { return filepath.Join(d.ModCache, "example.com"), "sub" },
		"module file": func(d Dirs) (string, string) {
			return filepath.Join(d.ModCache, "example.com/!a@v1.0.0/a.go"), "sub/file"
		},
		"download dir": func(d Dirs) (string, string) { return filepath.Join(d.ModCache, "cache"), "sub" },
	}
	for name, place := range cases {
		y := newYard(t)
		link, target := place(y.dirs())
		must(t, os.MkdirAll(filepath.Dir(link), 0o755))
		must(t, os.Symlink(filepath.Join(y.dir, "canary", target), link))
		if err := restoreTo(t.Context(), pack, y.dirs()); err == nil {
			t.Errorf("%s: restored through a link", name)
		}
		if y.around() != y.before {
			t.Errorf("%s: written through a link", name)
		}
	}
}
