package examples

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

const document = "# Title\n\nWords.\n\n`main.go`\n\n```go\npackage main\n\nfunc main() {}\n```\n\n" +
	"Step `look` prints:\n\n```text\none\n```\nStep `all` prints, in one job each:\n\n```text\na\nb\n```\n\n" +
	"Then:\n\n```console\n$ a | b\nc\n$ d\n```\n\n```sh\ne\n```\n"

func TestParse(t *testing.T) {
	t.Parallel()
	want := Document{
		Files:    map[string]string{"main.go": "package main\n\nfunc main() {}\n"},
		Prints:   []Print{{"look", "one\n", false}, {"all", "a\nb\n", true}},
		Sessions: []Session{{"a | b", "c\n"}, {"d", ""}},
		Scripts:  []string{"e\n"},
	}
	got, err := Parse(document)
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v\n%s", err, diff)
	}
}

func TestParseRefusesWhatNobodyTries(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"Like this:\n\n```yaml\nname: x\n```\n":           "line 3: nothing says what this block of \"yaml\" is, and \"Like this:\" stands before it",
		"`a`\n\n```\n1\n```\n\n`a`\n\n```\n2\n```\n":      "line 9: the file a is there twice",
		"```console\noutput\n```\n":                       "line 1: a console begins with \"output\\n\"",
		"```sh\nno end\n":                                 "a block of sh has no end",
		"Step `x` prints something:\n\n```text\ny\n```\n": "line 3: nothing says what this block of \"text\" is, and \"Step `x` prints something:\" stands before it",
	} {
		if _, err := Parse(text); err == nil || err.Error() != want {
			t.Errorf("%q: got %v, want %s", text, err, want)
		}
	}
}

func TestWorkflow(t *testing.T) {
	t.Parallel()
	d := Document{Files: map[string]string{"main.go": "uses: org/gorun-action@v1\n", ".github/workflows/a.yml": "- uses: org/gorun-action@v1\n", ".github/workflows/b.yml": ""}}
	if got, err := d.Workflow(); got != ".github/workflows/a.yml" || err != nil {
		t.Error(got, err)
	}
	d.Files[".github/workflows/b.yml"] = d.Files[".github/workflows/a.yml"]
	if got, err := d.Workflow(); err == nil {
		t.Errorf("took %s of two", got)
	}
}
