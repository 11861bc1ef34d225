package acttest

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// NeedEngine skips the test where no engine answers the docker command. In CI
// that is a failure: without an engine nothing here says anything.
func NeedEngine(t testing.TB) {
	t.Helper()
	_, err := docker(t.Context(), nil, "version", "--format", "{{.Server.Version}}")
	switch {
	case err == nil:
	case os.Getenv("CI") == "":
		t.Skipf("no engine: %v", err)
	default:
		t.Fatalf("no engine: %v", err)
	}
}

// docker runs the docker command and returns what it prints on standard
// output, without the last newline.
func docker(ctx context.Context, stdin io.Reader, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "docker", args...)
	cmd.Stdin = stdin
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("docker %s: %w: %s", args[0], err, strings.TrimSpace(stderr.String()))
	}
	return strings.TrimSpace(string(out)), nil
}
