package githubactions_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/org/gorun-action/internal/githubactions"
	"github.com/org/gorun-action/internal/githubactions/parser"
)

func TestToken(t *testing.T) {
	a, b := githubactions.NewToken(), githubactions.NewToken()
	if a == b || !regexp.MustCompile(`^[0-9a-f]{64}$`).MatchString(a) {
		t.Error(a, b)
	}
}

// TestStreamBytes shows what goes over the stream, with T for the token.
func TestStreamBytes(t *testing.T) {
	for _, tt := range []struct {
		name string
		pass bool
		do   func(s *githubactions.Stream)
		want string
	}{
		{"masks come before the fence", false, func(s *githubactions.Stream) {
			s.Mask("a\"b\r\n\r\n c", " ")
		}, "::add-mask::a\"b%0D%0A%0D%0A c\n::add-mask::a\\\"b\\r\\n\\r\\n c\n::add-mask::a\"b\n::add-mask::a\\\"b\n::add-mask:: c\n::stop-commands::T\n"},
		{"nothing to mask closes the fence", false, func(s *githubactions.Stream) { s.Mask() }, "::stop-commands::T\n"},
		{"the first write closes the fence", false, func(s *githubactions.Stream) { fmt.Fprint(s.Fenced(), "a\n") }, "::stop-commands::T\na\n"},
		{"an empty write does nothing", false, func(s *githubactions.Stream) { fmt.Fprint(s.Open(), "") }, ""},
		{"one opening for several commands", false, func(s *githubactions.Stream) {
			fmt.Fprint(s.Open(), "a\n")
			s.Command(githubactions.Group("g"), githubactions.Command{}, githubactions.Debug("d"))
			fmt.Fprint(s.Fenced(), "b\n")
		}, "::stop-commands::T\na\n::T::\n::group::g\n::debug::d\n::stop-commands::T\nb\n"},
		{"a newline only where one is missing", false, func(s *githubactions.Stream) {
			fmt.Fprint(s.Open(), "a")
			s.Command(githubactions.EndGroup())
			fmt.Fprint(s.Fenced(), "b\r")
			s.Command(githubactions.EndGroup())
		}, "::stop-commands::T\na\n::T::\n::endgroup::\n::stop-commands::T\nb\r\n::T::\n::endgroup::\n::stop-commands::T\n"},
		{"Close opens the fence once", false, func(s *githubactions.Stream) {
			fmt.Fprint(s.Fenced(), "a")
			s.Close()
			s.Close()
			fmt.Fprint(s.Fenced(), "late")
		}, "::stop-commands::T\na\n::T::\n::stop-commands::T\nlate"},
		{"a properties' order is fixed", false, func(s *githubactions.Stream) {
			s.Command(githubactions.Notice(githubactions.Position{File: "a,b", Line: 1, EndLine: 2, Column: 3, EndColumn: 4}, "t:%", "m:,%\n"))
		}, "::notice col=3,endColumn=4,endLine=2,file=a%2Cb,line=1,title=t%3A%25::m:,%25%0A\n::stop-commands::T\n"},
		{"pass: no fence around the program's output", true, func(s *githubactions.Stream) {
			s.Mask("m")
			fmt.Fprint(s.Open(), "a\n")
			s.Command(githubactions.Debug("d"))
			fmt.Fprint(s.Open(), "b\n")
			fmt.Fprint(s.Fenced(), "c\n")
			fmt.Fprint(s.Open(), "d\n")
		}, "::add-mask::m\na\n::debug::d\nb\n::stop-commands::T\nc\n::T::\nd\n"},
		{"pass: lines are not cut by others", true, func(s *githubactions.Stream) {
			stdout, stderr := s.Open(), s.Open()
			fmt.Fprint(stdout, "::er")
			fmt.Fprint(stderr, "x\ny")
			fmt.Fprint(s.Fenced(), "record\n")
			fmt.Fprint(stdout, "ror::x\nz")
			stdout.Close()
			stderr.Close()
			s.Command(githubactions.Debug("d"))
		}, "x\n::stop-commands::T\nrecord\n::T::\n::error::x\nz\ny\n::debug::d\n"},
		{"pass: progress comes at once", true, func(s *githubactions.Stream) {
			stdout := s.Open()
			fmt.Fprint(stdout, "1%\r")
			fmt.Fprint(stdout, "2%\r")
			fmt.Fprint(s.Open(), "a\r")
		}, "1%\r2%\r\na\r"},
		{"pass: Close lets go of held lines", true, func(s *githubactions.Stream) {
			fmt.Fprint(s.Open(), "a")
			fmt.Fprint(s.Open(), "b")
			s.Close()
		}, "a\nb\n"},
	} {
		var log bytes.Buffer
		tt.do(githubactions.NewStream(&log, "T", tt.pass))
		if diff := cmp.Diff(tt.want, log.String()); diff != "" {
			t.Errorf("%s: %s", tt.name, diff)
		}
	}
}

