package entry

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestFormat(t *testing.T) {
	m := Manifest{
		Kind: Executable, Key: "go1.26.8-linux-amd64-3f1c", Name: "hello", Payload: DigestOf([]byte("payload")), Content: DigestOf([]byte("program")),
		Toolchain: "go1.26.8", Gorun: "v1.2.0", Origin: origin(), Created: time.Date(2026, 11, 2, 20, 36, 21, 5, time.UTC),
		Build: &Build{ColdMS: 38000, Unpacked: 91234567, Files: 4120},
	}
	golden(t, "digest.golden", must[[]byte](t)(Seal(m, nil, nil)))
	golden(t, "signed.golden", must[[]byte](t)(Seal(m, nil, key(t, 1))))
}

func TestRoundTrip(t *testing.T) {
	for _, sign := range []*SigningKey{nil, key(t, 1)} {
		e := makeExecutable(t, keyA, 7, sign)
		o, err := Open(iotest.OneByteReader(bytes.NewReader(e.blob())), wantOf(e.manifest), trust(sign))
		if err != nil {
			t.Fatal(err)
		}
		about, err := o.About()
		if string(about) != "about "+keyA || err != nil {
			t.Errorf("about is %q, %v", about, err)
		}
		var out bytes.Buffer
		if err := o.Program(&out); err != nil || !bytes.Equal(out.Bytes(), e.program) {
			t.Errorf("unpacked %d bytes, %v", out.Len(), err)
		}
		want := e.manifest
		want.Created, want.About, want.Signer = time.Date(2026, 11, 2, 19, 36, 21, 0, time.UTC), o.Manifest.About, o.Manifest.Signer
		if diff := cmp.Diff(want, o.Manifest); diff != "" || (want.Signer != "") != (sign != nil) {
			t.Error(diff)
		}
		p := makePack(t, keyA, 8, sign)
		if got, err := use(p.blob(), wantOf(p.manifest), trust(sign)); err != nil || !bytes.Equal(got, p.payload) {
			t.Errorf("the pack has %d bytes, %v", len(got), err)
		}
	}
}

// A program larger than one window and one block, made of several writes.
func TestLargeProgram(t *testing.T) {
	data := program(3, 10<<20)
	var payload, again, out bytes.Buffer
	stored, content, err := CompressProgram(&payload, iotest.HalfReader(bytes.NewReader(data)))
	if err != nil || stored != DigestOf(payload.Bytes()) || content != DigestOf(data) {
		t.Fatalf("%v, %v, %v", stored, content, err)
	}
	if _, _, err := CompressProgram(&again, bytes.NewReader(data)); err != nil || !bytes.Equal(again.Bytes(), payload.Bytes()) {
		t.Errorf("the same program makes other bytes: %v", err)
	}
	m := Manifest{Kind: Executable, Key: keyA, Name: "n", Payload: stored, Content: content}
	head := must[[]byte](t)(Seal(m, nil, nil))
	o, err := Open(io.MultiReader(bytes.NewReader(head), &payload), wantOf(m), Trust{})
	if err == nil {
		err = o.Program(&out)
	}
	if err != nil || !bytes.Equal(out.Bytes(), data) {
		t.Errorf("unpacked %d bytes, %v", out.Len(), err)
	}
}

func TestContent(t *testing.T) {
	head, payload := []byte("head"), "payload"
	c := Content(head, strings.NewReader(payload))
	if err := iotest.TestReader(io.NewSectionReader(c, 0, c.Size()), []byte("headpayload")); err != nil {
		t.Error(err)
	}
	buf := make([]byte, 11)
	if n, err := c.ReadAt(buf, 0); n != 11 || err != nil || string(buf) != "headpayload" {
		t.Errorf("all of it: %d %v %q", n, err, buf)
	}
	if n, err := c.ReadAt(make([]byte, 12), 0); n != 11 || err != io.EOF {
		t.Errorf("more than all of it: %d %v", n, err)
	}
	if _, err := c.ReadAt(buf, -1); err == nil {
		t.Error("read before the beginning")
	}
}

