package cachekeys

import (
	"bytes"
	"crypto/sha256"
	"debug/buildinfo"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/org/gorun-action/internal/testenv"
)

// vcsRepo is a repository with a home of its own.
type vcsRepo struct {
	t    testing.TB
	base string // holds all
	dir  string // the work tree
	env  map[string]string
	now  int // seconds, the time of the next commit
}

func vcsNewRepo(t testing.TB, initArgs ...string) *vcsRepo {
	t.Helper()
	base := t.TempDir()
	r := &vcsRepo{t: t, base: base, dir: filepath.Join(base, "repo"), now: 1_700_000_000, env: map[string]string{
		"HOME": filepath.Join(base, "home"), "PATH": os.Getenv("PATH"), "GIT_CONFIG_NOSYSTEM": "1",
	}}
	r.write("../home/.gitconfig", "[user]\n\tname = A\n\temail = a@example.com\n")
	r.write("go.mod", "module example.com/m\n\ngo 1.26\n")
	r.write("main.go", "package main\n\nfunc main() {}\n")
	r.write("sub/deep/a.txt", "a\n")
	r.write(".gitignore", "*.log\nout/\n")
	r.git(append([]string{"init", "-q", "-b", "main", "--template="}, initArgs...)...)
	r.git("add", ".")
	r.commit("one")
	r.git("tag", "v0.1.0")
	r.write("sub/b.txt", "b\n")
	r.git("add", ".")
	r.commit("two")
	r.settle()
	return r
}

// copy returns a copy for another test.
func (r *vcsRepo) copy(t *testing.T) *vcsRepo {
	t.Helper()
	again := *r
	again.t, again.base, again.env = t, t.TempDir(), maps.Clone(r.env)
	again.dir, again.env["HOME"] = filepath.Join(again.base, "repo"), filepath.Join(again.base, "home")
	again.must(os.CopyFS(again.base, os.DirFS(r.base)))
	again.settle()
	return &again
}

// settle makes the files older than the index, as they are soon in practice,
// so that git need not look at their content.
func (r *vcsRepo) settle() {
	old := time.Now().Add(-time.Hour)
	for _, name := range []string{"go.mod", "main.go", "sub/deep/a.txt", "sub/b.txt", ".gitignore"} {
		if _, err := os.Lstat(r.path(name)); err == nil {
			r.must(os.Chtimes(r.path(name), old, old))
		}
	}
	r.git("status", "--porcelain")
}

func (r *vcsRepo) path(name string) string { return filepath.Join(r.dir, filepath.FromSlash(name)) }

func (r *vcsRepo) must(err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
}

func (r *vcsRepo) write(name, text string) {
	r.t.Helper()
	r.must(os.MkdirAll(filepath.Dir(r.path(name)), 0o755))
	r.must(os.WriteFile(r.path(name), []byte(text), 0o644))
}

