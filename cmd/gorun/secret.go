package main

import (
	"os"
	"strings"

	"github.com/org/gorun-action/internal/githubactions"
)

// isCredential reports whether a variable, "name=value", is for gorun only.
func isCredential(kv string) bool {
	name, _, _ := strings.Cut(kv, "=")
	return githubactions.IsCredential(name)
}

// unsetCredentials takes the runner's credentials out of what children inherit.
func unsetCredentials() {
	for _, entry := range os.Environ() {
		if isCredential(entry) {
			name, _, _ := strings.Cut(entry, "=")
			os.Unsetenv(name)
		}
	}
}
