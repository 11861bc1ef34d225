package acttest

import (
	"strings"
	"testing"

	"github.com/org/gorun-action/internal/testenv"
)

// standinAction is an action.yml for the stand-in.
const standinAction = `name: standin
description: does what its input says
inputs:
  do:
    description: one word and its argument a line
outputs:
  color:
    description: set by the stand-in
runs:
  using: docker
  image: docker://IMAGE
`

// standinWorkflow: act copies the workspace at the checkout, and downloads
// nothing for it.
const standinWorkflow = `on: push
jobs:
  plain:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@de0fac2e4500dabe0009e67214ff5f5447ce83dd # v6.0.2
      - id: paint
        uses: ./
        env:
          SHADE: dark
        with:
          do: |
            append GITHUB_OUTPUT color=red
            append GITHUB_ENV MOOD=good
            show SHADE
            show INPUT_DO
            say ::error file=a.go,line=3,col=7::no such color
            stdin
      - id: read
        env:
          COLOR: ${{ steps.paint.outputs.color }}
        run: echo "$COLOR and $MOOD"
      - id: fenced
        uses: ./
        with:
          do: |
            say ::stop-commands::a-token
            say ::error::inside
            say ::a-token::
            say ::warning::outside
      - id: broken
        continue-on-error: true
        uses: ./
        with:
          do: exit 3
      - id: after
        env:
          OUTCOME: ${{ steps.broken.outcome }}
        run: echo "the step ended as $OUTCOME"
  failing:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@de0fac2e4500dabe0009e67214ff5f5447ce83dd # v6.0.2
      - uses: ./
        with:
          do: exit 4
      - id: never
        run: echo "not reached"
  served:
    runs-on: ubuntu-latest
    container: JOB
    services:
      greeter:
        image: IMAGE
        env:
          INPUT_DO: serve :7000
    steps:
      - uses: actions/checkout@de0fac2e4500dabe0009e67214ff5f5447ce83dd # v6.0.2
      - id: dial
        uses: ./
        with:
          do: dial greeter:7000
`

func standin(t testing.TB) string {
	return ProgramImage(t, "standin", "testdata/standin")
}

func TestActIsThePinnedRelease(t *testing.T) {
	t.Parallel()
	testenv.Long(t, "it compiles act")
	_, version, _ := strings.Cut(testenv.ActModule, "@v")
	if got, want := NewAct(t).Version(t), "act version "+version; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestActRunsAContainerAction(t *testing.T) {
	t.Parallel()
	testenv.Long(t, "it compiles act")
	act := NewAct(t)
	image := strings.NewReplacer("IMAGE", standin(t), "JOB", act.job)
	ws := NewWorkspace(t, map[string]string{
		"action.yml":                    image.Replace(standinAction),
		".github/workflows/standin.yml": image.Replace(standinWorkflow),
	})
	transcript := act.Push(t, ws, ".github/workflows/standin.yml")
	var table Table
	defer table.Log(t)
	check := func(name, want, got string) { t.Helper(); table.Check(t, name, want, got, 0) }

	plain := transcript.Job("plain")
	paint := plain.Step("paint")
	check("job", "success", plain.Result)
	check("outputs", "red", paint.Outputs()["color"])
	check("env", "SHADE=dark", firstLine(paint.Output))
	if !strings.Contains(paint.Output, "stdin 0 <nil>") {
		t.Errorf("a container action has no standard input, and this one saw\n%s", paint.Output)
	}
	errors := paint.Find("error")
	if len(errors) != 1 {
		t.Fatalf("want one annotation, got %v", errors)
	}
	check("annotation", "a.go:3:7 no such color", position(errors[0])+" "+errors[0].Value)
	check("next step reads", "red and good", firstLine(plain.Step("read").Output))
	fenced := plain.Step("fenced")
	check("stop-commands", "0 errors, 1 warning", counts(fenced))
	check("failed step", "failure", plain.Step("broken").Result)
	check("its outcome", "the step ended as failure", firstLine(plain.Step("after").Output))
	check("failed job", "failure", transcript.Job("failing").Result)
	if never := transcript.Job("failing").Step("never"); never != nil && never.Result != "skipped" {
		t.Errorf("a step after a failed one ran: %+v", never)
	}
	served := transcript.Job("served")
	if dial := served.Step("dial"); dial == nil {
		t.Errorf("the job with a service: %s; %v", served.Result, transcript.Errors)
	} else {
		check("service", "hello from the service", firstLine(dial.Output))
	}
	if transcript.Status == 0 {
		t.Error("act exits with 0 although a job failed")
	}
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return line
}

func position(c Command) string {
	return c.Properties["file"] + ":" + c.Properties["line"] + ":" + c.Properties["col"]
}

func counts(s *StepRun) string {
	return strings.Join([]string{plural(len(s.Find("error")), "error"), plural(len(s.Find("warning")), "warning")}, ", ")
}

func plural(n int, word string) string {
	switch n {
	case 0:
		return "0 " + word + "s"
	case 1:
		return "1 " + word
	}
	return "many " + word + "s"
}
