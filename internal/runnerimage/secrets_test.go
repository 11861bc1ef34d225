package runnerimage

import (
	"os"
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
		for who, options := range map[string][]string{"owner": nil, "root": {"-e", "GORUN_RUN_AS=self"}, "user": {"--user", "1001:1001"}} {
			t.Run(what+", "+who, func(t *testing.T) {
				args := append(mount(src), "-v", volume(t)+":/cache", "-e", variable, "-e", "GITHUB_JOB=job")
				args = append(append(args, options...), testenv.RunnerImage(t), "--log-format=text", ".")
				run(t, "", args...).wants(t, "job job processes true credentials []\n")
			})
		}
	}
}
