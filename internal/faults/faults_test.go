package faults

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/org/gorun-action/internal/testenv"
)

// atOnce is how many cells run side by side: most of them wait.
const atOnce = 6

// namespaceVar is set in a test that runs in namespaces of its own.
const namespaceVar = "GORUN_FAULTS_NAMESPACE"

// TestMatrix runs the matrix, and prints it.
// GORUN_FAULTS_ONLY is a regular expression for the names of those to run, and
// GORUN_FAULTS_OUT a file for the table.
func TestMatrix(t *testing.T) {
	testenv.Long(t, "it compiles a part of the standard library twice, and waits for servers")
	if !namespaced(t) {
		return
	}
	begin := time.Now()
	w := newWorld(t)
	cells := chosen(t)
	t.Run("action", w.testAction)
	reports := w.runAll(t, cells)
	table := tableOf(reports)
	t.Logf("%d cells ran in %s\n%s", len(cells), time.Since(begin).Round(time.Second), table)
	if file := os.Getenv("GORUN_FAULTS_OUT"); file != "" {
		must(t, os.WriteFile(file, []byte(table), 0o644))
	}
}

// namespaced runs the test again in namespaces where it may mount, and reports
// whether this is that process. Mounts end with it. Where the kernel does not
// allow that, CI fails.
func namespaced(t *testing.T) bool {
	t.Helper()
	if os.Getenv(namespaceVar) != "" {
		must(t, unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""))
		return true
	}
	self, err := os.Executable()
	must(t, err)
	cmd := exec.Command(self, "-test.run=^"+t.Name()+"$", "-test.v", "-test.timeout=0")
	cmd.Env = append(os.Environ(), namespaceVar+"=1")
	cmd.SysProcAttr = mounts()
	runtime.LockOSThread() // which the child dies with
	defer runtime.UnlockOSThread()
	out, err := cmd.CombinedOutput()
	if errors.Is(err, unix.EPERM) && os.Getenv("CI") == "" {
		t.Skipf("NOT TESTED: no namespaces here: %v", err)
	}
	t.Logf("%s", out)
	if err != nil || !strings.Contains(string(out), "--- PASS: "+t.Name()) {
		t.Errorf("in namespaces: %v", err)
	}
	return false
}

func mounts() *syscall.SysProcAttr {
	attr := &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWNS, Pdeathsig: syscall.SIGKILL} // it has no time limit of its own
	if os.Getuid() != 0 {
		attr.Cloneflags |= unix.CLONE_NEWUSER
		attr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}}
	}
	return attr
}

// chosen lists the cells to run.
func chosen(t *testing.T) (list []cell) {
	wanted := regexp.MustCompile(os.Getenv("GORUN_FAULTS_ONLY"))
	for row := range len(stores()) * len(steps()) {
		for _, c := range meaningful(row) {
			if wanted.MatchString(c.String()) {
				list = append(list, c)
			}
		}
	}
	if len(list) == 0 {
		t.Fatal("no cell is chosen")
	}
	return list
}

// meaningful lists the cells of a row of the table.
func meaningful(row int) (list []cell) {
	store, step := stores()[row/len(steps())], steps()[row%len(steps())]
	for _, fault := range faults() {
		for _, kind := range []string{executable, pack} {
			if c := (cell{store, step, fault, kind}); c.meaningless() == "" {
				list = append(list, c)
			}
		}
	}
	return list
}

func (w *world) runAll(t *testing.T, cells []cell) map[cell]report {
	var (
		mu      sync.Mutex
		wg      sync.WaitGroup
		reports = map[cell]report{}
		work    = make(chan cell)
	)
	for range atOnce {
		wg.Go(func() {
			for c := range work {
				t.Run(c.String(), func(t *testing.T) {
					rep := w.try(t, c)
					t.Logf("%s: %s", rep, rep.reason)
					mu.Lock()
					defer mu.Unlock()
					reports[c] = rep
				})
			}
		})
	}
	for _, c := range cells {
		work <- c
	}
	close(work)
	wg.Wait()
	return reports
}

// tableOf is the matrix in Markdown: what gorun reported, and the seconds that
// were added, of executable / pack.
func tableOf(reports map[cell]report) string {
	var b strings.Builder
	fmt.Fprintf(&b, "| store | step | %s |\n|%s\n", strings.Join(faults(), " | "), strings.Repeat("---|", len(faults())+2))
	why := map[string]int{}
	var whys []string
	for _, store := range stores() {
		for _, step := range steps() {
			fmt.Fprintf(&b, "| %s | %s |", store, step)
			for _, fault := range faults() {
				text, reason := textOf(reports, store, step, fault)
				if reason != "" && why[reason] == 0 {
					whys = append(whys, reason)
					why[reason] = len(whys)
				}
				if reason != "" {
					text = fmt.Sprintf("(%d)", why[reason])
				}
				fmt.Fprintf(&b, " %s |", text)
			}
			b.WriteString("\n")
		}
	}
	b.WriteString("\n")
	for i, reason := range whys {
		fmt.Fprintf(&b, "(%d) %s\n", i+1, reason)
	}
	return b.String()
}

// textOf is what the table says of a fault; reason says why it has no meaning.
func textOf(reports map[cell]report, store, step, fault string) (text, reason string) {
	var parts []string
	for _, kind := range []string{executable, pack} {
		c := cell{store, step, fault, kind}
		if rep := reports[c]; rep.ran {
			parts = append(parts, rep.String())
		}
		reason = c.meaningless()
		if kind == executable && reason != "" {
			return "", reason
		}
	}
	return strings.Join(parts, " / "), ""
}
