package githubactions

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// repository is a git repository with what GitHub makes of a pull request: a
// base, a branch of it, and the merge of both.
type repository struct {
	t                 *testing.T
	dir               string
	base, head, merge string
}

func newRepository(t *testing.T) *repository {
	t.Helper()
	if _, err := exec.LookPath("git"); err != nil {
		if os.Getenv("CI") == "" {
			t.Skip("git is not here")
		}
		t.Fatal(err)
	}
	r := &repository{t: t, dir: realTempDir(t)}
	r.git("init", "-q", "-b", "main")
	r.write("a.go", "1")
	r.write("old.go", "1")
	start := r.commit("start")
	r.git("checkout", "-q", "-b", "topic")
	r.write("sub/ä b.go", "2")
	r.git("mv", "old.go", "new.go")
	r.head = r.commit("topic")
	r.git("checkout", "-q", "main")
	r.write("base.go", "3")
	r.base = r.commit("base")
	r.git("checkout", "-q", "--detach", r.base)
	r.git("merge", "-q", "-m", "merge", r.head)
	r.merge = strings.TrimSpace(r.git("rev-parse", "HEAD"))
	if start == r.base || r.merge == r.head {
		t.Fatal("the repository is not as this test needs it")
	}
	return r
}

func realTempDir(t *testing.T) string {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

func (r *repository) git(args ...string) string {
	r.t.Helper()
	cmd := exec.Command("git", append([]string{"-C", r.dir, "-c", "user.name=x", "-c", "user.email=x@example.com"}, args...)...)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null"}
	out, err := cmd.CombinedOutput()
	if err != nil {
		r.t.Fatalf("git %q: %v\n%s", args, err, out)
	}
	return string(out)
}

func (r *repository) write(name, text string) {
	r.t.Helper()
	writeFile(r.t, filepath.Join(r.dir, name), text)
}

func writeFile(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
}

func (r *repository) commit(message string) string {
	r.t.Helper()
	r.git("add", "-A")
	r.git("commit", "-q", "-m", message)
	return strings.TrimSpace(r.git("rev-parse", "HEAD"))
}

// clone is a copy with the last commits of one ref, as actions/checkout makes it.
func (r *repository) clone(depth int, commit string) string {
	r.t.Helper()
	dir := realTempDir(r.t)
	r.git("update-ref", "refs/heads/wanted", commit)
	r.git("init", "-q", dir)
	r.git("-C", dir, "fetch", "-q", fmt.Sprintf("--depth=%d", depth), "file://"+r.dir, "wanted")
	r.git("-C", dir, "checkout", "-q", "--detach", "FETCH_HEAD")
	return dir
}

func eventFile(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "event.json")
	writeFile(t, path, text)
	return path
}

func TestTouched(t *testing.T) {
	r := newRepository(t)
	pull := eventFile(t, `{"pull_request":{"base":{"sha":"`+r.base+`"}}}`)
	push := eventFile(t, `{"before":"`+r.base+`","after":"`+r.merge+`"}`)
	change := []string{"new.go", "old.go", "sub/ä b.go"}
	for name, c := range map[string]struct {
		touched  Touched
		checkout string
		want     []string
	}{
		"pull request":                    {Touched{Event: "pull_request", EventPath: pull, SHA: r.merge}, r.merge, change},
		"its own commit":                  {Touched{Event: "pull_request", EventPath: pull, SHA: strings.Repeat("1", 40)}, r.head, change},
		"its own commit, only a base":     {Touched{Event: "pull_request", EventPath: eventFile(t, "{}"), BaseRef: "main"}, r.head, change},
		"push":                            {Touched{Event: "push", EventPath: push, SHA: r.merge}, r.merge, change},
		"in a directory of the work tree": {Touched{Event: "push", EventPath: push, SHA: r.merge, Dir: "sub"}, r.merge, change},
	} {
		r.git("update-ref", "refs/remotes/origin/main", r.base)
		r.git("checkout", "-q", "--detach", c.checkout)
		c.touched.Dir = filepath.Join(r.dir, c.touched.Dir)
		c.touched.Path = os.Getenv("PATH")
		got, err := c.touched.Files()
		for i := range got {
			got[i] = strings.TrimPrefix(got[i], r.dir+"/")
		}
		if slices.Sort(got); err != nil || !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, %v; want %q", name, got, err, c.want)
		}
	}
}

