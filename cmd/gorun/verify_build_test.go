package main

import (
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/org/gorun-action/internal/testenv"
)

const secondBuild = "building a second time"

// A gorun that is killed or asked to end in its second build leaves neither the
// copy of the sources nor the second cache.
func TestVerifyBuildIsKilled(t *testing.T) {
	t.Parallel()
	for _, builder := range []string{"host", "docker"} {
		t.Run(builder, func(t *testing.T) {
			t.Parallel()
			testenv.Long(t, "it compiles the standard library several times")
			c := newCacheTest(t, builder)
			c.mode = "off"
			c.program("p", "killed", 0)
			for _, sig := range []syscall.Signal{syscall.SIGKILL, syscall.SIGTERM} {
				cmd, log := c.started(secondBuild, "--verify-build", "./p")
				time.Sleep(time.Second) // the go command runs by then
				if len(c.files(t)) < 2 {
					t.Errorf("%v: there is no second directory: %v", sig, c.files(t))
				}
				c.must(cmd.Process.Signal(sig))
				last := ""
				for log.Scan() {
					last = log.Text()
				}
				cmd.Wait()
				if sig == syscall.SIGTERM && !strings.Contains(last, `"outcome":"cancelled"`) {
					t.Errorf("the last record is %s", last)
				}
				c.gone(t, fmt.Sprint("after ", sig))
			}
		})
	}
}

// Sources that change between the two builds are not a build that differs.
func TestVerifyBuildWhileSourcesChange(t *testing.T) {
	t.Parallel()
	testenv.Long(t, "it compiles the standard library several times")
	c := newCacheTest(t, "host")
	c.program("p", fmt.Sprint("before ", time.Now().UnixNano()), 0) // what the go command has linked before, it does not link again
	c.program("new", "after", 0)
	tool := c.src("tool")
	put(t, tool, "#!/bin/sh\ncase $1:$2 in */link:-V=full) ;; */link:*) cp "+c.src("new/main.go")+" "+c.src("p/main.go")+";; esac\nexec \"$@\"\n")
	c.must(os.Chmod(tool, 0o755))
	r := c.run("--verify-build", "-toolexec="+tool, "./p")
	if r.status != 125 || r.text("outcome") != "infrastructure" || !strings.Contains(r.text("error"), "p/main.go changed") {
		t.Errorf("status %d\n%s", r.status, r.log)
	}
}

// A build cache that is stale, since the go command does not watch a header
// outside of its package (golang/go#24355), is what a build without it finds.
func TestVerifyBuildFindsAStaleCache(t *testing.T) {
	t.Parallel()
	testenv.Long(t, "it compiles the standard library several times")
	c := newCacheTest(t, "host")
	c.env = append(c.env, "CGO_ENABLED=1")
	put(t, c.src("inc/value.h"), "#define VALUE 1\n")
	put(t, c.src("p/main.go"), "package main\n\n// #include \"../inc/value.h\"\nimport \"C\"\n\nfunc main() { println(C.VALUE, \""+c.mark+"\") }\n")
	if r := c.run("--reproducible", "./p"); r.status != 0 {
		t.Fatalf("status %d\n%s", r.status, r.log)
	}
	put(t, c.src("inc/value.h"), "#define VALUE 2\n")
	r := c.run("--verify-build", "./p")
	if r.status != 125 || r.text("outcome") != "integrity" || !strings.Contains(r.text("hint"), "go clean -cache") {
		t.Errorf("status %d\n%s", r.status, r.log)
	}
}
