package main

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/org/gorun-action/internal/store"
	"github.com/org/gorun-action/internal/testenv"
)

// Whenever gorun is killed, the next run of the same sources is right, and what
// is left behind goes with time.
func TestCacheKills(t *testing.T) {
	t.Parallel()
	c := newCacheTest(t, "host")
	total, window := c.saveTime()
	kept, met, kills := 0, 0, testenv.Times(3, 30)
	for i := range kills {
		after, from := rand.N(window), `"event":"build","executable"`
		if i%5 == 4 {
			after, from = rand.N(total), ""
		}
		k, m := c.killed(fmt.Sprint("version ", i), from, after)
		kept, met = kept+k, met+m
		window += window / 4 * time.Duration(1-2*k) // too early or too late: aim again
		if i%2 == 1 || i == kills-1 {
			c.sweep()
		}
		if t.Failed() {
			return
		}
	}
	t.Logf("%d kills: %d met the save, %d came after it (within %v of the build, %v in all)", kills, met, kept, window, total)
	if kills >= 20 && met == 0 {
		t.Error("none of them met the save")
	}
}

// saveTime measures a run, and what of it comes after the build.
func (c *cacheTest) saveTime() (total, window time.Duration) {
	for i := range 3 {
		c.program(".", fmt.Sprint("measured ", i), 0)
		begin := time.Now()
		cmd, log := c.started("", ".")
		until(log, `"event":"build","executable"`)
		built := time.Now()
		until(log, "no such text")
		c.must(cmd.Wait())
		total, window = time.Since(begin), time.Since(built)
	}
	c.sweep()
	return total, window
}

// started starts gorun, and returns when its log says something.
func (c *cacheTest) started(text string, args ...string) (*exec.Cmd, *bufio.Scanner) {
	c.Helper()
	cmd := c.command(c.T, args...)
	log, err := cmd.StderrPipe()
	c.must(err)
	c.must(cmd.Start())
	lines := bufio.NewScanner(log)
	if text != "" {
		until(lines, text)
	}
	return cmd, lines
}

func until(lines *bufio.Scanner, text string) {
	for lines.Scan() && !strings.Contains(lines.Text(), text) {
	}
}

// killed changes the source, kills the run of it, and makes sure that the next
// one is right. It reports whether an entry, or the beginning of one, was left.
func (c *cacheTest) killed(version, from string, after time.Duration) (kept, met int) {
	c.Helper()
	before, _ := c.store().Entries("")
	c.program(".", version, 0)
	cmd, log := c.started(from, ".")
	time.Sleep(after)
	cmd.Process.Kill()
	until(log, "no such text")
	cmd.Wait()
	good, bad, err := c.store().Verify(c.Context())
	if err != nil || len(bad) > 0 {
		c.Fatalf("%s, killed %v after %q: bad are %v, %v", version, after, from, bad, err)
	}
	kept, met = len(good)-len(before), len(c.temporary())
	cache := []string{"miss", "hit"}[kept]
	c.is(fmt.Sprintf("%s, killed %v after %q", version, after, from), c.run("."), version, cache)
	return kept, min(met, 1)
}

// sweep prunes when all is old, after which nothing is left but the index.
func (c *cacheTest) sweep() {
	c.Helper()
	_, err := c.later().Prune(store.Limits{Age: time.Hour})
	c.must(err)
	c.whole(0)
	if left, _ := filepath.Glob(filepath.Join(c.cache, "index/.index-*")); len(left) > 0 {
		c.Logf("nobody removes %q", left)
	}
}

