package runner

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/org/gorun-action/cachekeys"
)

const panicText = `before
panic: assignment to entry in nil map

goroutine 1 [running]:
example.com/dep.Helper(...)
	/home/u/go/pkg/mod/example.com/dep@v1.0.0/dep.go:9
example.com/m/lib.(*T).Boom(0xc000012345)
	/home/u/m/lib/b.go:3 +0x1d
main.main()
	/home/u/m/main.go:3 +0x45
`

const raceText = `==================
WARNING: DATA RACE
Read at 0x00c000094008 by goroutine 7:
  main.main.func1()
      /home/u/m/race.go:2 +0x33

Previous write at 0x00c000094008 by main goroutine:
  main.main()
      /home/u/m/race.go:7 +0x116
==================
Found 1 data race(s)
`

const quitText = `SIGQUIT: quit
PC=0x40816e m=0 sigcode=0

goroutine 0 gp=0x5564e0 m=0 mp=0x5572a0 [idle]:
runtime.mcall()
	/usr/local/go/src/runtime/asm_amd64.s:496 +0x55 fp=0x7ffc6c00de88 sp=0x7ffc6c00de70 pc=0x47b7f5

goroutine 1 gp=0x14994dd661e0 m=nil [sleep]:
time.Sleep(0x34630b8a000)
	/usr/local/go/src/runtime/time.go:363 +0x165 fp=0x14994de0ef18 sp=0x14994de0eec0 pc=0x479fa5
main.main()
	/home/u/m/main.go:9 +0x27 fp=0x14994de0ef48 sp=0x14994de0ef18 pc=0x4896c7
`

func testWorkspace() cachekeys.Workspace {
	return cachekeys.Workspace{Dir: "/home/u/m", Modules: []cachekeys.Module{{Path: "example.com/m", Dir: "/home/u/m"}}}
}

func TestTracer(t *testing.T) {
	tests := []struct {
		name, text string
		trimmed    bool
		outcome    Outcome
		panicked   bool
		want       []Diagnostic
	}{
		{"nothing", "panic is a word\n  panic: indented\n", false, Failure, false, nil},
		{"panic", panicText, false, Panic, true, []Diagnostic{{
			Kind: "panic", File: "lib/b.go", Line: 3, Message: "assignment to entry in nil map",
			Function: "example.com/m/lib.(*T).Boom", Package: "example.com/m/lib",
		}}},
		{"recovered, then another", "panic: first\n\ngoroutine 5 [running]:\nmain.a()\n\t/home/u/m/a.go:1 +0x1\n\nnow really\n" + panicText, false, Panic, true, []Diagnostic{{
			Kind: "panic", File: "lib/b.go", Line: 3, Message: "assignment to entry in nil map",
			Function: "example.com/m/lib.(*T).Boom", Package: "example.com/m/lib",
		}}},
		{"a log line that only looks like it", "panic: the user said\nbye\n", false, Panic, false, nil},
		{"trimpath", "panic: x\n\ngoroutine 1 [running]:\nexample.com/m/lib.Boom()\n\texample.com/m/lib/b.go:3 +0x1\n", true, Panic, true, []Diagnostic{{
			Kind: "panic", File: "lib/b.go", Line: 3, Message: "x", Function: "example.com/m/lib.Boom", Package: "example.com/m/lib",
		}}},
		{"deadlock", "fatal error: all goroutines are asleep - deadlock!\n\ngoroutine 1 [select (no cases)]:\nmain.main()\n\t/home/u/m/dead.go:2 +0xf\n", false, Panic, true, []Diagnostic{{
			Kind: "panic", File: "dead.go", Line: 2, Message: "fatal error: all goroutines are asleep - deadlock!", Function: "main.main", Package: "main",
		}}},
		{"no frame of ours", "panic: x\n\ngoroutine 1 [running]:\nmain.main()\n\t/elsewhere/main.go:3 +0x45\n", false, Panic, true, []Diagnostic{{Kind: "panic", Message: "x"}}},
		{"race", raceText, false, Race, false, []Diagnostic{{
			Kind: "race", File: "race.go", Line: 2, Message: "data race", Function: "main.main.func1", Package: "main",
		}}},
		{"time limit", quitText, false, Timeout, true, []Diagnostic{{
			Kind: "timeout", File: "main.go", Line: 9, Message: "the program was here at the time limit", Function: "main.main", Package: "main",
		}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var out bytes.Buffer
			tr := &tracer{to: &out, workspace: testWorkspace(), trimmed: tt.trimmed}
			writeInPieces(tr, tt.text)
			tr.close()
			if out.String() != tt.text {
				t.Errorf("the text was changed to %q", out.String())
			}
			if tr.panicked() != tt.panicked {
				t.Errorf("panicked = %v", tr.panicked())
			}
			if !tt.panicked && tt.outcome == Panic {
				return
			}
			if diff := cmp.Diff(tt.want, tr.found(tt.outcome)); diff != "" {
				t.Errorf("found (-want +got):\n%s", diff)
			}
		})
	}
}

// writeInPieces cuts the text at random places: a pipe does.
func writeInPieces(w *tracer, text string) {
	for len(text) > 0 {
		n := 1 + rand.IntN(len(text))
		fmt.Fprint(w, text[:n])
		text = text[n:]
	}
}

func TestTracerBoundsRaces(t *testing.T) {
	tr := &tracer{to: &bytes.Buffer{}, workspace: testWorkspace()}
	for range 3 * maxRaces {
		fmt.Fprint(tr, raceText)
	}
	if len(tr.races) != maxRaces {
		t.Errorf("%d races are kept, want %d", len(tr.races), maxRaces)
	}
}

func FuzzTracer(f *testing.F) {
	for _, s := range []string{panicText, raceText, quitText, "panic: \ngoroutine \n\t:1 \n"} {
		f.Add([]byte(s), 7)
	}
	f.Fuzz(func(t *testing.T, text []byte, cut int) {
		var out bytes.Buffer
		tr := &tracer{to: &out, workspace: testWorkspace(), trimmed: cut%2 == 0}
		at := min(max(cut, 0), len(text))
		tr.Write(text[:at])
		tr.Write(text[at:])
		tr.close()
		if !bytes.Equal(out.Bytes(), text) {
			t.Errorf("%q became %q", text, out.Bytes())
		}
		for _, o := range []Outcome{Race, Panic, Timeout} {
			if o != Race && !tr.panicked() {
				continue
			}
			for _, d := range tr.found(o) {
				if d.Line < 0 {
					t.Errorf("%+v", d)
				}
			}
		}
	})
}

// BenchmarkTracer is what a flood on standard error pays.
func BenchmarkTracer(b *testing.B) {
	text := bytes.Repeat([]byte("2026/01/02 15:04:05 an ordinary line of a log, of about a hundred bytes, as programs write them all day\n"), 1000)
	tr := &tracer{to: discard{}, workspace: testWorkspace()}
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		tr.Write(text)
	}
}

type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }
