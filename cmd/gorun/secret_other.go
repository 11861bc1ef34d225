//go:build !linux

package main

import (
	"os"
	"strings"

	"github.com/org/gorun-action/internal/githubactions"
)

// hideCredentials takes the runner's credentials out of the environment of
// children. Container actions run on Linux only.
func hideCredentials() error {
	for _, entry := range os.Environ() {
		if name, _, _ := strings.Cut(entry, "="); githubactions.IsCredential(name) {
			os.Unsetenv(name)
		}
	}
	return nil
}
