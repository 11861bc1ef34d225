package acttest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
)

// Transcript is what act said about one run of a workflow.
type Transcript struct {
	// Status is act's exit status: 0 when every job succeeded.
	Status int
	// Took is how long act was running.
	Took time.Duration
	// Jobs are in the order in which they began.
	Jobs []*Job
	// Errors is what act itself complained about.
	Errors []string
}

// Job is one job, of a matrix one combination.
type Job struct {
	Name string
	// ID is the key of the job in the workflow.
	ID string
	// Matrix is the combination, as act prints the values.
	Matrix map[string]any
	Result string
	Steps  []*StepRun
}

// StepRun is what became of one step.
type StepRun struct {
	// ID is the id of the step in the workflow, or its place among the steps.
	ID, Name string
	// Result is success, failure or skipped.
	Result string
	Took   time.Duration
	// Output is what the step printed, without the commands in it.
	Output string
	// Commands are the workflow commands that act took from the output, and
	// the outputs that it read from the file.
	Commands []Command
}

// Command is a workflow command that took effect.
type Command struct {
	Name       string
	Properties map[string]string
	Value      string
}

// record is one line of act --json.
type record struct {
	Level         string            `json:"level"`
	Msg           string            `json:"msg"`
	Job           string            `json:"job"`
	JobID         string            `json:"jobID"`
	Matrix        map[string]any    `json:"matrix"`
	JobResult     string            `json:"jobResult"`
	Step          string            `json:"step"`
	StepID        []string          `json:"stepID"`
	Stage         string            `json:"stage"`
	StepResult    string            `json:"stepResult"`
	ExecutionTime int64             `json:"executionTime"` // nanoseconds
	RawOutput     bool              `json:"raw_output"`
	Command       string            `json:"command"`
	Name          string            `json:"name"`
	Arg           string            `json:"arg"`
	Pairs         map[string]string `json:"kvPairs"`
}

// parseTranscript reads the log of act --json.
func parseTranscript(log []byte) (Transcript, error) {
	var t Transcript
	for dec := json.NewDecoder(bytes.NewReader(log)); ; {
		var r record
		err := dec.Decode(&r)
		if errors.Is(err, io.EOF) {
			return t, nil
		}
		if err != nil {
			return t, fmt.Errorf("reading the log of act: %w", err)
		}
		t.add(r)
	}
}

func (t *Transcript) add(r record) {
	if r.Level == "error" && r.Command == "" {
		t.Errors = append(t.Errors, strings.TrimSpace(r.Msg))
	}
	if r.JobID == "" {
		return
	}
	job := t.job(r)
	if r.JobResult != "" {
		job.Result = r.JobResult
	}
	if len(r.StepID) > 0 && r.Stage == "Main" {
		job.step(r).add(r)
	}
}

func (t *Transcript) job(r record) *Job {
	r.Job = strings.TrimSpace(r.Job) // act makes columns of them
	for _, j := range t.Jobs {
		if j.Name == r.Job {
			return j
		}
	}
	t.Jobs = append(t.Jobs, &Job{Name: r.Job, ID: r.JobID, Matrix: r.Matrix})
	return t.Jobs[len(t.Jobs)-1]
}

func (j *Job) step(r record) *StepRun {
	id := r.StepID[len(r.StepID)-1]
	if s := j.Step(id); s != nil {
		return s
	}
	j.Steps = append(j.Steps, &StepRun{ID: id, Name: r.Step})
	return j.Steps[len(j.Steps)-1]
}

func (s *StepRun) add(r record) {
	switch {
	case r.RawOutput:
		s.Output += r.Msg
	case r.Command != "":
		s.Commands = append(s.Commands, r.asCommand())
	}
	if r.StepResult != "" {
		s.Result, s.Took = r.StepResult, time.Duration(r.ExecutionTime)
	}
}

func (r record) asCommand() Command {
	c := Command{Name: r.Command, Properties: r.Pairs, Value: r.Arg}
	if r.Name != "" { // set-output and set-env have their one property here
		c.Properties = map[string]string{"name": r.Name}
	}
	return c
}

// Job returns the first job with that key in the workflow, or nil.
func (t Transcript) Job(id string) *Job {
	for _, j := range t.Jobs {
		if j.ID == id {
			return j
		}
	}
	return nil
}

// Step returns the step with that id, or nil: it did not come to run.
func (j *Job) Step(id string) *StepRun {
	for _, s := range j.Steps {
		if s.ID == id {
			return s
		}
	}
	return nil
}

// Find returns the commands of that name.
func (s *StepRun) Find(name string) []Command {
	var found []Command
	for _, c := range s.Commands {
		if c.Name == name {
			found = append(found, c)
		}
	}
	return found
}

// Outputs are the step's outputs, as act read them.
func (s *StepRun) Outputs() map[string]string {
	outputs := map[string]string{}
	for _, c := range s.Find("set-output") {
		outputs[c.Properties["name"]] = c.Value
	}
	return outputs
}