func (r *vcsRepo) command(args ...string) *exec.Cmd {
	cmd := exec.Command("git", args...)
	cmd.Dir = r.dir
	cmd.Env = []string{"GIT_AUTHOR_DATE=" + strconv.Itoa(r.now) + " +0000", "GIT_COMMITTER_DATE=" + strconv.Itoa(r.now) + " +0000"}
	for name, value := range r.env {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	return cmd
}

func (r *vcsRepo) git(args ...string) string {
	r.t.Helper()
	out, err := r.command(args...).CombinedOutput()
	if err != nil {
		r.t.Fatalf("git %q: %v\n%s", args, err, out)
	}
	return string(out)
}

func (r *vcsRepo) commit(message string, args ...string) {
	r.t.Helper()
	r.now++
	r.git(append([]string{"commit", "-q", "-m", message}, args...)...)
}

// stamp is what the go command asks git for.
func (r *vcsRepo) stamp() string {
	r.t.Helper()
	var b strings.Builder
	for _, args := range [][]string{
		{"--no-optional-locks", "status", "--porcelain"},
		{"-c", "log.showsignature=false", "log", "--no-decorate", "-n1", "--format=format:%H:%ct [%D, ", "--end-of-options", "HEAD", "--"},
		{"for-each-ref", "--format=%(refname)", "--merged=HEAD", "refs/tags/"},
		{"describe", "--tags", "--always"},
	} {
		out, err := r.command(args...).Output()
		text := string(out)
		if args[len(args)-1] == "--porcelain" {
			text = strconv.FormatBool(len(out) > 0)
		}
		if commit, refs, found := strings.Cut(text, "["); found { // only the tags count, in any order
			tags := slices.DeleteFunc(strings.Split(refs, ", "), func(s string) bool { return !strings.HasPrefix(s, "tag: ") })
			slices.Sort(tags)
			text = commit + fmt.Sprint(tags)
		}
		fmt.Fprintf(&b, "%s: %s %v\n", args[len(args)-1], strings.TrimSpace(text), err)
	}
	return b.String()
}

// inputs returns what vcsState says; a reason fails the test.
func (r *vcsRepo) inputs() []Input {
	r.t.Helper()
	inputs, reason := r.state()
	if reason != "" || len(inputs) == 0 {
		r.t.Fatalf("no inputs: %q", reason)
	}
	return inputs
}

func (r *vcsRepo) state() ([]Input, string) {
	return vcsState(r.dir, func(name string) string { return r.env[name] }, vcsFingerprint)
}

func vcsFingerprint(path string) (string, error) {
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	return fmt.Sprintf("%x", sha256.Sum256(data)), err
}

// rewrite changes a file, and keeps its size and modification time.
func (r *vcsRepo) rewrite(name, text string) {
	r.t.Helper()
	info, err := os.Stat(r.path(name))
	r.must(err)
	r.write(name, text)
	r.must(os.Chtimes(r.path(name), info.ModTime(), info.ModTime()))
}

func TestVCSState(t *testing.T) {
	const (
		differs = true
		same    = false
	)
	tests := []struct {
		name   string
		want   bool
		change func(*vcsRepo)
	}{
		{"nothing", same, func(*vcsRepo) {}},
		{"git status", same, func(r *vcsRepo) { r.git("status") }},
		{"a commit", differs, func(r *vcsRepo) { r.write("main.go", "package main\n"); r.commit("three", "-a") }},
		{"an empty commit", differs, func(r *vcsRepo) { r.commit("three", "--allow-empty") }},
		{"amended with the same tree", differs, func(r *vcsRepo) { r.commit("other", "--amend") }},
		{"a tag", differs, func(r *vcsRepo) { r.git("tag", "v0.2.0") }},
		{"an annotated tag", differs, func(r *vcsRepo) { r.git("tag", "-a", "-m", "x", "v0.2.0") }},
		{"a tag on the commit before", differs, func(r *vcsRepo) { r.git("tag", "v0.1.1", "HEAD~1") }},
		{"a tag moved", differs, func(r *vcsRepo) { r.git("tag", "-f", "v0.1.0") }},
		{"a tag deleted", differs, func(r *vcsRepo) { r.git("tag", "-d", "v0.1.0") }},
		{"a packed tag deleted", differs, func(r *vcsRepo) { r.git("pack-refs", "--all"); r.git("tag", "-d", "v0.1.0") }},
		{"a packed tag moved", differs, func(r *vcsRepo) { r.git("pack-refs", "--all"); r.git("tag", "-f", "v0.1.0") }},
		{"a dirty edit", differs, func(r *vcsRepo) { r.write("main.go", "package main\n\n// changed\nfunc main() {}\n") }},
		{"an edit of the same size and time", differs, func(r *vcsRepo) { r.rewrite("sub/b.txt", "c\n") }},
		{"a staged edit", differs, func(r *vcsRepo) { r.write("sub/b.txt", "c\n"); r.git("add", "sub") }},
		{"staged, and back in the work tree", differs, func(r *vcsRepo) { r.write("sub/b.txt", "c\n"); r.git("add", "sub"); r.write("sub/b.txt", "b\n") }},
		{"an untracked file", differs, func(r *vcsRepo) { r.write("new.txt", "") }},
		{"an untracked file deep down", differs, func(r *vcsRepo) { r.write("sub/x/y/new.txt", "") }},
		{"an ignored file", differs, func(r *vcsRepo) { r.write("a.log", "") }}, // more than git sees
		{"an ignored directory", differs, func(r *vcsRepo) { r.write("out/x", "") }},
		{"a file deleted", differs, func(r *vcsRepo) { r.must(os.Remove(r.path("sub/b.txt"))) }},
		{"a file renamed", differs, func(r *vcsRepo) { r.must(os.Rename(r.path("sub/b.txt"), r.path("sub/c.txt"))) }},
		{"a file replaced by a link", differs, func(r *vcsRepo) {
			r.must(os.Remove(r.path("sub/b.txt")))
			r.must(os.Symlink("deep/a.txt", r.path("sub/b.txt")))
		}},
		{"a file replaced by a directory", differs, func(r *vcsRepo) { r.must(os.Remove(r.path("sub/b.txt"))); r.must(os.Mkdir(r.path("sub/b.txt"), 0o755)) }},
		{"a directory replaced by a link", differs, func(r *vcsRepo) {
			r.must(os.Rename(r.path("sub"), filepath.Join(r.base, "sub")))
			r.must(os.Symlink(filepath.Join(r.base, "sub"), r.path("sub")))
		}},
		{"the executable bit", differs, func(r *vcsRepo) { r.must(os.Chmod(r.path("main.go"), 0o755)) }},
		{"the executable bit, with core.fileMode off", differs, func(r *vcsRepo) {
			r.git("config", "core.fileMode", "false")
			r.must(os.Chmod(r.path("main.go"), 0o755))
		}},
		{"the content of an untracked file", same, func(r *vcsRepo) { r.write("untracked.txt", "1") }},
		{"a stash", differs, func(r *vcsRepo) { r.write("sub/b.txt", "c\n"); r.git("stash") }}, // the file is written anew
		{"another branch at the same commit", same, func(r *vcsRepo) { r.git("branch", "other"); r.git("checkout", "-q", "other") }},
		{"another branch", differs, func(r *vcsRepo) { r.git("checkout", "-q", "-b", "other", "HEAD~1") }},
		{"a detached head at the same commit", same, func(r *vcsRepo) { r.git("checkout", "-q", "--detach") }},
		{"a detached head", differs, func(r *vcsRepo) { r.git("checkout", "-q", "HEAD~1") }},
		{"a branch without commits", differs, func(r *vcsRepo) { r.git("checkout", "-q", "--orphan", "empty") }},
		{"pack-refs", same, func(r *vcsRepo) { r.git("pack-refs", "--all") }},
		{"gc", same, func(r *vcsRepo) { r.git("gc", "-q") }},
		{"touched, and git status", differs, func(r *vcsRepo) { r.must(os.Chtimes(r.path("main.go"), time.Time{}, time.Now().Add(-time.Minute))) }},
		{"assume-unchanged", differs, func(r *vcsRepo) { r.git("update-index", "--assume-unchanged", "main.go") }},
		{"skip-worktree", differs, func(r *vcsRepo) { r.git("update-index", "--skip-worktree", "main.go") }},
		{"intent to add", differs, func(r *vcsRepo) { r.write("new.txt", ""); r.git("add", "-N", "new.txt") }},
		{"an index of version 4", same, func(r *vcsRepo) { r.git("update-index", "--index-version", "4") }},
		{"the index deleted", differs, func(r *vcsRepo) { r.must(os.Remove(r.path(".git/index"))) }},
		{"info/exclude", differs, func(r *vcsRepo) { r.write(".git/info/exclude", "*.txt\n") }},
		{"an untracked .gitignore", differs, func(r *vcsRepo) { r.write("sub/.gitignore", "*\n") }},
		{"excludes of the home", differs, func(r *vcsRepo) { r.write("../home/.config/git/ignore", "*.txt\n") }},
		{"core.excludesFile", differs, func(r *vcsRepo) { r.git("config", "core.excludesFile", "~/ignored") }},
		{"what core.excludesFile names", differs, func(r *vcsRepo) { r.write("../home/excludes", "*.tmp\n") }},
		{"status.showUntrackedFiles at home", differs, func(r *vcsRepo) { r.git("config", "--global", "status.showUntrackedFiles", "no") }},
		{"core.autocrlf", differs, func(r *vcsRepo) { r.git("config", "core.autocrlf", "true") }},
		{"a setting in the environment", differs, func(r *vcsRepo) {
			r.env["GIT_CONFIG_COUNT"], r.env["GIT_CONFIG_KEY_0"], r.env["GIT_CONFIG_VALUE_0"] = "1", "status.showUntrackedFiles", "no"
		}},
		{"attributes", differs, func(r *vcsRepo) { r.write(".gitattributes", "*.txt text eol=crlf\n") }},
		{"info/attributes", differs, func(r *vcsRepo) { r.write(".git/info/attributes", "*.txt text eol=crlf\n") }},
		{"a replacement", differs, func(r *vcsRepo) { r.git("replace", "-f", "HEAD", "HEAD~1") }},
		{"shallow", differs, func(r *vcsRepo) { r.write(".git/shallow", r.git("rev-parse", "HEAD")) }},
		{"the module path", differs, func(r *vcsRepo) { r.rewrite("go.mod", "module example.com/n\n\ngo 1.26\n") }},
		{"another git", differs, func(r *vcsRepo) {
			r.write("../bin/git", "#!/bin/sh\nPATH="+r.env["PATH"]+" exec git \"$@\"\n")
			r.must(os.Chmod(r.path("../bin/git"), 0o755))
			r.env["PATH"] = r.path("../bin") + ":" + r.env["PATH"]
		}},
	}
	template := vcsNewRepo(t)
	template.git("config", "--global", "core.excludesFile", "~/excludes")
	template.write("untracked.txt", "0")
	stamp := template.stamp()
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := template.copy(t)
			before := r.inputs()
			tt.change(r)
			after := r.inputs()
			if tt.want == same && r.stamp() != stamp {
				t.Fatalf("the test is wrong: the stamp changes:\n%s%s", stamp, r.stamp())
			}
			if diff := cmp.Diff(before, after); (diff != "") != tt.want {
				t.Errorf("inputs differ: %v, want %v\n%s", diff != "", tt.want, diff)
			}
		})
	}
}

