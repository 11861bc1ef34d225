package report_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/org/gorun-action/container"
	"github.com/org/gorun-action/internal/report"
	"github.com/org/gorun-action/runner"
)

func newYear() time.Time { return time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC) }

func ExampleNewJSON() {
	log := report.NewJSON(os.Stdout, newYear)
	log.Event(runner.Noticed{Message: "-gcstackiter has no effect"})
	log.Event(runner.Exited{Status: container.ExitStatus{Code: 3}, Took: 1500 * time.Millisecond})
	// Output:
	// {"time":"2026-01-01T00:00:00.000000Z","level":"info","event":"notice","message":"-gcstackiter has no effect"}
	// {"time":"2026-01-01T00:00:00.000000Z","level":"info","event":"exit","status":3,"took_ms":1500}
}

func ExampleJSON_Stream() {
	stdout := report.NewJSON(os.Stdout, newYear).Stream("stdout")
	fmt.Fprintf(stdout, "hello\n{\"n\": 1}\n\xff\nno newline")
	stdout.Close()
	// Output:
	// {"time":"2026-01-01T00:00:00.000000Z","level":"info","event":"output","stream":"stdout","line":"hello"}
	// {"time":"2026-01-01T00:00:00.000000Z","level":"info","event":"output","stream":"stdout","json":{"n": 1}}
	// {"time":"2026-01-01T00:00:00.000000Z","level":"info","event":"output","stream":"stdout","base64":"/w=="}
	// {"time":"2026-01-01T00:00:00.000000Z","level":"info","event":"output","stream":"stdout","line":"no newline","partial":true}
}

func ExampleReassemble() {
	log := `{"event":"start","command":["./hello"]}
{"event":"output","stream":"stdout","line":"hello"}
{"event":"output","stream":"stderr","line":"oh"}
{"event":"output","stream":"stdout","line":"world","partial":true}
`
	if err := report.Reassemble(strings.NewReader(log), "stdout", os.Stdout); err != nil {
		fmt.Println(err)
	}
	// Output:
	// hello
	// world
}

func ExampleWriteVerdict() {
	dir, err := os.MkdirTemp("", "verdict")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "verdict.json")
	err = report.WriteVerdict(path, runner.Result{
		Outcome: runner.BuildFailed, Phase: runner.PhaseBuild, ExitStatus: 125, Error: "the package does not build", Cache: "off",
		Diagnostics: []runner.Diagnostic{{Kind: "error", File: "main.go", Line: 3, Column: 5, Message: "undefined: x"}},
	})
	if err != nil {
		panic(err)
	}
	data, _ := os.ReadFile(path)
	os.Stdout.Write(data)
	// Output:
	// {
	//   "outcome": "build_failed",
	//   "phase": "build",
	//   "exit_status": 125,
	//   "error": "the package does not build",
	//   "cache": "off",
	//   "timings_ms": {
	//     "plan": 0,
	//     "restore": 0,
	//     "toolchain": 0,
	//     "build": 0,
	//     "run": 0,
	//     "total": 0
	//   },
	//   "diagnostics": [
	//     {
	//       "kind": "error",
	//       "file": "main.go",
	//       "line": 3,
	//       "column": 5,
	//       "message": "undefined: x"
	//     }
	//   ]
	// }
}
