package githubactions

import (
	"bytes"
	"fmt"
	"strings"
	"sync"
	"testing"
	"unicode/utf8"

	"github.com/org/gorun-action/runner"
)

func outputsText(r runner.Result, stdout *Captured) string {
	var b strings.Builder
	for _, o := range Outputs(r, stdout, "/github/runner_temp/verdict.json") {
		fmt.Fprintf(&b, "%s=%s\n", o.Name, o.Value)
	}
	return b.String()
}

func TestOutputs(t *testing.T) {
	var all bytes.Buffer
	summaries := outcomes()
	for _, o := range runner.Outcomes() {
		stdout := NewCaptured(0)
		fmt.Fprintf(stdout, "hello from %s\n\n", o)
		fmt.Fprintf(&all, "-- %s --\n%s", o, outputsText(summaries[o].Result, stdout))
	}
	golden(t, "outputs.txt", all.Bytes())
}

func TestExitCode(t *testing.T) {
	status := func(n int) *int { return &n }
	for name, c := range map[string]struct {
		result runner.Result
		want   int
	}{
		"success":                      {runner.Result{Outcome: runner.Success, ProgramStatus: status(0)}, 0},
		"the program's own":            {runner.Result{Outcome: runner.Failure, ProgramStatus: status(3), ExitStatus: 3}, 3},
		"also with --compat=go":        {runner.Result{Outcome: runner.Failure, ProgramStatus: status(3), ExitStatus: 1}, 3},
		"gorun's at a time limit":      {runner.Result{Outcome: runner.Timeout, ProgramStatus: status(143), ExitStatus: 124}, 124},
		"no program":                   {runner.Result{Outcome: runner.BuildFailed, ExitStatus: 125}, 125},
		"cancelled":                    {runner.Result{Outcome: runner.Cancelled, ProgramStatus: status(0), ExitStatus: 0}, 0},
		"cancelled while it was built": {runner.Result{Outcome: runner.Cancelled, ExitStatus: 130}, 130},
	} {
		if got := exitCode(c.result); got != c.want {
			t.Errorf("%s: %d, want %d", name, got, c.want)
		}
	}
}

func TestCacheHit(t *testing.T) {
	for cache, want := range map[string]string{
		runner.Hit: "cache-hit=true", runner.Verified: "cache-hit=true", runner.Miss: "cache-hit=false", runner.NoKey: "cache-hit=false", runner.Off: "cache-hit=false",
	} {
		if got := outputsText(runner.Result{Cache: cache}, nil); !strings.Contains(got, want+"\n") {
			t.Errorf("%s: %s", cache, got)
		}
	}
}

func TestToolchainWords(t *testing.T) {
	for _, c := range []struct {
		toolchain *runner.Toolchain
		want      string
	}{
		{nil, ""},
		{&runner.Toolchain{Path: "/usr/bin/go"}, ""},
		{&hostToolchain, "go1.26.8"},
		{&runner.Toolchain{Digest: "sha256:aa"}, "sha256:aa"},
		{&someToolchain, "go1.26.11 " + someDigest},
	} {
		if got := toolchainWords(c.toolchain); got != c.want {
			t.Errorf("%+v: %q, want %q", c.toolchain, got, c.want)
		}
	}
}

func TestCaptured(t *testing.T) {
	for _, c := range []struct{ written, want string }{
		{"", ""},
		{"\n\n", ""},
		{"a\n\nb\n\n", "a\n\nb"},
		{"a\r\n", "a\r"},
		{" a ", " a "},
		{"12345678", "12345678"},
		{"123456789", "12345678\n[cut by gorun: 8 of 9 bytes]"},
		{"1234567ä", "1234567\n[cut by gorun: 7 of 9 bytes]"},
		{"123456ä9", "123456ä\n[cut by gorun: 8 of 9 bytes]"},
		{"12345😀😀", "12345\n[cut by gorun: 5 of 13 bytes]"},
		{"1234567\xff\xff", "1234567\uFFFD\n[cut by gorun: 8 of 9 bytes]"},
		{"a\xff\xfeb\xff", "a\uFFFDb\uFFFD"},
		{"123456\n\n9", "123456\n[cut by gorun: 8 of 9 bytes]"},
		{"\n\n\n\n\n\n\n\n9", "[cut by gorun: 8 of 9 bytes]"},
	} {
		for _, size := range []int{1, 3, 100} {
			out := NewCaptured(8)
			for rest := []byte(c.written); len(rest) > 0; rest = rest[min(size, len(rest)):] {
				piece := rest[:min(size, len(rest))]
				if n, err := out.Write(piece); n != len(piece) || err != nil {
					t.Fatalf("Write = %d, %v", n, err)
				}
			}
			if got := out.String(); got != c.want {
				t.Errorf("%q in pieces of %d: %q, want %q", c.written, size, got, c.want)
			}
		}
	}
	if got := (*Captured)(nil).String(); got != "" {
		t.Errorf("nothing captured: %q", got)
	}
}

func TestCapturedFlood(t *testing.T) {
	out := NewCaptured(0)
	block := bytes.Repeat([]byte("x\xff"), 1<<15)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 100 {
				out.Write(block)
			}
			_ = out.String()
		})
	}
	wg.Wait()
	got := out.String()
	if len(got) > 1<<20/2 || !utf8.ValidString(got) || !strings.HasSuffix(got, "\n[cut by gorun: 131072 of 26214400 bytes]") {
		t.Errorf("%d bytes, …%q", len(got), got[len(got)-60:])
	}
	if cap(out.data) > 2*defaultCaptured {
		t.Errorf("%d bytes of memory", cap(out.data))
	}
}
