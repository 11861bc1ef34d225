package githubactions_test

import (
	"bytes"
	"io"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/org/gorun-action/internal/githubactions"
	"github.com/org/gorun-action/internal/githubactions/parser"
)

// reader is a runner during one step.
type reader interface {
	Output([]byte) []parser.Command
	Parsing() bool
}

// readers are the runners that the stream must hold against.
func readers() map[string]reader {
	return map[string]reader{"runner": &parser.Runner{}, "culture": &parser.Runner{Culture: true}, "act": &parser.Act{}}
}

// ours are commands as gorun gives them, and how each runner reads them.
var (
	first = []githubactions.Command{
		githubactions.Group("run"),
		githubactions.Error(githubactions.Position{File: "a,b:c.go", Line: 3, EndLine: 4, Column: 5, EndColumn: 6}, "50%", "undefined: x\r\nmore"),
	}
	second   = []githubactions.Command{githubactions.Warning(githubactions.Position{}, "", "w"), githubactions.EndGroup()}
	oursRead = []parser.Command{
		{Name: "add-mask", Data: "s3cret"},
		{Name: "group", Data: "run"},
		{Name: "error", Data: "undefined: x\r\nmore", Properties: map[string]string{
			"file": "a,b:c.go", "line": "3", "endLine": "4", "col": "5", "endColumn": "6", "title": "50%"}},
		{Name: "warning", Data: "w"},
		{Name: "endgroup"},
	}
)

// diff asks the slow cmp only when there is a difference.
func diff(want, got []parser.Command) string {
	same := func(a, b parser.Command) bool {
		return a.Name == b.Name && a.Data == b.Data && maps.Equal(a.Properties, b.Properties)
	}
	if slices.EqualFunc(want, got, same) {
		return ""
	}
	return cmp.Diff(want, got, cmpopts.EquateEmpty())
}

// writing is a way of handing the output to the two streams of the program.
type writing func(stdout, stderr io.Writer, output string)

var writings = map[string]writing{
	"whole": func(stdout, _ io.Writer, output string) { io.WriteString(stdout, output) },
	"byte by byte": func(stdout, _ io.Writer, output string) {
		for i := range min(len(output), 4096) {
			io.WriteString(stdout, output[i:i+1])
		}
		io.WriteString(stdout, output[min(len(output), 4096):])
	},
	"both streams in turns": func(stdout, stderr io.Writer, output string) {
		for i, piece := range slices.Collect(slices.Chunk([]byte(output), max(1, len(output)/7))) {
			[]io.Writer{stdout, stderr}[i%2].Write(piece)
		}
	},
}

// play runs a program that prints an output between commands of ours, and
// returns what the runner gets.
func play(s *githubactions.Stream, log *bytes.Buffer, output string, write writing) []byte {
	s.Mask("s3cret")
	stdout, stderr, records := s.Open(), s.Open(), s.Fenced()
	write(stdout, stderr, output)
	s.Command(first...)
	io.WriteString(records, `{"event":"output","line":"`+strings.TrimSuffix(output, "\n")+"\"}\n")
	write(stderr, stdout, output)
	stdout.Close()
	stderr.Close()
	s.Command(second...)
	io.WriteString(records, output)
	s.Close()
	return log.Bytes()
}

func TestFence(t *testing.T) {
	token := githubactions.NewToken()
	for _, a := range attacks(token) {
		for way, write := range writings {
			var log bytes.Buffer
			output := play(githubactions.NewStream(&log, token, false), &log, a.output, write)
			for name, r := range readers() {
				if diff := diff(oursRead, r.Output(output)); diff != "" {
					t.Errorf("%s, %s, %s: %.200q:\n%s", a.family, way, name, a.output, diff)
				}
				if !r.Parsing() || !bytes.HasSuffix(output, []byte("\n")) {
					t.Errorf("%s, %s, %s: %.200q: the runner does not parse afterwards", a.family, way, name, a.output)
				}
			}
		}
	}
}

