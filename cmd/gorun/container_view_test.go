package main

import (
	"encoding/json"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// A build in a container cannot talk to who listens on this machine, whatever
// sources, flags and variables name.
func TestNoSocketsInTheContainer(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		make func(c *cacheTest, dir string) error // dir has a socket in it
		args func(dir string) []string
		says string
	}{
		"a module in place of another": {func(c *cacheTest, dir string) error {
			return errors.Join(os.WriteFile(filepath.Join(dir, "go.mod"), []byte("module example.com/x\n"), 0o644),
				os.WriteFile(c.src("go.mod"), []byte("module example.com/m\n\ngo 1.26\n\nrequire example.com/x v0.0.0\n\nreplace example.com/x => "+dir+"\n"), 0o644))
		}, nil, "listens at the socket"},
		"a module of go.work": {func(c *cacheTest, dir string) error {
			return errors.Join(os.WriteFile(filepath.Join(dir, "go.mod"), []byte("module example.com/x\n\ngo 1.26\n"), 0o644),
				os.WriteFile(c.src("go.work"), []byte("go 1.26\n\nuse (\n\t.\n\t"+dir+"\n)\n"), 0o644))
		}, nil, "listens at the socket"},
		"a package elsewhere":              {nil, func(dir string) []string { return []string{dir} }, "listens at the socket"},
		"a file elsewhere":                 {nil, func(dir string) []string { return []string{filepath.Join(dir, "x.go")} }, "listens at the socket"},
		"a proxy":                          {func(c *cacheTest, dir string) error { c.env = append(c.env, "GOPROXY=file://"+dir); return nil }, nil, "listens at the socket"},
		"a module cache":                   {func(c *cacheTest, dir string) error { c.env = append(c.env, "GOMODCACHE="+dir); return nil }, nil, "listens at the socket"},
		"a build cache":                    {func(c *cacheTest, dir string) error { c.env = append(c.env, "GOCACHE="+dir); return nil }, nil, "listens at the socket"},
		"an overlay of the socket":         {overlay("s"), func(string) []string { return []string{"-overlay=o.json", "."} }, "is neither a file nor a directory"},
		"an overlay of a directory's file": {overlay("."), func(string) []string { return []string{"-overlay=o.json", "."} }, "listens at the socket"},
		"a profile":                        {nil, func(dir string) []string { return []string{"-pgo=" + filepath.Join(dir, "s"), "."} }, "is neither a file nor a directory"},
		"a package directory":              {nil, func(dir string) []string { return []string{"-pkgdir=" + dir, "."} }, "listens at the socket"},
		"a device":                         {nil, func(string) []string { return []string{"-pgo=/dev/zero", "."} }, "is neither a file nor a directory"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test := newCacheTest(t, "docker")
			test.program(".", "hi", 0)
			dir := test.listens(t)
			put(t, filepath.Join(dir, "x.go"), "package main\n\nfunc main() {}\n")
			args := []string{"."}
			if c.make != nil {
				test.must(c.make(test, dir))
			}
			if c.args != nil {
				args = c.args(dir)
			}
			if r := test.run(args...); r.text("outcome") != "usage" || !strings.Contains(r.text("error"), c.says) {
				t.Errorf("%s", r.log)
			}
		})
	}
}

func overlay(name string) func(c *cacheTest, dir string) error {
	return func(c *cacheTest, dir string) error {
		data, err := json.Marshal(map[string]any{"Replace": map[string]string{c.src("x.txt"): filepath.Join(dir, name)}})
		return errors.Join(err, os.WriteFile(c.src("o.json"), data, 0o644))
	}
}

// listens makes a directory where somebody listens.
func (c *cacheTest) listens(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "gorun-s") // the path of a socket has 107 bytes at most
	c.must(err)
	l, err := net.Listen("unix", filepath.Join(dir, "s"))
	c.must(err)
	t.Cleanup(func() { l.Close(); os.RemoveAll(dir) })
	return dir
}

// looking is a tool of the build that says what it can do there.
const looking = `package main

import (
	"fmt"
	"net"
	"os"
	"strings"
	"syscall"
)

func main() {
	if len(os.Args) > 2 && os.Args[2] == "-V=full" {
		fmt.Println(syscall.Exec(os.Args[1], os.Args[1:], os.Environ()))
	}
	os.Stdout = os.Stderr
	status, _ := os.ReadFile("/proc/self/status")
	for line := range strings.Lines(string(status)) {
		if strings.HasPrefix(line, "Cap") || strings.HasPrefix(line, "NoNewPrivs") || strings.HasPrefix(line, "Seccomp:") {
			fmt.Println(strings.Join(strings.Fields(line), " "))
		}
	}
	for _, file := range []string{"/sys/fs/cgroup/pids.max", "/sys/fs/cgroup/pids/pids.max"} {
		if max, err := os.ReadFile(file); err == nil {
			fmt.Print("pids.max ", string(max))
		}
	}
	_, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_RAW, syscall.IPPROTO_ICMP)
	fmt.Println("raw socket:", err)
	fmt.Println("device:", syscall.Mknod(os.Getenv("GOTMPDIR")+"/d", syscall.S_IFBLK|0o666, 0x0801))
	fmt.Println("mount:", syscall.Mount("none", os.Getenv("GOTMPDIR"), "tmpfs", 0, ""))
	fmt.Println("others' files:", syscall.Chown(os.Getenv("GOTMPDIR"), 12345, 12345))
	_, err = net.Dial("unix", "s")
	fmt.Println("socket:", err)
	_, err = os.Stat("/var/run/docker.sock")
	fmt.Println("engine:", err)
	os.Exit(1)
}
`

// What a build in a container has of the machine is nothing that root could do
// with it. A socket in the workspace is there, and nobody behind it.
func TestContainerCanDoNothing(t *testing.T) {
	t.Parallel()
	c := newCacheTest(t, "docker")
	c.program(".", "hi", 0)
	put(t, filepath.Join(c.dir, "tool/go.mod"), "module example.com/tool\n\ngo 1.26\n")
	put(t, filepath.Join(c.dir, "tool/main.go"), looking)
	build := exec.Command("go", "build", "-o", c.src("tool"), ".")
	build.Dir, build.Env = filepath.Join(c.dir, "tool"), append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	l, err := net.Listen("unix", c.src("s"))
	c.must(err)
	t.Cleanup(func() { l.Close() })
	r := c.run("-toolexec=./tool", ".")
	var missing []string
	for _, want := range []string{
		"CapInh: 0000000000000000", "CapPrm: 0000000000000000", "CapEff: 0000000000000000", "CapBnd: 0000000000000000", "CapAmb: 0000000000000000",
		"NoNewPrivs: 1", "pids.max 4096", "raw socket: operation not permitted", "device: operation not permitted",
		"mount: operation not permitted", "others' files: operation not permitted", "socket: dial unix s: connect: ", "engine: stat /var/run/docker.sock: no such file",
	} {
		if !strings.Contains(r.log, want) {
			missing = append(missing, want)
		}
	}
	if len(missing) > 0 {
		t.Errorf("there is no %q in\n%s", missing, r.log)
	}
}