func TestTouchedShallow(t *testing.T) {
	r := newRepository(t)
	touched := Touched{Event: "pull_request", EventPath: eventFile(t, `{"pull_request":{"base":{"sha":"`+r.base+`"}}}`), SHA: r.merge, Path: os.Getenv("PATH")}
	touched.Dir = r.clone(1, r.merge)
	if got, err := touched.Files(); err == nil || len(got) != 0 {
		t.Errorf("with one commit: %q, %v", got, err)
	}
	touched.Dir = r.clone(2, r.merge)
	if got, err := touched.Files(); err != nil || len(got) != 3 {
		t.Errorf("with two commits: %q, %v", got, err)
	}
}

func TestTouchedUnknown(t *testing.T) {
	r := newRepository(t)
	pull, zeros := eventFile(t, `{}`), eventFile(t, `{"before":"`+strings.Repeat("0", 40)+`"}`)
	path := os.Getenv("PATH")
	for name, touched := range map[string]Touched{
		`the event "schedule" is neither a push`:  {Event: "schedule", EventPath: pull, Path: path},
		"reading the event: open":                 {Event: "push", EventPath: "/nowhere", Path: path},
		"reading the event: unexpected end":       {Event: "push", EventPath: eventFile(t, "{"), Path: path},
		"the event names no commit":               {Event: "push", EventPath: zeros, SHA: r.merge, Path: path},
		"names no commit to compare":              {Event: "pull_request", EventPath: pull, Path: path},
		"git is not in PATH":                      {Event: "pull_request", EventPath: pull, SHA: r.merge, Path: t.TempDir()},
		"not a git repository":                    {Event: "pull_request", EventPath: pull, SHA: r.merge, Path: path, Dir: t.TempDir()},
		"the event names no commit to compare wi": {Event: "push", EventPath: eventFile(t, `{"before":"--output=x"}`), SHA: r.merge, Path: path},
	} {
		if touched.Dir == "" {
			touched.Dir = r.dir
		}
		if got, err := touched.Files(); err == nil || !strings.Contains(err.Error(), name) || got != nil {
			t.Errorf("%q, %v; want %q", got, err, name)
		}
	}
}

// TestTouchedIsGentle: git sees nothing of our environment, runs nothing that
// the repository names, and leaves nothing behind; and one that hangs is ended.
func TestTouchedIsGentle(t *testing.T) {
	t.Setenv("ACTIONS_RUNTIME_TOKEN", "secret")
	r := newRepository(t)
	ran := filepath.Join(t.TempDir(), "ran")
	hook := filepath.Join(t.TempDir(), "hook")
	writeFile(t, hook, "#!/bin/sh\nenv >>"+ran+"\n")
	for _, name := range []string{"core.fsmonitor", "diff.external", "core.pager", "core.sshCommand"} {
		r.git("config", name, hook)
	}
	touched := Touched{Event: "pull_request", EventPath: eventFile(t, "{}"), SHA: r.merge, Dir: r.dir, Path: os.Getenv("PATH")}
	before := r.listing()
	if _, err := touched.Files(); err != nil {
		t.Error(err)
	}
	if after := r.listing(); after != before {
		t.Errorf("the repository was\n%s\nand is\n%s", before, after)
	}
	if data, err := os.ReadFile(ran); err == nil {
		t.Errorf("the repository's commands ran:\n%s", data)
	}

	touched.Git = filepath.Join(t.TempDir(), "git")
	writeFile(t, touched.Git, "#!/bin/sh\nenv >"+ran+"\nsleep 5 & wait\n")
	begin := time.Now()
	if _, err := touched.Files(); err == nil || time.Since(begin) > touchedLimit+2*time.Second {
		t.Errorf("%v after %v", err, time.Since(begin))
	}
	if data, err := os.ReadFile(ran); err != nil || strings.Contains(string(data), "secret") || !strings.Contains(string(data), "GIT_OPTIONAL_LOCKS=0") {
		t.Errorf("git's environment: %v\n%s", err, data)
	}
}

// listing is what the repository has, with sizes and times.
func (r *repository) listing() string {
	r.t.Helper()
	var b strings.Builder
	err := filepath.WalkDir(r.dir, func(path string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err == nil {
			fmt.Fprintln(&b, path, info.Size(), info.ModTime())
		}
		return err
	})
	if err != nil {
		r.t.Fatal(err)
	}
	return b.String()
}
