package runner

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// built compiles one program with flags of its own.
func built(t *testing.T, flags ...string) string {
	t.Helper()
	dir := write(t, t.TempDir(), map[string]string{"go.mod": "module example.com/m\n\ngo 1.26\n", "main.go": "package main\n\nvar word = \"one\"\n\nfunc main() { println(word) }\n"})
	out := filepath.Join(dir, "m")
	cmd := exec.Command("go", append(append([]string{"build", "-trimpath", "-buildvcs=false", "-o", out}, flags...), ".")...)
	cmd.Dir = dir
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return out
}

func TestDifference(t *testing.T) {
	plain := built(t)
	if got := difference(plain, built(t)); got != "build information and sections are the same" {
		t.Errorf("of the same: %q", got)
	}
	tagged := difference(plain, built(t, "-tags=x"))
	if !strings.HasPrefix(tagged, "the build information differs in build -tags=x, and the sections that differ are ") {
		t.Errorf("of other build information: %q", tagged)
	}
	word := difference(plain, built(t, "-ldflags=-X=main.word=two"))
	if !strings.Contains(word, ".rodata") || strings.Contains(word, ".text") {
		t.Errorf("of another constant: %q", word)
	}
	foreign := filepath.Join(write(t, t.TempDir(), map[string]string{"x": "not an executable"}), "x")
	if got := difference(foreign, foreign); got != "where cannot be told, since they are no ELF files" {
		t.Errorf("of what is no executable: %q", got)
	}
}
