package examples

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// root is the checkout.
var root = filepath.Join("..", "..")

// imageTag and cacheVolume are made by these tests, and removed at their end.
const (
	imageTag    = "gorun-examples-test"
	cacheVolume = "gorun-examples-test-cache"
)

func TestMain(m *testing.M) {
	code := m.Run()
	exec.Command("docker", "volume", "rm", "--force", cacheVolume).Run()
	exec.Command("docker", "image", "rm", "--force", imageTag).Run()
	os.Exit(code)
}

// makeImage makes the runner image of this working tree.
func makeImage(t *testing.T) {
	t.Helper()
	begin := time.Now()
	cmd := exec.Command("go", "run", "./cmd/gorunctl", "image", "runner", "--load", "--tag="+imageTag)
	cmd.Dir = root
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("making the image: %v\n%s", err, out)
	}
	t.Logf("made the image in %.1f s", time.Since(begin).Seconds())
}

// action is action.yml as a release has it: with an image instead of a
// Dockerfile.
func action(t *testing.T) string {
	t.Helper()
	text := read(t, filepath.Join(root, "action.yml"))
	before, after, ok := strings.Cut(text, "\n  image: Dockerfile\n")
	if !ok {
		t.Fatal("action.yml does not name its Dockerfile")
	}
	return before + "\n  image: docker://" + imageTag + "\n" + after
}

// gorunOnPath compiles gorun and returns a PATH that begins with it.
func gorunOnPath(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	cmd := exec.Command("go", "build", "-o", dir, "./cmd/gorun")
	cmd.Dir = root
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("compiling gorun: %v\n%s", err, out)
	}
	return dir + string(filepath.ListSeparator) + os.Getenv("PATH")
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
