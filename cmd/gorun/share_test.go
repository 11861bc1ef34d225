package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/org/gorun-action/internal/store/entry"
	"github.com/org/gorun-action/internal/testenv"
	"github.com/org/gorun-action/runner"
)

// machines are machines with nothing in common but a directory of shared
// entries.
type machines struct {
	*cacheTest
	share string
	n     int
}

func newMachines(t *testing.T) *machines {
	t.Helper()
	c := newCacheTest(t, "host")
	c.program(".", "shared", 0)
	return &machines{cacheTest: c, share: filepath.Join(c.dir, "share")}
}

// fresh moves to a machine that has never run anything: of the go command's
// caches it has those of all tests, in which everything is compiled.
func (m *machines) fresh() {
	m.n++
	m.cache = filepath.Join(m.dir, "machine", string(rune('a'+m.n)))
}

// on runs gorun on this machine. The settings are "NAME=value".
func (m *machines) on(settings []string, flags ...string) ran {
	m.Helper()
	env := m.env
	m.env = append(slices.Clip(env), append(settings, "GORUN_CACHE_DIR="+m.cache, "GORUN_CACHE_TO=dir:"+m.share)...)
	defer func() { m.env = env }()
	return m.run(append(flags, ".")...)
}

// transfers are the records of what shared stores did.
func (r ran) transfers() (list []map[string]any) {
	for line := range strings.Lines(r.log) {
		var record map[string]any
		if json.Unmarshal([]byte(line), &record) == nil && record["event"] == "transfer" {
			list = append(list, record)
		}
	}
	return list
}

// came is what came of one kind of transfer.
func (r ran) came(op, what string) string {
	for _, record := range r.transfers() {
		if record["op"] == op && record["what"] == what {
			return record["outcome"].(string)
		}
	}
	return ""
}

func (m *machines) restored(what string, r ran, outcome string) {
	m.Helper()
	if got := r.came("restore", entry.Executable); got != outcome || r.stdout != "shared\n" {
		m.Errorf("%s: restoring the executable came to %q instead of %q, and it printed %q\n%s", what, got, outcome, r.stdout, r.log)
	}
}

func TestSharedFreshMachine(t *testing.T) {
	t.Parallel()
	m := newMachines(t)
	m.fresh()
	first := m.on(nil)
	m.restored("first", first, runner.TransferMiss)
	if first.came("save", entry.Executable) != runner.TransferKept {
		t.Errorf("not kept:\n%s", first.log)
	}
	m.fresh()
	second := m.on([]string{"PATH=/usr/bin:/bin:" + os.Getenv("PATH")})
	m.restored("second", second, runner.TransferHit)
	m.is("second", second, "shared", runner.Hit)
	saving, _ := second.result["saving"].(map[string]any)
	if saving["what"] != entry.Executable || saving["store"] != "dir:"+m.share || saving["bytes"].(float64) <= 0 {
		t.Errorf("the result says that it saved %v", saving)
	}
	m.is("third", m.on([]string{"GORUN_CACHE_TO_IS_NOT_ASKED=1"}), "shared", runner.Hit)
}

// With --cache-mode=read nothing is kept, here or there, and the program runs.
func TestSharedReadOnly(t *testing.T) {
	t.Parallel()
	m := newMachines(t)
	m.fresh()
	m.on(nil)
	m.fresh()
	m.mode = "read"
	r := m.on(nil)
	m.is("read", r, "shared", runner.Hit)
	if entries, err := m.store().Entries(""); err != nil || len(entries) != 0 {
		t.Errorf("kept: %v, %v", entries, err)
	}
	if left, _ := filepath.Glob(filepath.Join(m.tmp, "gorun-*")); len(left) != 0 {
		t.Errorf("left behind: %q", left)
	}
	m.program(".", "shared", 3)
	if r := m.on(nil); r.came("save", entry.Executable) != "" || r.status != 3 {
		t.Errorf("status %d, and saved:\n%s", r.status, r.log)
	}
}

func github(repository, ref, event string) []string {
	return []string{"GITHUB_REPOSITORY=" + repository, "GITHUB_REF=" + ref, "GITHUB_EVENT_NAME=" + event}
}

