package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/org/gorun-action/container"
	"github.com/org/gorun-action/internal/testenv"
)

// What gorun does when something around it is broken, absent or full: the
// scripts of testdata/adverse, on the real engine, with loopback registries and
// proxies. Their commands are in pinned_test.go and faults_test.go.
func TestAdverse(t *testing.T) {
	t.Parallel()
	testenv.NeedEngine(t)
	loadImages(t)
	testscript.Run(t, testscript.Params{
		Dir:                 filepath.Join("testdata", "adverse"),
		RequireExplicitExec: true,
		Setup:               func(env *testscript.Env) error { return setupAdverse(t, env) },
		Condition: func(cond string) (bool, error) {
			if cond == "root" {
				return mayMount(t), nil
			}
			return condition(cond, "docker")
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"status": status, "verdict": verdict, "records": records,
			"unload": unload, "temporary": temporary, "image": hasImage, "registry": startRegistry,
			"proxy": startProxy, "modules": startModules,
			"tmpfs": mountTmpfs, "readonly": mountReadOnly, "clean": isClean,
		},
	})
}

// loadImages brings the images into the engine that the scripts take for
// granted while they break other things; on a fresh machine they are not there.
func loadImages(t *testing.T) {
	t.Helper()
	k := newKiller(t, "docker")
	put(t, filepath.Join(k.dir, "src/main.go"), exiting)
	for _, want := range []string{"", "1.26"} {
		tc, err := pinned(want)
		if err != nil {
			t.Fatal(err)
		}
		if got := k.status(t, "-n", "--go-version="+tc.Version, "."); got != 0 {
			t.Fatalf("loading the image of go%s: status %d", tc.Version, got)
		}
	}
}

// setupAdverse is setup for a container build, with what the scripts have to
// know of the lock: OLDEST is a release that no other test needs.
func setupAdverse(t *testing.T, env *testscript.Env) error {
	if err := setup(t, env, "docker"); err != nil {
		return err
	}
	bin, _, _ := strings.Cut(env.Getenv("PATH"), string(filepath.ListSeparator))
	env.Values["oldest"] = new(bool) // whether the script holds theOldest
	env.Setenv("GORUN_BIN", bin)
	env.Setenv("DOCKER_GOCACHE", env.Getenv("GOCACHE"))
	env.Setenv("ARCH", runtime.GOARCH)
	mod, err := filepath.Abs(filepath.Join("testdata", "adverse", "mod"))
	if err != nil {
		return err
	}
	env.Setenv("MODULES_DIR", mod)
	env.Setenv("TMPDIR", filepath.Join(env.WorkDir, ".tmp")) // testscript made it
	for name, want := range map[string]string{"OLDEST": "1.18", "LINE_1_26": "1.26", "DEFAULT": ""} {
		tc, err := pinned(want)
		if err != nil {
			return err
		}
		env.Setenv(name, tc.Version)
		env.Setenv(name+"_DIGEST", tc.Digest)
		env.Setenv(name+"_CONFIG", tc.Config)
	}
	return nil
}

// pinned is the toolchain of the lock that a go line chooses.
func pinned(want string) (container.Toolchain, error) {
	lock, err := container.PinnedToolchains()
	if err != nil {
		return container.Toolchain{}, err
	}
	tc, _, err := lock.Choose(want, "linux/"+runtime.GOARCH)
	return tc, err
}

// mayMount is the condition [root]: file systems can be mounted. In CI it is
// demanded.
func mayMount(t *testing.T) bool {
	may := os.Getuid() == 0 && runtime.GOOS == "linux"
	if !may && os.Getenv("CI") != "" {
		t.Error("the tests of full and read-only file systems need root on Linux")
	}
	return may
}

// mountTmpfs mounts a file system of a fixed size: `tmpfs dir 8m`. Mounted
// again, it gets the new size.
func mountTmpfs(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: tmpfs dir size")
	}
	dir := ts.MkAbs(args[0])
	options := "size=" + args[1]
	if mounted(dir) {
		mount(ts, "-o", "remount,"+options, dir)
		return
	}
	ts.Check(os.MkdirAll(dir, 0o755))
	mount(ts, "-t", "tmpfs", "-o", options, "tmpfs", dir)
	ts.Defer(func() { exec.Command("umount", "-l", dir).Run() })
}

// mountReadOnly makes a directory read-only: `readonly dir`.
func mountReadOnly(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: readonly dir")
	}
	dir := ts.MkAbs(args[0])
	mount(ts, "--bind", dir, dir)
	ts.Defer(func() { exec.Command("umount", "-l", dir).Run() })
	mount(ts, "-o", "remount,bind,ro", dir)
	if err := os.WriteFile(filepath.Join(dir, "probe"), nil, 0o644); err == nil {
		ts.Fatalf("%s can still be written", dir)
	}
}

func mount(ts *testscript.TestScript, args ...string) {
	if out, err := exec.Command("mount", args...).CombinedOutput(); err != nil {
		ts.Fatalf("mount %v: %v\n%s", args, err, out)
	}
}

func mounted(dir string) bool { return exec.Command("mountpoint", "-q", dir).Run() == nil }

// isClean makes sure that nothing half-written is left in directories:
// `clean dir…`. It names what is.
func isClean(ts *testscript.TestScript, neg bool, args []string) {
	for _, dir := range args {
		err := filepath.WalkDir(ts.MkAbs(dir), func(path string, d os.DirEntry, err error) error {
			if err == nil && !d.IsDir() && !strings.HasSuffix(path, ".lock") {
				ts.Fatalf("%s is left", path)
			}
			return nil
		})
		ts.Check(err)
	}
}