// What git refreshes in its index brings the same inputs back.
func TestVCSStateAfterRefresh(t *testing.T) {
	r := vcsNewRepo(t)
	before := r.inputs()
	r.must(os.Chtimes(r.path("main.go"), time.Time{}, time.Now().Add(-time.Minute)))
	r.git("status")
	if diff := cmp.Diff(before, r.inputs()); diff != "" {
		t.Errorf("after touch and git status (-before +after):\n%s", diff)
	}
}

// Two clones of the same commit have the same inputs.
func TestVCSStateOfClones(t *testing.T) {
	r := vcsNewRepo(t)
	dir := r.dir
	var all [][]Input
	for _, name := range []string{"clone", "copy"} {
		r.dir = filepath.Dir(dir)
		r.git("clone", "-q", "file://"+dir, name)
		r.dir = filepath.Join(r.dir, name)
		r.git("remote", "remove", "origin") // its path is in the configuration
		r.settle()
		all = append(all, r.inputs())
	}
	if diff := cmp.Diff(all[0], all[1]); diff != "" {
		t.Errorf("two clones differ:\n%s", diff)
	}
}

func TestVCSStateOfWorkTrees(t *testing.T) {
	r := vcsNewRepo(t)
	r.git("worktree", "add", "-q", "--detach", "../other")
	r.dir = filepath.Join(r.base, "other")
	before := r.inputs()
	for name, change := range map[string]func(){
		"edit":   func() { r.write("main.go", "package main\n") },
		"commit": func() { r.commit("three", "--allow-empty") },
		"tag":    func() { r.git("tag", "v1.0.0") },
	} {
		change()
		after := r.inputs()
		if cmp.Equal(before, after) {
			t.Errorf("%s: the same inputs", name)
		}
		before = after
	}
}

