package main

import (
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/org/gorun-action/internal/shared"
	"github.com/org/gorun-action/internal/store/entry"
	"github.com/org/gorun-action/internal/store/githubcache/cachetest"
)

func TestSharedVerify(t *testing.T) {
	for kind, d := range depots(t) {
		t.Run(kind, func(t *testing.T) {
			d.T = t
			d.run(0, "cache", "verify", "--store", d.name)
			good := d.program("x1-good", onMain)
			d.pack("b1-good", whole)
			out, _ := d.run(0, "cache", "verify", "--store", d.name)
			d.wants(out, "whole    x1-good\n", "whole    b1-good\n")

			d.program("x1-pull", entry.Origin{Repository: "org/repo", Ref: "refs/pull/1/merge", Event: "pull_request"})
			d.put("x1-moved", good)
			flipped := append([]byte{}, good...)
			flipped[len(flipped)-3] ^= 4
			d.put("x1-flipped", d.renamed(flipped))
			d.put("x1-none", []byte("<html>"))
			d.pack("b1-bad", func(pack []byte) { pack[len(pack)-1] ^= 1 }) // with a digest that fits
			out, errs := d.run(1, "cache", "verify", "--store", d.name)
			d.wants(out, "whole    x1-good\n", "whole    b1-good\n", "UNTRUSTED  x1-pull: ", "DAMAGED  x1-moved: ", "DAMAGED  x1-flipped: ", "DAMAGED  x1-none: ", "DAMAGED  b1-bad: ")
			d.wants(errs, "gorunctl: 4 of 7 entries cannot be used")
			if d.keys() != "b1-good x1-good x1-pull" {
				t.Errorf("left are %s", d.keys())
			}
		})
	}
}

// renamed gives the entry of x1-good another key and seal, and leaves the rest.
func (d *depot) renamed(data []byte) []byte {
	d.Helper()
	m, err := entry.ReadManifest(strings.NewReader(string(data)), "x1-good")
	if err != nil {
		d.Fatal(err)
	}
	payload := data[int64(len(data))-m.Payload.Size:]
	m.Key = "x1-flipped"
	head, err := entry.Seal(m, nil, nil)
	if err != nil {
		d.Fatal(err)
	}
	return append(head, payload...)
}

// TestSharedScoped: entries of pull requests have keys of their own, and are
// listed, verified and removed by them.
func TestSharedScoped(t *testing.T) {
	d := newWorld(t).open("dir:" + filepath.Join(t.TempDir(), "store"))
	pull := entry.Origin{Repository: "org/repo", Ref: "refs/pull/7/merge", Event: "pull_request"}
	d.store = shared.Layer{Store: d.store}.Scoped(pull).Store
	d.program("x1-a", pull)
	list := d.list()
	if len(list) != 1 || !strings.HasSuffix(list[0].Key, "-x1-a") || list[0].Kind != entry.Executable || list[0].Name != "hello" || list[0].Error != "" {
		t.Fatalf("%+v", list)
	}
	out, _ := d.run(0, "cache", "verify", "--store", d.name)
	d.wants(out, "UNTRUSTED  "+list[0].Key+": ")
	d.run(0, "cache", "rm", "--store", d.name, list[0].Key)
	if d.keys() != "" {
		t.Error("it is still there")
	}
}

func TestSharedVerifyWithKey(t *testing.T) {
	w := newWorld(t)
	d := w.open("dir:" + filepath.Join(t.TempDir(), "store"))
	private, public := w.run(0, "cache", "key")
	key, err := entry.ParseKey(private)
	if err != nil || key.Signing == nil || !strings.HasSuffix(public, " "+key.Verify.String()+"\n") || strings.Contains(public, private) {
		t.Fatalf("%v; %q is printed", err, public)
	}
	d.key = key.Signing
	d.program("x1-signed", onMain)
	other, err := entry.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	d.key = other
	d.program("x1-other", onMain)
	d.key = nil
	d.program("x1-unsigned", onMain)
	w.environ = append(w.environ, "GORUN_CACHE_KEY="+key.Verify.String())
	out, _ := w.run(0, "cache", "verify", "--store", d.name)
	w.wants(out, "whole    x1-signed\n", "UNTRUSTED  x1-other: the signature", "UNTRUSTED  x1-unsigned: the signature of the cache entry is not accepted: it is not signed")

	w.environ = append(w.environ, "GORUN_CACHE_KEY=secret-word")
	_, errs := w.run(1, "cache", "verify", "--store", d.name)
	if w.wants(errs, "GORUN_CACHE_KEY: a cache key begins with"); strings.Contains(errs, "secret-word") {
		t.Errorf("it prints the key: %s", errs)
	}
}

