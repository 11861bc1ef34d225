package soundness

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// A whole trial is gorun itself with all that it keeps: two machines, each with
// its cache directory, share a store. Every run is compared with `go run` in
// the same state, by what the program shows, so that whatever an earlier run
// left under a wrong key comes out: before the edit, after it, and when it was
// taken back. One in three edits is made while gorun builds.

// machines are how many cache directories share the store.
const machines = 2

// life is a way to live for the program, and the streams that it is given.
type life struct {
	way     string
	closed  string // a redirection of the shell
	outlive bool   // something of it outlives it
}

func lives() []life {
	return []life{
		{way: "plain"}, {way: "plain"}, {way: "fails"}, {way: "beside"}, {way: "reads"}, {way: "closes"}, {way: "killed"},
		{way: "child", outlive: true}, {way: "child", outlive: true, closed: ">&-"},
		{way: "plain", closed: ">&-"}, {way: "fails", closed: "2>&-"}, {way: "reads", closed: "<&-"}, {way: "plain", closed: "<&- >&- 2>&-"},
	}
}

// shown is what is seen of one run.
type shown struct {
	status                       int
	answer, late, stdout, stderr string
}

// ran reports whether there was a program.
func (r shown) ran() bool { return r.answer != "" }

func (r shown) String() string {
	return fmt.Sprintf("status %d, answer %q, late %q, standard output %q, standard error %q", r.status, r.answer, r.late, r.stdout, r.stderr)
}

func (w *shard) whole(s *state, set setting) error {
	s.set("GODEBUG=goindex=0")
	if w.config.Builder == "docker" {
		s.env = append([]string{"CGO_ENABLED=0"}, s.env...) // the toolchain image has no C compiler
	}
	racing := s.rnd.IntN(3) == 0
	if racing {
		s.flag(fmt.Sprintf("-ldflags=-X=main.zz=%d", w.trial)) // what nobody has built yet
	}
	before := *s
	before.flags, before.env = slices.Clone(s.flags), slices.Clone(s.env)
	change := w.after
	if racing {
		change = w.during
	}
	e, ok := change(s, set)
	if !ok {
		return nil
	}
	name := set.name + ": " + e.kind + ": " + e.name
	w.alike(s, e, name)
	if err := w.tree.undo(); err != nil {
		return err
	}
	if s.rnd.IntN(2) == 0 {
		w.alike(&before, e, name+", taken back")
	}
	return nil
}

// after makes an edit after a run.
func (w *shard) after(s *state, set setting) (edit, bool) {
	w.alike(s, edit{kind: "back"}, "pristine "+set.name)
	return w.apply(s, set)
}

// during makes an edit while gorun builds.
func (w *shard) during(s *state, set setting) (edit, bool) {
	cmd := w.gorun(s, life{way: "plain"})
	if err := cmd.Start(); err != nil {
		return edit{}, false
	}
	time.Sleep(time.Duration(s.rnd.Int64N(int64(w.config.Within))))
	e, ok := w.apply(s, set)
	cmd.Wait() //nolint:errcheck // what it saw is nobody's
	return e, ok
}

// alike requires that a machine shows what the go command shows.
func (w *shard) alike(s *state, e edit, name string) {
	l := lives()[s.rnd.IntN(len(lives()))]
	row := w.row(e.kind)
	row.Trials, row.Checked = row.Trials+1, row.Checked+1
	w.report.Trials++
	got, want := w.show(w.gorun(s, l), l), w.show(w.goRun(s, l), l)
	w.oracle.runs++
	if slices.Contains(s.flags, "-v") { // the names of what was not in a cache
		got.stderr, want.stderr = "", ""
	}
	switch {
	case got == want:
		if want.ran() {
			row.Same++
		}
	case !got.ran() && !want.ran():
		row.OtherFailure++
	case !got.ran(), strings.Contains(want.stderr, "toolchain not available"): // goLine counts for gorun alone
		row.NoKey++
		w.report.reasons([]string{firstLine(got.stderr)})
	default:
		w.found(Finding{Kind: e.kind, Edit: name + ", " + l.way + " " + l.closed, Key: "none", Before: got.String(), After: want.String()}, s)
	}
}

// gorun is a command on a machine that is picked.
func (w *shard) gorun(s *state, l life) *exec.Cmd {
	machine := filepath.Join(w.cacheDir, fmt.Sprint("machine", s.rnd.IntN(machines)))
	return w.shell(s, l, slices.Concat([]string{
		w.config.Gorun, "--compat=go", "--builder=" + w.config.Builder, "--go-version=" + goLine, "--cache-dir=" + machine,
		"--cache-to=dir:" + filepath.Join(w.cacheDir, "store"), "-C", s.dir,
	}, s.command()))
}

func (w *shard) goRun(s *state, l life) *exec.Cmd {
	return w.shell(s, l, slices.Concat([]string{"go", "run", "-C", s.dir}, s.command()))
}

func (w *shard) shell(s *state, l life, command []string) *exec.Cmd {
	args := slices.Concat([]string{"-c", `exec "$@" ` + l.closed, "sh"}, command, []string{l.way, w.said()})
	cmd := exec.CommandContext(w.ctx, "sh", args...)
	cmd.Dir, cmd.Env = s.tree.root, s.environ()
	return cmd
}

// goLine is the line of releases that all subjects are built with: the go lines
// of real modules name others, which a container builder would have to fetch.
const goLine = "1.26"

// said is where programs say what became of them.
func (w *shard) said() string { return filepath.Join(w.oracle.scratch, "said") }

// patience is how long one waits for what outlives a program. An edit can be
// of the program's ways to live.
const patience = 3 * time.Second

// show runs a command. Its streams are files: what outlives a program holds them.
func (w *shard) show(cmd *exec.Cmd, l life) shown {
	os.RemoveAll(w.said())
	var streams [3]*os.File
	for i := range streams {
		os.MkdirAll(w.said(), 0o755)
		streams[i], _ = os.Create(filepath.Join(w.said(), fmt.Sprint(i)))
		defer streams[i].Close()
	}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = streams[0], streams[1], streams[2]
	cmd.Run() //nolint:errcheck // its status is read
	r := shown{status: cmd.ProcessState.ExitCode(), answer: w.saying("answer")}
	for end := time.Now().Add(patience); l.outlive && r.ran() && !w.heard() && time.Now().Before(end); {
		time.Sleep(5 * time.Millisecond)
	}
	r.late, r.stdout, r.stderr = w.saying("late"), w.saying("1"), sorted(w.saying("2"))
	return r
}

// heard reports whether what outlived a program has said so: to standard error,
// on its way through another process perhaps, and in its file.
func (w *shard) heard() bool {
	return w.saying("late") != "" && strings.Contains(w.saying("2"), "late\n")
}

func (w *shard) saying(name string) string {
	data, _ := os.ReadFile(filepath.Join(w.said(), name))
	return string(data)
}

// sorted are lines whose order is a race, without those of the one that came
// first and had to fetch what both need.
func sorted(text string) string {
	lines := strings.SplitAfter(text, "\n")
	lines = slices.DeleteFunc(lines, func(line string) bool { return strings.HasPrefix(line, "go: downloading ") })
	slices.Sort(lines)
	return strings.Join(lines, "")
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(text), "\n")
	return line
}
