package workflows

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"

	"github.com/rhysd/actionlint"
)

// Finding is a rule that a workflow breaks.
type Finding struct {
	File    string
	Line    int // of the file, from 1
	Message string
}

func (f Finding) String() string {
	return fmt.Sprintf("%s:%d: %s", f.File, f.Line, f.Message)
}

// inImage is what actionlint says of an entrypoint by its absolute path: it
// looks for it in the repository, and it is in the image.
var inImage = []string{`^file "/.+" does not exist in .+ specified at "entrypoint" key in "runs" section`}

// Lint is what actionlint finds. root is the directory of the repository whose
// actions `uses: ./` means, or "" where there is none. Shell scripts are not
// looked into: the answer must not depend on what is installed.
func Lint(root, file string, content []byte) ([]Finding, error) {
	linter, err := actionlint.NewLinter(io.Discard, &actionlint.LinterOptions{WorkingDir: root, IgnorePatterns: inImage})
	if err != nil {
		return nil, fmt.Errorf("starting actionlint: %w", err)
	}
	var project *actionlint.Project
	if root != "" {
		if project, err = actionlint.NewProject(root); err != nil {
			return nil, fmt.Errorf("starting actionlint: %w", err)
		}
	}
	errs, err := linter.Lint(file, content, project)
	if err != nil {
		return nil, fmt.Errorf("running actionlint on %s: %w", file, err)
	}
	var found []Finding
	for _, e := range errs {
		found = append(found, Finding{file, e.Line, e.Message})
	}
	return found, nil
}

// policy collects findings about one file.
type policy struct {
	file  string
	lines []string
	found []Finding
}

// Policy checks our own rules for workflows that run in this repository.
// content must be a workflow.
func Policy(file string, content []byte) []Finding {
	p := &policy{file: file, lines: strings.Split(string(content), "\n")}
	workflow, _ := actionlint.Parse(content) // what is wrong with it is Lint's to say
	if workflow == nil {
		return []Finding{{file, 1, "this is no workflow"}}
	}
	p.workflow(workflow)
	slices.SortFunc(p.found, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), strings.Compare(a.Message, b.Message))
	})
	return p.found
}

func (p *policy) add(line int, format string, args ...any) {
	p.found = append(p.found, Finding{p.file, line, fmt.Sprintf(format, args...)})
}

func (p *policy) workflow(w *actionlint.Workflow) {
	for _, event := range w.On {
		// Both run with the repository's secrets on behalf of strangers.
		if name := event.EventName(); name == "pull_request_target" || name == "workflow_run" {
			p.add(1, "on: %s is not allowed", name)
		}
	}
	p.topPermissions(w.Permissions)
	if w.Concurrency == nil {
		p.add(1, "concurrency is not set")
	}
	for _, job := range w.Jobs {
		p.job(job)
	}
}

// topPermissions are every job's, so they may not allow anything to be written.
func (p *policy) topPermissions(perm *actionlint.Permissions) {
	if perm == nil {
		p.add(1, "permissions is not set at the top")
		return
	}
	if perm.All != nil {
		p.add(perm.Pos.Line, "permissions: %s is more than any workflow needs", perm.All.Value)
	}
	for _, scope := range perm.Scopes {
		if scope.Value.Value == "write" {
			p.add(scope.Name.Pos.Line, "%s: write belongs to the job that needs it", scope.Name.Value)
		}
	}
}

func (p *policy) job(job *actionlint.Job) {
	if job.WorkflowCall != nil {
		p.uses(job.WorkflowCall.Uses)
		return
	}
	if job.TimeoutMinutes == nil {
		p.add(job.Pos.Line, "job %s has no timeout-minutes", job.ID.Value)
	}
	if perm := job.Permissions; perm != nil && perm.All != nil {
		p.add(perm.Pos.Line, "permissions: %s is more than any job needs", perm.All.Value)
	}
	for _, step := range job.Steps {
		p.step(step)
	}
}

func (p *policy) step(step *actionlint.Step) {
	switch exec := step.Exec.(type) {
	case *actionlint.ExecAction:
		p.uses(exec.Uses)
		p.checkout(exec)
	case *actionlint.ExecRun:
		// An expression in a script is pasted into it before the shell reads
		// it; in env it is a value.
		if strings.Contains(exec.Run.Value, "${{") {
			p.add(exec.Run.Pos.Line, "an expression stands in run: take it through env")
		}
	}
}

// pinned is a commit and, for people and for Dependabot, the release it is.
var pinned = regexp.MustCompile(`uses:\s+[\w.-]+/[\w./-]+@[0-9a-f]{40}\s+# v\d+(\.\d+)*$`)

func (p *policy) uses(uses *actionlint.String) {
	if uses == nil || strings.HasPrefix(uses.Value, "./") {
		return
	}
	if line := p.lines[uses.Pos.Line-1]; !pinned.MatchString(strings.TrimRight(line, " \r")) {
		p.add(uses.Pos.Line, "%s is not a commit of 40 hex digits with its version in a comment", uses.Value)
	}
}

func (p *policy) checkout(exec *actionlint.ExecAction) {
	if !strings.HasPrefix(exec.Uses.Value, "actions/checkout@") {
		return
	}
	if in := exec.Inputs["persist-credentials"]; in == nil || in.Value.Value != "false" {
		p.add(exec.Uses.Pos.Line, "the checkout leaves a token in .git: set persist-credentials: false")
	}
}

// Example is a workflow in a document.
type Example struct {
	Line    int // where its first line stands in the document, from 1
	Content []byte
}

// trigger and jobs are what a fenced block must have to be a whole workflow
// and not a piece of one.
var trigger, jobs = regexp.MustCompile(`(?m)^["']?on["']?:`), regexp.MustCompile(`(?m)^jobs:`)

// Examples are the workflows in a Markdown document.
func Examples(document []byte) []Example {
	var found []Example
	var block []byte
	begin := 0 // 0: outside a block
	for i, line := range bytes.SplitAfter(document, []byte("\n")) {
		fence := strings.TrimSpace(string(line))
		switch {
		case begin == 0 && (fence == "```yaml" || fence == "```yml"):
			begin, block = i+2, nil
		case begin > 0 && fence == "```":
			if trigger.Match(block) && jobs.Match(block) {
				found = append(found, Example{begin, block})
			}
			begin = 0
		case begin > 0:
			block = append(block, line...)
		}
	}
	return found
}
