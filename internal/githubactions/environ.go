package githubactions

import "strings"

// credentials are what only gorun may know: with them a program could write to
// the repository's caches and artifacts, and prove to be this workflow to the
// outside (OpenID Connect).
var credentials = []string{"ACTIONS_RUNTIME_", "ACTIONS_RESULTS_URL", "ACTIONS_CACHE_", "ACTIONS_ID_TOKEN_"}

// ProgramEnviron returns the variables that builds and programs get: all but
// the action's inputs and the runner's credentials. The GITHUB_ variables stay,
// so that a program can set outputs of its own.
func ProgramEnviron(environ []string) (kept []string) {
	for _, entry := range environ {
		name, _, _ := strings.Cut(entry, "=")
		if !strings.HasPrefix(name, "INPUT_") && !IsCredential(name) {
			kept = append(kept, entry)
		}
	}
	return kept
}

// IsCredential reports whether a variable is the runner's credential.
func IsCredential(name string) bool {
	for _, prefix := range credentials {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return false
}
