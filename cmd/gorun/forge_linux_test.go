package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/org/gorun-action/internal/githubactions/parser"
	"github.com/org/gorun-action/internal/testenv"
)

// forging does what a number says to its own files and to the runner's, whose
// directory it is told, leaves a process that goes on with its own, and fails.
const forging = `package main

import (
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

const forged = "outcome=success\nexit-code=0\n"

func main() {
	seed, _ := strconv.ParseUint(os.Args[1], 10, 64)
	rnd := rand.New(rand.NewPCG(seed, 1))
	own := []string{os.Getenv("GITHUB_OUTPUT"), os.Getenv("GITHUB_STEP_SUMMARY"), os.Getenv("GITHUB_ENV"), filepath.Dir(os.Getenv("GITHUB_OUTPUT"))}
	if len(os.Args) > 3 {
		for end := time.Now().Add(100 * time.Millisecond); time.Now().Before(end); {
			attack(rnd, own[rnd.IntN(len(own))])
		}
		return
	}
	theirs, _ := filepath.Glob(os.Args[2] + "/*")
	for range 12 {
		attack(rnd, own[rnd.IntN(len(own))])
	}
	for range rnd.IntN(4) {
		attack(rnd, theirs[rnd.IntN(len(theirs))])
	}
	if rnd.IntN(8) == 0 {
		attack(rnd, os.Args[2])
	}
	for range rnd.IntN(1 << 12) {
		os.Open(os.DevNull)
	}
	child := exec.Command(os.Args[0], os.Args[1], os.Args[2], "goes on")
	child.Stdout, child.Stderr = os.Stdout, os.Stderr
	child.Start()
	os.Exit(3)
}

func attack(rnd *rand.Rand, path string) {
	switch rnd.IntN(12) {
	case 0:
		write(path, forged)
	case 1:
		os.Chmod(path, os.FileMode(rnd.IntN(8)<<6))
	case 2:
		os.Remove(path)
		os.Symlink("/dev/stdout", path)
	case 3:
		os.Remove(path)
		os.Symlink(os.Args[2]+"/../elsewhere", path)
	case 4:
		os.Rename(path, path+".moved") // RemoveAll waits for who would write to a pipe above
		os.MkdirAll(path+"/full", 0o755)
	case 5:
		os.Remove(path)
		syscall.Mkfifo(path, 0o644)
	case 6:
		os.Truncate(path, 1<<40)
	case 7:
		os.Remove(path)
	case 8:
		write(path, "a<<outcome\n"+forged)
	case 9:
		write(path, "\xff\xfeo\x00")
	case 10:
		os.Rename(path, path+".old")
	case 11:
		if f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND|syscall.O_NONBLOCK, 0); err == nil {
			f.WriteString(forged)
		}
	}
}

// write does not wait for who would read a pipe.
func write(path, text string) {
	if f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC|syscall.O_NONBLOCK, 0o644); err == nil {
		f.WriteString(text)
		f.Close()
	}
}
`

// A program that does all that it can to the files of its step, its own and the
// runner's, has gorun's outputs, verdict and summary, or a step that failed.
func TestForgedOutputs(t *testing.T) {
	t.Parallel()
	c := newCacheTest(t, "host")
	c.must(os.RemoveAll(c.src("main.go")))
	put(t, c.src("main.go"), forging)
	put(t, filepath.Join(c.dir, "elsewhere"), "")
	c.tool("cp", "-L", testenv.Gorun(t), filepath.Join(c.dir, "gorun-action"))
	s := step{cacheTest: c, commands: filepath.Join(c.dir, "commands"), uid: os.Getuid()}
	c.env = append(c.env, "GORUN_LOG_FORMAT=", "INPUT_WORKING-DIRECTORY="+c.src(), "RUNNER_TEMP="+filepath.Join(c.dir, "temp"), "GITHUB_WORKSPACE="+c.src())
	s.run(0) // what it builds is for this user, and what it keeps is the other's from here on
	if s.uid == 0 {
		s.uid = 54321
		c.must(os.Chmod(filepath.Dir(c.dir), 0o755))
		time.Sleep(lingers)
		c.tool("chown", "-R", fmt.Sprint(s.uid), c.dir)
	}
	t.Cleanup(func() { time.Sleep(lingers) })
	ends := map[string]int{}
	first := rand.IntN(1_000_000) // -count=5 at the full level makes a thousand
	for seed := range testenv.Times(40, 200) {
		ends[s.run(first+seed)]++
	}
	t.Log(first, ends)
	if ends["told"] == 0 {
		t.Error("no run told what became of it")
	}
}

// lingers is longer than what outlives the program does.
const lingers = 300 * time.Millisecond

// step is a step of a job whose user is nobody of importance.
type step struct {
	*cacheTest
	commands string
	uid      int
}

func (s step) run(seed int) string {
	s.Helper()
	temp := filepath.Join(s.dir, "temp")
	for _, dir := range []string{s.commands, temp} {
		s.must(errors.Join(os.RemoveAll(dir), os.MkdirAll(dir, 0o755)))
	}
	ctx, cancel := context.WithTimeout(s.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, filepath.Join(s.dir, "gorun-action"))
	cmd.Env = append(s.env, fmt.Sprintf(`INPUT_ARGS=["%d", %q]`, seed, s.commands), "GORUN_CACHE_DIR="+s.cache)
	for _, name := range []string{"GITHUB_OUTPUT", "GITHUB_ENV", "GITHUB_STEP_SUMMARY"} {
		put(s.T, filepath.Join(s.commands, name), "")
		cmd.Env = append(cmd.Env, name+"="+filepath.Join(s.commands, name))
	}
	if os.Getuid() == 0 {
		s.tool("chown", "-R", fmt.Sprint(s.uid), s.commands, temp)
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(s.uid), Gid: uint32(s.uid)}}
	}
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		s.Fatal(err)
	}
	switch status := cmd.ProcessState.ExitCode(); status {
	case 125:
		if !strings.Contains(string(out), "could not be told to the runner") {
			s.Errorf("seed %d: status 125\n%s", seed, out)
		}
		return "failed"
	case 3:
		s.told(seed, temp)
		return "told"
	default:
		s.Errorf("seed %d: status %d\n%s", seed, status, out)
		return "neither"
	}
}

// told requires that everything says that the program has failed.
func (s step) told(seed int, temp string) {
	s.Helper()
	entries, err := parser.File(mustRead(s.T, filepath.Join(s.commands, "GITHUB_OUTPUT")))
	got := map[string]string{}
	for _, e := range entries {
		got[strings.ToLower(e.Name)] += e.Value
	}
	if err != nil || got["outcome"] != "failure" || got["exit-code"] != "3" {
		s.Errorf("seed %d: outputs %q, %v", seed, got, err)
	}
	var verdict struct {
		Outcome string
	}
	err = json.Unmarshal(mustRead(s.T, filepath.Join(temp, got["verdict"])), &verdict)
	if err != nil || verdict.Outcome != "failure" {
		s.Errorf("seed %d: verdict %+v, %v", seed, verdict, err)
	}
	if summary := string(mustRead(s.T, filepath.Join(s.commands, "GITHUB_STEP_SUMMARY"))); !strings.Contains(summary, "exited with status 3") {
		s.Errorf("seed %d: summary %q", seed, summary)
	}
}
