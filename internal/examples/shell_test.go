package examples

import (
	"crypto/rand"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/org/gorun-action/internal/testenv"
)

// environ is for gorun in a shell: no settings of this machine's.
func environ(t *testing.T, path string) []string {
	return []string{"PATH=" + path, "GORUN_BUILDER=host", "GORUN_CACHE_DIR=" + t.TempDir(), "GOFLAGS="}
}

// TestOtherCI runs the commands and GitLab's job in a shell, as they are.
func TestOtherCI(t *testing.T) {
	t.Parallel()
	d := documents(t)["other-ci"]
	env, dir := environ(t, gorunOnPath(t)), t.TempDir()
	write(t, dir, d.Files)
	if len(d.Sessions) < 4 {
		t.Errorf("only %d commands were found", len(d.Sessions))
	}
	for _, s := range d.Sessions {
		if got := script(t, dir, s.Command, env...); got != s.Stdout {
			t.Errorf("%s\nprints %q, the document says %q", s.Command, got, s.Stdout)
		}
	}
	gitlab(t, dir, d.Files[".gitlab-ci.yml"], env)
}

var (
	scriptLine = regexp.MustCompile(`(?m)^    - (.+)$`)
	variable   = regexp.MustCompile(`(?m)^    ([A-Z_]+): (.+)$`)
	kept       = regexp.MustCompile(`(?m)^    paths: \[(.+)\]$`)
)

// gitlab runs the job's script lines with its variables, in one shell as
// GitLab does. What it caches and keeps must be there afterwards.
func gitlab(t *testing.T, dir, job string, env []string) {
	t.Helper()
	var lines []string
	for _, m := range scriptLine.FindAllStringSubmatch(job, -1) {
		lines = append(lines, m[1])
	}
	for _, m := range variable.FindAllStringSubmatch(job, -1) {
		env = append(env, m[1]+"="+strings.ReplaceAll(m[2], "$CI_PROJECT_DIR", dir))
	}
	if len(lines) != 3 {
		t.Fatalf("found the script %q", lines)
	}
	if got := script(t, dir, strings.Join(lines, "\n"), env...); strings.Count(got, "checked\n") != 2 {
		t.Errorf("the job prints %q", got)
	}
	paths := kept.FindAllStringSubmatch(job, -1)
	if len(paths) != 2 {
		t.Fatalf("found the paths %q", paths)
	}
	for _, name := range strings.Split(paths[0][1]+", "+paths[1][1], ", ") {
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			t.Error(err)
		}
	}
}

// quickStart is that section of the README.
func quickStart(t *testing.T) Document {
	t.Helper()
	_, text, ok := strings.Cut(read(t, filepath.Join(root, "README.md")), "\n## Quick start\n")
	text, _, _ = strings.Cut(text, "\n## ")
	d, err := Parse(text)
	if !ok || err != nil {
		t.Fatalf("the README's quick start: there %t, %v", ok, err)
	}
	return d
}

// session is the README's command that contains word.
func session(t *testing.T, word string) Session {
	t.Helper()
	for _, s := range quickStart(t).Sessions {
		if strings.Contains(s.Command, word) {
			return s
		}
	}
	t.Fatalf("the README's quick start has no command with %s", word)
	return Session{}
}

// TestDockerDoor runs the README's `docker run`, twice: the second time nothing
// is compiled.
func TestDockerDoor(t *testing.T) {
	t.Parallel()
	cache := "gorun-tests-" + strings.ToLower(rand.Text())
	t.Cleanup(func() { exec.Command("docker", "volume", "rm", "--force", cache).Run() })
	dir := t.TempDir()
	write(t, dir, quickStart(t).Files)
	s := session(t, "docker run")
	command := strings.NewReplacer("gorun-cache:", cache+":", "gorun-image", "-v "+testenv.BuildCache(t, os.Getuid())+":/cache/go-build "+testenv.RunnerImage(t)).Replace(s.Command)
	if command == s.Command {
		t.Fatalf("%s names neither the image nor the cache", s.Command)
	}
	for range 2 {
		if got := script(t, dir, command); got != s.Stdout {
			t.Errorf("%s\nprints %q, the README says %q", command, got, s.Stdout)
		}
	}
}

// TestCommandLineDoor runs the README's commands with gorun on PATH.
func TestCommandLineDoor(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir, quickStart(t).Files)
	s := session(t, "gorun .")
	if got := script(t, dir, s.Command, environ(t, gorunOnPath(t))...); got != s.Stdout {
		t.Errorf("%s\nprints %q, the README says %q", s.Command, got, s.Stdout)
	}
}
