package githubactions

import (
	"slices"
	"testing"
)

func TestProgramEnviron(t *testing.T) {
	got := ProgramEnviron([]string{
		"HOME=/github/home", "INPUT_ARGS=x", "INPUT_GO-VERSION=1.26", "GITHUB_OUTPUT=/github/file_commands/out", "MY_TOKEN=mine",
		"ACTIONS_RUNTIME_TOKEN=a", "ACTIONS_RUNTIME_URL=b", "ACTIONS_RESULTS_URL=c", "ACTIONS_CACHE_URL=d", "ACTIONS_CACHE_MODE=e",
		"ACTIONS_ID_TOKEN_REQUEST_TOKEN=f", "ACTIONS_ID_TOKEN_REQUEST_URL=g", "ACTIONS_STEP_DEBUG=true",
		"GORUN_CACHE_DIR=/cache/gorun", "GOCACHE=/cache/go-build", "GOMODCACHE=/elsewhere/mod",
	})
	want := []string{
		"HOME=/github/home", "GITHUB_OUTPUT=/github/file_commands/out", "MY_TOKEN=mine", "ACTIONS_STEP_DEBUG=true",
		"GORUN_CACHE_DIR=/github/home/.cache/gorun", "GOCACHE=/github/home/.cache/go-build", "GOMODCACHE=/elsewhere/mod",
	}
	if !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	if got := ProgramEnviron([]string{"GOCACHE=/cache/go-build"}); got[0] != "GOCACHE=/cache/go-build" {
		t.Errorf("without a home: %q", got)
	}
}
