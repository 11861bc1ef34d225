package conformance

import (
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/org/gorun-action/internal/testenv"
)

// minimum is how many scripts run on Linux with git and a C compiler; the
// other 5 of Go 1.26 want Windows (3) or clang (2).
const minimum = 52

// difference is where a script stops without --compat=go.
type difference struct {
	check  string // how the command that fails begins
	reason string
}

// differences is the whole list of scripts that tell gorun from go run. A
// script stops at its first failing check: there may be more of the same
// reason behind it.
func differences() map[string]difference {
	return map[string]difference{
		"build_trimpath_goroot": {`stderr 'cannot find package`, `for a program that exits with 1 gorun says "gorun: the program exited with status 1" where go run says "exit status 1"`},
		"gotoolchain_local":     {`stderr '^flag provided but not defined: -unknownflag'`, `gorun says "gorun: " before what is wrong with the flags, and exits with 125, not 2`},
		"mod_run_pkg_version":   {`cmp stderr replace-err`, `after the go command's own words gorun sums up what failed and how to reproduce it`},
		"work_sum_mismatch":     {`cmpenv stderr want-error`, `after the go command's own words gorun sums up what failed, with a hint, and how to reproduce it`},
	}
}

// TestGoRunScripts runs Go's own scripts on gorun.
func TestGoRunScripts(t *testing.T) {
	testenv.Long(t, "it compiles the tests of cmd/go and runs its 57 scripts")
	if runtime.GOOS != "linux" {
		t.Skip("it counts on the scripts that run on linux")
	}
	dir := filepath.Join(testenv.GoEnv(t, "GOROOT"), "src", "cmd", "go")
	s := &suite{binary: compileScripts(t, dir), dir: dir, scripts: findScripts(t, filepath.Join(dir, "testdata", "script"))}
	gorun := testenv.Gorun(t)
	t.Logf("%d scripts call go run", len(s.scripts))

	t.Run("compat", func(t *testing.T) {
		s.wantAll(t, s.run(t, gorun, "--compat=go", "--builder=host"))
	})
	t.Run("differences", func(t *testing.T) {
		s.wantDifferences(t, s.run(t, gorun, "--builder=host", "--log-file="+os.DevNull))
	})
}

// wantAll fails for every script that did not pass.
func (s *suite) wantAll(t *testing.T, outcomes map[string]outcome) {
	t.Helper()
	passed, failed := s.check(t, outcomes)
	for name, o := range failed {
		t.Errorf("%s: %s\n%s", name, o.failure(), o.excerpt())
	}
	if passed < minimum && len(failed) == 0 {
		t.Errorf("only %d scripts passed, want %d: what do the skipped ones miss?", passed, minimum)
	}
}

// wantDifferences fails unless the scripts of differences, and no others, stop
// at the checks that are noted there.
func (s *suite) wantDifferences(t *testing.T, outcomes map[string]outcome) {
	t.Helper()
	known := differences()
	passed, failed := s.check(t, outcomes)
	for name, o := range failed {
		if d, ok := known[name]; !ok || !strings.HasPrefix(o.failure(), d.check) {
			t.Errorf("%s is not in differences with this check: %s\n%s", name, o.failure(), o.excerpt())
		}
	}
	for name := range known {
		if _, differs := failed[name]; !differs {
			t.Errorf("%s passes, or did not run: take it out of differences", name)
		}
	}
	if passed < minimum-len(known) {
		t.Errorf("only %d scripts passed, want %d", passed, minimum-len(known))
	}
}

// check counts and lists what became of the scripts, and returns those that
// failed or came to no end.
func (s *suite) check(t *testing.T, outcomes map[string]outcome) (passed int, failed map[string]outcome) {
	t.Helper()
	failed = map[string]outcome{}
	var skipped, lent []string
	calls := 0
	for _, name := range s.scripts {
		o := outcomes[name]
		calls += o.handedOver()
		if o.count("[go lent]") > 0 {
			lent = append(lent, name)
		}
		switch {
		case o.action == "skip":
			skipped = append(skipped, name)
		case o.action != "pass":
			failed[name] = o
		case o.handedOver() == 0:
			t.Errorf("%s passed without gorun: the hook has no effect", name)
		default:
			passed++
		}
	}
	t.Logf("%d passed, %d failed, %d skipped by Go itself; gorun was called %d times", passed, len(failed), len(skipped), calls)
	t.Logf("failed: %v; skipped: %v; no go on their PATH: %v", slices.Sorted(maps.Keys(failed)), skipped, lent)
	return passed, failed
}
