package entry

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
)

// tampered is the number of entries of one run of TestTampered: 5,000 for a
// reader with a key, 5,000 for one without.
const tampered = 10_000

// attack is what somebody does who may write into the store. It returns the
// blob that is read, which a reader must not use for want.
type attack func(w *world) (blob []byte, want Want)

// world is what an attacker has: whole entries of every sort.
type world struct {
	rng    *rand.Rand
	sign   *SigningKey // the key of the readers; nil when they have none
	other  *SigningKey
	a, b   made    // a is the one that is wanted
	packs  [2]made // as a and b
	reader Trust
	bombs  [][]byte // zstd streams that unpack to far more than Content.Size
}

// TestTampered shows that no changed entry is used. Without a key only what is
// not consistent can be found: who may write into the store can make a whole
// new entry, with any program, sealed with its digest, that says it is from
// anywhere. That is what the key is for; there each of these is refused, too
// (class "forged").
func TestTampered(t *testing.T) {
	for _, sign := range []*SigningKey{nil, key(t, 1)} {
		attacks := maps.Clone(anyway())
		name := "without a key"
		if sign != nil {
			name = "with a key"
			maps.Copy(attacks, onlyWithKey())
		}
		t.Run(name, func(t *testing.T) { tamper(t, sign, attacks) })
	}
}

func tamper(t *testing.T, sign *SigningKey, attacks map[string]attack) {
	w := newWorld(t, sign)
	classes := slices.Sorted(maps.Keys(attacks))
	rejected := map[string]int{}
	for i := range tampered / 2 {
		class := classes[i%len(classes)]
		w.next()
		blob, want := attacks[class](w)
		_, err := use(blob, want, w.reader)
		if !errors.Is(err, ErrDamaged) && !errors.Is(err, ErrUntrusted) && !errors.Is(err, ErrSignature) {
			t.Fatalf("%s, number %d: %v", class, i, err)
		}
		rejected[class]++
	}
	for _, class := range classes {
		t.Logf("%-36s %5d rejected", class, rejected[class])
	}
}

func newWorld(t *testing.T, sign *SigningKey) *world {
	w := &world{rng: rand.New(rand.NewPCG(5, 5)), sign: sign, other: key(t, 2), reader: trust(sign)}
	for _, frames := range []int{1, 3} {
		enc := must[*zstd.Encoder](t)(zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1)))
		w.bombs = append(w.bombs, bytes.Repeat(enc.EncodeAll(make([]byte, 8<<20), nil), frames))
	}
	e := makeExecutable(t, keyA, 1, sign)
	if got, err := use(e.blob(), wantOf(e.manifest), w.reader); err != nil || !bytes.Equal(got, e.program) {
		t.Fatalf("what was not changed is not used: %v", err) // or nothing below would mean anything
	}
	w.a, w.b = e, makeExecutable(t, keyB, 2, sign)
	w.packs = [2]made{makePack(t, keyA, 1, sign), makePack(t, keyB, 2, sign)}
	if got, err := use(w.packs[0].blob(), wantOf(w.packs[0].manifest), w.reader); err != nil || !bytes.Equal(got, w.packs[0].payload) {
		t.Fatalf("a pack that was not changed is not used: %v", err)
	}
	return w
}

// next makes the entry that is wanted another one now and then.
func (w *world) next() {
	if w.rng.IntN(4) == 0 {
		w.a, w.b = w.b, w.a
		w.packs[0], w.packs[1] = w.packs[1], w.packs[0]
	}
}

// ofPacks is an attack on packs.
func ofPacks(a attack) attack {
	return func(w *world) ([]byte, Want) {
		packs := *w
		packs.a, packs.b = w.packs[0], w.packs[1]
		return a(&packs)
	}
}

func (w *world) want() Want { return wantOf(w.a.manifest) }

// reseal is a head for a manifest that may be impossible.
func (w *world) reseal(m Manifest, sign *SigningKey) []byte {
	return w.sealed(mustJSON(m.filled(nil, sign)), sign)
}

func (w *world) sealed(manifest []byte, sign *SigningKey) []byte {
	return assemble(manifest, sealOf(manifest, sign), nil)
}

func mustJSON(m Manifest) []byte {
	b, err := json.Marshal(m)
	if err != nil {
		panic(err)
	}
	return b
}

// anyway are the attacks that are found with and without a key, by readers that
// would take what the attackers sign.
func anyway() map[string]attack {
	all := map[string]attack{
		"bit flipped":              func(w *world) ([]byte, Want) { return w.flip(1), w.want() },
		"bits flipped":             func(w *world) ([]byte, Want) { return w.flip(2 + w.rng.IntN(20)), w.want() },
		"truncated":                func(w *world) ([]byte, Want) { b := w.a.blob(); return b[:w.rng.IntN(len(b))], w.want() },
		"extended":                 func(w *world) ([]byte, Want) { return append(w.a.blob(), w.noise(1+w.rng.IntN(99))...), w.want() },
		"bytes inserted":           (*world).insert,
		"bytes left out":           (*world).leaveOut,
		"payload of another entry": func(w *world) ([]byte, Want) { return append(bytes.Clone(w.a.head), w.b.payload...), w.want() },
		"replayed under another key": func(w *world) ([]byte, Want) {
			want := w.want()
			want.Matched = w.b.manifest.Key
			return w.a.blob(), want
		},
		"another key in its place":       func(w *world) ([]byte, Want) { return w.b.blob(), w.want() },
		"replayed as another kind":       (*world).otherKind,
		"another length of the manifest": (*world).otherLength,
		"seal of another manifest":       (*world).otherSeal,
		"signature taken off":            (*world).strip,
		"frames put together":            func(w *world) ([]byte, Want) { return append(w.a.blob(), w.b.payload...), w.want() },
		"noise":                          func(w *world) ([]byte, Want) { return w.noise(w.rng.IntN(500)), w.want() },
	}
	for name, a := range maps.Clone(all) {
		all["pack: "+name] = ofPacks(a)
	}
	all["about of another entry"] = (*world).otherAbout
	maps.Copy(all, resealed())
	return all
}

