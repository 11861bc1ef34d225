package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// lingering starts itself again and ends; what it started writes to standard
// error a while later, and then says in a file that it lived to do so.
const lingering = `package main

import (
	"os"
	"os/exec"
	"time"
)

func main() {
	if len(os.Args) > 2 {
		time.Sleep(500 * time.Millisecond)
		_, err := os.Stderr.WriteString("late\n")
		os.WriteFile(os.Args[1], []byte("written "+map[bool]string{true: "well", false: "not"}[err == nil]), 0o644)
		return
	}
	child := exec.Command(os.Args[0], os.Args[1], "child")
	child.Stderr = os.Stderr
	child.Start()
	os.Exit(3)
}
`

// Who holds standard error when the program has ended can go on writing, and
// gorun does not wait for it: with a build, from the cache, and in gorun's place.
func TestLateStderr(t *testing.T) {
	t.Parallel()
	c := newCacheTest(t, "host")
	put(t, c.src("main.go"), lingering)
	c.must(exec.Command("go", "build", "-o", filepath.Join(c.dir, "warm"), c.src("main.go")).Run()) // so that the times below are those of runs
	for _, tt := range []struct {
		name, want string
		flags      []string
	}{
		{"built", "late", []string{"--log-format=text"}},
		{"restored", "late", []string{"--log-format=text"}},
		{"replaced", "late", []string{"--log-format=none"}},
		{"as records", "", []string{"--output=json"}},
		{"logged to a file", "late", []string{"--log-file=" + filepath.Join(c.dir, "log")}},
	} {
		said := filepath.Join(c.dir, tt.name)
		stderr, err := os.Create(said + ".stderr")
		c.must(err)
		defer stderr.Close()
		cmd := c.command(t, append(tt.flags, ".", "--", said)...)
		cmd.Stderr = stderr
		cmd.Run()
		if _, err := os.Stat(said); err == nil || cmd.ProcessState.ExitCode() != 3 {
			t.Errorf("%s: gorun ended with %d, and waited for the background process: %v", tt.name, cmd.ProcessState.ExitCode(), err == nil)
		}
		for end := time.Now().Add(20 * time.Second); string(readOr(said)) != "written well" && time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		}
		if got := string(readOr(said)); got != "written well" {
			t.Errorf("%s: the background process said %q", tt.name, got)
		}
		for end := time.Now().Add(5 * time.Second); !strings.Contains(string(readOr(said+".stderr")), tt.want) && time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		}
		if got := string(readOr(said + ".stderr")); !strings.Contains(got, tt.want) {
			t.Errorf("%s: standard error has %q", tt.name, got)
		}
	}
}

// readOr reads a file that may not be there yet.
func readOr(file string) []byte {
	data, _ := os.ReadFile(file)
	return data
}
