package container

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"testing/fstest"
)

// cannotRun is for a test that this machine has not the means for.
func cannotRun(t testing.TB, why string) {
	t.Helper()
	if os.Getenv("CI") != "" {
		t.Fatal("CANNOT RUN, and must in CI: ", why)
	}
	t.Skip("CANNOT RUN HERE: ", why)
}

const (
	mountsV1 = `24 1 254:0 / / rw - ext4 /dev/vda rw
30 24 0:26 / /sys/fs/cgroup/cpu rw,relatime shared:9 - cgroup cgroup rw,cpu
31 24 0:27 / /sys/fs/cgroup/memory rw,relatime shared:10 master:3 - cgroup cgroup rw,memory
32 24 0:28 / /sys/fs/cgroup/unified rw - cgroup2 none rw
`
	mountsV2     = "35 24 0:29 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n"
	mountsDocker = "41 24 0:27 /docker/abc /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n"
	mountsSpace  = "35 24 0:29 / /odd\\040place/cg rw - cgroup2 cgroup2 rw\n"
	oomControl   = "oom_kill_disable 0\nunder_oom 0\noom_kill 3\n"
	memoryEvents = "low 0\nhigh 0\nmax 12\noom 3\noom_kill 3\noom_group_kill 0\n"
)

func TestOOMCounter(t *testing.T) {
	tests := []struct{ name, groups, mounts, file, content string }{
		{"v1", "4:memory:/user/x\n1:cpu:/\n0::/\n", mountsV1, "sys/fs/cgroup/memory/user/x/memory.oom_control", oomControl},
		{"v1 with others", "4:cpuset,memory:/\n", strings.ReplaceAll(mountsV1, "rw,memory", "rw,cpuset,memory"), "sys/fs/cgroup/memory/memory.oom_control", oomControl},
		{"v1 in a container", "4:memory:/docker/abc\n", mountsDocker, "sys/fs/cgroup/memory/memory.oom_control", oomControl},
		{"v1 in a container, deeper", "4:memory:/docker/abc/in\n", mountsDocker, "sys/fs/cgroup/memory/in/memory.oom_control", oomControl},
		{"v2", "0::/system.slice/a:b.service\n", mountsV2, "sys/fs/cgroup/system.slice/a:b.service/memory.events", memoryEvents},
		{"v2 in a container", "0::/\n", mountsV2, "sys/fs/cgroup/memory.events", memoryEvents},
		{"v2, memory in v2 only", "1:cpu:/x\n0::/y\n", mountsV1, "sys/fs/cgroup/unified/y/memory.events", memoryEvents},
		{"odd place", "0::/\n", mountsSpace, "odd place/cg/memory.events", memoryEvents},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			root := fstest.MapFS{
				"proc/self/cgroup":    {Data: []byte(test.groups)},
				"proc/self/mountinfo": {Data: []byte(test.mounts)},
				test.file:             {Data: []byte(test.content)},
			}
			c := findOOMCounter(root)
			if c.file != test.file || c.kills != 3 {
				t.Fatalf("%+v", c)
			}
			if c.grew() {
				t.Error("grew by itself")
			}
			root[test.file] = &fstest.MapFile{Data: []byte(strings.Replace(test.content, "oom_kill 3", "oom_kill 4", 1))}
			if !c.grew() {
				t.Error("did not grow")
			}
			delete(root, test.file)
			if c.grew() {
				t.Error("grew when it was gone")
			}
		})
	}
}

