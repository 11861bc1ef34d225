package entry

import (
	"bytes"
	"encoding/hex"
	"errors"
	"flag"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files")

const (
	keyA   = "go1.26.8-linux-amd64-3f1c-aaaa"
	keyB   = "go1.26.8-linux-amd64-3f1c-bbbb"
	prefix = "go1.26.8-linux-amd64-3f1c-"
)

func must[T any](t testing.TB) func(v T, err error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// key makes the key of a seed, always the same.
func key(t testing.TB, seed byte) *SigningKey {
	return must[*SigningKey](t)(GenerateKey(bytes.NewReader(bytes.Repeat([]byte{seed}, 32))))
}

func origin() Origin { return Origin{Repository: "org/app", Ref: "refs/heads/main", Event: "push"} }

// program is n bytes that compress as programs do, the same for each seed.
func program(seed uint64, n int) []byte {
	rng := rand.New(rand.NewPCG(seed, 1))
	b := make([]byte, n)
	for i := range b {
		if b[i] = byte(rng.Uint32()); i%3 != 0 {
			b[i] = b[i/3]
		}
	}
	return b
}

// made is an entry in its parts.
type made struct {
	manifest      Manifest
	head, payload []byte
	program       []byte
}

func (m made) blob() []byte { return append(bytes.Clone(m.head), m.payload...) }

func makeExecutable(t testing.TB, k string, seed uint64, sign *SigningKey) made {
	var payload bytes.Buffer
	e := made{program: program(seed, 3000)}
	var err error
	m := Manifest{
		Kind: Executable, Key: k, Name: "hello", Toolchain: "go1.26.8", Gorun: "v1.2.0", Origin: origin(),
		Created: time.Date(2026, 11, 2, 20, 36, 21, 5, time.FixedZone("", 3600)),
	}
	m.Payload, m.Content, err = CompressProgram(&payload, bytes.NewReader(e.program))
	if err != nil {
		t.Fatal(err)
	}
	e.payload, e.manifest = payload.Bytes(), m
	e.head = must[[]byte](t)(Seal(m, []byte("about "+k), sign))
	return e
}

func makePack(t testing.TB, k string, seed uint64, sign *SigningKey) made {
	e := made{payload: program(seed, 2000)}
	e.manifest = Manifest{
		Kind: Pack, Key: k, Payload: DigestOf(e.payload), Toolchain: "go1.26.8", Gorun: "v1.2.0", Origin: origin(),
		Created: time.Date(2026, 11, 2, 20, 36, 21, 0, time.UTC), Build: &Build{ColdMS: 38000, Unpacked: 9, Files: 2},
	}
	e.head = must[[]byte](t)(Seal(e.manifest, nil, sign))
	return e
}

func wantOf(m Manifest) Want { return Want{Kind: m.Kind, Key: m.Key, Matched: m.Key} }

func trust(k *SigningKey) Trust {
	t := Trust{Origin: origin()}
	if k != nil {
		t.Key = k.Public()
	}
	return t
}

// use does what a caller does with an entry: what it returns without an error
// would be executed or unpacked.
func use(b []byte, want Want, t Trust) ([]byte, error) {
	o, err := Open(bytes.NewReader(b), want, t)
	if err != nil {
		return nil, err
	}
	if _, err := o.About(); err != nil {
		return nil, err
	}
	if o.Manifest.Kind == Pack {
		return io.ReadAll(o.Payload())
	}
	var out bytes.Buffer
	err = o.Program(&out)
	if int64(out.Len()) > o.Manifest.Content.Size {
		err = errors.New("a program was larger than it says, and was written") // no error that a test expects
	}
	return out.Bytes(), err
}

// golden compares bytes with a file that has them as a person reads them.
func golden(t *testing.T, name string, data []byte) {
	t.Helper()
	file, got := filepath.Join("testdata", name), hex.Dump(data)
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want := must[[]byte](t)(os.ReadFile(file))
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (- is what it was): %s", file, diff)
	}
}
