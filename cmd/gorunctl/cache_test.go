package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/org/gorun-action/internal/store"
)

// pantry is a world with executables in its cache.
type pantry struct {
	*world
	store *store.Dir
	dir   string // of the caches
}

func newPantry(t *testing.T) *pantry {
	t.Helper()
	dir := t.TempDir()
	p := &pantry{newWorld(t), &store.Dir{Root: filepath.Join(dir, "executables")}, dir}
	p.environ = append(p.environ, "GORUN_CACHE_DIR="+dir)
	return p
}

// keep stores a program of 100,000 bytes, last used some time ago.
func (p *pantry) keep(key, name string, ago time.Duration) store.Entry {
	p.Helper()
	p.store.Now = func() time.Time { return time.Now().Add(-ago) }
	data := bytes.Repeat([]byte(key[:1]), 100_000)
	file := filepath.Join(p.TempDir(), name)
	if err := os.WriteFile(file, data, 0o600); err != nil {
		p.Fatal(err)
	}
	sum := sha256.Sum256(data)
	e, err := p.store.Put(key, file, hex.EncodeToString(sum[:]), nil)
	if err != nil {
		p.Fatal(err)
	}
	return e
}

// has fails the test unless these keys, with blanks, are left.
func (p *pantry) has(want string) {
	p.Helper()
	entries, err := p.store.Entries("")
	if err != nil {
		p.Fatal(err)
	}
	var keys []string
	for _, e := range entries {
		keys = append(keys, e.Key)
	}
	if got := strings.Join(keys, " "); got != want {
		p.Errorf("the cache has %q, want %q", got, want)
	}
}

// spoil changes a byte of a program.
func (p *pantry) spoil(e store.Entry) {
	p.Helper()
	if err := os.WriteFile(e.Path, bytes.Repeat([]byte("x"), 100_000), 0o755); err != nil {
		p.Fatal(err)
	}
}

func lines(text string) []string { return strings.Split(strings.TrimSuffix(text, "\n"), "\n") }

func TestCacheList(t *testing.T) {
	p := newPantry(t)
	out, _ := p.run(0, "cache", "ls")
	if got := lines(out); len(got) != 1 || strings.Join(strings.Fields(got[0]), " ") != "SIZE CREATED USED PROGRAM KEY" {
		t.Errorf("an empty cache is listed as\n%s", out)
	}
	if out, _ := p.run(0, "cache", "ls", "--json"); out != "[]\n" {
		t.Errorf("an empty cache is %q in JSON", out)
	}
	if _, err := os.Stat(p.store.Root); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("listing made a store: %v", err)
	}
	old := p.keep("a-key", "old\x1b[31m", 72*time.Hour)
	p.keep("b-key", "hello", time.Second)
	out, _ = p.run(0, "cache", "ls")
	rows := lines(out)
	if len(rows) != 3 || !strings.Contains(rows[1], "b-key") || !strings.Contains(rows[2], "a-key") {
		t.Fatalf("the cache is listed as\n%s", out)
	}
	p.wants(rows[1], "105.7KiB", "hello", "second ago")
	p.wants(rows[2], "105.7KiB", `"old\x1b[31m"`, "3 days ago")

	out, _ = p.run(0, "cache", "ls", "--json")
	var list []storedJSON
	if err := json.Unmarshal([]byte(out), &list); err != nil || len(list) != 2 {
		t.Fatalf("%v in %s", err, out)
	}
	want := storedJSON(old)
	want.Created, list[1].Created = want.Created.Round(0), list[1].Created.Round(0)
	want.Used = list[1].Used
	if list[1] != want || !list[1].Used.Equal(old.Used) {
		t.Errorf("listed %+v, want %+v", list[1], want)
	}
}

func TestCacheDir(t *testing.T) {
	p := newPantry(t)
	p.keep("k", "hello", 0)
	parent := t.TempDir()
	if err := os.Symlink(p.dir, filepath.Join(parent, "gorun")); err != nil {
		t.Fatal(err)
	}
	for what, c := range map[string]struct {
		flag    string
		environ []string
	}{
		"the flag":         {"--cache-dir=" + p.dir, []string{"GORUN_CACHE_DIR=/nowhere"}},
		"the variable":     {"--json", []string{"GORUN_CACHE_DIR=" + p.dir, "XDG_CACHE_HOME=/nowhere"}},
		"the user's cache": {"--json", []string{"XDG_CACHE_HOME=" + parent}},
	} {
		p.environ = c.environ
		if out, _ := p.run(0, "cache", "ls", c.flag); !strings.Contains(out, "hello") {
			t.Errorf("%s: the cache has\n%s", what, out)
		}
	}
	p.environ = []string{"GORUN_CACHE_DIR=" + p.dir}
	if out, _ := p.run(0, "cache", "ls", "--cache-dir", t.TempDir()); strings.Contains(out, "hello") {
		t.Errorf("another cache has\n%s", out)
	}
}

