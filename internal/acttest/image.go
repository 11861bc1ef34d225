package acttest

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"testing"
)

// tree is the file system of an image: path → content. Directories come by
// themselves; a path that ends in a slash is an empty directory that everybody
// may write to, like /tmp.
type tree map[string][]byte

// archive is t as a tar stream: same tree, same bytes.
func (t tree) archive() ([]byte, error) {
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	for _, name := range sortedKeys(t) {
		h := &tar.Header{Name: name, Mode: 0o755, Size: int64(len(t[name])), Typeflag: tar.TypeReg}
		if strings.HasSuffix(name, "/") {
			h.Mode, h.Typeflag = 0o1777, tar.TypeDir
		}
		if err := w.WriteHeader(h); err != nil {
			return nil, err
		}
		if _, err := w.Write(t[name]); err != nil {
			return nil, err
		}
	}
	return out.Bytes(), w.Close()
}

// load brings the tree into the engine as an image and returns its name, whose
// tag is the hash of what it is made of: an image that is there already stays.
// changes are Dockerfile instructions.
func (t tree) load(tb testing.TB, name string, changes ...string) string {
	tb.Helper()
	archive, err := t.archive()
	if err != nil {
		tb.Fatal(err)
	}
	sum := sha256.Sum256(append(archive, strings.Join(changes, "\n")...))
	ref := fmt.Sprintf("gorun-tests/%s:%x", name, sum[:8])
	if _, err := docker(tb.Context(), nil, "image", "inspect", ref); err == nil {
		return ref
	}
	args := []string{"import"}
	for _, c := range changes {
		args = append(args, "--change", c)
	}
	if _, err := docker(tb.Context(), bytes.NewReader(archive), append(args, "-", ref)...); err != nil {
		tb.Fatal(err)
	}
	return ref
}

// ProgramImage is an image that holds nothing but the static executable of the
// Go package in dir, and runs it.
func ProgramImage(t testing.TB, name, dir string) string {
	t.Helper()
	exe := buildProgram(t, dir)
	content, err := os.ReadFile(exe)
	if err != nil {
		t.Fatal(err)
	}
	return tree{"tmp/": nil, name: content}.load(t, name, fmt.Sprintf("ENTRYPOINT [%q]", "/"+name))
}

// buildProgram returns the path of dir's static executable.
func buildProgram(t testing.TB, dir string) string {
	t.Helper()
	exe := filepath.Join(t.TempDir(), "program")
	cmd := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-o", exe, ".")
	cmd.Dir, cmd.Env = dir, append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("building %s: %v\n%s", dir, err, out)
	}
	return exe
}

// jobTools are what a job's shell steps may use. act itself needs tail and
// bash; the rest is for assertions.
var jobTools = []string{
	"bash", "cat", "chmod", "cmp", "cp", "cut", "date", "env", "git", "grep", "head", "id", "ls", "mkdir", "mv",
	"printf", "rm", "sed", "sleep", "sort", "stat", "tail", "tee", "touch", "tr", "uname", "wc",
}

// JobImage is the image that jobs run in: this machine's own bash, coreutils
// and git with the libraries that they are linked to.
func JobImage(t testing.TB) string {
	t.Helper()
	files := tree{"tmp/": nil, "root/": nil}
	for _, tool := range jobTools {
		if err := files.addTool(tool); err != nil {
			t.Fatalf("making the job image: %v", err)
		}
	}
	files["bin/sh"] = files["bin/bash"]
	return files.load(t, "job", "ENV PATH=/bin", "ENV HOME=/root")
}

// addTool puts the command into /bin, and its libraries where the dynamic
// linker looks for them here.
func (t tree) addTool(tool string) error {
	found, err := exec.LookPath(tool)
	if err != nil {
		return fmt.Errorf("this machine has no %s: %w", tool, err)
	}
	content, err := os.ReadFile(found)
	if err != nil {
		return err
	}
	t[path.Join("bin", tool)] = content
	libraries, err := exec.Command("ldd", found).Output()
	if err != nil {
		return fmt.Errorf("ldd %s: %w", found, err)
	}
	for _, word := range strings.Fields(string(libraries)) {
		if !filepath.IsAbs(word) {
			continue
		}
		if t[strings.TrimPrefix(word, "/")], err = os.ReadFile(word); err != nil {
			return err
		}
	}
	return nil
}
