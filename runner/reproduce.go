package runner

import (
	"strings"

	"github.com/org/gorun-action/internal/buildflags"
	"github.com/org/gorun-action/internal/goenv"
)

// reproduce returns the command line that does this run again with the same
// toolchain, for a person to paste.
func (r *run) reproduce() string {
	words := []string{"gorun"}
	switch t := r.result.Toolchain; {
	case r.spec.ToolchainImage != "":
		words = append(words, "--toolchain-image="+r.spec.ToolchainImage)
	case t != nil && t.Version != "" && t.Image != "":
		words = append(words, "--go-version="+t.Version)
	case r.spec.GoVersion != "":
		words = append(words, "--go-version="+r.spec.GoVersion)
	}
	switch {
	case r.spec.Builder != "auto" && r.spec.Builder != "":
		words = append(words, "--builder="+r.spec.Builder)
	case r.result.Builder == "host":
		words = append(words, "--builder=host")
	}
	if r.spec.Timeout > 0 {
		words = append(words, "--timeout="+r.spec.Timeout.String(), "--grace="+r.spec.Grace.String())
	}
	if r.spec.Compat {
		words = append(words, "--compat=go")
	}
	words = append(words, r.reproducibleWords()...)
	if r.spec.Build.Dir != "" {
		words = append(words, "-C="+r.spec.Build.Dir)
	}
	words = append(words, r.spec.Build.Args...)
	if exec, err := buildflags.JoinQuoted(r.spec.Build.Exec); err == nil && exec != "" {
		words = append(words, "-exec="+exec)
	}
	words = append(words, r.spec.Package...)
	if len(r.spec.Args) > 0 {
		words = append(append(words, "--"), r.spec.Args...)
	}
	line, err := buildflags.Quote(words)
	if err != nil {
		return ""
	}
	return r.targetVariables() + line
}

// targetVariables are the variables of the environment that people set for one
// command to change what it builds, as a shell takes them before a command.
func (r *run) targetVariables() string {
	var out strings.Builder
	environ := r.spec.Env.Environ()
	for _, name := range []string{"GOOS", "GOARCH", "CGO_ENABLED", "GOEXPERIMENT", "GOFLAGS", "GOWORK", "GO111MODULE"} {
		if v := goenv.Lookup(environ, name); v != "" {
			quoted, err := buildflags.Quote([]string{v})
			if err == nil {
				out.WriteString(name + "=" + quoted + " ")
			}
		}
	}
	return out.String()
}

// execLine is what -x shows as the last command: the program as it runs.
func (r *run) execLine(exe string) string {
	words := append(append(append([]string{}, r.spec.Build.Exec...), exe), r.spec.Args...)
	return strings.Join(words, " ") + "\n"
}
