package githubactions

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// touchedLimit is how long git may take: this is asked at the end of a failed
// job, where an order of annotations is worth no more.
const touchedLimit = 2 * time.Second

// maxGitOutput bounds what is read of git, about 100,000 names.
const maxGitOutput = 8 << 20

// Touched finds the files that the change under test touches, with git and
// what is in the clone. Its fields are those of the job.
type Touched struct {
	Event     string // GITHUB_EVENT_NAME
	EventPath string // GITHUB_EVENT_PATH: the event as JSON
	SHA       string // GITHUB_SHA: for a pull request, its merge with the base
	BaseRef   string // GITHUB_BASE_REF: the branch a pull request goes to
	// Dir is a directory of the work tree, such as the working directory.
	Dir string
	// Git is the git command; "" looks for it in Path.
	Git string
	// Path is the PATH that git gets, and nothing else of the environment.
	Path string
}

// Files returns the absolute paths of the files, deleted ones too. It takes at
// most two seconds, writes nothing, takes no lock and fetches nothing. The
// error says why the files are not known: an event without a change, no git,
// or a clone that lacks the commits (actions/checkout has only the last one
// unless fetch-depth says otherwise).
func (t Touched) Files() ([]string, error) {
	ranges, err := t.ranges()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), touchedLimit)
	defer cancel()
	out, err := t.git(ctx, "rev-parse", "--show-toplevel")
	if err != nil {
		return nil, err
	}
	root := strings.TrimSuffix(out, "\n")
	for _, r := range ranges {
		if out, err = t.git(ctx, append([]string{"diff-tree", "-r", "-z", "--name-only", "--no-renames"}, r...)...); err == nil {
			return under(root, out), nil
		}
	}
	return nil, err
}

// under makes absolute paths of names separated by NUL.
func under(root, names string) []string {
	var out []string
	for name := range strings.SplitSeq(names, "\x00") {
		if name != "" {
			out = append(out, filepath.Join(root, filepath.FromSlash(name)))
		}
	}
	return out
}

// event is what is read of the event's JSON.
type event struct {
	Before      string `json:"before"`
	PullRequest struct {
		Base struct {
			SHA string `json:"sha"`
		} `json:"base"`
	} `json:"pull_request"`
}

// ranges returns what to compare, the best first: each is a pair of commits,
// as git diff-tree takes it.
func (t Touched) ranges() ([][]string, error) {
	var e event
	data, _, err := readRegular(t.EventPath)
	if err == nil {
		err = json.Unmarshal(data, &e)
	}
	if err != nil {
		return nil, fmt.Errorf("reading the event: %w", err)
	}
	var ranges [][]string
	switch t.Event {
	case "push":
		ranges = [][]string{{e.Before, t.SHA}}
	case "pull_request":
		// The merge is what GitHub checks out; a job may have checked out the
		// pull request's own last commit instead, and then has no merge.
		ranges = [][]string{
			{t.SHA + "^1", t.SHA},
			{"--merge-base", e.PullRequest.Base.SHA, "HEAD"},
			{"--merge-base", t.branch(), "HEAD"},
		}
	default:
		return nil, fmt.Errorf("the event %q is neither a push nor a pull request", t.Event)
	}
	return known(ranges)
}

// branch is what a clone calls the branch that a pull request goes to.
func (t Touched) branch() string {
	if t.BaseRef == "" {
		return ""
	}
	return "refs/remotes/origin/" + t.BaseRef
}

// known drops what the event did not name: an empty commit, or the zeros that
// stand before the first push of a branch.
func known(ranges [][]string) ([][]string, error) {
	ranges = slices.DeleteFunc(ranges, func(r []string) bool {
		base := r[len(r)-2]
		return strings.Trim(base, "0") == "" || strings.HasPrefix(base, "-") || base == "^1"
	})
	if len(ranges) == 0 {
		return nil, errors.New("the event names no commit to compare with")
	}
	return ranges, nil
}

// git runs one git command that only reads. The program has run by now and may
// have written the repository's configuration, so git gets nothing worth
// stealing, and none of what would make it run something.
func (t Touched) git(ctx context.Context, args ...string) (string, error) {
	name := t.Git
	if name == "" {
		var err error
		if name, err = lookIn(t.Path, "git"); err != nil {
			return "", err
		}
	}
	// In a container the work tree belongs to somebody else.
	settings := []string{"-c", "safe.directory=*", "-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null", "-C", t.Dir}
	cmd := exec.CommandContext(ctx, name, append(settings, args...)...)
	cmd.Env = []string{
		"PATH=" + t.Path, "LC_ALL=C", "GIT_OPTIONAL_LOCKS=0", "GIT_NO_LAZY_FETCH=1", "GIT_TERMINAL_PROMPT=0",
		"GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null",
	}
	cmd.WaitDelay = 100 * time.Millisecond
	var out, words limited
	cmd.Stdout, cmd.Stderr = &out, &words
	if err := cmd.Run(); err != nil {
		first, _, _ := strings.Cut(string(words.data), "\n")
		return "", fmt.Errorf("asking git %s: %w: %s", args[0], errors.Join(ctx.Err(), err), first)
	}
	return string(out.data), nil
}

// lookIn finds a command in a PATH that is not this process's.
func lookIn(path, name string) (string, error) {
	for _, dir := range filepath.SplitList(path) {
		file := filepath.Join(dir, name)
		if info, err := os.Stat(file); err == nil && filepath.IsAbs(dir) && info.Mode().IsRegular() && info.Mode()&0o111 != 0 {
			return file, nil
		}
	}
	return "", fmt.Errorf("%s is not in PATH", name)
}

// limited keeps what a command writes, and fails when it is too much.
type limited struct{ data []byte }

func (l *limited) Write(p []byte) (int, error) {
	if len(l.data)+len(p) > maxGitOutput {
		return 0, errors.New("git has too much to say")
	}
	l.data = append(l.data, p...)
	return len(p), nil
}
