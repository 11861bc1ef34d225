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

// parseTrace reads what strace -f writes. What the program itself connects to is
// its own affair.
func parseTrace(text, program string) (t trace) {
	parent, runs := map[string]string{}, map[string]string{}
	type connection struct{ task, to string }
	var connections []connection
	for line := range strings.Lines(text) {
		m := taskLine.FindStringSubmatch(strings.TrimSpace(line))
		if m == nil {
			continue
		}
		task, call := m[1], m[2]
		if m := execLine.FindStringSubmatch(call); m != nil && !failedStart.MatchString(call) {
			runs[task] = filepath.Base(m[1])
			t.executed = append(t.executed, runs[task])
		} else if m := cloneLine.FindStringSubmatch(call); m != nil {
			parent[m[1]] = task
		} else if m := inetLine.FindStringSubmatch(call); m != nil {
			connections = append(connections, connection{task, m[2] + ":" + m[1]})
		} else if m := unixLine.FindStringSubmatch(call); m != nil {
			connections = append(connections, connection{task, m[1]})
		}
	}
	for _, c := range connections {
		task := c.task
		for runs[task] == "" && parent[task] != "" {
			task = parent[task]
		}
		if runs[task] != program && !slices.Contains(t.connected, c.to) {
			t.connected = append(t.connected, c.to)
		}
	}
	return t
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
