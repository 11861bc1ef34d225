package githubactions

import (
	"encoding/json"
	"strconv"
	"strings"

	actions "github.com/sethvargo/go-githubactions"
)

// Command is one command to the runner, for [Stream.Command]. Any text is
// allowed in it: it is escaped when it is written. The zero Command is none
// and is not written.
type Command struct {
	name       string
	properties actions.CommandProperties
	data       string
}

// Position is what an annotation points at. What is zero is left out.
type Position struct {
	// File is relative to the workspace, with slashes.
	File string
	// Lines and columns count from 1. The runner ignores columns when the two
	// lines differ.
	Line, EndLine, Column, EndColumn int
}

// Error annotates with an error. The runner shows ten of each kind for each
// step, and 4,096 characters of a message.
func Error(at Position, title, message string) Command {
	return annotate("error", at, title, message)
}

// Warning annotates with a warning; see [Error].
func Warning(at Position, title, message string) Command {
	return annotate("warning", at, title, message)
}

// Notice annotates with a notice; see [Error].
func Notice(at Position, title, message string) Command {
	return annotate("notice", at, title, message)
}

func annotate(name string, at Position, title, message string) Command {
	properties := actions.CommandProperties{}
	for key, value := range map[string]string{
		"title":     title,
		"file":      at.File,
		"line":      number(at.Line),
		"endLine":   number(at.EndLine),
		"col":       number(at.Column), // not "column": the runner ignores that
		"endColumn": number(at.EndColumn),
	} {
		if value != "" {
			properties[key] = value
		}
	}
	return Command{name: name, properties: properties, data: message}
}

func number(n int) string {
	if n <= 0 {
		return ""
	}
	return strconv.Itoa(n)
}

// Group begins a part of the log that can be folded, up to [EndGroup]. Groups
// do not nest.
func Group(title string) Command { return Command{name: "group", data: title} }

// EndGroup ends the group.
func EndGroup() Command { return Command{name: "endgroup"} }

// Debug is shown only when the workflow is run with debug logging.
func Debug(message string) Command { return Command{name: "debug", data: message} }

// masks returns the commands that hide a value: as a whole, each of its lines,
// and each as it stands in a JSON string. The runner would do all of that
// itself, act only hides what it is told. Blank lines are left out: the runner
// complains of them.
func masks(value string) []Command {
	lines := strings.FieldsFunc(value, func(r rune) bool { return r == '\r' || r == '\n' })
	var commands []Command
	seen := map[string]bool{}
	for _, line := range append([]string{value}, lines...) {
		for _, form := range []string{line, quoted(line)} {
			if strings.TrimSpace(form) != "" && !seen[form] {
				seen[form] = true
				commands = append(commands, Command{name: "add-mask", data: form})
			}
		}
	}
	return commands
}

// quoted returns what stands between the quotes of a JSON string.
func quoted(s string) string {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(s); err != nil {
		return s // a string can always be encoded
	}
	return strings.TrimSuffix(strings.TrimPrefix(b.String(), `"`), "\"\n")
}

// line returns the command as the runner reads it, with its newline.
func (c Command) line() string {
	if c.name == "" {
		return ""
	}
	command := actions.Command{Name: c.name, Properties: c.properties, Message: c.data}
	return command.String() + "\n"
}