func TestVCSStateWithSHA256(t *testing.T) {
	r := vcsNewRepo(t, "--object-format=sha256")
	before := r.inputs()
	if !slices.ContainsFunc(before, func(in Input) bool { return in.Name == "HEAD" && len(in.Value) == 64 }) {
		t.Errorf("no commit of 64 digits: %v", before)
	}
	r.write("main.go", "package main\n")
	if cmp.Equal(before, r.inputs()) {
		t.Error("an edit leaves the inputs as they are")
	}
}

func TestVCSStateReasons(t *testing.T) {
	setting := func(key, value string) func(*vcsRepo) {
		return func(r *vcsRepo) { r.git("config", key, value) }
	}
	filter := func(r *vcsRepo) {
		r.git("config", "--global", "filter.x.clean", "tr a b")
		r.write(".gitattributes", "*.txt filter=x\n")
	}
	tests := []struct {
		name   string
		want   string
		change func(*vcsRepo)
	}{
		{"Mercurial", "version control other than git: .hg", func(r *vcsRepo) { r.must(os.Mkdir(r.path(".hg"), 0o755)) }},
		{"Fossil in the parent", "version control other than git: _FOSSIL_", func(r *vcsRepo) { r.write("../_FOSSIL_", "") }},
		{"no repository", ".git is no repository", func(r *vcsRepo) { r.must(os.RemoveAll(r.path(".git/objects"))) }},
		{"work tree within a repository", "a work tree of git within another", func(r *vcsRepo) {
			r.git("worktree", "add", "-q", "--detach", "inner")
			r.dir = r.path("inner")
		}},
		{"GIT_DIR", "GIT_DIR is set", func(r *vcsRepo) { r.env["GIT_DIR"] = "x" }},
		{"GIT_INDEX_FILE", "GIT_INDEX_FILE is set", func(r *vcsRepo) { r.env["GIT_INDEX_FILE"] = "x" }},
		{"include", "git's setting include.path", setting("include.path", "other")},
		{"includeIf", "git's setting includeif.path", setting("includeIf.gitdir:/x/.path", "other")},
		{"include in the environment", "git's setting include.path", func(r *vcsRepo) {
			r.env["GIT_CONFIG_COUNT"], r.env["GIT_CONFIG_KEY_0"], r.env["GIT_CONFIG_VALUE_0"] = "1", "include.path", "other"
		}},
		{"fsmonitor", "git's setting core.fsmonitor", setting("core.fsmonitor", "true")},
		{"no fsmonitor", "", setting("core.fsmonitor", "false")},
		{"work tree elsewhere", "git's setting core.worktree", setting("core.worktree", "/")},
		{"sparse checkout", "git's setting extensions.worktreeconfig", func(r *vcsRepo) { r.git("sparse-checkout", "set", "sub") }},
		{"old sparse checkout", "git's setting core.sparsecheckout", setting("core.sparseCheckout", "true")},
		{"partial clone", "git's setting remote.promisor", setting("remote.origin.promisor", "true")},
		{"unknown extension", "git's setting extensions.refstorage", setting("extensions.refStorage", "reftable")},
		{"home of another", "git's setting with the path ~somebody/ignore", setting("core.excludesFile", "~somebody/ignore")},
		{"hook", "git's hook post-index-change", func(r *vcsRepo) { r.write(".git/hooks/post-index-change", "") }},
		{"hook elsewhere", "git's hook post-index-change", func(r *vcsRepo) {
			r.git("config", "core.hooksPath", "sub")
			r.write("sub/post-index-change", "")
		}},
		{"submodules", "submodules", func(r *vcsRepo) { r.write(".gitmodules", "") }},
		{"submodule without .gitmodules", "a submodule: module", func(r *vcsRepo) {
			r.git("update-index", "--add", "--cacheinfo", "160000,"+strings.TrimSpace(r.git("rev-parse", "HEAD"))+",module")
		}},
		{"nested repository", "a repository within the work tree: sub/x/", func(r *vcsRepo) { r.git("init", "-q", "sub/x") }},
		{"split index", "an index with the extension link", func(r *vcsRepo) { r.git("update-index", "--split-index") }},
		{"untracked cache", "an index with the extension UNTR", func(r *vcsRepo) { r.git("update-index", "--force-untracked-cache") }},
		{"damaged index", "an index of another format", func(r *vcsRepo) { r.must(os.Truncate(r.path(".git/index"), 100)) }},
		{"filter", "git's setting filter.clean and a file that is filtered", filter},
		{"filter without a driver", "", func(r *vcsRepo) { r.write(".gitattributes", "*.txt filter=x\n") }},
		{"driver without a filter", "", setting("filter.x.clean", "tr a b")},
		{"filter in attributes that are only in the index", "git's setting filter.clean and a file that is filtered", func(r *vcsRepo) {
			filter(r)
			r.git("add", ".gitattributes")
			r.must(os.Remove(r.path(".gitattributes")))
		}},
		{"a configuration that git refuses", ".git/config is not understood", func(r *vcsRepo) { r.write(".git/config", "[core\n") }},
	}
	template := vcsNewRepo(t)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := template.copy(t)
			tt.change(r)
			inputs, reason := r.state()
			if reason != tt.want || (reason == "") != (len(inputs) > 0) {
				t.Errorf("reason %q with %d inputs, want %q", reason, len(inputs), tt.want)
			}
		})
	}
}

