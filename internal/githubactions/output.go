package githubactions

import (
	"strconv"

	"github.com/org/gorun-action/runner"
)

// Outputs returns the outputs of the action, all of them in every run, for
// GITHUB_OUTPUT:
//
//	exit-code          the program's exit code, or 128 + its signal, when it ran to an end of its own; else gorun's status
//	outcome            the Outcome: "success", "build_failed", …
//	phase              the last phase reached: "inputs", "plan", "restore", "toolchain", "build" or "run"
//	signal             the signal that ended the program, "SIGTERM"; else empty
//	cache-hit          "true" when the cache had the executable, also when a build then verified it; else "false"
//	executable-digest  "sha256:" and 64 hex digits; empty without an executable
//	key                the executable key; empty where there is none
//	toolchain          "go1.26.10 sha256:…": the release and the image's digest; a part that is not known is left out
//	duration-ms        the whole run, in milliseconds
//	stdout             what the program wrote (see [Captured])
//	verdict            the path of the verdict file
//
// At a time limit exit-code is 124 whatever the program did about it. stdout
// may be nil when nothing was captured.
func Outputs(r runner.Result, stdout *Captured, verdict string) []Entry {
	return []Entry{
		{"exit-code", strconv.Itoa(exitCode(r))},
		{"outcome", string(r.Outcome)},
		{"phase", string(r.Phase)},
		{"signal", r.Signal},
		{"cache-hit", strconv.FormatBool(r.Cache == runner.Hit || r.Cache == runner.Verified)},
		{"executable-digest", executableDigest(r)},
		{"key", r.Key},
		{"toolchain", toolchainWords(r.Toolchain)},
		{"duration-ms", strconv.FormatInt(r.Timings.Total, 10)},
		{"stdout", stdout.String()},
		{"verdict", verdict},
	}
}

// exitCode is the program's own even where gorun's status is another one
// (--compat=go), and gorun's where it ended the program.
func exitCode(r runner.Result) int {
	if r.ProgramStatus != nil && r.Outcome != runner.Timeout {
		return *r.ProgramStatus
	}
	return r.ExitStatus
}

func executableDigest(r runner.Result) string {
	if r.Executable == nil || r.Executable.SHA256 == "" {
		return ""
	}
	return "sha256:" + r.Executable.SHA256
}

func toolchainWords(t *runner.Toolchain) string {
	switch {
	case t == nil:
		return ""
	case t.Version == "":
		return t.Digest
	case t.Digest == "":
		return "go" + t.Version
	}
	return "go" + t.Version + " " + t.Digest
}
