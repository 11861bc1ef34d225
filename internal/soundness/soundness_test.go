package soundness

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/org/gorun-action/cachekeys"
	"github.com/org/gorun-action/internal/testenv"
)

// everything is a key of the whole tree, the arguments and the environment:
// it cannot be wrong, and misses often. blind leaves files out of it.
func everything(blind func(name string) bool) Keyer {
	return func(ask Ask) (Keyed, error) {
		h := sha256.New()
		args := slices.DeleteFunc(slices.Clone(ask.Args), func(a string) bool { return a == "--explain" })
		fmt.Fprintf(h, "%q %q\n", args, ask.Environ)
		root := filepath.Dir(lookup(ask.Environ[:2], "HOME"))
		for _, dir := range []string{"", "src", "srd", "out", "home/.config/go/env"} {
			if err := hashTree(h.Write, root, dir, blind); err != nil {
				return Keyed{}, err
			}
		}
		return Keyed{Key: hex.EncodeToString(h.Sum(nil)), Check: func([]cachekeys.Built) []string { return nil }}, nil
	}
}

func hashTree(write func([]byte) (int, error), root, dir string, blind func(string) bool) error {
	return filepath.WalkDir(filepath.Join(root, dir), func(name string, d fs.DirEntry, err error) error {
		switch {
		case os.IsNotExist(err):
			return nil
		case err != nil:
			return err
		case dir == "" && d.IsDir() && name != root:
			return fs.SkipDir
		case blind(name):
			return nil
		}
		link, _ := os.Readlink(name)
		data, _ := os.ReadFile(name)
		_, err = write(fmt.Appendf(nil, "%s %s %q %d\n%s\n", name, d.Type(), link, len(data), data))
		return err
	})
}

func run(t *testing.T, k Keyer, subject string, trials int) *Report {
	t.Helper()
	r, err := Run(t.Context(), Config{
		Keyer: k, Dir: testenv.DiskDir(t), Seed: 1, Trials: trials, Workers: 1, Parts: 1, Shared: true, Only: -1,
		Subjects: []string{subject}, Log: func(s string) { t.Log(s) },
	})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestAKeyOfEverythingIsSound(t *testing.T) {
	testenv.Long(t, "it builds after each of forty edits")
	r := run(t, everything(func(string) bool { return false }), "plain", 40)
	if r.Trials < 40 || r.Oracle < 3 {
		t.Errorf("%d trials and %d builds are no test", r.Trials, r.Oracle)
	}
	if r.False() > 0 {
		t.Errorf("false hits of a key that has everything:\n%s", r)
	}
}

func TestABlindKeyIsCaught(t *testing.T) {
	testenv.Long(t, "it builds after each of forty edits")
	blind := func(name string) bool {
		return strings.HasSuffix(name, "/deep.go") || strings.HasSuffix(name, "/b.txt")
	}
	r := run(t, everything(blind), "plain", 40)
	if r.False() == 0 {
		t.Errorf("a key that does not see two files went through:\n%s", r)
	}
	if !strings.Contains(r.String(), "FALSE HIT seed=1 subject=plain trial=") {
		t.Errorf("the report does not say how to see it again:\n%s", r)
	}
}

func TestTheSameSeedDoesTheSame(t *testing.T) {
	var kinds [2]string
	for i := range kinds {
		w := &shard{config: Config{Seed: 7}, sub: plain(), edits: edits()}
		for w.trial = range 200 {
			s := &state{sub: w.sub, rnd: w.source()}
			kinds[i] += s.choose(w.edits).name + "\n"
		}
	}
	if kinds[0] != kinds[1] || strings.Count(kinds[0], "\n") != 200 {
		t.Error("two runs with one seed chose other edits")
	}
}

func TestEveryInputHasEdits(t *testing.T) {
	have := map[string]bool{"17": true, "18": true} // versions come with go.mod; the module cache is trusted by both
	for _, e := range edits() {
		for _, n := range strings.Split(e.inputs, ",") {
			have[n] = true
		}
	}
	for n := 1; n <= 21; n++ {
		if !have[fmt.Sprint(n)] {
			t.Errorf("no edit is about input %d", n)
		}
	}
}

func TestUndo(t *testing.T) {
	tr := &tree{root: t.TempDir(), trash: t.TempDir()}
	for name, text := range map[string]string{"a/one": "1", "a/two": "2", "b/three": "3"} {
		if err := os.MkdirAll(filepath.Dir(tr.abs(name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(tr.abs(name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	before := fingerprint(t, tr.root)
	ok := tr.write("a/one", "x") && tr.frozen("a/two", "y") && tr.remove("b") && tr.write("b/new/deep", "z") && tr.rename("a", "c") &&
		tr.symlink("c", "a") && tr.replace("c/one", "w") && tr.mkdir("d") && tr.chmod("c/two", 0o755) && tr.touch("c/two", time.Unix(1, 0))
	if !ok {
		t.Fatal("an operation failed")
	}
	if fingerprint(t, tr.root) == before {
		t.Fatal("the operations changed nothing")
	}
	if err := tr.undo(); err != nil {
		t.Fatal(err)
	}
	if after := fingerprint(t, tr.root); after != before {
		t.Errorf("after undo:\n%s\nbefore:\n%s", after, before)
	}
}

func fingerprint(t *testing.T, root string) string {
	t.Helper()
	var b strings.Builder
	write := func(p []byte) (int, error) { return b.Write(p) }
	for _, dir := range []string{"a", "b", "c", "d"} {
		if err := hashTree(write, root, dir, func(string) bool { return false }); err != nil {
			t.Fatal(err)
		}
	}
	return b.String()
}