// TestFenceSplit cuts attacks at every byte, with a command of ours between.
func TestFenceSplit(t *testing.T) {
	token := githubactions.NewToken()
	n := 0
	for _, a := range attacks(token) {
		if len(a.output) > 120 || strings.Contains(a.output, token) {
			continue // a part of it would be the token, which nobody can guess
		}
		for cut := range len(a.output) + 1 {
			var log bytes.Buffer
			s := githubactions.NewStream(&log, token, false)
			io.WriteString(s.Open(), a.output[:cut])
			s.Command(second...)
			io.WriteString(s.Open(), a.output[cut:])
			s.Close()
			n++
			for name, r := range readers() {
				if diff := diff(oursRead[3:], r.Output(log.Bytes())); diff != "" {
					t.Errorf("%s, %s: %q and %q:\n%s", a.family, name, a.output[:cut], a.output[cut:], diff)
				}
			}
		}
	}
	t.Log(n, "cuts")
}

// TestWithoutFence is the control: the same output without a fence does give
// commands, or TestFence would show nothing.
func TestWithoutFence(t *testing.T) {
	acting, families := 0, map[string]int{}
	all := attacks(githubactions.NewToken())
	for _, a := range all {
		families[a.family] += 0
		for _, r := range readers() {
			if len(r.Output([]byte(a.output))) > 0 || !r.Parsing() {
				acting++
				families[a.family]++
				break
			}
		}
	}
	for family, n := range families {
		if n == 0 {
			t.Errorf("nothing in %q acts as a command", family)
		}
	}
	if acting < 300 {
		t.Errorf("only %d act as commands", acting)
	}
	t.Logf("%d of %d act as commands without a fence: %v", acting, len(all), families)
}

// TestWithoutToken is the control for the fence's token: a program that knew it
// could open the fence.
func TestWithoutToken(t *testing.T) {
	token := githubactions.NewToken()
	for _, output := range []string{"::" + token + "::\n::error::x\n", "text ##[" + strings.ToUpper(token) + "]\n##[error]x\n"} {
		var log bytes.Buffer
		s := githubactions.NewStream(&log, token, false)
		io.WriteString(s.Fenced(), output)
		if got := (&parser.Runner{}).Output(log.Bytes()); len(got) != 1 {
			t.Errorf("%q: %v", output, got)
		}
	}
}

// TestPass shows that with pass the program's commands are obeyed as if it ran
// alone, and that log records still are not.
func TestPass(t *testing.T) {
	token := githubactions.NewToken()
	theirs := 0
	for _, a := range attacks(token) {
		if strings.Contains(strings.ToLower(a.output), "top-commands") {
			continue // ours would be ignored, too
		}
		output := playOpen(token, a.output)
		for name, r := range readers() {
			want, n := passed(readers()[name], a.output)
			theirs += n
			if diff := diff(want, r.Output(output)); diff != "" {
				t.Errorf("%s, %s: %.200q:\n%s", a.family, name, a.output, diff)
			}
			if !r.Parsing() {
				t.Errorf("%s, %s: %.200q: the runner does not parse afterwards", a.family, name, a.output)
			}
		}
	}
	t.Log(theirs, "commands of programs")
}

// playOpen runs a program whose commands pass, with commands of ours and log
// records around it.
func playOpen(token, output string) []byte {
	var log bytes.Buffer
	s := githubactions.NewStream(&log, token, true)
	s.Mask("s3cret")
	io.WriteString(s.Fenced(), output)
	s.Command(first...)
	stdout := s.Open()
	io.WriteString(stdout, output)
	stdout.Close()
	io.WriteString(s.Fenced(), output)
	s.Command(second...)
	s.Close()
	return log.Bytes()
}

// passed returns what a runner shall obey when output passes, and how much of
// it is the program's. What stands before it keeps byte order marks at its
// beginning from being one.
func passed(r reader, output string) ([]parser.Command, int) {
	theirs := r.Output([]byte("x\n" + output + "\n"))
	return slices.Concat(oursRead[:3], theirs, oursRead[3:]), len(theirs)
}