// TestLongLine shows that a line without end is not held for ever, and is not
// cut by being passed in pieces.
func TestLongLine(t *testing.T) {
	var log bytes.Buffer
	s := githubactions.NewStream(&log, "T", true)
	w := s.Open()
	long := strings.Repeat("a", 100)
	for range 2000 {
		fmt.Fprint(w, long)
	}
	if n := log.Len(); n < 2000*100-65<<10 {
		t.Errorf("only %d bytes have come", n)
	}
	w.Close()
	if log.String() != strings.Repeat(long, 2000) {
		t.Errorf("the line has changed; %d bytes", log.Len())
	}
}

// failing fails, or writes less than it should, once n bytes are written.
type failing struct {
	n   int
	err error
	got bytes.Buffer
}

func (f *failing) Write(p []byte) (int, error) {
	if f.got.Len()+len(p) > f.n {
		return 0, f.err
	}
	return f.got.Write(p)
}

func TestWriteErrorIsKept(t *testing.T) {
	gone := errors.New("gone")
	for _, tt := range []struct{ err, want error }{{gone, gone}, {nil, io.ErrShortWrite}} {
		below := &failing{n: 25, err: tt.err}
		s := githubactions.NewStream(below, "T", false)
		for range 3 {
			if n, err := io.WriteString(s.Fenced(), "12345678"); n != 8 || err != nil {
				t.Errorf("%d, %v", n, err)
			}
		}
		s.Command(githubactions.Debug("d"))
		if err := s.Close(); !errors.Is(err, tt.want) || !errors.Is(s.Err(), tt.want) {
			t.Errorf("%v and %v instead of %v", err, s.Err(), tt.want)
		}
		if got := below.got.String(); got != "::stop-commands::T\n" {
			t.Errorf("after an error, %q", got)
		}
	}
}

// TestConcurrent has programs, records and commands at the same time.
func TestConcurrent(t *testing.T) {
	for _, pass := range []bool{false, true} {
		var log bytes.Buffer
		s := githubactions.NewStream(&log, githubactions.NewToken(), pass)
		s.Mask()
		var all sync.WaitGroup
		for _, w := range []io.Writer{s.Open(), s.Open(), s.Fenced()} {
			all.Go(func() {
				for range 200 {
					io.WriteString(w, "::error::theirs\n")
				}
			})
		}
		all.Go(func() {
			for range 200 {
				s.Command(githubactions.Debug("ours"), githubactions.Group("ours"))
			}
		})
		all.Wait()
		s.Close()
		theirs, ours := 0, 0
		for _, c := range (&parser.Runner{}).Output(log.Bytes()) {
			switch c.Data {
			case "theirs":
				theirs++
			case "ours":
				ours++
			}
		}
		if want := map[bool]int{true: 400}[pass]; theirs != want || ours != 400 {
			t.Errorf("pass %v: %d commands of the program's and %d of ours", pass, theirs, ours)
		}
	}
}

// BenchmarkFenced compares the fence with writing to what is below.
func BenchmarkFenced(b *testing.B) {
	line := []byte(strings.Repeat("x", 99) + "\n")
	block := bytes.Repeat(line, 320)
	for name, p := range map[string][]byte{"line": line, "32k": block} {
		b.Run(name+"/direct", func(b *testing.B) { measure(b, io.Discard, p) })
		b.Run(name+"/fenced", func(b *testing.B) {
			measure(b, githubactions.NewStream(io.Discard, githubactions.NewToken(), false).Open(), p)
		})
		b.Run(name+"/open", func(b *testing.B) {
			measure(b, githubactions.NewStream(io.Discard, githubactions.NewToken(), true).Open(), p)
		})
	}
}

func measure(b *testing.B, w io.Writer, p []byte) {
	b.SetBytes(int64(len(p)))
	b.ReportAllocs()
	for b.Loop() {
		w.Write(p)
	}
}