// Random changes: the same inputs must mean the same stamp. VCS_TRIALS is the
// number of changes.
func TestVCSStateIsSound(t *testing.T) {
	trials := 100
	if n, err := strconv.Atoi(os.Getenv("VCS_TRIALS")); err == nil {
		trials = n
	}
	seed := uint64(time.Now().UnixNano())
	if n, err := strconv.ParseUint(os.Getenv("VCS_SEED"), 10, 64); err == nil {
		seed = n
	}
	t.Logf("VCS_SEED=%d", seed)
	rnd := rand.New(rand.NewPCG(seed, 1))
	stamps, hits, needless := map[string]string{}, 0, 0
	var r *vcsRepo
	last, lastKey := "", ""
	for i := range trials {
		if i%100 == 0 {
			r, last = vcsNewRepo(t), ""
		}
		change := vcsChange(r, rnd)
		inputs, reason := r.state()
		if reason != "" {
			t.Fatalf("trial %d, %s: %s", i, change, reason)
		}
		key, stamp := fmt.Sprint(r.dir, inputs), r.stamp()
		old, seen := stamps[key]
		switch {
		case seen && old != stamp:
			t.Fatalf("trial %d, %s: the same inputs with another stamp:\n%s%s", i, change, old, stamp)
		case seen:
			hits++
		case stamp == last && key != lastKey:
			needless++
		}
		stamps[key], last, lastKey = stamp, stamp, key
	}
	t.Logf("%d trials: %d with inputs seen before, %d with other inputs and the stamp of the trial before", trials, hits, needless)
	if hits == 0 {
		t.Error("the same inputs never came back: nothing was tested")
	}
}

