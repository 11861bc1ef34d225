package githubactions

import (
	"path/filepath"
	"strings"

	"github.com/org/gorun-action/internal/goenv"
)

// credentials are what only gorun may know: with them a program could write to
// the repository's caches and artifacts, prove to be this workflow to the
// outside (OpenID Connect), and sign what other machines run.
var credentials = []string{"ACTIONS_RUNTIME_", "ACTIONS_RESULTS_URL", "ACTIONS_CACHE_", "ACTIONS_ID_TOKEN_", "GORUN_CACHE_KEY"}

// ProgramEnviron returns the variables that builds and programs get: all but
// the action's inputs and the runner's credentials. The GITHUB_ variables stay,
// so that a program can set outputs of its own. The image's caches move into
// the runner's home.
func ProgramEnviron(environ []string) (kept []string) {
	home := goenv.Lookup(environ, "HOME")
	for _, entry := range environ {
		name, _, _ := strings.Cut(entry, "=")
		if !strings.HasPrefix(name, "INPUT_") && !IsCredential(name) {
			kept = append(kept, homely(entry, home))
		}
	}
	return kept
}

// imageCaches are where the runner images keep caches, which end with the
// container of a step, and where in the runner's home they stay for the job.
var imageCaches = map[string]string{
	"GORUN_CACHE_DIR=/cache/gorun": ".cache/gorun",
	"GOCACHE=/cache/go-build":      ".cache/go-build",
	"GOMODCACHE=/cache/mod":        "go/pkg/mod",
}

// homely returns a variable with the runner's home in place of the image's
// cache directory. Any other value is somebody's choice.
func homely(entry, home string) string {
	dir, ok := imageCaches[entry]
	if !ok || home == "" {
		return entry
	}
	name, _, _ := strings.Cut(entry, "=")
	return name + "=" + filepath.Join(home, dir)
}

// IsCredential reports whether a variable is the runner's credential, or
// gorun's.
func IsCredential(name string) bool {
	for _, prefix := range credentials {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return false
}
