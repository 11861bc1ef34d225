package store

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

var update = flag.Bool("update", false, "write the golden files")

func example() header {
	return header{
		key: "go1.26.8-linux-amd64-3f1c", name: "hello", sha256: digest([]byte("test")), size: 1623912,
		created:   time.Date(2026, 11, 2, 20, 36, 21, 5, time.UTC),
		aboutSize: 44, aboutSHA256: digest([]byte("about")),
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		must(t, os.WriteFile(file, []byte(got), 0o644))
	}
	want, err := os.ReadFile(file)
	must(t, err)
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (- is what it was): %s", file, diff)
	}
}

func TestFormats(t *testing.T) {
	golden(t, "entry.golden", string(example().encode()))
	st := unix.Stat_t{Size: 1623912, Ino: 42, Dev: 2049, Mtim: unix.Timespec{Sec: 1793651781, Nsec: 5}, Ctim: unix.Timespec{Sec: 1793651781, Nsec: 70}}
	seal := sealText(example().sha256, st)
	golden(t, "seal.golden", seal)
	got, err := parseHeader(example().encode())
	if err != nil || got != example() {
		t.Errorf("parsed %+v, %v", got, err)
	}
}

// Every byte counts: one that is changed, added or left out is noticed.
func TestHeaderDamage(t *testing.T) {
	whole := string(example().encode())
	for i := range len(whole) {
		for _, text := range []string{whole[:i], whole[:i] + whole[i+1:], whole[:i] + "0" + whole[i:], whole[:i] + string(rune(whole[i]^1)) + whole[i+1:]} {
			if h, err := parseHeader([]byte(text)); err == nil && text != whole {
				t.Fatalf("parsed %+v from\n%s", h, text)
			}
		}
	}
}

// What is impossible is refused although its sum is right.
func TestImpossibleHeaders(t *testing.T) {
	for what, change := range map[string]func(h *header){
		"a key that leads out":  func(h *header) { h.key = "../k" },
		"a name that leads out": func(h *header) { h.name = "../../k" },
		"no name":               func(h *header) { h.name = "" },
		"a dot":                 func(h *header) { h.name = ".." },
		"a zero byte":           func(h *header) { h.name = "a\x00b" },
		"a long name":           func(h *header) { h.name = strings.Repeat("n", 256) },
		"a short hash":          func(h *header) { h.sha256 = h.sha256[2:] },
		"upper case":            func(h *header) { h.aboutSHA256 = strings.ToUpper(h.aboutSHA256) },
		"a size below 0":        func(h *header) { h.size = -1 },
		"about below 0":         func(h *header) { h.aboutSize = -1 },
	} {
		h := example()
		change(&h)
		if _, err := parseHeader(h.encode()); err == nil {
			t.Errorf("%s was parsed", what)
		}
	}
	for _, name := range []string{"a b", "новая", "\"\\\n\t", strings.Repeat("\x01", 255), "-x", ".x"} {
		h := example()
		h.key, h.name = strings.Repeat("k", maxKey), name
		if got, err := parseHeader(h.encode()); err != nil || got != h {
			t.Errorf("%q: %v", name, err)
		}
	}
}

// What is parsed leads nowhere else, and means the same when it is written.
func FuzzParseHeader(f *testing.F) {
	f.Add(string(example().encode()), true)
	f.Add("gorun-executable 1\nkey k\nname \"\\u0068\"\nsha256 0\nsize 01\ncreated 2026-11-02T20:36:21Z\nabout 1 x\n", false)
	f.Fuzz(func(t *testing.T, text string, sum bool) {
		if sum { // or the fuzzer would never get past it
			body, _, _ := strings.Cut(text, "sum ")
			text = body + "sum " + digest([]byte(body)) + "\n"
		}
		h, err := parseHeader([]byte(text))
		if err != nil {
			return
		}
		if again, err := parseHeader(h.encode()); err != nil || again != h {
			t.Errorf("%q is written as %q: %v", text, h.encode(), err)
		}
		if path := filepath.Join("program", h.name); filepath.Dir(path) != "program" || filepath.Base(path) != h.name || !isDirName(dirName(h.key)) {
			t.Errorf("%q leads elsewhere", text)
		}
	})
}
