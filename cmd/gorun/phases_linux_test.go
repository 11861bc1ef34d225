package main

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/org/gorun-action/internal/testenv"
)

// Wherever a run is, a signal ends it within a second. What keeps it there is
// somebody else's.
func TestEveryPhaseEnds(t *testing.T) {
	t.Parallel()
	silent, err := net.Listen("tcp", "127.0.0.1:0") // takes connections, and says nothing
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { silent.Close() })
	for name, p := range map[string]struct {
		make func(c *cacheTest) error
		args []string
	}{
		"inputs, working directory is a pipe": {func(c *cacheTest) error { return syscall.Mkfifo(c.src("p"), 0o644) }, []string{"-C", "p", "."}},
		"plan, go.work is a pipe":             {func(c *cacheTest) error { return syscall.Mkfifo(c.src("go.work"), 0o644) }, []string{"."}},
		"plan, an overlay is a pipe":          {func(c *cacheTest) error { return syscall.Mkfifo(c.src("o.json"), 0o644) }, []string{"-overlay=o.json", "."}},
		"plan, a profile is a pipe":           {func(c *cacheTest) error { return syscall.Mkfifo(c.src("x.pgo"), 0o644) }, []string{"-pgo=x.pgo", "."}},
		"plan, a large embedded file": {func(c *cacheTest) error {
			return errors.Join(embeds(c, "big"), os.WriteFile(c.src("big"), nil, 0o644), os.Truncate(c.src("big"), 2<<30-1))
		}, []string{"."}},
		"plan, many embedded files": {func(c *cacheTest) error {
			err := errors.Join(embeds(c, "many"), os.Mkdir(c.src("many"), 0o755))
			for i := range testenv.Times(20_000, 100_000) {
				err = errors.Join(err, os.WriteFile(c.src("many", fmt.Sprint(i)), nil, 0o644))
			}
			return err
		}, []string{"."}},
		"restore, a cache service says nothing": {func(c *cacheTest) error {
			c.env = append(c.env, "ACTIONS_RESULTS_URL=http://"+silent.Addr().String(), "ACTIONS_RUNTIME_TOKEN=x", "GORUN_CACHE_TO=actions")
			return nil
		}, []string{"."}},
		"restore, a registry says nothing": {func(c *cacheTest) error {
			c.env = append(c.env, "GORUN_CACHE_TO=oci:"+silent.Addr().String()+"/cache")
			return nil
		}, []string{"."}},
		"build, the module proxy says nothing": {func(c *cacheTest) error {
			c.env = append(c.env, "GOPROXY=http://"+silent.Addr().String(), "GOMODCACHE="+filepath.Join(c.dir, "mod"), "GONOSUMDB=*", "GONOSUMCHECK=1", "GOFLAGS=-mod=mod")
			return nil
		}, []string{"example.com/none@v1.0.0"}},
		"build, a tool hangs": {func(c *cacheTest) error {
			return os.WriteFile(c.src("tool"), []byte("#!/bin/sh\nif [ \"$2\" = -V=full ]; then exec \"$@\"; fi\ntrap '' INT TERM\nwhile :; do sleep 0.1; done\n"), 0o755)
		}, []string{"-toolexec=./tool", "."}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCacheTest(t, "host")
			c.program(".", "hi", 0)
			c.must(p.make(c))
			for _, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT} {
				took := endsOnSignal(c, sig, p.args)
				for n := 1; n < 3 && took > time.Second; n++ { // the machine had other things to do
					took = endsOnSignal(c, sig, p.args)
				}
				if took > time.Second {
					t.Errorf("%v: gone after %v", sig, took)
				}
			}
		})
	}
}

// endsOnSignal returns how long a gorun takes to end.
func endsOnSignal(c *cacheTest, sig syscall.Signal, args []string) time.Duration {
	c.Helper()
	var log bytes.Buffer
	cmd := c.command(c.T, args...)
	cmd.Stdout, cmd.Stderr = &log, &log
	c.must(cmd.Start())
	time.Sleep(700 * time.Millisecond)
	told := time.Now()
	cmd.Process.Signal(sig)
	cmd.Wait()
	took := time.Since(told)
	status := cmd.ProcessState.ExitCode()
	if status != 128+int(sig) && !strings.Contains(log.String(), `"event":"result","outcome"`) {
		c.Errorf("%v: status %d\n%s", sig, status, log.String())
	}
	c.gone(c.T, "after the signal")
	if testing.Verbose() {
		c.Logf("status %d: %s", status, lastLine(log.String()))
	}
	return took
}

func lastLine(s string) string {
	lines := strings.Split(strings.TrimSpace(s), "\n")
	return lines[len(lines)-1]
}

// embeds writes a program that has files in it.
func embeds(c *cacheTest, name string) error {
	return os.WriteFile(c.src("main.go"), []byte("package main\n\nimport \"embed\"\n\n//go:embed "+name+"\nvar files embed.FS\n\nfunc main() { println(\"hi\") }\n"), 0o644)
}

// Settings of the go command that nobody could read to their end are refused
// before anything else, and nothing are those that the go command reads nothing
// from.
func TestSettingsOfTheGoCommand(t *testing.T) {
	t.Parallel()
	c := newCacheTest(t, "host")
	c.program(".", "hi", 0)
	path := func(name string) string { return filepath.Join(c.dir, name) }
	c.must(errors.Join(syscall.Mkfifo(path("pipe"), 0o644), os.Symlink("pipe", path("link")), os.WriteFile(path("huge"), nil, 0o644), os.Truncate(path("huge"), 20<<30),
		os.WriteFile(path("good"), []byte("GOFLAGS=-tags=x\n"), 0o644), os.Symlink("good", path("goodlink")), os.Mkdir(path("root"), 0o755), syscall.Mkfifo(path("root/go.env"), 0o644)))
	for env, refused := range map[string]bool{
		"GOENV=" + path("pipe"): true, "GOENV=" + path("link"): true, "GOENV=" + path("huge"): true, "GOENV=/dev/zero": true, "GOROOT=" + path("root"): true,
		"GOENV=/dev/null": false, "GOENV=" + c.dir: false, "GOENV=" + path("none"): false, "GOENV=" + path("good"): false, "GOENV=" + path("goodlink"): false, "GOENV=off": false,
	} {
		begin := time.Now()
		r := c.with([]string{env}).run(".")
		if took := time.Since(begin); took > 20*time.Second {
			t.Errorf("%s: took %v", env, took)
		}
		if refused && (r.text("outcome") != "usage" || !strings.Contains(r.text("error"), "reading the go command's settings")) {
			t.Errorf("%s: %s", env, r.log)
		}
		if !refused && r.stdout != "hi\n" {
			t.Errorf("%s: %s", env, r.log)
		}
	}
}