// What a pull request wrote is for that pull request; a release and a tag use
// nothing unless they are told to.
func TestSharedTrust(t *testing.T) {
	t.Parallel()
	pr7, pr8 := github("o/r", "refs/pull/7/merge", "pull_request"), github("o/r", "refs/pull/8/merge", "pull_request")
	main, tag := github("o/r", "refs/heads/main", "push"), github("o/r", "refs/tags/v1", "push")
	release := github("o/r", "refs/tags/v1", "release")
	for i, test := range []struct {
		name          string
		writer        []string
		reader        []string
		flags         []string
		want, herself string // of another machine, and of the one that wrote
	}{
		{"the same pull request", pr7, pr7, nil, runner.TransferHit, runner.Hit},
		{"another pull request", pr7, pr8, nil, runner.TransferMiss, runner.Miss},
		{"a pull request on main", pr7, main, nil, runner.TransferMiss, runner.Miss},
		{"a pull request on a trusting tag", pr7, tag, []string{"--cache-mode=trusted"}, runner.TransferMiss, runner.Miss},
		{"main in a pull request", main, pr7, nil, runner.TransferHit, runner.Miss},
		{"a comment on main", github("o/r", "refs/heads/main", "issue_comment"), main, nil, runner.TransferMiss, runner.Miss},
		{"another repository", github("x/y", "refs/heads/main", "push"), main, nil, runner.TransferRefused, runner.Hit},
		{"main on a tag", main, tag, nil, runner.TransferSkipped, runner.Hit},
		{"main in a release", main, release, nil, runner.TransferSkipped, runner.Hit},
		{"main in a trusting release", main, release, []string{"--cache-mode=trusted"}, runner.TransferHit, runner.Hit},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if i%4 != 0 {
				testenv.Long(t, "internal/store/entry and internal/shared have all cases")
			}
			m := newMachines(t)
			m.fresh()
			m.on(test.writer)
			home := m.cache
			m.fresh()
			m.restored(test.name, m.on(test.reader, test.flags...), test.want)
			m.cache, m.share = home, filepath.Join(m.dir, "nothing")
			m.is("on the machine that wrote", m.on(test.reader, test.flags...), "shared", test.herself)
		})
	}
}

// With a key only what it signed is used; strictly, anything else ends the run.
func TestSharedSignatures(t *testing.T) {
	t.Parallel()
	secret := func() string {
		k, err := entry.GenerateKey(nil)
		if err != nil {
			t.Fatal(err)
		}
		return cacheKeyVariable + "=" + k.Secret()
	}
	ours, other := secret(), secret()
	for i, test := range []struct {
		name           string
		writer, reader []string
		flags          []string
		want           string
		status         int
	}{
		{"signed", []string{ours}, []string{ours}, nil, runner.TransferHit, 0},
		{"signed and strict", []string{ours}, []string{ours}, []string{"--cache-strict"}, runner.TransferHit, 0},
		{"signed by another", []string{other}, []string{ours}, nil, runner.TransferRefused, 0},
		{"not signed", nil, []string{ours}, nil, runner.TransferRefused, 0},
		{"signed by another and strict", []string{other}, []string{ours}, []string{"--cache-strict"}, runner.TransferRefused, 125},
		{"not signed and strict", nil, []string{ours}, []string{"--cache-strict"}, runner.TransferRefused, 125},
		{"strict without a key", nil, nil, []string{"--cache-strict"}, "", 125},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if i%4 != 0 {
				testenv.Long(t, "internal/store/entry and internal/shared have all cases")
			}
			m := newMachines(t)
			m.fresh()
			m.on(test.writer)
			m.fresh()
			r := m.on(test.reader, test.flags...)
			if got := r.came("restore", entry.Executable); got != test.want || r.status != test.status {
				t.Errorf("came to %q, status %d; want %q, %d\n%s", got, r.status, test.want, test.status, r.log)
			}
			if test.status == 125 && r.stdout != "" {
				t.Errorf("the program ran: %q", r.stdout)
			}
		})
	}
}

// Whatever is done to an entry: it is not used, and the program runs.
func TestSharedDamage(t *testing.T) {
	t.Parallel()
	m := newMachines(t)
	m.fresh()
	if testenv.Full() {
		m.on([]string{"GOCACHE=" + filepath.Join(m.cache, "go-build")}) // a cold one, so that there is a pack
	} else {
		m.on(nil)
	}
	file := m.blob("x2-")
	whole, err := os.ReadFile(file)
	m.must(err)
	damages := map[string][]byte{
		"cut":    whole[:len(whole)/2],
		"longer": append(slices.Clone(whole), 0),
		"bit":    slices.Concat(whole[:len(whole)-9], []byte{whole[len(whole)-9] ^ 4}, whole[len(whole)-8:]),
		"empty":  {},
	}
	if testenv.Full() {
		damages["pack"] = mustRead(t, m.blob("b2-"))
	}
	for name, damaged := range damages {
		m.must(os.WriteFile(file, damaged, 0o600))
		m.fresh()
		r := m.on(nil)
		m.restored(name, r, runner.TransferRefused)
		m.warns(name, r, "shared", 1, runner.Miss)
		if again := mustRead(t, file); len(again) < len(whole)/2 {
			t.Errorf("%s: a damaged entry was not replaced", name)
		}
	}
}