func TestCacheRemove(t *testing.T) {
	p := newPantry(t)
	for _, key := range []string{"a", "b", "c", "d"} {
		p.keep(key, "hello", time.Duration(key[0])*time.Hour)
	}
	out, errs := p.run(1, "cache", "rm", "b", "missing", "UPPER", "c")
	p.wants(errs, "gorunctl: removing missing: file does not exist", `"UPPER" is not a valid key`)
	if out != "removed  b\nremoved  c\n" {
		t.Errorf("it says %q", out)
	}
	p.has("a d")

	_, release, err := p.store.Get("a")
	if err != nil {
		t.Fatal(err)
	}
	out, errs = p.run(1, "cache", "rm", "--all")
	p.wants(errs, "removing a: the stored executable is in use")
	if out != "removed  d\n" {
		t.Errorf("it says %q", out)
	}
	release()
	e := p.keep("e", "hello", 0)
	if err := os.Truncate(filepath.Join(filepath.Dir(filepath.Dir(e.Path)), "entry"), 3); err != nil {
		t.Fatal(err)
	}
	if out, _ = p.run(0, "cache", "rm", "--all"); out != "removed  a\nremoved  e\n" {
		t.Errorf("it says %q", out)
	}
	if left, _ := filepath.Glob(filepath.Join(p.store.Root, "*", "*")); left != nil {
		t.Errorf("left: %q", left)
	}
	p.run(0, "cache", "rm", "--all") // of nothing
}

func TestCachePrune(t *testing.T) {
	p := newPantry(t)
	fill := func() {
		for i, key := range []string{"new", "week", "month"} {
			if _, release, err := p.store.Get(key); err == nil {
				release()
				continue
			}
			p.keep(key, "hello", []time.Duration{0, 7 * 24 * time.Hour, 31 * 24 * time.Hour}[i])
		}
	}
	for _, c := range []struct{ args, removed, left string }{
		{"", "month", "new week"},
		{"--age=100h", "week month", "new"},
		{"--age=0 --size=0", "", "new week month"},
		{"--age=0 --size 300KiB", "month", "new week"},
		{"--age=0 --size=110000b", "week month", "new"},
		{"--size=1g --age=1000h", "", "new week month"},
	} {
		if err := os.RemoveAll(p.store.Root); err != nil {
			t.Fatal(err)
		}
		fill()
		out, _ := p.run(0, append([]string{"cache", "prune"}, strings.Fields(c.args)...)...)
		for _, key := range strings.Fields(c.removed) {
			p.wants(out, "removed  "+key+"\n")
		}
		if n := len(strings.Fields(c.removed)); len(lines(out)) != n+1 || n > 0 != !strings.Contains(out, "freed 0B") {
			t.Errorf("prune %s: %s", c.args, out)
		}
		p.has(c.left)
	}
	out, _ := p.run(0, "cache", "prune", "--json", "--size=1")
	var list []storedJSON
	if err := json.Unmarshal([]byte(out), &list); err != nil || len(list) != 3 || list[0].Key != "month" || list[0].SHA256 == "" {
		t.Errorf("%v in %s", err, out)
	}
	if out, _ = p.run(0, "cache", "prune", "--json"); out != "[]\n" {
		t.Errorf("nothing removed is %q", out)
	}
}

func TestCacheVerify(t *testing.T) {
	p := newPantry(t)
	p.run(0, "cache", "verify")
	p.keep("a", "hello", 0)
	bad := p.keep("b", "hello", 0)
	if out, _ := p.run(0, "cache", "verify"); out != "whole    a\nwhole    b\n" {
		t.Errorf("it says %q", out)
	}
	p.spoil(bad)
	out, errs := p.run(1, "cache", "verify")
	p.wants(out, "whole    a\n", "DAMAGED  b: the stored executable cannot be used: its program has the SHA-256")
	p.wants(errs, "gorunctl: 1 of 2 stored executables cannot be used")
	p.has("a")
	p.run(0, "cache", "verify")

	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("no more"))
	var stdout, stderr bytes.Buffer
	for _, args := range [][]string{{"cache", "verify"}, {"cache", "rm", "a"}} {
		if got := Main(ctx, args, nil, &stdout, &stderr, p.environ); got != 1 || stdout.Len() > 0 || !strings.Contains(stderr.String(), "no more") {
			t.Errorf("%s: status %d, %s", args, got, stderr.String())
		}
		stderr.Reset()
	}
	p.has("a")
}

func TestCacheMisuse(t *testing.T) {
	p := newPantry(t)
	p.keep("a", "hello", 0)
	for args, want := range map[string]string{
		"cache":                     `"cache": there is no such command`,
		"cache list":                `"cache list": there is no such command`,
		"cache ls a":                `"a": gorunctl cache ls takes no arguments`,
		"cache ls --yaml":           "flag provided but not defined: -yaml",
		"cache rm":                  "name the keys to remove, or --all",
		"cache rm --all a":          "name the keys to remove, or --all",
		"cache prune --size=2.x":    `invalid value "2.x" for flag -size: invalid suffix: 'x'`,
		"cache prune --size=big":    `invalid value "big" for flag -size`,
		"cache prune --size=-1":     `invalid value "-1" for flag -size`,
		"cache prune --age=30d":     `invalid value "30d" for flag -age`,
		"cache prune --age=-1h":     `"-1h0m0s": a time since the last use is not negative`,
		"cache prune a":             `"a": gorunctl cache prune takes no arguments`,
		"cache verify --cache-dir=": "",
	} {
		status := 2
		if want == "" {
			status = 0 // an empty directory is the default one
		}
		out, errs := p.run(status, strings.Fields(args)...)
		if p.wants(errs, want); status == 2 && out != "" {
			t.Errorf("%s writes to stdout: %s", args, out)
		}
	}
	p.has("a")
}

// A store of somebody else is not touched.
func TestCacheOfOthers(t *testing.T) {
	p := newPantry(t)
	p.keep("a", "hello", 0)
	if err := os.Chmod(p.store.Root, 0o777); err != nil {
		t.Fatal(err)
	}
	for _, args := range []string{"ls", "rm a", "rm --all", "prune", "verify"} {
		_, errs := p.run(1, append([]string{"cache"}, strings.Fields(args)...)...)
		p.wants(errs, "gorunctl: ", "somebody else can write")
	}
}
