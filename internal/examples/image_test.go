package examples

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/org/gorun-action/internal/testenv"
)

// root is the checkout.
var root = filepath.Join("..", "..")

func TestMain(m *testing.M) { os.Exit(testenv.Waiting{M: m}.Run()) }

// action is action.yml as a release has it: with an image instead of a
// Dockerfile.
func action(t *testing.T) string {
	t.Helper()
	text := read(t, filepath.Join(root, "action.yml"))
	before, after, ok := strings.Cut(text, "\n  image: Dockerfile\n")
	if !ok {
		t.Fatal("action.yml does not name its Dockerfile")
	}
	return before + "\n  image: docker://" + testenv.RunnerImage(t) + "\n" + after
}

// gorunOnPath returns a PATH that begins with gorun.
func gorunOnPath(t *testing.T) string {
	t.Helper()
	return filepath.Dir(testenv.Gorun(t)) + string(filepath.ListSeparator) + os.Getenv("PATH")
}

func read(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// write writes the files below dir.
func write(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, content := range files {
		name = filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// script runs a script as a CI system does, and returns its standard output.
func script(t *testing.T, dir, text string, env ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "bash", "-eo", "pipefail", "-c", text)
	cmd.Dir, cmd.Env = dir, append(append(os.Environ(), "PWD="+dir), env...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		t.Errorf("%s\n%v\n%s%s", text, err, stdout.String(), stderr.String())
	}
	return stdout.String()
}
