package entry

import (
	"bytes"
	"errors"
	"io"
	"testing"
)

// TestInspect: whoever wrote an entry, and of whatever kind, it is read by who
// looks after the store, if it is whole and under its key.
func TestInspect(t *testing.T) {
	payload := []byte("the payload of a pack")
	foreign := Origin{Repository: "org/app", Ref: "refs/heads/main", Event: "pull_request_target"}
	m := Manifest{Kind: Pack, Key: keyA, Payload: DigestOf(payload), Toolchain: "go1.26.8", Gorun: "v1.2.0", Origin: foreign}
	head := must[[]byte](t)(Seal(m, []byte("about"), key(t, 1)))
	whole := append(head, payload...)

	opened, err := Inspect(bytes.NewReader(whole), keyA)
	if err != nil || opened.Manifest.Origin != foreign {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(opened.Payload()); err != nil || !bytes.Equal(got, payload) {
		t.Errorf("%q, %v", got, err)
	}
	if about, err := opened.About(); err != nil || string(about) != "about" {
		t.Errorf("%q, %v", about, err)
	}
	if got, err := ReadManifest(bytes.NewReader(whole[:min(len(whole), MaxManifest)]), keyA); err != nil || got.Key != keyA {
		t.Errorf("%+v, %v", got, err)
	}
	for name, data := range map[string][]byte{"cut": whole[:40], "changed": bytes.Replace(whole, []byte("org/app"), []byte("org/apq"), 1), "empty": nil} {
		if _, err := Inspect(bytes.NewReader(data), keyA); !errors.Is(err, ErrDamaged) && !errors.Is(err, ErrSignature) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := Inspect(bytes.NewReader(whole), keyB); !errors.Is(err, ErrDamaged) {
		t.Errorf("under another key: %v", err)
	}
}

// TestMaxManifest: the longest head fits.
func TestMaxManifest(t *testing.T) {
	long := make([]byte, 1024)
	for i := range long {
		long[i] = '<' // six bytes in JSON
	}
	m := Manifest{Kind: Pack, Key: keyA, Payload: DigestOf([]byte("x")), Toolchain: string(long), Gorun: string(long),
		Origin: Origin{string(long), string(long), string(long)}}
	head := must[[]byte](t)(Seal(m, nil, key(t, 1)))
	if _, err := ReadManifest(bytes.NewReader(head[:min(len(head), MaxManifest)]), keyA); err != nil || len(head) > MaxManifest {
		t.Errorf("%d bytes: %v", len(head), err)
	}
}