func TestNoOOMCounter(t *testing.T) {
	for name, root := range map[string]fstest.MapFS{
		"nothing":      {},
		"no file":      {"proc/self/cgroup": {Data: []byte("0::/\n")}, "proc/self/mountinfo": {Data: []byte(mountsV2)}},
		"outside":      {"proc/self/cgroup": {Data: []byte("0::/../x\n")}, "proc/self/mountinfo": {Data: []byte(mountsV2)}, "sys/fs/x/memory.events": {Data: []byte(memoryEvents)}},
		"other mount":  {"proc/self/cgroup": {Data: []byte("4:memory:/docker/abcd\n")}, "proc/self/mountinfo": {Data: []byte(mountsDocker)}, "sys/fs/cgroup/memory/memory.oom_control": {Data: []byte(oomControl)}},
		"old kernel":   {"proc/self/cgroup": {Data: []byte("4:memory:/\n")}, "proc/self/mountinfo": {Data: []byte(mountsV1)}, "sys/fs/cgroup/memory/memory.oom_control": {Data: []byte("under_oom 0\n")}},
		"not a number": {"proc/self/cgroup": {Data: []byte("0::/\n")}, "proc/self/mountinfo": {Data: []byte(mountsV2)}, "sys/fs/cgroup/memory.events": {Data: []byte("oom_kill x\n")}},
	} {
		if c := findOOMCounter(root); c != (oomCounter{}) || c.grew() {
			t.Errorf("%s: %+v", name, c)
		}
	}
}

func FuzzOOMCounter(f *testing.F) {
	f.Add([]byte("4:memory:/docker/abc\n0::/\n"), []byte(mountsV1+mountsV2+mountsDocker))
	f.Fuzz(func(t *testing.T, groups, mounts []byte) {
		findOOMCounter(fstest.MapFS{"proc/self/cgroup": {Data: groups}, "proc/self/mountinfo": {Data: mounts}})
	})
}

// helperEat allocates and uses memory for ever. With arguments it is the
// supervisor: it goes into the cgroup args[0] and runs the shell script
// args[1], in which $0 is the eater.
func helperEat(args []string) int {
	if len(args) == 0 {
		os.WriteFile("/proc/self/oom_score_adj", []byte("1000"), 0) // it, and not the supervisor
		for held := bytes.Repeat([]byte("x"), 1<<20); ; {
			held = append(held, held...)
		}
	}
	if err := os.WriteFile(filepath.Join(args[0], "cgroup.procs"), []byte(strconv.Itoa(os.Getpid())), 0); err != nil {
		fmt.Println(err)
		return 1
	}
	exe, _ := os.Executable()
	c := Command{Path: "/bin/sh", Args: []string{"-c", args[1], exe}, Dir: "/", Env: os.Environ()}
	fmt.Println(Host{}.Run(context.Background(), c))
	return 0
}

// TestOOM has the kernel kill a program for memory, in a cgroup with a limit.
func TestOOM(t *testing.T) {
	if os.Getuid() != 0 {
		cannotRun(t, "a memory cgroup of one's own takes root")
	}
	dir, limit := "/sys/fs/cgroup/memory", "memory.limit_in_bytes" // v1
	if _, err := os.Stat(filepath.Join(dir, limit)); err != nil {
		dir, limit = "/sys/fs/cgroup", "memory.max"
	}
	dir = filepath.Join(dir, fmt.Sprintf("gorun-test-%d", os.Getpid()))
	if err := os.Mkdir(dir, 0o755); err != nil {
		cannotRun(t, err.Error())
	}
	defer eventually(t, 0, "the cgroup is removed", func() bool { return syscall.Rmdir(dir) == nil })
	if err := os.WriteFile(filepath.Join(dir, limit), []byte("100000000"), 0); err != nil {
		cannotRun(t, err.Error())
	}
	for script, want := range map[string]ExitStatus{
		`exec "$0"`:                       {Signal: syscall.SIGKILL, OOM: true},
		`kill -KILL $$`:                   {Signal: syscall.SIGKILL},
		`"$0" 2>/dev/null; true`:          {}, // another's death is not the program's
		`"$0" 2>/dev/null; kill -TERM $$`: {Signal: syscall.SIGTERM},
	} {
		c := helperCommand(t, "eat", dir, script)
		var out bytes.Buffer
		c.Stdout, c.Stderr = &out, &out
		run(t, c)
		if got := strings.TrimSpace(out.String()); got != fmt.Sprint(want, error(nil)) {
			t.Errorf("%s: %s, want %+v", script, got, want)
		}
	}
}
