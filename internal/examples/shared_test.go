package examples

import (
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/registry"

	"github.com/org/gorun-action/internal/acttest"
	"github.com/org/gorun-action/internal/store/entry"
	"github.com/org/gorun-action/internal/testenv"
)

// giveCache gives the workflow GitHub's cache, a key, and no home that its jobs
// would have in common.
func giveCache(t *testing.T, try *trial) {
	key, err := entry.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	try.act, try.mounts = try.act.WithCache(t.TempDir()), []string{t.TempDir() + ":/unused"}
	try.args = append(try.args, "--secret", "GORUN_CACHE_KEY="+key.Secret())
	try.check = func(t *testing.T, transcript acttest.Transcript) {
		log := everything(transcript)
		if strings.Contains(log, key.Secret()) {
			t.Error("the key shows")
		}
		if !strings.Contains(log, `"outcome":"hit"`) {
			t.Error("nothing was found in GitHub's cache")
		}
	}
}

// sharing returns the commands of the example that use one kind of store.
func sharing(t *testing.T, d Document, kind string) Session {
	t.Helper()
	for _, s := range d.Sessions {
		if strings.Contains(s.Command, "--cache-to="+kind+":") {
			return s
		}
	}
	t.Fatalf("the example has no command with --cache-to=%s", kind)
	return Session{}
}

// private is a registry for who knows the password.
func private() http.Handler {
	h := registry.New(registry.Logger(log.New(io.Discard, "", 0)))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if user, password, _ := r.BasicAuth(); user != "ci" || password != secret {
			w.Header().Set("WWW-Authenticate", `Basic realm="registry"`)
			http.Error(w, "who are you", http.StatusUnauthorized)
			return
		}
		h.ServeHTTP(w, r)
	})
}

// TestSharedContainers runs the command of the example in two new containers.
func TestSharedContainers(t *testing.T) {
	t.Parallel()
	testenv.Long(t, "internal/runnerimage starts the same containers")
	d := documents(t)["shared-cache"]
	host, home, dir := acttest.ServeContainers(t, private()), t.TempDir(), t.TempDir()
	write(t, dir, d.Files)
	write(t, home, map[string]string{".docker/config.json": `{"auths":{"` + host + `":{"username":"ci","password":"` + secret + `"}}}`})
	s := sharing(t, d, "oci")
	image := strings.NewReplacer("gorun-image", "-e GORUN_VERDICT_FILE=/src/verdict.json -v "+testenv.BuildCache(t, os.Getuid())+":/cache/go-build "+testenv.RunnerImage(t), "registry.example.com", host)
	for _, want := range []string{"miss", "hit"} {
		if got := script(t, dir, image.Replace(s.Command), "HOME="+home); got != s.Stdout {
			t.Errorf("%s\nprints %q, the document says %q", s.Command, got, s.Stdout)
		}
		foundAs(t, dir, want)
	}
}

// TestSharedDirectory runs the command of the example on two machines.
func TestSharedDirectory(t *testing.T) {
	t.Parallel()
	d := documents(t)["shared-cache"]
	dir, share, path := t.TempDir(), t.TempDir(), gorunOnPath(t)
	write(t, dir, d.Files)
	s := sharing(t, d, "dir")
	command := strings.Replace(s.Command, "/var/cache/gorun", share, 1)
	for _, want := range []string{"miss", "hit"} {
		if got := script(t, dir, command, append(environ(t, path), "GORUN_VERDICT_FILE=verdict.json")...); got != s.Stdout {
			t.Errorf("%s\nprints %q, the document says %q", s.Command, got, s.Stdout)
		}
		foundAs(t, dir, want)
	}
}

// TestSharedInGitLab runs GitLab's job on two machines.
func TestSharedInGitLab(t *testing.T) {
	t.Parallel()
	d := documents(t)["shared-cache"]
	server := httptest.NewServer(private())
	defer server.Close()
	dir, path, host := t.TempDir(), gorunOnPath(t), strings.TrimPrefix(server.URL, "http://")
	write(t, dir, d.Files)
	job := d.Files[".gitlab-ci.yml"]
	given := []string{"CI_PROJECT_DIR=" + dir, "CI_REGISTRY=" + host, "CI_REGISTRY_IMAGE=" + host + "/team/notes", "CI_REGISTRY_USER=ci", "CI_REGISTRY_PASSWORD=" + secret}
	for _, want := range []string{"miss", "hit"} {
		env := append(append(environ(t, path), given...), "GORUN_VERDICT_FILE=verdict.json")
		for _, m := range variable.FindAllStringSubmatch(job, -1) {
			env = append(env, m[1]+"="+strings.NewReplacer("$CI_PROJECT_DIR", dir, "$CI_REGISTRY_IMAGE", host+"/team/notes").Replace(m[2]))
		}
		var lines []string
		for _, m := range scriptLine.FindAllStringSubmatch(job, -1) {
			lines = append(lines, m[1])
		}
		if got := script(t, dir, strings.Join(lines, "\n"), env...); got != "two notes\n" {
			t.Errorf("the job prints %q", got)
		}
		foundAs(t, dir, want)
	}
}

// foundAs reads what the verdict says of the cache.
func foundAs(t *testing.T, dir, want string) {
	t.Helper()
	file := filepath.Join(dir, "verdict.json")
	if verdict := read(t, file); !strings.Contains(verdict, `"cache": "`+want+`"`) {
		t.Errorf("want a %s: %s", want, verdict)
	}
	if err := os.Remove(file); err != nil { // the next run writes its own
		t.Fatal(err)
	}
}