// vcsChange does one thing to the repository.
func vcsChange(r *vcsRepo, rnd *rand.Rand) string {
	file := []string{"main.go", "sub/b.txt", "sub/deep/a.txt", "x.txt", "sub/y.log", "out/z", "n/e/w.txt"}[rnd.IntN(7)]
	text := []string{"a\n", "b\n", "c\n", "long\n", "", "a\r\n"}[rnd.IntN(6)]
	tag := []string{"v0.1.0", "v0.2.0", "sub/v0.3.0", "x"}[rnd.IntN(4)]
	try := func(args ...string) { _ = r.command(args...).Run() } // what git refuses changes nothing
	changes := []struct {
		name string
		do   func()
	}{
		{"write", func() { r.write(file, text) }},
		{"rewrite", func() {
			if _, err := os.Stat(r.path(file)); err == nil {
				r.rewrite(file, text)
			}
		}},
		{"remove", func() { _ = os.Remove(r.path(file)) }},
		{"touch", func() {
			_ = os.Chtimes(r.path(file), time.Time{}, time.Now().Add(-time.Duration(rnd.IntN(100))*time.Second))
		}},
		{"chmod", func() { _ = os.Chmod(r.path(file), []fs.FileMode{0o644, 0o755, 0o600}[rnd.IntN(3)]) }},
		{"link", func() { _ = os.Remove(r.path(file)); _ = os.Symlink("go.mod", r.path(file)) }},
		{"add", func() { try("add", "-A") }},
		{"status", func() { try("status") }},
		{"reset", func() { try("reset", "-q", "--hard") }},
		{"clean", func() { try("clean", "-qfd") }},
		{"commit", func() { r.now++; try("commit", "-qam", "x") }},
		{"amend", func() { r.now++; try("commit", "-q", "--amend", "-m", text+"x") }},
		{"back", func() { try("reset", "-q", "--hard", "HEAD~1") }},
		{"tag", func() { try("tag", "-f", tag) }},
		{"annotated tag", func() { try("tag", "-f", "-a", "-m", "x", tag) }},
		{"no tag", func() { try("tag", "-d", tag) }},
		{"pack", func() { try("pack-refs", "--all") }},
		{"branch", func() { try("checkout", "-q", "-B", []string{"main", "other"}[rnd.IntN(2)]) }},
		{"stash", func() { try("stash") }},
		{"pop", func() { try("stash", "pop") }},
		{"version 4", func() { try("update-index", "--index-version", []string{"2", "4"}[rnd.IntN(2)]) }},
		{"assume", func() {
			try("update-index", []string{"--assume-unchanged", "--no-assume-unchanged"}[rnd.IntN(2)], "main.go")
		}},
		{"skip", func() { try("update-index", []string{"--skip-worktree", "--no-skip-worktree"}[rnd.IntN(2)], "main.go") }},
		{"untracked files", func() { try("config", "status.showUntrackedFiles", []string{"no", "normal", "all"}[rnd.IntN(3)]) }},
		{"trustctime", func() { try("config", "core.trustctime", []string{"true", "false"}[rnd.IntN(2)]) }},
		{"checkStat", func() { try("config", "core.checkStat", []string{"default", "minimal"}[rnd.IntN(2)]) }},
		{"fileMode", func() { try("config", "core.fileMode", []string{"true", "false"}[rnd.IntN(2)]) }},
		{"autocrlf", func() { try("config", "core.autocrlf", []string{"true", "input", "false"}[rnd.IntN(3)]) }},
		{"ignore", func() { r.write(".gitignore", []string{"*.log\nout/\n", "*.txt\n", "*\n", ""}[rnd.IntN(4)]) }},
		{"exclude", func() { r.write(".git/info/exclude", []string{"", "x.txt\n", "/n\n"}[rnd.IntN(3)]) }},
		{"attributes", func() { r.write(".git/info/attributes", []string{"", "*.txt text\n", "*.go -text\n"}[rnd.IntN(3)]) }},
	}
	c := changes[rnd.IntN(len(changes))]
	c.do()
	return fmt.Sprintf("%s %s %q %s", c.name, file, text, tag)
}

