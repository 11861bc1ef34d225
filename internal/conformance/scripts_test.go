package conformance

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/txtar"
)

// suite is the hooked test binary, and the scripts that call go run.
type suite struct {
	binary  string
	dir     string // GOROOT/src/cmd/go, where the binary must run
	scripts []string
}

// goRun is a command of a script that calls go run, after conditions ("[cgo]")
// and the sign that it must or may fail ("!", "?").
var goRun = regexp.MustCompile(`(?m)^(?:\[[^\]\n]*\][ \t]*)*(?:[!?][ \t]+)?go[ \t]+run(?:[ \t]|$)`)

// findScripts lists the scripts of a directory that call go run themselves;
// one that only has a go:generate line with it does not.
func findScripts(t *testing.T, dir string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.txt"))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if goRun.Match(txtar.Parse(data).Comment) {
			names = append(names, strings.TrimSuffix(filepath.Base(file), ".txt"))
		}
	}
	return names
}

// outcome is what became of one script.
type outcome struct {
	action string // "pass", "fail", "skip"; "" when it never came to an end
	log    []string
}

// failure is the script engine's sentence about the command that failed,
// without the script's name and line: "cmp stderr want: …".
func (o outcome) failure() string {
	for _, line := range o.log {
		if _, rest, ok := strings.Cut(line, "FAIL: testdata/script/"); ok {
			_, rest, _ = strings.Cut(rest, ": ")
			return strings.TrimSpace(rest)
		}
	}
	return ""
}

// handedOver counts the calls of go run that went to gorun.
func (o outcome) handedOver() int { return o.count("[handed over]") }

func (o outcome) count(mark string) (n int) {
	for _, line := range o.log {
		if strings.TrimSpace(line) == mark {
			n++
		}
	}
	return n
}

// excerpt is the log from the last call of go run on, not more than 20 lines.
func (o outcome) excerpt() string {
	from := 0
	for i, line := range o.log {
		if strings.TrimSpace(line) == "[handed over]" {
			from = max(i-1, 0)
		}
	}
	return strings.Join(o.log[max(from, len(o.log)-20):], "")
}

// run runs the scripts with words in the place of `go run`.
func (s *suite) run(t *testing.T, words ...string) map[string]outcome {
	t.Helper()
	command, err := json.Marshal(words)
	if err != nil {
		t.Fatal(err)
	}
	args := []string{
		"tool", "test2json", s.binary, "-test.v=test2json", "-test.timeout=" + timeLimit(t).String(),
		"-test.run=^TestScript$/^(" + strings.Join(s.scripts, "|") + ")$",
	}
	var stderr bytes.Buffer
	cmd := exec.CommandContext(t.Context(), "go", args...)
	cmd.Dir, cmd.Stderr = s.dir, &stderr
	cmd.Env = append(neutral(os.Environ()), "GORUN_CONFORMANCE="+string(command), "PWD="+s.dir)
	endWithGroup(cmd)
	out, err := cmd.Output()
	outcomes, readErr := readEvents(out)
	if readErr != nil || len(outcomes) == 0 {
		t.Fatalf("running the scripts: %v, %v\n%s%s", err, readErr, out, &stderr)
	}
	return outcomes
}

// neutral leaves out what would configure the gorun under test.
func neutral(environ []string) []string {
	return slices.DeleteFunc(environ, func(kv string) bool { return strings.HasPrefix(kv, "GORUN_") })
}

// timeLimit leaves this test the time to say what did not end.
func timeLimit(t *testing.T) time.Duration {
	if deadline, ok := t.Deadline(); ok {
		return time.Until(deadline) * 9 / 10
	}
	return 30 * time.Minute
}

// endWithGroup makes the end of the context reach the test binary and what it
// started too, not only test2json.
func endWithGroup(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = 5 * time.Second // a process that left the group may hold the pipe
}

// readEvents reads test2json's stream. Keys are the scripts' names.
func readEvents(stream []byte) (map[string]outcome, error) {
	outcomes := map[string]outcome{}
	for line := range bytes.Lines(stream) {
		var e struct{ Action, Test, Output string }
		if err := json.Unmarshal(line, &e); err != nil {
			return outcomes, fmt.Errorf("%w in %q", err, line)
		}
		name, ok := strings.CutPrefix(e.Test, "TestScript/")
		if !ok || name == "README" {
			continue
		}
		o := outcomes[name]
		switch e.Action {
		case "output":
			o.log = append(o.log, e.Output)
		case "pass", "fail", "skip":
			o.action = e.Action
		}
		outcomes[name] = o
	}
	return outcomes, nil
}

// TestGoRunPattern holds the finding of scripts to the forms that a call of go
// run has, and to what only looks like one.
func TestGoRunPattern(t *testing.T) {
	for text, want := range map[string]bool{
		"go run .":                        true,
		"! go run":                        true,
		"? go run x &":                    true,
		"[cgo] [!short] ! go run main.go": true,
		"env A=b\n\tcd x\ngo run .\n":     true,
		"# go run .":                      false,
		"go build\n# 'go run' fails":      false,
		"stdout 'go run'":                 false,
		"go runtime":                      false,
	} {
		if got := goRun.MatchString(text); got != want {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
}

// TestReadEvents has one script of each kind.
func TestReadEvents(t *testing.T) {
	const stream = `{"Action":"start"}
{"Action":"run","Test":"TestScript/a"}
{"Action":"output","Test":"TestScript/a","Output":"        > go run .\n"}
{"Action":"output","Test":"TestScript/a","Output":"        [handed over]\n"}
{"Action":"output","Test":"TestScript/a","Output":"    script_test.go:163: FAIL: testdata/script/a.txt:49: cmp stderr want: they: differ\n"}
{"Action":"fail","Test":"TestScript/a"}
{"Action":"pass","Test":"TestScript/README"}
{"Action":"skip","Test":"TestScript/b"}
{"Action":"run","Test":"TestScript/c"}
{"Action":"output","Test":"TestScript/c","Output":"x\n"}
{"Action":"fail","Test":"TestScript"}
`
	got, err := readEvents([]byte(stream))
	if err != nil {
		t.Fatal(err)
	}
	a := got["a"]
	if a.action != "fail" || a.failure() != "cmp stderr want: they: differ" || a.handedOver() != 1 || !strings.HasPrefix(a.excerpt(), "        > go run .\n") {
		t.Errorf("a: %+v, failure %q, excerpt %q", a, a.failure(), a.excerpt())
	}
	if got["b"].action != "skip" || got["c"].action != "" || len(got) != 3 {
		t.Errorf("got %+v", got)
	}
	if _, err := readEvents([]byte("panic: no JSON\n")); err == nil {
		t.Error("no error for a line that is no event")
	}
}