func mustRead(t *testing.T, file string) []byte {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// blob is the file of the only entry whose key begins so.
func (m *machines) blob(prefix string) string {
	m.Helper()
	files, err := filepath.Glob(filepath.Join(m.share, "blobs", prefix+"*"))
	if err != nil || len(files) != 1 {
		m.Fatalf("there are %v, %v", files, err)
	}
	return files[0]
}

// What is no blob, and may hang who opens it, hangs nobody.
func TestSharedStrange(t *testing.T) {
	t.Parallel()
	m := newMachines(t)
	m.fresh()
	m.on(nil)
	file := m.blob("x2-")
	m.must(os.Remove(file))
	m.must(os.MkdirAll(filepath.Dir(file), 0o700))
	m.must(syscall.Mkfifo(file, 0o600)) // opening does not hang, and is no blob
	m.fresh()
	begin := time.Now()
	r := m.on(nil)
	if r.stdout != "shared\n" || time.Since(begin) > 30*time.Second {
		t.Errorf("printed %q after %v\n%s", r.stdout, time.Since(begin), r.log)
	}
}

// Builds and programs do not see what gorun alone may know.
func TestSharedSecrets(t *testing.T) {
	t.Parallel()
	m := newMachines(t)
	put(t, m.src("main.go"), "package main\n\nimport (\n\t\"os\"\n\t\"strings\"\n)\n\nfunc main() {\n\tfor _, kv := range os.Environ() {\n\t\tif strings.Contains(kv, \"s3cr3t\") || strings.HasPrefix(kv, \"GORUN_CACHE_KEY\") {\n\t\t\tprintln(kv)\n\t\t\tos.Exit(1)\n\t\t}\n\t}\n\tos.Stdout.WriteString(\"shared\\n\")\n}\n")
	key, err := entry.GenerateKey(nil)
	m.must(err)
	m.fresh()
	secrets := []string{"ACTIONS_RUNTIME_TOKEN=s3cr3t", "ACTIONS_ID_TOKEN_REQUEST_TOKEN=s3cr3t", cacheKeyVariable + "=" + key.Secret()}
	for range 2 {
		r := m.on(secrets)
		if r.stdout != "shared\n" || strings.Contains(r.log, key.Secret()) {
			t.Errorf("printed %q\n%s", r.stdout, r.log)
		}
	}
}

// Packs of other flags are not asked for.
func TestSharedFlags(t *testing.T) {
	t.Parallel()
	m := newMachines(t)
	asked := map[string]bool{}
	for _, flags := range [][]string{nil, {"-tags=a"}, {"-race"}, {"-gcflags=-N"}} {
		asked[m.asksForPack(flags)] = true
	}
	if len(asked) != 4 || asked[""] {
		t.Errorf("asked for %v", asked)
	}
}

// asksForPack returns the last prefix that a run with a cold build cache asks a
// shared store for, and ends the run there.
func (m *machines) asksForPack(flags []string) string {
	m.Helper()
	m.fresh()
	m.env = append(slices.Clip(m.env), "GORUN_CACHE_DIR="+m.cache, "GORUN_CACHE_TO=dir:"+m.share, "GOCACHE="+filepath.Join(m.cache, "go-build"))
	cmd, log := m.started(`"what":"pack"`, append(slices.Clip(flags), ".")...)
	var record struct {
		Op, Outcome string
		Prefixes    []string
	}
	m.must(json.Unmarshal(log.Bytes(), &record))
	m.must(cmd.Process.Signal(syscall.SIGTERM))
	until(log, "no such text")
	cmd.Wait()
	if record.Op != "restore" || record.Outcome != runner.TransferMiss || len(record.Prefixes) == 0 {
		m.Fatalf("%v: %+v", flags, record)
	}
	return record.Prefixes[len(record.Prefixes)-1]
}
