package testenv

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// NeedEngine skips the test where no engine answers the docker command. In CI
// that is a failure: a skipped container test would hide a hole.
func NeedEngine(t testing.TB) {
	t.Helper()
	err := engine()
	switch {
	case err == nil:
	case os.Getenv("CI") != "":
		t.Fatal(err)
	default:
		t.Skipf("NOT TESTED: %v", err)
	}
}

var engine = sync.OnceValue(func() error {
	out, err := exec.Command("docker", "version", "--format", "{{.Server.Version}}").CombinedOutput()
	if err != nil {
		return fmt.Errorf("no container engine: %w: %s", err, out)
	}
	return nil
})

// RunnerImage is the runner image with gorun of this checkout, in the engine.
// Its tag says what is in it: another checkout has another one, and no test
// removes it.
func RunnerImage(t testing.TB) string {
	t.Helper()
	NeedEngine(t)
	return get(t, runnerImage)
}

var runnerImage = sync.OnceValues(func() (string, error) {
	gorun, err := gorun()
	if err != nil {
		return "", err
	}
	return image("runner", []string{gorun}, func(tag string) error {
		base, err := baseImage()
		if err != nil {
			return err
		}
		return replaceGorun(base, gorun, tag)
	})
})

// baseImage is a runner image with any gorun. To assemble one takes ten seconds
// of a processor, and most changes of this module change gorun alone.
func baseImage() (string, error) {
	root, err := module()
	if err != nil {
		return "", err
	}
	var makers []string
	for _, pattern := range []string{"container/*.json", "container/image/*.go", "cmd/gorunctl/*.go"} {
		files, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil {
			return "", err
		}
		makers = append(makers, files...)
	}
	return image("base", makers, func(tag string) error {
		gorun, err := gorun()
		if err != nil {
			return err
		}
		gorunctl, err := gorunctl()
		if err != nil {
			return err
		}
		return run(root, nil, gorunctl, "image", "runner", "--gorun="+gorun, "--load", "--tag="+tag)
	})
}

// replaceGorun makes an image of another one, with everything but gorun the same.
func replaceGorun(from, gorun, tag string) error {
	out, err := exec.Command("docker", "create", from).Output()
	if err != nil {
		return err
	}
	id := strings.TrimSpace(string(out))
	defer exec.Command("docker", "rm", id).Run() //nolint:errcheck // it never ran
	if err := run("", nil, "docker", "cp", gorun, id+":/usr/local/bin/gorun"); err != nil {
		return err
	}
	return run("", nil, "docker", "commit", id, tag)
}

// image returns the name of the image that has these inputs, which fill makes
// when the engine does not have it.
func image(name string, inputs []string, fill func(tag string) error) (string, error) {
	digest, err := sum(inputs...)
	if err != nil {
		return "", err
	}
	shared, err := dir()
	if err != nil {
		return "", err
	}
	unlock, err := lock(filepath.Join(shared, name+"-image"))
	if err != nil {
		return "", err
	}
	defer unlock()
	tag := "gorun-tests/" + name + ":" + digest[:16]
	if exec.Command("docker", "image", "inspect", tag).Run() == nil {
		return tag, nil
	}
	if err := fill(tag); err != nil {
		return "", fmt.Errorf("making the image %s: %w", tag, err)
	}
	return tag, nil
}

// Docker runs the docker command and returns its output without the last
// newline.
func Docker(t testing.TB, args ...string) string {
	t.Helper()
	out, err := exec.Command("docker", args...).CombinedOutput()
	if err != nil {
		t.Fatalf("docker %s: %v: %s", strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out))
}
