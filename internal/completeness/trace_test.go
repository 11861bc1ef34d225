package completeness

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/org/gorun-action/internal/testenv"
)

// programs are the archives of testdata.
func programs(t *testing.T) []string {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) < 7 {
		t.Fatalf("%d programs, %v", len(files), err)
	}
	return files
}

func name(file string) string { return strings.TrimSuffix(filepath.Base(file), ".txtar") }

// The loader, by its own account (cmd/go/internal/fsys Trace).
func TestLoader(t *testing.T) {
	t.Parallel()
	for _, file := range programs(t) {
		t.Run(name(file), func(t *testing.T) {
			t.Parallel()
			if name(file) == "pgo" || name(file) == "trimpath" {
				testenv.Long(t, "it compiles another standard library")
			}
			traceLoader(t, load(t, file), 2)
		})
	}
	t.Run("gorun", func(t *testing.T) {
		t.Parallel()
		traceLoader(t, itself(t), 10) /* the go command keeps an index of the others */
	})
}

func traceLoader(t *testing.T, p *program, atLeast int) {
	own := findOwn(t)
	judge(t, p, own, loaderTouches(t, p, own), atLeast)
}

func loaderTouches(t *testing.T, p *program, own ownDirs) []touch {
	log := filepath.Join(own.Tmp, "trace")
	cmd := p.command(own)
	cmd.Env = append(cmd.Env, "GODEBUG=gofsystrace=1,gofsystracelog="+log)
	p.run(cmd)
	data, err := os.ReadFile(log)
	p.must(err)
	return parseLoader(t, string(data), cmd.Dir)
}

// The closure of another program does not do: without the embed pattern, what
// it finds is left over.
func TestAnotherClosureIsNotComplete(t *testing.T) {
	t.Parallel()
	p := load(t, "testdata/embed.txtar")
	own := findOwn(t)
	touches := loaderTouches(t, p, own)
	p.must(os.WriteFile(filepath.Join(p.root, "main.go"), []byte("package main\n\nfunc main() {}\n"), 0o644))
	without := newClassifier(p, own, p.closure(own.GOMODCACHE).Covers)
	left := map[string]bool{}
	for _, touch := range touches {
		if without.class(touch) == "" {
			left[filepath.Base(touch.path)] = true
		}
	}
	if !left["a.txt"] || !left["b.tmpl"] || !left["x.html"] || left["main.go"] {
		t.Errorf("left over are %v", left)
	}
}

// parseLoader reads lines of
//
//	PID gofsystrace OPERATION PATH
func parseLoader(t *testing.T, log, dir string) (touches []touch) {
	for line := range strings.Lines(log) {
		words := strings.SplitN(strings.TrimSpace(line), " ", 4)
		if len(words) != 4 || words[1] != "gofsystrace" {
			t.Fatalf("unexpected line %q", line)
		}
		if words[2] == "Glob" { // it reads the directories of the pattern, which have lines of their own
			continue
		}
		touches = append(touches, touch{"go", absolute(dir, words[3])})
	}
	return touches
}

func absolute(dir, path string) string {
	if filepath.IsAbs(path) {
		return filepath.Clean(path)
	}
	return filepath.Join(dir, path)
}

// All programs of a build, by the system calls that name a path.
func TestSystemCalls(t *testing.T) {
	t.Parallel()
	testenv.Long(t, "strace takes ten times as long as the build")
	if _, err := exec.LookPath("strace"); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("there is no strace: apt-get install strace")
		}
		t.Skip("THE BUILD IS NOT TRACED: there is no strace here")
	}
	for _, file := range programs(t) {
		t.Run(name(file), func(t *testing.T) { t.Parallel(); traceCalls(t, load(t, file), 2) })
	}
	t.Run("gorun", func(t *testing.T) { t.Parallel(); traceCalls(t, itself(t), 100) })
}

func traceCalls(t *testing.T, p *program, atLeast int) {
	own := findOwn(t)
	log := filepath.Join(own.Tmp, "strace")
	p.run(p.command(own, "strace", "-f", "-y", "-Y", "-s", "4096", "-e", "signal=none", "-o", log, "-e",
		"trace=open,openat,openat2,stat,lstat,newfstatat,statx,readlink,readlinkat,access,faccessat,faccessat2,execve"))
	data, err := os.ReadFile(log)
	p.must(err)
	judge(t, p, own, parseCalls(t, string(data)), atLeast)
}

// A line of strace -f -y -Y, which has the name of the program and the
// directory that the path is relative to:
//
//	123<go> openat(AT_FDCWD</src>, "main.go", O_RDONLY|O_CLOEXEC) = 3</src/main.go>
//
// open, stat, lstat, readlink, access and execve have no directory; no program
// of a build uses them with a relative path, but those of the C compiler.
var call = regexp.MustCompile(`^\d+<([^>]*)> +(\w+)\((?:(?:AT_FDCWD|\d+)<([^>]*)>, )?"((?:[^"\\]|\\.)*)"`)

func parseCalls(t *testing.T, log string) (touches []touch) {
	directory := map[string]string{} // of a process, where a call before said it
	for line := range strings.Lines(log) {
		if strings.Contains(line, " resumed>") || strings.Contains(line, "+++ ") || strings.Contains(line, "--- SIG") || strings.Contains(line, "???(") {
			continue // the first half has the path; ??? is a thread that ended in a call that strace did not see
		}
		m := call.FindStringSubmatch(line)
		pid, _, _ := strings.Cut(line, "<")
		switch {
		case m == nil:
			t.Fatalf("unexpected line %q", line)
		case m[1] == "strace" || m[1] == "true" || m[4] == "": // the tracer, the program that is run, and fstat
		case m[3] == "" && !filepath.IsAbs(m[4]) && directory[pid] == "":
			t.Fatalf("nobody knows where %q is", line)
		case m[3] == "":
			touches = append(touches, touch{m[1], absolute(directory[pid], m[4])})
		default:
			directory[pid] = m[3]
			touches = append(touches, touch{m[1], absolute(m[3], m[4])})
		}
	}
	return touches
}
