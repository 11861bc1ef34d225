package main

import (
	"os"
	"strings"

	"github.com/org/gorun-action/internal/githubactions"
)

// unsetCredentials takes the runner's credentials out of what children inherit.
func unsetCredentials() {
	for _, entry := range os.Environ() {
		if name, _, _ := strings.Cut(entry, "="); githubactions.IsCredential(name) {
			os.Unsetenv(name)
		}
	}
}