// The stamp of the go command itself changes with the inputs.
func TestVCSStateAgainstGo(t *testing.T) {
	testenv.Long(t, "it builds a program after each of eleven changes")
	r := vcsNewRepo(t)
	seen := map[string]string{}
	for _, step := range []struct {
		name   string
		change func()
	}{
		{"clean", func() {}}, {"gc", func() { r.git("gc", "-q") }},
		{"dirty", func() { r.write("x.txt", "") }}, {"dirtier", func() { r.write("x.txt", "x") }}, {"clean again", func() { r.must(os.Remove(r.path("x.txt"))) }},
		{"tag", func() { r.git("tag", "v1.0.0") }}, {"commit", func() { r.commit("x", "--allow-empty") }}, {"tag before", func() { r.git("tag", "v1.1.0", "HEAD~1") }},
		{"branch", func() { r.git("checkout", "-q", "-b", "other") }}, {"back", func() { r.git("reset", "-q", "--hard", "HEAD~1") }},
		{"module", func() { r.write("go.mod", "module example.com/m/v2\n\ngo 1.26\n") }},
	} {
		step.change()
		key, stamp := fmt.Sprint(r.inputs()), r.build()
		if old, ok := seen[key]; ok && old != stamp {
			t.Errorf("%s: the same inputs with another stamp:\n%s\n%s", step.name, old, stamp)
		}
		seen[key] = stamp
	}
	stamps := slices.Sorted(maps.Values(seen))
	if got := strings.Join(stamps, "\n"); len(seen) != 7 || !strings.Contains(got, "v1.1.0[") || !strings.Contains(got, "+dirty[") {
		t.Errorf("%d stamps:\n%s", len(seen), got)
	}
}

// build returns what `go build` stamps.
func (r *vcsRepo) build() string {
	r.t.Helper()
	cmd := exec.Command("go", "build", "-buildvcs=true", "-o", filepath.Join(r.base, "program"), ".")
	cmd.Dir, cmd.Env = r.dir, append(os.Environ(), "HOME="+r.env["HOME"], "GIT_CONFIG_NOSYSTEM=1", "GOFLAGS=", "GOWORK=off", "GOCACHE="+vcsGoEnv(r.t, "GOCACHE"), "GOMODCACHE="+vcsGoEnv(r.t, "GOMODCACHE"))
	if out, err := cmd.CombinedOutput(); err != nil {
		r.t.Fatalf("go build: %v\n%s", err, out)
	}
	info, err := buildinfo.ReadFile(filepath.Join(r.base, "program"))
	r.must(err)
	settings := slices.DeleteFunc(info.Settings, func(s debug.BuildSetting) bool { return !strings.HasPrefix(s.Key, "vcs") })
	return fmt.Sprint(info.Main.Version, settings)
}

