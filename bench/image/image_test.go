package image

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"testing"

	"github.com/org/gorun-action/internal/testenv"
)

const program = "package main\n\nfunc main() { println(\"unchanged\") }\n"

func BenchmarkDockerRun(b *testing.B) {
	image, dir := testenv.RunnerImage(b), b.TempDir()
	for name, text := range map[string]string{"go.mod": "module example.test/unchanged\n\ngo 1.26\n", "main.go": program} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			b.Fatal(err)
		}
	}
	volume := testenv.Docker(b, "volume", "create")
	b.Cleanup(func() { testenv.Docker(b, "volume", "rm", volume) })
	options := []string{"run", "--rm", "-v", dir + ":/src", "-v", volume + ":/cache", "-v", testenv.BuildCache(b, 0) + ":/cache/go-build", "-e", "GORUN_RUN_AS=self"}
	gorun := slices.Concat(options, []string{image, "."})
	testenv.Docker(b, gorun...) // builds and keeps it
	log, err := exec.Command("docker", gorun...).CombinedOutput()
	started := regexp.MustCompile(`"command":\["(/cache/[^"]+)"`).FindSubmatch(log)
	if err != nil || started == nil {
		b.Fatalf("nothing was restored: %v\n%s", err, log)
	}
	alone := slices.Concat(options, []string{"--entrypoint", string(started[1]), image})
	for name, args := range map[string][]string{"gorun": gorun, "alone": alone} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				testenv.Docker(b, args...)
			}
		})
	}
}
