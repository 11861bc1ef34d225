package githubactions

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/org/gorun-action/runner"
)

var root = filepath.Join("..", "..")

// outputUsage says what action.yml and the README say of the outputs. Which
// there are, Outputs says.
var outputUsage = map[string]string{
	"exit-code":         "The program's exit code, or 128 + its signal; gorun's status when no program ran to an end of its own.",
	"outcome":           "What happened, in one word: " + outcomeList() + ".",
	"phase":             "The last phase reached: inputs, plan, restore, toolchain, build or run.",
	"signal":            "The signal that ended the program, SIGTERM, else empty.",
	"cache-hit":         "true when the cache had the executable, else false.",
	"executable-digest": "sha256:… of the executable, empty without one.",
	"key":               "The executable key, empty where there is none.",
	"toolchain":         "The Go release, and the digest of the toolchain image where one was used: go1.26.10 sha256:…",
	"duration-ms":       "How long the whole run took, in milliseconds.",
	"stdout":            "What the program wrote to standard output, 128 KiB at most; a last line says when it was cut.",
	"verdict":           "The name of the verdict file, JSON, in runner.temp.",
}

func outcomeList() string {
	var list []string
	for _, o := range runner.Outcomes() {
		list = append(list, string(o))
	}
	return strings.Join(list, ", ")
}

// TestActionFile holds action.yml and the inputs together. The image line is
// left alone: a release writes a digest there.
func TestActionFile(t *testing.T) {
	path := filepath.Join(root, "action.yml")
	got, _ := os.ReadFile(path)
	image := "  image: Dockerfile\n"
	for line := range strings.Lines(string(got)) {
		if strings.HasPrefix(line, "  image: ") {
			image = line
		}
	}
	compare(t, path, string(got), actionFile(image))
}

func actionFile(image string) string {
	var b strings.Builder
	b.WriteString("# Inputs and outputs are written by `go test ./internal/githubactions -run TestActionFile -update`.\n" +
		"name: gorun\n" +
		"description: go run for pipelines - compiles one Go main package, runs it, and says what really happened\n" +
		"author: the gorun authors\n" +
		"branding:\n  icon: play-circle\n  color: blue\n" +
		"inputs:\n")
	for _, i := range Table() {
		fmt.Fprintf(&b, "  %s:\n    description: %s\n    required: false\n", i.Name, strconv.Quote(plain(i.Usage+" Accepts "+i.Accepts+".")))
		if i.Default != "" {
			fmt.Fprintf(&b, "    default: %q\n", i.Default)
		}
	}
	b.WriteString("outputs:\n")
	for _, o := range Outputs(runner.Result{}, nil, "") {
		fmt.Fprintf(&b, "  %s:\n    description: %s\n", o.Name, strconv.Quote(outputUsage[o.Name]))
	}
	b.WriteString("runs:\n  using: docker\n" + image +
		"  # An entrypoint of its own, which takes no arguments and reads the inputs only:\n" +
		"  # the runners paste an input named args into command lines.\n" +
		"  entrypoint: /usr/local/bin/gorun-action\n")
	return b.String()
}

func plain(markdown string) string { return strings.ReplaceAll(markdown, "`", "") }

// TestTables holds the page's tables of inputs and outputs and the code
// together.
func TestTables(t *testing.T) {
	var in, out strings.Builder
	in.WriteString("\n| input | what it does | accepts | default | flag |\n|---|---|---|---|---|\n")
	for _, i := range Table() {
		fmt.Fprintf(&in, "| `%s` | %s | %s | %s | %s |\n", i.Name, cell(i.Usage), cell(i.Accepts), quotedCell(i.Default), quotedCell(dashed(i.Flag)))
	}
	out.WriteString("\n| output | what it is |\n|---|---|\n")
	for _, o := range Outputs(runner.Result{}, nil, "") {
		fmt.Fprintf(&out, "| `%s` | %s |\n", o.Name, cell(outputUsage[o.Name]))
	}
	path := filepath.Join(root, "docs", "action.md")
	for name, want := range map[string]string{"inputs": in.String() + "\n", "outputs": out.String() + "\n"} {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		begin := fmt.Sprintf("<!-- %s: written by `go test ./internal/githubactions -run TestTables -update` -->\n", name)
		end := fmt.Sprintf("<!-- end of %s -->\n", name)
		before, rest, ok := strings.Cut(string(text), begin)
		_, after, closed := strings.Cut(rest, end)
		if !ok || !closed {
			t.Fatalf("the page has no %s … %s", begin, end)
		}
		compare(t, path, string(text), before+begin+want+end+after)
	}
}

func compare(t *testing.T, path, got, want string) {
	t.Helper()
	if got == want {
		return
	}
	if !*update {
		t.Fatalf("%s differs from the code (-update writes it); it should be\n%s", filepath.Base(path), want)
	}
	if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
		t.Fatal(err)
	}
}

func cell(s string) string { return strings.ReplaceAll(s, "|", "\\|") }

func quotedCell(s string) string {
	if s == "" {
		return ""
	}
	return "`" + s + "`"
}

func dashed(flag string) string {
	if flag == "" {
		return ""
	}
	return "--" + flag
}
