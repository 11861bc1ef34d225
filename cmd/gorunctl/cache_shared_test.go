package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/registry"

	"github.com/org/gorun-action/internal/buildcache"
	"github.com/org/gorun-action/internal/shared"
	"github.com/org/gorun-action/internal/store/blob"
	"github.com/org/gorun-action/internal/store/entry"
	"github.com/org/gorun-action/internal/store/githubcache/cachetest"
)

// depot is a world with a shared store.
type depot struct {
	*world
	name  string // as --store has it
	store blob.Store
	key   *entry.SigningKey // nil signs nothing
}

const (
	exeKey  = "x1-linux.amd64-aaaa-bbbb-cccc"
	packKey = "b1-linux.amd64-aaaa-bbbb-cccc-dddd"
)

// open opens a store in the way gorun does.
func (w *world) open(name string) *depot {
	w.Helper()
	places, err := shared.ParsePlaces(name)
	if err != nil {
		w.Fatal(err)
	}
	getenv := func(name string) string { return newCommand(io.Discard, io.Discard, w.environ).env.Get(name) }
	l, err := places[0].Open(shared.Opening{Getenv: getenv, Budget: time.Minute})
	if err != nil {
		w.Fatal(err)
	}
	return &depot{world: w, name: name, store: l.Store}
}

// depots are one of each kind.
func depots(t *testing.T) map[string]*depot {
	registry := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	t.Cleanup(registry.Close)
	service := cachetest.New(cachetest.Options{})
	server := httptest.NewServer(service)
	t.Cleanup(server.Close)
	actions := newWorld(t)
	token := service.Token(cachetest.Scope{Refs: []string{"refs/heads/main"}})
	actions.environ = append(actions.environ, "GITHUB_API_URL="+server.URL, "GITHUB_REPOSITORY=org/repo", "GITHUB_TOKEN="+service.RESTToken("write"),
		"ACTIONS_RESULTS_URL="+server.URL, "ACTIONS_RUNTIME_TOKEN="+token)
	return map[string]*depot{
		"dir":     newWorld(t).open("dir:" + filepath.Join(t.TempDir(), "store")),
		"oci":     newWorld(t).open("oci:" + strings.TrimPrefix(registry.URL, "http://") + "/cache"),
		"actions": actions.open("actions"),
	}
}

// program keeps an executable, and returns its entry.
func (d *depot) program(key string, origin entry.Origin) []byte {
	d.Helper()
	var payload bytes.Buffer
	stored, content, err := entry.CompressProgram(&payload, strings.NewReader(strings.Repeat("program ", 1000)))
	if err != nil {
		d.Fatal(err)
	}
	return d.keep(entry.Manifest{Kind: entry.Executable, Key: key, Name: "hello", Payload: stored, Content: content, Origin: origin}, payload.Bytes())
}

func (d *depot) keep(m entry.Manifest, payload []byte) []byte {
	d.Helper()
	m.Toolchain, m.Gorun, m.Created = "1.26.11", "v1.2.3", time.Now()
	head, err := entry.Seal(m, nil, d.key)
	if err != nil {
		d.Fatal(err)
	}
	whole := append(head, payload...)
	d.put(m.Key, whole)
	return whole
}

func (d *depot) put(key string, data []byte) {
	d.Helper()
	if err := d.store.Put(d.Context(), key, nil, bytes.NewReader(data)); err != nil {
		d.Fatal(err)
	}
}

// pack keeps a pack of one entry of a build cache.
func (d *depot) pack(key string, spoil func([]byte)) {
	d.Helper()
	gocache, output := d.TempDir(), []byte("an object file")
	id, sum := sha256.Sum256([]byte("an action")), sha256.Sum256(output)
	for name, data := range map[string]string{
		hex.EncodeToString(sum[:]) + "-d": string(output),
		hex.EncodeToString(id[:]) + "-a":  fmt.Sprintf("v1 %x %x %20d %20d\n", id, sum, len(output), time.Now().UnixNano()),
	} {
		file := filepath.Join(gocache, name[:2], name)
		if err := os.MkdirAll(filepath.Dir(file), 0o777); err != nil {
			d.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(data), 0o666); err != nil {
			d.Fatal(err)
		}
	}
	contents, err := buildcache.Collect(buildcache.Build{GoCache: gocache, Since: time.Now().Add(-time.Minute)})
	if err != nil || contents.Index.Files() != 2 {
		d.Fatal(err, contents)
	}
	var pack bytes.Buffer
	if _, err := contents.Write(&pack); err != nil {
		d.Fatal(err)
	}
	spoil(pack.Bytes())
	d.keep(entry.Manifest{Kind: entry.Pack, Key: key, Payload: entry.DigestOf(pack.Bytes())}, pack.Bytes())
}

func (d *depot) list() []sharedJSON {
	d.Helper()
	out, _ := d.run(0, "cache", "ls", "--json", "--store", d.name)
	var list []sharedJSON
	if err := json.Unmarshal([]byte(out), &list); err != nil {
		d.Fatal(err)
	}
	return list
}