// The sources change while they are built: what is kept is never run for other
// sources than those it was built from.
func TestCacheSourcesChange(t *testing.T) {
	t.Parallel()
	c := newCacheTest(t, "host")
	e := &edits{cacheTest: c}
	e.write(0)
	total, _ := c.saveTime()
	e.write(0)
	torn := 0
	for i := range testenv.Times(1, 15) {
		r, first, last := e.during(i, total)
		var a, b int
		fmt.Sscanf(r.stdout, "%d %d", &a, &b) // Sscan would take 010 for 8
		if r.status != 0 || len(r.warnings) > 0 || min(a, b) < first || max(a, b) > last {
			t.Errorf("while the sources went from %d to %d: printed %q, status %d\n%s", first, last, r.stdout, r.status, r.log)
		}
		if a != last || b != last {
			torn++
		}
		c.is("after the edits", c.run("."), fmt.Sprintf("%06d %06d", last, last), "miss", "hit")
		c.is("after the edits, again", c.run("."), fmt.Sprintf("%06d %06d", last, last), "hit")
	}
	t.Logf("%d builds were of sources that had changed at their end", torn)
	good, bad, err := c.store().Verify(t.Context())
	if len(bad) > 0 || err != nil {
		t.Errorf("%d are good, bad are %v, %v", len(good), bad, err)
	}
}

// edits changes two files that hold the same number.
type edits struct {
	*cacheTest
	n atomic.Int64
}

// during runs the program while its sources change at random moments. It
// returns which were there first and last.
func (e *edits) during(i int, total time.Duration) (r ran, first, last int) {
	e.write(i) // so that there is something to build
	first = int(e.n.Load())
	done, edited := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(edited)
		for range 1 + rand.N(3) {
			select {
			case <-time.After(rand.N(total)):
				e.write(i)
			case <-done:
				return
			}
		}
	}()
	r = e.run(".")
	close(done)
	<-edited
	return r, first, int(e.n.Load())
}

// write changes both files: in place, in place with the modification time that
// they had, or by a rename. A reader sees the one content or the other.
func (e *edits) write(how int) {
	n := e.n.Add(1)
	for name, text := range map[string]string{
		"main.go":  "package main\n\nfunc main() { println2(\"%06d\", other) }\n",
		"other.go": "package main\n\nimport \"os\"\n\nconst other = \"%06d\"\n\nfunc println2(a, b string) { os.Stdout.WriteString(a + \" \" + b + \"\\n\") }\n",
	} {
		e.edit(e.src(name), fmt.Sprintf(text, n), how%3)
	}
}

func (e *edits) edit(file, text string, how int) {
	info, err := os.Stat(file)
	if err != nil || info.Size() != int64(len(text)) || how == 2 {
		next := filepath.Join(e.dir, "next")
		put(e.T, next, text)
		if err := os.Rename(next, file); err != nil {
			e.Error(err)
		}
		return
	}
	f, err := os.OpenFile(file, os.O_WRONLY, 0)
	if err != nil {
		e.Error(err)
		return
	}
	defer f.Close()
	f.WriteAt([]byte(text), 0)
	if how == 1 {
		os.Chtimes(file, info.ModTime(), info.ModTime())
	}
}

// generating counts in its own source, up to ten and from zero again. The size
// and the modification time of the file stay as they are.
const generating = `package main

import (
	"os"
	"strconv"
	"strings"
)

const n = "0"

func main() {
	text, _ := os.ReadFile("main.go")
	info, _ := os.Stat("main.go")
	i, _ := strconv.Atoi(n)
	next := strconv.Itoa((i + 1) % 10)
	os.WriteFile("main.go", []byte(strings.Replace(string(text), "\"" + n, "\"" + next, 1)), 0o644)
	os.Chtimes("main.go", info.ModTime(), info.ModTime())
	os.Stdout.WriteString(n + "\n")
}
`

// A program that rewrites its own sources is another one each time. Under
// --log-format=none it does so in gorun's place.
func TestCacheGenerator(t *testing.T) {
	t.Parallel()
	c := newCacheTest(t, "host")
	put(t, c.src("main.go"), generating)
	for i := range testenv.Times(2, 24) {
		format := []string{"json", "none"}[i%2]
		r := c.run("--log-format="+format, ".")
		if want := strconv.Itoa(i%10) + "\n"; r.stdout != want || r.status != 0 {
			t.Errorf("run %d: %q instead of %q, status %d\n%s", i, r.stdout, want, r.status, r.log)
		}
		if i >= 10 && format == "json" && r.text("cache") != "hit" {
			t.Errorf("run %d: not a hit\n%s", i, r.log)
		}
	}
	c.whole(testenv.Times(2, 10))
}
