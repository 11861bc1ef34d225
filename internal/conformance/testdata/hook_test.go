// This file is compiled into the tests of cmd/go, by an overlay: see the
// package comment of internal/conformance.

package main_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"time"

	"cmd/internal/script"
)

// gorunProgram stands where scriptGo calls script.Program to make the scripts'
// go command. A `go run …` becomes the command line in GORUN_CONFORMANCE, a
// JSON list of words, with the rest of the arguments.
func gorunProgram(name string, cancel func(*exec.Cmd) error, waitDelay time.Duration) script.Cmd {
	stock := script.Program(name, cancel, waitDelay)
	var words []string
	if err := json.Unmarshal([]byte(os.Getenv("GORUN_CONFORMANCE")), &words); err != nil {
		panic("GORUN_CONFORMANCE is no list of words: " + err.Error())
	}
	gorun := script.Program(words[0], cancel, waitDelay)
	return script.Command(*stock.Usage(), func(s *script.State, args ...string) (script.WaitFunc, error) {
		if len(args) == 0 || args[0] != "run" {
			return stock.Run(s, args...)
		}
		s.Logf("[handed over]\n")
		restore, err := lendGo(s, filepath.Dir(name))
		if err != nil {
			return nil, err
		}
		wait, err := gorun.Run(s, slices.Concat(words[1:], args[1:])...)
		restore()
		return wait, err
	})
}

// lendGo makes the scripts' go command, which lies in dir, the last entry of a
// PATH that has none: the scripts name theirs by its path, gorun looks for it.
func lendGo(s *script.State, dir string) (restore func(), err error) {
	path, _ := s.LookupEnv("PATH")
	list := filepath.SplitList(path)
	if slices.ContainsFunc(list, hasGo) {
		return func() {}, nil
	}
	s.Logf("[go lent]\n")
	if path != "" {
		dir = path + string(filepath.ListSeparator) + dir
	}
	return func() { s.Setenv("PATH", path) }, s.Setenv("PATH", dir)
}

func hasGo(dir string) bool {
	_, err := exec.LookPath(filepath.Join(dir, "go"))
	return err == nil && filepath.IsAbs(dir)
}
