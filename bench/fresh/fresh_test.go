package main

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/org/gorun-action/internal/testenv"
)

// TestTiny runs everything with a program of one file: its own bytes, its
// processes and its connections are what a large one's are. What is short of
// the targets are times and archives: these are no larger than the pack.
func TestTiny(t *testing.T) {
	testenv.Long(t, "it builds the standard library for each machine")
	args := []string{"-program", "tiny", "-rounds", "1", "-rate", "1000", "-latency", "1ms", "-only", "unchanged,changed,commits", "-commits", "2", "-packs", "2"}
	must := []string{"gorun, unchanged: bytes moved / compressed executable", "gorun, changed: executables other than one built without cache",
		"commits: packs sent in 2 commits", "packs: the one after 2 commits / the first"}
	if _, err := exec.LookPath("strace"); err == nil || os.Getenv("CI") != "" {
		must = append(must, "gorun, unchanged: programs executed besides gorun and its own", "gorun, unchanged: connections to others than the store")
	} else {
		t.Log("strace is not there: nobody sees which processes are started")
	}
	r := measured(t, append(args, "-dir", t.TempDir()))
	for _, what := range must {
		i := slices.IndexFunc(r.Claims, func(c claim) bool { return c.What == what })
		if i < 0 || r.Claims[i].Verdict != "holds" {
			t.Errorf("%s does not hold: %+v\nnotes: %q", what, r.Claims, r.Notes)
		}
	}
	checkReport(t, r)
}

func measured(t *testing.T, args []string) report {
	t.Helper()
	o, err := parse(args)
	if err != nil {
		t.Fatal(err)
	}
	b, err := newBench(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	defer b.close()
	if err := b.measure(t.Context()); err != nil {
		t.Fatal(err)
	}
	return b.report
}

func checkReport(t *testing.T, r report) {
	t.Helper()
	if len(r.Rows) != 4 || len(r.Line) != 2 || r.Archive == 0 || r.RoundTrip < 1 {
		t.Errorf("%+v", r)
	}
	for _, x := range r.Rows {
		if x.Median <= 0 || x.Down <= 0 || x.CPU <= 0 || len(x.Phases) == 0 {
			t.Errorf("%+v", x)
		}
	}
	var text, data bytes.Buffer
	if err := r.writeText(&text); err != nil || !strings.Contains(text.String(), "setup-go") || !strings.Contains(text.String(), "bytes moved") {
		t.Errorf("%v\n%s", err, &text)
	}
	var again report
	if err := r.writeJSON(&data); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data.Bytes(), &again); err != nil || !slices.Equal(again.Claims, r.Claims) {
		t.Errorf("%v\n%s", err, &data)
	}
}

// TestLine: nothing is faster than the line, however many take it, and what
// goes over it is counted.
func TestLine(t *testing.T) {
	const size, rate = 4 << 20, 40e6
	s, err := newStore(rate, 5*time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	defer s.close()
	cache, closeIdle, err := s.client()
	if err != nil {
		t.Fatal(err)
	}
	defer closeIdle()
	least := time.Duration(size/rate*float64(time.Second)) - slack
	begin := time.Now()
	if err := cache.Put(t.Context(), "blob", nil, zeros(size)); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(begin); took < least {
		t.Errorf("up in %v, the line takes %v", took, least)
	}
	for _, parallel := range []int{1, 8} {
		begin := time.Now()
		before := s.line.moved()
		if err := s.get(t.Context(), "blob", parallel, io.Discard); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(begin); took < least {
			t.Errorf("%d in parallel: %v, the line takes %v", parallel, took, least)
		}
		if m := s.line.moved().since(before); m.down < size || m.down > size+size/100 || m.up == 0 || m.up > 10000 {
			t.Errorf("%d in parallel: %+v moved", parallel, m)
		}
	}
	begin = time.Now()
	if _, err := cache.Find(t.Context(), "nothing"); err == nil || time.Since(begin) < 5*time.Millisecond {
		t.Errorf("%v after %v", err, time.Since(begin))
	}
}

func TestParseTrace(t *testing.T) {
	got := parseTrace(`12 execve("/opt/gorun", ["/opt/gorun"], 0x7ffd /* 39 vars */) = 0
13 execve("/opt/none", ["none"], 0x7ffd /* 39 vars */) = -1 ENOENT (No such file or directory)
12 clone(child_stack=0xc000, flags=CLONE_VM|CLONE_THREAD <unfinished ...>
14 connect(7, {sa_family=AF_INET, sin_port=htons(4321), sin_addr=inet_addr("127.0.0.1")}, 16) = -1 EINPROGRESS (Operation now in progress)
12 <... clone resumed>, tls=0xc000) = 14
14 connect(8, {sa_family=AF_INET, sin_port=htons(4321), sin_addr=inet_addr("127.0.0.1")}, 16) = 0
14 connect(9, {sa_family=AF_UNIX, sun_path="/run/docker.sock"}, 23) = 0
12 connect(9, {sa_family=AF_INET6, sin6_port=htons(443), sin6_flowinfo=htonl(0), inet_pton(AF_INET6, "::1", &sin6_addr), sin6_scope_id=0}, 28) = 0
14 clone3({flags=CLONE_VM}, 88) = 15
15 execve("/usr/local/go/bin/go", ["go", "list"], 0x7ffd <unfinished ...>
15 <... execve resumed>) = 0
14 clone(child_stack=NULL, flags=CLONE_VFORK) = 16
16 execve("/cache/program", ["program"], 0x7ffd /* 39 vars */) = 0
16 clone(child_stack=0xc000, flags=CLONE_VM|CLONE_THREAD) = 17
17 connect(3, {sa_family=AF_INET, sin_port=htons(80), sin_addr=inet_addr("192.0.2.1")}, 16) = 0
`, "program")
	want := trace{executed: []string{"gorun", "go", "program"}, connected: []string{"127.0.0.1:4321", "/run/docker.sock", "::1:443"}}
	if !slices.Equal(got.executed, want.executed) || !slices.Equal(got.connected, want.connected) {
		t.Errorf("%+v, want %+v", got, want)
	}
	if others := got.others("http://127.0.0.1:4321/"); len(others) != 2 {
		t.Errorf("the others are %q", others)
	}
	if besides := got.besides("gorun", "program"); !slices.Equal(besides, []string{"go"}) {
		t.Errorf("besides there are %q", besides)
	}
}

func TestVerdicts(t *testing.T) {
	var r report
	r.claim("a", 1, atMost, 1)
	r.claim("b", 1.01, atMost, 1)
	r.claim("c", 20, atLeast, 20)
	r.claim("d", 19.9, atLeast, 20)
	var got []string
	for _, c := range r.Claims {
		got = append(got, c.Verdict)
	}
	if want := []string{"holds", "falls short", "holds", "falls short"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestParse(t *testing.T) {
	for _, args := range [][]string{{"-only", "unchanged,else"}, {"-program", "none"}, {"-rounds", "0"}, {"-rate", "0"}} {
		if _, err := parse(args); err == nil {
			t.Errorf("%q is taken", args)
		}
	}
}
