package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/org/gorun-action/bench/sources"
)

// program is what is run.
type program struct {
	name string // of its executable
	args []string
	make func(ctx context.Context, dir string, env []string) error
	// file is the one that changes, and text what it has after change n.
	file, text string
}

func programs() map[string]program {
	return map[string]program{
		// Two other packages are compiled for this one's sake, cmd and main.
		"act": {name: "act", args: []string{"--version"}, make: sources.Act, file: "pkg/runner/change.go", text: changing},
		"tiny": {name: "program", file: "change.go", text: "package main\n\nconst change = \"%d\\n\"\n", make: func(_ context.Context, dir string, _ []string) error {
			return sources.Module(dir, "package main\n\nimport \"syscall\"\n\nfunc main() { syscall.Write(1, []byte(change)) }\n")
		}},
	}
}

const changing = `package runner

import "os"

const change = "%d"

func init() { os.Setenv("CHANGE", change) }
`

// change is a commit.
func (b *bench) change(n int) error {
	return os.WriteFile(filepath.Join(b.source, b.what.file), fmt.Appendf(nil, b.what.text, n), 0o644)
}