func TestWant(t *testing.T) {
	e := makePack(t, keyA, 1, nil)
	for name, test := range map[string]struct {
		want Want
		ok   bool
	}{
		"exact":                    {Want{Pack, keyA, nil, keyA}, true},
		"a prefix":                 {Want{Pack, keyB, []string{"zz", prefix}, keyA}, true},
		"another prefix":           {Want{Pack, keyB, []string{"zz"}, keyA}, false},
		"no prefix":                {Want{Pack, keyB, []string{""}, keyA}, false},
		"another key":              {Want{Pack, keyB, nil, keyA}, false},
		"moved in the store":       {Want{Pack, keyB, nil, keyB}, false},
		"moved, with prefix":       {Want{Pack, keyB, []string{prefix}, keyB}, false},
		"the store does not say":   {Want{Pack, keyA, nil, ""}, false},
		"another kind":             {Want{Executable, keyA, nil, keyA}, false},
		"the key of another start": {Want{Pack, keyA[:len(keyA)-1], nil, keyA}, false},
	} {
		if _, err := use(e.blob(), test.want, Trust{}); (err == nil) != test.ok || err != nil && !errors.Is(err, ErrDamaged) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// What is not the entry's fault is not said of it, and nothing is lost.
func TestOthersErrors(t *testing.T) {
	e := makeExecutable(t, keyA, 1, nil)
	blob, broken := e.blob(), errors.New("broken line")
	for n := range len(blob) + 1 {
		r := io.MultiReader(bytes.NewReader(blob[:n]), iotest.ErrReader(broken))
		o, err := Open(r, wantOf(e.manifest), Trust{})
		if err == nil {
			err = o.Program(io.Discard)
		}
		if !errors.Is(err, broken) || errors.Is(err, ErrDamaged) {
			t.Fatalf("after %d bytes: %v", n, err)
		}
	}
	o := must[*Opened](t)(Open(bytes.NewReader(blob), wantOf(e.manifest), Trust{}))
	if err := o.Program(failing{broken}); !errors.Is(err, broken) || errors.Is(err, ErrDamaged) {
		t.Errorf("writing: %v", err)
	}
	if _, _, err := CompressProgram(failing{broken}, bytes.NewReader(e.program)); !errors.Is(err, broken) {
		t.Errorf("compressing: %v", err)
	}
	if _, _, err := CompressProgram(io.Discard, iotest.ErrReader(broken)); !errors.Is(err, broken) {
		t.Errorf("reading a program: %v", err)
	}
}

type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }

func TestSealRefuses(t *testing.T) {
	for what, change := range map[string]func(m *Manifest){
		"a path":               func(m *Manifest) { m.Name = "../x" },
		"no kind":              func(m *Manifest) { m.Kind = "" },
		"no key":               func(m *Manifest) { m.Key = "" },
		"a key that is a path": func(m *Manifest) { m.Key = "a/b" },
		"an empty payload":     func(m *Manifest) { m.Payload.Size = 0 },
		"upper case":           func(m *Manifest) { m.Payload.SHA256 = strings.ToUpper(m.Payload.SHA256) },
		"a huge program":       func(m *Manifest) { m.Content.Size = maxProgram + 1 },
		"a pack with a name":   func(m *Manifest) { m.Kind = Pack },
		"a line break":         func(m *Manifest) { m.Gorun = "v1\n::error::" },
		"no text":              func(m *Manifest) { m.Origin.Ref = "\xff" },
		"less than no files":   func(m *Manifest) { m.Build = &Build{Files: -1} },
	} {
		m := makeExecutable(t, keyA, 1, nil).manifest
		change(&m)
		if _, err := Seal(m, nil, nil); err == nil {
			t.Errorf("%s was sealed", what)
		}
	}
	m := makePack(t, keyA, 1, nil).manifest
	if _, err := Seal(m, make([]byte, maxAboutPlain+1), nil); err == nil {
		t.Error("a huge about was sealed")
	}
	if _, err := Seal(m, program(1, 8<<20), nil); err == nil {
		t.Error("an about that is too large when compressed was sealed")
	}
}