func (w *world) otherKind() ([]byte, Want) {
	want := w.want()
	want.Kind = map[string]string{Executable: Pack, Pack: Executable}[want.Kind]
	return w.a.blob(), want
}

// otherAbout is as long as the true one, and whole.
func (w *world) otherAbout() ([]byte, Want) {
	manifest, seal := cut(w.a.head)
	return append(assemble(manifest, seal, aboutOf(w.b)), w.a.payload...), w.want()
}

func aboutOf(e made) []byte {
	about, err := compressAbout([]byte("about " + e.manifest.Key))
	if err != nil {
		panic(err)
	}
	return about
}

func (w *world) noise(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(w.rng.Uint32())
	}
	return b
}

func (w *world) flip(n int) []byte {
	blob := w.a.blob()
	at := w.rng.Perm(8 * len(blob))[:n]
	if w.rng.IntN(2) == 0 {
		at[0] %= 8 * len(w.a.head) // the head is small, and matters
	}
	slices.Sort(at)
	for _, i := range slices.Compact(at) {
		blob[i/8] ^= 1 << (i % 8)
	}
	return blob
}

func (w *world) insert() ([]byte, Want) {
	blob := w.a.blob()
	return slices.Insert(blob, w.rng.IntN(len(blob)), w.noise(1+w.rng.IntN(40))...), w.want()
}

func (w *world) leaveOut() ([]byte, Want) {
	blob := w.a.blob()
	from := w.rng.IntN(len(blob))
	return slices.Delete(blob, from, min(len(blob), from+1+w.rng.IntN(40))), w.want()
}

func (w *world) otherLength() ([]byte, Want) {
	blob := w.a.blob()
	size := w.rng.Uint32() >> w.rng.IntN(32)
	if size == binary.BigEndian.Uint32(blob[len(magic):]) {
		size++
	}
	binary.BigEndian.PutUint32(blob[len(magic):], size)
	return blob, w.want()
}

// cut returns the manifest and the seal of a head.
func cut(head []byte) (manifest, seal []byte) {
	size := int(binary.BigEndian.Uint32(head[len(magic):]))
	manifest = head[len(magic)+4:][:size]
	rest := head[len(magic)+4+size:]
	return manifest, rest[1 : 1+rest[0]]
}

func (w *world) otherSeal() ([]byte, Want) {
	manifest, _ := cut(w.a.head)
	_, seal := cut(w.b.head)
	return append(assemble(manifest, seal, nil), w.a.payload...), w.want()
}

// strip seals a signed manifest, that still names its signer, with a digest.
func (w *world) strip() ([]byte, Want) {
	m := w.a.manifest.filled(nil, w.other)
	return append(w.sealed(mustJSON(m), nil), w.a.payload...), w.want()
}

// forge is a whole entry with another program.
func (w *world) forge(sign *SigningKey) ([]byte, Want) {
	m := w.a.manifest
	m.Payload, m.Content = w.b.manifest.Payload, w.b.manifest.Content
	return append(w.reseal(m, sign), w.b.payload...), w.want()
}

// onlyWithKey are the consistent forgeries.
func onlyWithKey() map[string]attack {
	return map[string]attack{
		"forged, not signed":                   func(w *world) ([]byte, Want) { return w.forge(nil) },
		"forged, signed by another key":        func(w *world) ([]byte, Want) { return w.forge(w.other) },
		"true, but not signed":                 func(w *world) ([]byte, Want) { return append(w.reseal(w.a.manifest, nil), w.a.payload...), w.want() },
		"forged, names the key, digest":        func(w *world) ([]byte, Want) { return w.forgeNaming(nil) },
		"forged, names the key, another signs": func(w *world) ([]byte, Want) { return w.forgeNaming(w.other) },
		"manifest edited, sealed by a digest":  (*world).editText,
	}
}

func (w *world) forgeNaming(sign *SigningKey) ([]byte, Want) {
	m := w.b.manifest.filled(nil, w.sign)
	m.Key = w.a.manifest.Key
	return append(w.sealed(mustJSON(m), sign), w.b.payload...), w.want()
}

// editText changes one letter of a signed manifest and seals it with a digest.
func (w *world) editText() ([]byte, Want) {
	manifest, _ := cut(w.a.head)
	edited := strings.Replace(string(manifest), "push", "pusk", 1)
	sum := sha256.Sum256([]byte(magic + edited))
	return append(assemble([]byte(edited), sum[:], nil), w.a.payload...), w.want()
}
