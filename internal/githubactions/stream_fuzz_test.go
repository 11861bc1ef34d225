package githubactions_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/org/gorun-action/internal/githubactions"
	"github.com/org/gorun-action/internal/githubactions/parser"
)

// FuzzFence looks for output that acts as a command, or keeps one of ours from
// it. The plan says how the output is cut, where it goes, and where commands of
// ours come.
func FuzzFence(f *testing.F) {
	for i, a := range attacks(strings.Repeat("5e", 32)) {
		if len(a.output) < 1000 {
			f.Add([]byte(a.output), []byte{byte(i), byte(i * 7), 3, 64}, "message%\r\n::x")
		}
	}
	f.Fuzz(func(t *testing.T, output, plan []byte, message string) {
		token := githubactions.NewToken()
		ours := []githubactions.Command{githubactions.Debug(message), githubactions.Error(githubactions.Position{File: "a.go", Line: 3}, "", message)}
		var log bytes.Buffer
		given := scatter(githubactions.NewStream(&log, token, false), output, plan, ours)
		for name, r := range readers() {
			want := r.Output([]byte(strings.Repeat(alone(ours), given)))
			if diff := diff(want, r.Output(log.Bytes())); diff != "" {
				t.Errorf("%s: %s", name, diff)
			}
			if !r.Parsing() {
				t.Errorf("%s: the runner does not parse afterwards", name)
			}
		}
		if want := string([]rune(message)); given > 0 {
			if got := (&parser.Runner{}).Output(log.Bytes())[0].Data; got != want {
				t.Errorf("the message %q arrives as %q", want, got)
			}
		}
	})
}

// scatter writes an output to both streams and to the log, in pieces, and
// returns how often commands of ours came between.
func scatter(s *githubactions.Stream, output, plan []byte, ours []githubactions.Command) (given int) {
	writers := []interface{ Write([]byte) (int, error) }{s.Open(), s.Open(), s.Fenced()}
	for _, step := range plan[:min(len(plan), 32)] {
		n := min(int(step>>2), len(output))
		if step&3 == 3 {
			s.Command(ours...)
			given++
			continue
		}
		writers[step&3].Write(output[:n])
		output = output[n:]
	}
	writers[0].Write(output)
	s.Close()
	return given
}

// alone returns commands as a stream without a program gives them.
func alone(commands []githubactions.Command) string {
	var log bytes.Buffer
	githubactions.NewStream(&log, "", true).Command(commands...)
	return log.String()
}

func TestAloneIsUnfenced(t *testing.T) {
	if got := alone(slices.Concat(first, second)); strings.Contains(got, "stop-commands") || strings.Count(got, "\n") != 4 {
		t.Errorf("%q", got)
	}
}
