package testenv

import (
	"os/exec"
	"strings"
	"testing"
)

// What is made once is whole: gorun runs on this machine and in the image.
func TestPrograms(t *testing.T) {
	out, err := exec.Command(Gorun(t), "--version").Output()
	if err != nil || !strings.HasPrefix(string(out), "gorun ") {
		t.Errorf("gorun --version: %q, %v", out, err)
	}
	if got := Docker(t, "run", "--rm", RunnerImage(t), "--version"); got != strings.TrimSpace(string(out)) {
		t.Errorf("in the image it is %q, here %q", got, out)
	}
}
