package container

import (
	"bufio"
	"bytes"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
)

// oomCounter is the kernel's count of the processes of our memory cgroup that
// it killed for memory, as it was when the counter was found. The zero
// oomCounter never grows.
//
// The count is the oom_kill line of
//
//	memory.events       cgroup v2
//	memory.oom_control  cgroup v1, since Linux 4.13
//
// in our own cgroup, where the kernel counts a kill before it sends the
// signal. A process that another program of the cgroup lost at the same time
// cannot be told from ours.
type oomCounter struct {
	root  fs.FS
	file  string
	kills uint64
}

// findOOMCounter finds our counter in the file system root, which holds proc
// and sys.
func findOOMCounter(root fs.FS) oomCounter {
	groups, _ := fs.ReadFile(root, "proc/self/cgroup")
	mounts, _ := fs.ReadFile(root, "proc/self/mountinfo")
	v1, v2 := ownCgroups(groups)
	for _, try := range []struct{ group, kind, option, file string }{
		{v1, "cgroup", "memory", "memory.oom_control"}, // first: where v1 has the controller, v2 has not
		{v2, "cgroup2", "", "memory.events"},
	} {
		dir := cgroupDir(mounts, try.group, try.kind, try.option)
		if try.group == "" || dir == "" {
			continue
		}
		c := oomCounter{root: root, file: path.Join(dir, try.file)}
		if kills, ok := c.read(); ok {
			c.kills = kills
			return c
		}
	}
	return oomCounter{}
}

// grew reports whether the kernel has killed a process since c was found.
func (c oomCounter) grew() bool {
	now, ok := c.read()
	return ok && now > c.kills
}

func (c oomCounter) read() (kills uint64, ok bool) {
	if c.file == "" {
		return 0, false
	}
	b, err := fs.ReadFile(c.root, c.file)
	if err != nil {
		return 0, false
	}
	for line := range strings.Lines(string(b)) {
		if v, found := strings.CutPrefix(line, "oom_kill "); found {
			kills, err := strconv.ParseUint(strings.TrimSpace(v), 10, 64)
			return kills, err == nil
		}
	}
	return 0, false
}

// ownCgroups returns our cgroup in the hierarchy of v1's memory controller,
// and in that of v2, from /proc/self/cgroup: lines of "id:controllers:path".
func ownCgroups(file []byte) (v1, v2 string) {
	for line := range strings.Lines(string(file)) {
		f := strings.SplitN(strings.TrimSuffix(line, "\n"), ":", 3)
		switch {
		case len(f) != 3:
		case f[0] == "0" && f[1] == "":
			v2 = f[2]
		case slices.Contains(strings.Split(f[1], ","), "memory"):
			v1 = f[2]
		}
	}
	return v1, v2
}

// cgroupDir returns the directory, below the root, of a cgroup in the
// hierarchy of that kind whose options contain option, or "". A mount may show
// a part of its hierarchy only, as it does in containers.
//
// A line of mountinfo is, with any number of tags before the dash,
//
//	36 35 0:31 /part/of/it /sys/fs/cgroup/memory rw tag:1 - cgroup cgroup rw,memory
func cgroupDir(mountinfo []byte, group, kind, option string) string {
	var dir string
	lines := bufio.NewScanner(bytes.NewReader(mountinfo))
	for lines.Scan() {
		mount, super, ok := strings.Cut(lines.Text(), " - ")
		m, s := strings.Fields(mount), strings.Fields(super)
		if !ok || len(m) < 5 || len(s) < 3 || s[0] != kind ||
			option != "" && !slices.Contains(strings.Split(s[2], ","), option) {
			continue
		}
		if rel, ok := below(unescapeMount(m[3]), group); ok {
			dir = strings.TrimPrefix(path.Join(unescapeMount(m[4]), rel), "/")
		}
	}
	return dir
}

// below returns group's path relative to root, when it is inside. A group
// outside of our cgroup namespace begins with "/..".
func below(root, group string) (string, bool) {
	if strings.HasPrefix(group, "/..") {
		return "", false
	}
	if root == "/" || root == group {
		return strings.TrimPrefix(group, root), true
	}
	return strings.CutPrefix(group, root+"/")
}

// unescapeMount undoes the octal escapes of mountinfo.
func unescapeMount(s string) string {
	return strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`).Replace(s)
}