func vcsGoEnv(t testing.TB, name string) string {
	t.Helper()
	out, err := exec.Command("go", "env", name).Output()
	if err != nil {
		t.Fatal(err)
	}
	return string(bytes.TrimSpace(out))
}

func TestVCSSettings(t *testing.T) {
	tests := map[string][][2]string{
		"":                                  nil,
		"[a]\nb = c\n":                      {{"a.b", "c"}},
		"[a]b=c":                            {{"a.b", "c"}},
		"[a \"x y\"] b\n":                   {{"a.x y.b", "true"}},
		"[a \"x\\\"]\"]\nb = 1\n":           {{"a.x\\\"].b", "1"}},
		"[a.x]\nb =\n":                      {{"a.x.b", ""}},
		"[a]\n# c \\\n[d]\n; x\ne=1":        {{"d.e", "1"}},
		"[a]\nb = x \\\n[c] # d\ne = 2\r\n": {{"a.b", "x [c]"}, {"a.e", "2"}},
		"[a]\nb = \" x # y \" z ; comment \\\nc = 1": {{"a.b", " x # y  z"}, {"a.c", "1"}},
		"[a]\nb = x\\ty\\\\\\\"\n":                   {{"a.b", "x\ty\\\""}},
		"\ufeff[a]\n\tb-2 = \"~/x\"\n":               {{"a.b-2", "~/x"}},
		"[a]\nb # comment\nc = 1":                    {{"a.b", "true"}, {"a.c", "1"}},
		"[a]\nb = x\\\r\n y\n":                       {{"a.b", "x y"}},
	}
	for text, want := range tests {
		got, ok := vcsSettings(text)
		if diff := cmp.Diff(want, got); diff != "" || !ok {
			t.Errorf("vcsSettings(%q) (-want +got), ok = %v:\n%s", text, ok, diff)
		}
	}
	for _, text := range []string{"[a\n", "b = c\n", "[a \"x]\n", "[a]\n= c\n", "[]\n", "[a]\n@\n", "[a \"x\\"} {
		if got, ok := vcsSettings(text); ok {
			t.Errorf("vcsSettings(%q) = %q", text, got)
		}
	}
}

func FuzzVCSSettings(f *testing.F) {
	f.Add("[a \"b\"]\n\tc = \"d # e\" \\\n f ; g\n[include] path=x")
	f.Fuzz(func(t *testing.T, text string) {
		settings, ok := vcsSettings(text)
		if again, _ := vcsSettings(text + "\n"); ok && !strings.HasSuffix(text, `\`) && !cmp.Equal(settings, again) {
			t.Errorf("%q: %q, with a newline %q", text, settings, again)
		}
	})
}

func FuzzVCSIndex(f *testing.F) {
	r := vcsNewRepo(f)
	for _, version := range []string{"2", "4"} {
		r.git("update-index", "--index-version", version)
		data, err := os.ReadFile(r.path(".git/index"))
		r.must(err)
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		index, n := vcsIndex{data: data, hash: 20}, 0
		if err := index.read(func(vcsEntry) { n++ }); err == nil && n > len(data)/60 {
			t.Errorf("%d entries in %d bytes", n, len(data))
		}
	})
}

func BenchmarkVCSState(b *testing.B) {
	r := vcsNewRepo(b)
	for i := range 2000 {
		r.write(fmt.Sprintf("p%d/q%d/x.go", i%50, i%500), fmt.Sprintf("package q\n\nconst X = %d\n", i))
	}
	r.git("add", ".")
	r.commit("many")
	time.Sleep(1100 * time.Millisecond) // until the index is newer than the files by a second
	r.git("status")
	r.must(os.Chtimes(r.path("main.go"), time.Time{}, time.Now()))
	r.git("status")
	for b.Loop() {
		if _, reason := vcsState(r.dir, func(name string) string { return r.env[name] }, func(string) (string, error) { return "x", nil }); reason != "" {
			b.Fatal(reason)
		}
	}
}
