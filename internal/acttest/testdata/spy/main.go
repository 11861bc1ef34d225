// Spy looks for credentials wherever a program can find them: in its own
// environment, and in that of every process that it can see.
package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

func main() {
	found := credentials(os.Environ())
	files, _ := filepath.Glob("/proc/[0-9]*/environ")
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err == nil {
			found = append(found, credentials(strings.Split(string(data), "\x00"))...)
		}
	}
	fmt.Println("job", os.Getenv("GITHUB_JOB"), "processes", len(files) > 1, "credentials", found)
}

// credentials are the names of those among the variables.
func credentials(environ []string) []string {
	var names []string
	for _, kv := range environ {
		name, _, _ := strings.Cut(kv, "=")
		if strings.HasPrefix(name, "ACTIONS_") || name == "GORUN_CACHE_KEY" {
			names = append(names, name)
		}
	}
	return names
}
