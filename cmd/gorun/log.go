package main

import (
	"cmp"
	"fmt"
	"io"
	"os"

	"golang.org/x/term"

	"github.com/org/gorun-action/internal/buildflags"
	"github.com/org/gorun-action/internal/goenv"
	"github.com/org/gorun-action/internal/report"
	"github.com/org/gorun-action/runner"
)

// log is where the Events go, and the program's output with --output=json.
type log struct {
	reporter runner.Reporter
	records  *report.JSON // set when the output becomes records
	file     *os.File
	toFile   *report.JSON // set when the file has records
	stdout   io.Writer    // not nil: also gets what the program writes to standard output
	raw      func() (stdout, stderr io.Writer)
}

// openLog chooses who reports, and where. It returns a usable log even with an
// error, which is about the log file.
func (c *command) openLog(o options) (*log, error) {
	if c.action != nil {
		return c.action.openLog(o, c.now), nil
	}
	stderr := c.stderrReporter(o)
	if o.logFile == "" {
		l := &log{reporter: stderr}
		if o.output == "json" {
			l.records, _ = stderr.(*report.JSON)
		}
		return l, nil
	}
	f, err := os.Create(o.logFile)
	if err != nil {
		return &log{reporter: stderr}, &buildflags.UsageError{Message: fmt.Sprintf("opening the log file: %v", err), Hint: "name a file that can be written with --log-file"}
	}
	l := &log{file: f}
	if o.logFormat == "text" {
		l.reporter = report.Tee(report.NewText(f, report.TextOptions{}), stderr)
		return l, nil
	}
	l.toFile = report.NewJSON(f, c.now)
	if o.output == "json" {
		l.records = l.toFile
	}
	l.reporter = report.Tee(l.toFile, stderr)
	return l, nil
}

// stderrReporter is what standard error gets: all of the log, or failures only
// when a file has it.
func (c *command) stderrReporter(o options) runner.Reporter {
	terminal := term.IsTerminal(int(c.stderr.Fd()))
	opts := report.TextOptions{Terminal: terminal, Color: terminal && c.wantsColor(), Now: c.now}
	if width, _, err := term.GetSize(int(c.stderr.Fd())); err == nil {
		opts.Width = width
	}
	switch {
	case o.compat:
		return report.NewCompat(c.stderr)
	case o.logFile != "" || o.logFormat == "none":
		return report.NewQuiet(c.stderr, opts)
	case o.logFormat == "json", o.logFormat == "auto" && (o.output == "json" || !terminal):
		return report.NewJSON(c.stderr, c.now)
	}
	return report.NewText(c.stderr, opts)
}

// wantsColor follows https://no-color.org and TERM=dumb.
func (c *command) wantsColor() bool {
	return goenv.Lookup(c.environ, "NO_COLOR") == "" && goenv.Lookup(c.environ, "TERM") != "dumb"
}

// output returns where the program's output goes.
func (l *log) output(stdout, stderr io.Writer) (io.Writer, io.Writer) {
	switch {
	case l.records != nil:
		stdout, stderr = l.records.Stream("stdout"), l.records.Stream("stderr")
	case l.raw != nil:
		stdout, stderr = l.raw()
	}
	if l.stdout != nil {
		stdout = io.MultiWriter(stdout, l.stdout)
	}
	return stdout, stderr
}

// close ends the log and returns what kept it from being whole.
func (l *log) close() error {
	if l.file == nil {
		return nil
	}
	var err error
	if l.toFile != nil {
		err = l.toFile.Err()
	}
	if err = cmp.Or(err, l.file.Close()); err != nil {
		return fmt.Errorf("writing the log file: %w", err)
	}
	return nil
}
