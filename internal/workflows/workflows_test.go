package workflows

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// root is the repository.
const root = "../.."

func TestOurWorkflows(t *testing.T) {
	files := glob(t, ".github/workflows/*.yml", ".github/workflows/*.yaml")
	if len(files) < 3 { // ci, e2e, release
		t.Fatalf("found only %v", files)
	}
	for _, file := range files {
		content := read(t, file)
		report(t, lint(t, root, file, content))
		report(t, Policy(file, content))
	}
}

func TestWorkflowsInDocuments(t *testing.T) {
	for _, file := range glob(t, "*.md", "docs/*.md") {
		for _, example := range Examples(read(t, file)) {
			for _, f := range lint(t, "", file, example.Content) {
				f.Line += example.Line - 1
				report(t, []Finding{f})
			}
		}
	}
}

// good breaks no rule; each case changes one thing.
const good = `name: good
on: push
permissions:
  contents: read
concurrency: one
jobs:
  one:
    runs-on: ubuntu-latest
    timeout-minutes: 5
    steps:
      - uses: actions/checkout@de0fac2e4500dabe0009e67214ff5f5447ce83dd # v6.0.2
        with:
          persist-credentials: false
      - env:
          TITLE: ${{ github.event.head_commit.message }}
        run: echo "$TITLE"
`

func TestPolicy(t *testing.T) {
	for _, c := range []struct{ name, old, new, want string }{
		{"good", "", "", ""},
		{"pull_request_target", "on: push", "on: pull_request_target", "w.yml:1: on: pull_request_target is not allowed"},
		{"workflow_run", "on: push", "on: {workflow_run: {workflows: [a]}}", "w.yml:1: on: workflow_run is not allowed"},
		{"no permissions", "permissions:\n  contents: read\n", "", "w.yml:1: permissions is not set at the top"},
		{"none is enough", "permissions:\n  contents: read\n", "permissions: {}\n", ""},
		{"write-all", "permissions:\n  contents: read\n", "permissions: write-all\n", "w.yml:3: permissions: write-all is more than any workflow needs"},
		{"write at the top", "contents: read", "contents: write", "w.yml:4: contents: write belongs to the job that needs it"},
		{"write in the job", "    timeout-minutes: 5\n", "    timeout-minutes: 5\n    permissions: {contents: write}\n", ""},
		{"write-all in the job", "    timeout-minutes: 5\n", "    timeout-minutes: 5\n    permissions: write-all\n", "w.yml:10: permissions: write-all is more than any job needs"},
		{"no concurrency", "concurrency: one\n", "", "w.yml:1: concurrency is not set"},
		{"no time limit", "    timeout-minutes: 5\n", "", "w.yml:7: job one has no timeout-minutes"},
		{"tag", "@de0fac2e4500dabe0009e67214ff5f5447ce83dd # v6.0.2", "@v6", "w.yml:11: actions/checkout@v6 is not a commit of 40 hex digits with its version in a comment"},
		{"no version", " # v6.0.2", "", "w.yml:11: actions/checkout@de0fac2e4500dabe0009e67214ff5f5447ce83dd is not a commit of 40 hex digits with its version in a comment"},
		{"short commit", "de0fac2e4500dabe0009e67214ff5f5447ce83dd", "de0fac2", "w.yml:11: actions/checkout@de0fac2 is not a commit of 40 hex digits with its version in a comment"},
		{"local action", "      - env:", "      - uses: ./\n      - env:", ""},
		{"called workflow", "    runs-on: ubuntu-latest\n    timeout-minutes: 5\n    steps:", "    uses: a/b/.github/workflows/c.yml@main\n    x:", "w.yml:8: a/b/.github/workflows/c.yml@main is not a commit of 40 hex digits with its version in a comment"},
		{"credentials", "persist-credentials: false", "fetch-depth: 0", "w.yml:11: the checkout leaves a token in .git: set persist-credentials: false"},
		{"expression in run", `echo "$TITLE"`, `echo "${{ github.event.head_commit.message }}"`, "w.yml:16: an expression stands in run: take it through env"},
	} {
		t.Run(c.name, func(t *testing.T) {
			content := strings.Replace(good, c.old, c.new, 1)
			if c.old != "" && content == good {
				t.Fatal("the case changes nothing")
			}
			if got := text(Policy("w.yml", []byte(content))); got != c.want {
				t.Errorf("got\n%s\nwant\n%s", got, c.want)
			}
		})
	}
}

func TestLintKnowsTheRulesOfGitHub(t *testing.T) {
	if found := lint(t, "", "w.yml", []byte(good)); len(found) != 0 {
		t.Errorf("found\n%s", text(found))
	}
	bad := strings.Replace(good, "github.event.head_commit", "githob.event.head_commit", 1)
	if got := text(lint(t, "", "w.yml", []byte(bad))); !strings.Contains(got, "w.yml:15: undefined variable \"githob\"") {
		t.Errorf("got %q", got)
	}
}

func TestExamples(t *testing.T) {
	document := "# Title\n```yaml\non: push\njobs:\n  a: b\n```\n```yaml\nsteps:\n  - run: x\n```\n```sh\non: \njobs:\n```\n  ```yml\non:\njobs:\n  ```\n"
	want := []Example{{3, []byte("on: push\njobs:\n  a: b\n")}, {16, []byte("on:\njobs:\n")}}
	if diff := cmp.Diff(want, Examples([]byte(document))); diff != "" {
		t.Error(diff)
	}
}

func glob(t *testing.T, patterns ...string) []string {
	t.Helper()
	var files []string
	for _, pattern := range patterns {
		found, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, found...)
	}
	return files
}

func read(t *testing.T, file string) []byte {
	t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

func lint(t *testing.T, root, file string, content []byte) []Finding {
	t.Helper()
	found, err := Lint(root, file, content)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func report(t *testing.T, found []Finding) {
	t.Helper()
	for _, f := range found {
		t.Error(f)
	}
}

func text(found []Finding) string {
	var lines []string
	for _, f := range found {
		lines = append(lines, f.String())
	}
	return strings.Join(lines, "\n")
}