// keys are those that are left, sorted.
func (d *depot) keys() string {
	d.Helper()
	var keys []string
	for _, e := range d.list() {
		keys = append(keys, e.Key)
	}
	slices.Sort(keys)
	return strings.Join(keys, " ")
}

func words(line string) []string { return strings.Fields(line) }

func whole([]byte) {}

var onMain = entry.Origin{Repository: "org/repo", Ref: "refs/heads/main", Event: "push"}

func TestSharedList(t *testing.T) {
	for kind, d := range depots(t) {
		t.Run(kind, func(t *testing.T) {
			d.T = t
			if out, _ := d.run(0, "cache", "ls", "--store", d.name, "--json"); out != "[]\n" {
				t.Errorf("an empty store is %q", out)
			}
			key, err := entry.GenerateKey(nil)
			if err != nil {
				t.Fatal(err)
			}
			d.key = key
			size := len(d.program(exeKey, onMain))
			d.key = nil
			d.pack(packKey, whole)
			out, _ := d.run(0, "cache", "ls", "--long", "--store="+d.name)
			rows := lines(out)
			slices.Sort(rows[1:])
			name, from, signed := "hello", []string{"org/repo", "refs/heads/main", "push"}, key.Public().ID()
			if kind == "actions" { // where reading it would be a download
				name, from, signed = "-", []string{"-"}, "-"
			}
			wants := []string{"KIND SIZE CREATED PROGRAM TOOLCHAIN FROM SIGNER STORE KEY", strings.Join(append(from, signed, d.name, exeKey), " "), packKey}
			if len(rows) != 3 {
				t.Fatalf("it says\n%s", out)
			}
			for i, want := range wants {
				if got := strings.Join(words(rows[i]), " "); !strings.HasSuffix(got, want) || i == 2 && !strings.HasPrefix(got, "pack ") || i == 1 && (!strings.HasPrefix(got, "executable ") || !strings.Contains(got, " ago "+name+" ")) {
					t.Errorf("%q has no %q", got, want)
				}
			}
			i := slices.IndexFunc(d.list(), func(e sharedJSON) bool { return e.Key == exeKey })
			e := d.list()[i]
			if e.Size != int64(size) || time.Since(e.Created) > time.Hour || e.Store != d.name || e.Error != "" {
				t.Errorf("%+v", e)
			}
			if kind != "actions" && (e.Name != "hello" || e.Ref != "refs/heads/main" || e.Signer != key.Public().String() || e.Gorun != "v1.2.3" || len(e.SHA256) != 64) {
				t.Errorf("%+v", e)
			}
		})
	}
}

func TestSharedRemove(t *testing.T) {
	for kind, d := range depots(t) {
		t.Run(kind, func(t *testing.T) {
			d.T = t
			for _, key := range []string{"x1-a", "x1-b", "b1-c"} {
				d.program(key, onMain)
			}
			out, _ := d.run(0, "cache", "rm", "x1-b", "--store", d.name)
			if out != "removed  x1-b\n" || d.keys() != "b1-c x1-a" {
				t.Errorf("%q; left are %s", out, d.keys())
			}
			_, errs := d.run(1, "cache", "rm", "x1-b", "x1-a", "--store", d.name)
			if d.wants(errs, "gorunctl: "); d.keys() != "b1-c" {
				t.Errorf("left are %s", d.keys())
			}
			d.run(0, "cache", "rm", "--all", "--store", d.name)
			if d.keys() != "" {
				t.Errorf("left are %s", d.keys())
			}
		})
	}
}

// One that some of several stores have is removed there.
func TestSharedRemoveFromSeveral(t *testing.T) {
	w := newWorld(t)
	first, second := w.open("dir:"+filepath.Join(t.TempDir(), "a")), w.open("dir:"+filepath.Join(t.TempDir(), "b"))
	second.program("x1-a", onMain)
	w.run(0, "cache", "rm", "x1-a", "--store", first.name+","+second.name)
	if second.keys() != "" {
		t.Error("it is still there")
	}
	w.run(1, "cache", "rm", "x1-a", "--store", first.name+","+second.name)
}

func TestSharedPrune(t *testing.T) {
	for kind, d := range depots(t) {
		t.Run(kind, func(t *testing.T) {
			d.T = t
			d.run(0, "cache", "prune", "--store", d.name)
			var size int
			for _, key := range []string{"x1-a", "x1-b", "x1-c"} {
				size = len(d.program(key, onMain))
				time.Sleep(2 * time.Millisecond) // GitHub and directories go by the clock
			}
			if out, _ := d.run(0, "cache", "prune", "--store", d.name); out != "freed 0B\n" {
				t.Errorf("it says %q", out)
			}
			out, _ := d.run(0, "cache", "prune", "--age=0", fmt.Sprintf("--size=%d", 2*size+1), "--store", d.name)
			if d.wants(out, "removed  x1-a\n", "freed "); d.keys() != "x1-b x1-c" {
				t.Errorf("left are %s", d.keys())
			}
			out, _ = d.run(0, "cache", "prune", "--size=0", "--age=1ms", "--json", "--store", d.name)
			if d.wants(out, `"key": "x1-b"`, `"key": "x1-c"`); d.keys() != "" {
				t.Errorf("left are %s", d.keys())
			}
		})
	}
}
