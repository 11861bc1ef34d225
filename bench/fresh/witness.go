package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// trace is what a run started and talked to.
type trace struct {
	executed  []string // base names, in order
	connected []string // each once: "127.0.0.1:80", or the path of a socket
}

// witness looks on at a run of gorun with strace, and claims that nothing was
// executed but gorun and the program, and nothing talked to but the store.
func (b *bench) witness(ctx context.Context, c *contestant) error {
	if _, err := exec.LookPath("strace"); err != nil {
		b.report.note("%s: nobody saw what it started, strace is not there", c.name)
		return nil
	}
	if err := b.machine.fresh(); err != nil {
		return err
	}
	file := filepath.Join(b.tmp, "strace")
	args := slices.Concat([]string{"strace", "-f", "-qq", "-e", "trace=execve,execveat,connect,clone,clone3,fork,vfork", "-o", file}, b.gorunArgs(c.builder))
	if _, err := b.command(ctx, b.store.env(), args...); err != nil {
		return err
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	t := parseTrace(string(data), b.what.name)
	b.report.note("%s, unchanged: strace saw it execute %s and connect to %s", c.name, strings.Join(t.executed, ", "), strings.Join(t.connected, ", "))
	b.report.claim(c.name+", unchanged: programs executed besides gorun and its own", float64(len(t.besides(filepath.Base(b.gorun), b.what.name))), atMost, 0)
	b.report.claim(c.name+", unchanged: connections to others than the store", float64(len(t.others(b.store.url))), atMost, 0)
	return nil
}

var (
	taskLine    = regexp.MustCompile(`^(\d+) +(.*)`)
	execLine    = regexp.MustCompile(`^execve(?:at)?\((?:AT_FDCWD, |\d+, )?"([^"]*)"`)
	cloneLine   = regexp.MustCompile(`^(?:clone3?|v?fork|<\.\.\. (?:clone3?|v?fork) resumed>).* = (\d+)$`)
	inetLine    = regexp.MustCompile(`^connect\(\d+, \{sa_family=AF_INET6?, sin6?_port=htons\((\d+)\).*?"([0-9a-f.:]+)"`)
	unixLine    = regexp.MustCompile(`^connect\(\d+, \{sa_family=AF_UNIX, sun_path=@?"([^"]*)"`)
	failedStart = regexp.MustCompile(`\) = -1 E`)
)

// tasks is what strace tells of each: who made it, what it executed, and what
// it connected to.
type tasks struct {
	parent, runs map[string]string
	executed     []string
	connections  [][2]string // task and address
}

// parseTrace reads what strace -f writes. What the program itself connects to is
// its own affair.
func parseTrace(text, program string) (t trace) {
	all := tasks{parent: map[string]string{}, runs: map[string]string{}}
	for line := range strings.Lines(text) {
		if m := taskLine.FindStringSubmatch(strings.TrimSpace(line)); m != nil {
			all.read(m[1], m[2])
		}
	}
	t.executed = all.executed
	for _, c := range all.connections {
		if all.program(c[0]) != program && !slices.Contains(t.connected, c[1]) {
			t.connected = append(t.connected, c[1])
		}
	}
	return t
}

func (all *tasks) read(task, call string) {
	if m := execLine.FindStringSubmatch(call); m != nil && !failedStart.MatchString(call) {
		all.runs[task] = filepath.Base(m[1])
		all.executed = append(all.executed, all.runs[task])
	} else if m := cloneLine.FindStringSubmatch(call); m != nil {
		all.parent[m[1]] = task
	} else if m := inetLine.FindStringSubmatch(call); m != nil {
		all.connections = append(all.connections, [2]string{task, m[2] + ":" + m[1]})
	} else if m := unixLine.FindStringSubmatch(call); m != nil {
		all.connections = append(all.connections, [2]string{task, m[1]})
	}
}

// program is the one that a task is of: a thread has that of who made it. A
// thread can be seen before the call that made it has returned, so this is
// known at the end.
func (all *tasks) program(task string) string {
	for all.runs[task] == "" && all.parent[task] != "" {
		task = all.parent[task]
	}
	return all.runs[task]
}

// besides lists what was executed but these.
func (t trace) besides(names ...string) (list []string) {
	for _, name := range t.executed {
		if !slices.Contains(names, name) {
			list = append(list, name)
		}
	}
	return list
}

// others lists the connections that are none to the store.
func (t trace) others(url string) (list []string) {
	for _, to := range t.connected {
		if url != fmt.Sprintf("http://%s/", to) {
			list = append(list, to)
		}
	}
	return list
}
