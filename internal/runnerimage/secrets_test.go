package runnerimage

import (
	"os"
	"slices"
	"testing"

	"github.com/org/gorun-action/internal/store/entry"
	"github.com/org/gorun-action/internal/testenv"
)

// Programs do not find what is for gorun only, neither in their own environment
// nor in that of process 1, whoever they are.
func TestCredentials(t *testing.T) {
	t.Parallel()
	spy, err := os.ReadFile("../acttest/testdata/spy/main.go")
	if err != nil {
		t.Fatal(err)
	}
	key, err := entry.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	src := workspace(t, string(spy))
	for what, variable := range map[string]string{"the runner's": "ACTIONS_RUNTIME_TOKEN=x", "the key": "GORUN_CACHE_KEY=" + key.Secret()} {
		for who, user := range map[string]struct {
			uid     int
			options []string
		}{"owner": {owner(), nil}, "root": {0, []string{"-e", "GORUN_RUN_AS=self"}}, "user": {1001, []string{"--user", "1001:1001"}}} {
			t.Run(what+", "+who, func(t *testing.T) {
				t.Parallel()
				if who != "owner" {
					testenv.Long(t, "it starts a container for each user")
				}
				args := slices.Concat(mount(src), built(t, user.uid), []string{"-e", variable, "-e", "GITHUB_JOB=job"}, user.options)
				args = append(args, testenv.RunnerImage(t), "--log-format=text", ".")
				run(t, "", args...).wants(t, "job job processes true credentials []\n")
			})
		}
	}
}
