package parser

import (
	"slices"
	"strings"
	"unicode"
)

// Command is a command that a runner obeys.
type Command struct {
	Name       string
	Properties map[string]string
	Data       string
}

// extensions are the commands of the runner; internal-set-repo-path is one for
// its own plug-ins alone.
var extensions = []string{
	"set-env", "set-output", "save-state", "add-path", "add-mask", "add-matcher", "remove-matcher",
	"debug", "warning", "error", "notice", "group", "endgroup", "echo",
}

const stopCommands = "stop-commands"

// Runner is GitHub's runner during one step. The zero Runner is at its
// beginning.
type Runner struct {
	// Culture compares as .NET does with the culture of the machine.
	Culture bool
	token   string
	stopped bool
}

// Output returns the commands that the runner obeys in the output of a step,
// without stop-commands and what resumes them.
func (r *Runner) Output(output []byte) []Command {
	var obeyed []Command
	for _, line := range Lines(output) {
		if c, ok := r.Line(line); ok {
			obeyed = append(obeyed, c)
		}
	}
	return obeyed
}

// Parsing reports whether the runner would obey the next line.
func (r *Runner) Parsing() bool { return !r.stopped }

// Line reports what the runner obeys in one line
// (ActionCommandManager.TryProcessCommand).
func (r *Runner) Line(line string) (Command, bool) {
	c, ok := r.tryParseV2(line)
	if !ok {
		c, ok = r.tryParse(line)
	}
	if !ok {
		return Command{}, false
	}
	if r.stopped {
		if r.token != "" && strings.EqualFold(c.Name, r.token) {
			r.stopped, r.token = false, ""
		}
		return Command{}, false
	}
	if strings.EqualFold(c.Name, stopCommands) {
		r.stop(c.Data)
		return Command{}, false
	}
	return c, true
}

// stop refuses, as newer runners do, a token that is empty or a command.
func (r *Runner) stop(token string) {
	if token == "" || strings.EqualFold(token, "pause-logging") || r.registered(token) {
		return
	}
	r.stopped, r.token = true, token
}

func (r *Runner) registered(name string) bool {
	return r.token != "" && strings.EqualFold(name, r.token) ||
		strings.EqualFold(name, stopCommands) ||
		slices.ContainsFunc(extensions, func(e string) bool { return strings.EqualFold(e, name) })
}

// tryParseV2 is ActionCommand.TryParseV2: "::name key=value,key=value::data"
// after white space. .NET's white space is Go's.
func (r *Runner) tryParseV2(message string) (Command, bool) {
	text := []rune(strings.TrimLeftFunc(message, unicode.IsSpace))
	if !r.hasPrefix(text, "::") {
		return Command{}, false
	}
	end := r.index(text, "::", 2)
	if end < 0 {
		return Command{}, false
	}
	name, properties, hasProperties := strings.Cut(string(text[2:end]), " ")
	if !r.registered(name) {
		return Command{}, false
	}
	c := Command{Name: name, Data: unescape(string(text[min(end+2, len(text)):]), "\r", "\n")}
	if hasProperties && name != "" {
		c.Properties = parseProperties(strings.TrimFunc(properties, unicode.IsSpace), ",", "\r", "\n", ":", ",")
	}
	return c, true
}

// tryParse is ActionCommand.TryParse: "##[name key=value;key=value]data"
// anywhere in the line.
func (r *Runner) tryParse(message string) (Command, bool) {
	text := []rune(message)
	start := r.index(text, "##[", 0)
	if start < 0 {
		return Command{}, false
	}
	end := slices.Index(text[start:], ']')
	if end < 0 {
		return Command{}, false
	}
	end += start
	if end < start+3 {
		return Command{}, false // Substring throws
	}
	name, properties, hasProperties := strings.Cut(string(text[start+3:end]), " ")
	if !r.registered(name) {
		return Command{}, false
	}
	c := Command{Name: name, Data: unescape(string(text[end+1:]), ";", "\r", "\n", "]")}
	if hasProperties && name != "" {
		c.Properties = parseProperties(properties, ";", ";", "\r", "\n", "]")
	}
	return c, true
}

// parseProperties is the loop over key=value of both parsers. Splitting leaves
// out empty pieces, so a value loses "=" at its beginning.
func parseProperties(s, separator string, tokens ...string) map[string]string {
	properties := map[string]string{}
	for _, piece := range strings.Split(s, separator) {
		key, value, ok := strings.Cut(strings.TrimLeft(piece, "="), "=")
		if value = strings.TrimLeft(value, "="); ok && value != "" {
			properties[key] = unescape(value, tokens...)
		}
	}
	return properties
}

// unescape replaces token by token, the percent sign last.
func unescape(s string, tokens ...string) string {
	escapes := map[string]string{";": "%3B", "\r": "%0D", "\n": "%0A", "]": "%5D", ":": "%3A", ",": "%2C"}
	for _, token := range tokens {
		s = strings.ReplaceAll(s, escapes[token], token)
	}
	return strings.ReplaceAll(s, "%25", "%")
}
