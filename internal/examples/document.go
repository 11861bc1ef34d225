package examples

import (
	"fmt"
	"regexp"
	"strings"
)

// Document is what a reader can copy from an example.
type Document struct {
	// Files are by their path in the repository.
	Files map[string]string
	// Prints is what the steps of the workflow print.
	Prints []Print
	// Sessions are the blocks of console, in their order.
	Sessions []Session
	// Scripts are the blocks of sh that are no files.
	Scripts []string
}

// Print is what a step prints: in every job that has it, or in the jobs of a
// matrix a line each, in any order.
type Print struct {
	Step    string
	Text    string
	EachJob bool
}

// Session is a command and what it prints on standard output.
type Session struct {
	Command, Stdout string
}

var (
	file   = regexp.MustCompile("^`([^`]+)`$")
	prints = regexp.MustCompile("^Step `([^`]+)` prints(, in one job each)?:$")
)

// Parse reads a Markdown document. An error names the line where it is.
func Parse(text string) (Document, error) {
	d := Document{Files: map[string]string{}}
	var paragraph, block []string
	language, inside := "", false
	for i, line := range strings.Split(text, "\n") {
		opening, fence := strings.CutPrefix(line, "```")
		switch {
		case inside && line == "```":
			if err := d.add(strings.Join(paragraph, " "), language, block); err != nil {
				return d, fmt.Errorf("line %d: %w", i+1-len(block)-1, err)
			}
			paragraph, inside = nil, false
		case inside:
			block = append(block, line)
		case fence:
			language, block, inside = opening, nil, true
		case line != "" && i > 0 && len(paragraph) > 0 && paragraph[len(paragraph)-1] == "":
			paragraph = []string{line}
		default:
			paragraph = append(paragraph, line)
		}
	}
	if inside {
		return d, fmt.Errorf("a block of %s has no end", language)
	}
	return d, nil
}

// add sorts a block in by what stands before it.
func (d *Document) add(paragraph, language string, lines []string) error {
	paragraph = strings.TrimSpace(paragraph)
	content := strings.Join(lines, "\n") + "\n"
	name, step := file.FindStringSubmatch(paragraph), prints.FindStringSubmatch(paragraph)
	switch {
	case name != nil && d.Files[name[1]] != "":
		return fmt.Errorf("the file %s is there twice", name[1])
	case name != nil:
		d.Files[name[1]] = content
	case step != nil:
		d.Prints = append(d.Prints, Print{Step: step[1], Text: content, EachJob: step[2] != ""})
	case language == "console":
		return d.addSessions(content)
	case language == "sh":
		d.Scripts = append(d.Scripts, content)
	default:
		return fmt.Errorf("nothing says what this block of %q is, and %q stands before it", language, paragraph)
	}
	return nil
}

func (d *Document) addSessions(content string) error {
	for line := range strings.Lines(content) {
		command, ok := strings.CutPrefix(line, "$ ")
		switch {
		case ok:
			d.Sessions = append(d.Sessions, Session{Command: strings.TrimSuffix(command, "\n")})
		case len(d.Sessions) == 0:
			return fmt.Errorf("a console begins with %q", line)
		default:
			d.Sessions[len(d.Sessions)-1].Stdout += line
		}
	}
	return nil
}

// Workflow returns the path of the only workflow.
func (d Document) Workflow() (string, error) {
	var found []string
	for name := range d.Files {
		if strings.HasPrefix(name, ".github/workflows/") {
			found = append(found, name)
		}
	}
	if len(found) != 1 {
		return "", fmt.Errorf("there are %d workflows, and one is wanted: %v", len(found), found)
	}
	return found[0], nil
}
