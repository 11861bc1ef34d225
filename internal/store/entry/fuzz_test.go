package entry

import (
	"bytes"
	"encoding/json"
	"io"
	"strings"
	"testing"
)

// FuzzOpen: no bytes make Open panic, and what is used has the digests that
// its manifest, which has one spelling, says.
func FuzzOpen(f *testing.F) {
	for _, sign := range []*SigningKey{nil, key(f, 1)} {
		f.Add(makeExecutable(f, keyA, 1, sign).blob(), true)
		f.Add(makePack(f, keyA, 1, sign).blob(), false)
	}
	f.Add([]byte(magic+"\x00\x00\x00\x00"), true)
	f.Fuzz(func(t *testing.T, blob []byte, executable bool) {
		want := Want{Kind: Pack, Key: keyA, Matched: keyA}
		if executable {
			want.Kind = Executable
		}
		o, err := Open(bytes.NewReader(blob), want, Trust{})
		if err != nil {
			return
		}
		about, aboutErr := o.About()
		if len(about) > maxAboutPlain {
			t.Errorf("about has %d bytes, %v", len(about), aboutErr)
		}
		checkUsed(t, o, blob)
	})
}

func checkUsed(t *testing.T, o *Opened, blob []byte) {
	var out bytes.Buffer
	digest := o.Manifest.Payload
	read := func() error { _, err := io.Copy(&out, o.Payload()); return err }
	if o.Manifest.Kind == Executable {
		digest, read = o.Manifest.Content, func() error { return o.Program(&out) }
	}
	err := read()
	if int64(out.Len()) > digest.Size {
		t.Errorf("%d bytes of %d, %v", out.Len(), digest.Size, err)
	}
	if err != nil {
		return
	}
	payload := blob[max(0, len(blob)-int(o.Manifest.Payload.Size)):]
	if DigestOf(out.Bytes()) != digest || DigestOf(payload) != o.Manifest.Payload || o.Manifest.check() != nil {
		t.Errorf("used %d bytes of an entry that is not whole", out.Len())
	}
}

// FuzzManifest: a manifest that is accepted has one spelling, and Seal would
// write it.
func FuzzManifest(f *testing.F) {
	for _, sign := range []*SigningKey{nil, key(f, 1)} {
		f.Add(mustJSON(makeExecutable(f, keyA, 1, sign).manifest.filled([]byte("x"), sign)))
		f.Add(mustJSON(makePack(f, keyA, 1, sign).manifest.filled(nil, sign)))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		m, err := parseManifest(text)
		if err != nil {
			return
		}
		if again, err := json.Marshal(m); err != nil || !bytes.Equal(again, text) {
			t.Errorf("%s is written as %s, %v", text, again, err)
		}
		if m.Kind == Executable && (strings.ContainsAny(m.Name, "/\x00") || m.Name == "" || m.Name == "..") {
			t.Errorf("the name %q leads elsewhere", m.Name)
		}
		if _, err := Seal(m, nil, nil); err != nil && len(text) < maxManifest/2 {
			t.Errorf("what was read cannot be written: %v", err)
		}
	})
}

// FuzzKey: a key that is parsed has one spelling, and errors do not quote.
func FuzzKey(f *testing.F) {
	f.Add(key(f, 1).Secret())
	f.Add(key(f, 1).Public().String() + "\n")
	f.Add(privateText + "AAAA")
	f.Fuzz(func(t *testing.T, text string) {
		k, err := ParseKey(text)
		if err != nil {
			_, digits, _ := strings.Cut(text, ":")
			if len(digits) > 20 && strings.Contains(err.Error(), digits[:20]) {
				t.Errorf("%v shows the key", err)
			}
			return
		}
		written := k.Verify.String()
		if k.Signing != nil {
			written = k.Signing.Secret()
		}
		if written != strings.TrimSpace(text) {
			t.Errorf("%q is written as %q", text, written)
		}
	})
}