func TestCacheKey(t *testing.T) {
	w := newWorld(t)
	private, stderr := w.run(0, "cache", "key")
	again, _ := w.run(0, "cache", "key")
	if private == again {
		t.Error("two keys are the same")
	}
	w.stdin = strings.NewReader(private)
	public, errs := w.run(0, "cache", "key", "--public")
	if stderr != "public key: "+public || errs != "" || !strings.HasPrefix(public, "gorun-cache-pub-1:") {
		t.Errorf("%q and %q", stderr, public)
	}
	w.stdin = strings.NewReader(public)
	if same, _ := w.run(0, "cache", "key", "--public"); same != public {
		t.Errorf("the public key of a public key is %q", same)
	}
	w.stdin = strings.NewReader("secret-word")
	_, errs = w.run(1, "cache", "key", "--public")
	if w.wants(errs, "reading the private key: a cache key begins with"); strings.Contains(errs, "secret-word") {
		t.Errorf("it prints the key: %s", errs)
	}
}

// TestSharedRights: an error says what is missing.
func TestSharedRights(t *testing.T) {
	d := depots(t)["actions"]
	d.program("x1-a", onMain)
	env := func(kv ...string) *world {
		return &world{T: t, environ: append(append([]string{}, d.environ...), kv...)}
	}
	_, errs := env("GITHUB_TOKEN=").run(1, "cache", "ls", "--store=actions")
	d.wants(errs, "gorunctl: opening actions: GITHUB_TOKEN is not set")
	_, errs = env("GITHUB_REPOSITORY=").run(1, "cache", "ls", "--store=actions")
	d.wants(errs, "GITHUB_REPOSITORY is")
	_, errs = env("GITHUB_TOKEN=wrong").run(1, "cache", "ls", "--store=actions")
	d.wants(errs, "GITHUB_TOKEN is not accepted")
	// As in a run: step, which has no cache service.
	plain := env("ACTIONS_RESULTS_URL=", "ACTIONS_RUNTIME_TOKEN=")
	out, _ := plain.run(0, "cache", "ls", "--store=actions")
	d.wants(out, "x1-a")
	_, errs = plain.run(1, "cache", "verify", "--store=actions")
	d.wants(errs, "actions: what its entries hold can only be read in a step of an action: ACTIONS_RUNTIME_TOKEN", "hint: ls, rm and prune need no more")
	plain.run(0, "cache", "rm", "--store=actions", "x1-a")
}

// TestSharedReadOnly: a token that may only read lists, and the permission that
// removing takes is named.
func TestSharedReadOnly(t *testing.T) {
	service := cachetest.New(cachetest.Options{})
	server := httptest.NewServer(service)
	t.Cleanup(server.Close)
	w := newWorld(t)
	w.environ = append(w.environ, "GITHUB_API_URL="+server.URL, "GITHUB_REPOSITORY=org/repo", "GITHUB_TOKEN="+service.RESTToken("read"),
		"ACTIONS_RESULTS_URL="+server.URL, "ACTIONS_RUNTIME_TOKEN="+service.Token(cachetest.Scope{Refs: []string{"refs/pull/7/merge"}}))
	d := w.open("actions")
	d.program("x1-a", onMain)
	for _, args := range []string{"rm x1-a", "rm --all", "prune --size=1"} {
		_, errs := w.run(1, append(strings.Fields("cache "+args), "--store=actions")...)
		w.wants(errs, "GITHUB_TOKEN needs the permission actions: write")
	}
	// A run on main does not find what a pull request left.
	w.environ = append(w.environ, "ACTIONS_RUNTIME_TOKEN="+service.Token(cachetest.Scope{Refs: []string{"refs/heads/main"}}))
	out, _ := w.run(0, "cache", "verify", "--store=actions")
	w.wants(out, "unseen   x1-a: a run here does not find it")
}

func TestSharedMisuse(t *testing.T) {
	w := newWorld(t)
	for args, want := range map[string]string{
		"cache ls --store=s3:x":                  `"s3:x": there is no such store: write it as dir:path, actions or oci:host/repository`,
		"cache ls --store=dir:":                  `"dir:": there is no such store`,
		"cache verify --store=none":              `"none": there is no such store`,
		"cache ls --store=dir:/x --cache-dir=/y": "--store and --cache-dir name two places",
		"cache ls --long":                        "--long goes with --store",
		"cache rm --store=dir:/x":                "name the keys to remove, or --all",
		"cache key a":                            `"a": gorunctl cache key takes no arguments`,
	} {
		out, errs := w.run(2, strings.Fields(args)...)
		if w.wants(errs, want); out != "" {
			t.Errorf("%s writes to stdout: %s", args, out)
		}
	}
	_, errs := w.run(1, "cache", "ls", "--store=oci:no-host")
	w.wants(errs, "gorunctl: opening oci:no-host: ")
}
