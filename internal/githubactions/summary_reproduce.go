package githubactions

import (
	"path"
	"strings"

	"github.com/org/gorun-action/internal/buildflags"
)

// reproduce is a block of commands for a shell in the workspace.
func (s Summary) reproduce() string {
	line := s.Result.Reproduce
	if line == "" || len(line) > maxCommand {
		return ""
	}
	title := "**Reproduce this**, in a clone of the repository:\n\n"
	var commands []string
	if docker := s.docker(); docker != "" {
		commands = append(commands, docker, "# or, with gorun installed:")
	}
	if s.Directory != "" {
		line = "cd " + commandLine([]string{s.Directory}) + " && " + line
	}
	return title + block("sh", strings.Join(append(commands, line), "\n"))
}

// docker is the same command in the runner image, or "" without one.
func (s Summary) docker() string {
	variables, arguments, ok := cutCommand(s.Result.Reproduce)
	image, err := buildflags.Quote([]string{s.Image})
	if s.Image == "" || !ok || err != nil {
		return ""
	}
	words := []string{"docker", "run", "--rm", "-v", `"$PWD:/src"`}
	if s.Directory != "" {
		words = append(words, "-w", commandLine([]string{path.Join("/src", s.Directory)}))
	}
	for _, v := range variables {
		words = append(words, "-e", v)
	}
	words = append(words, image)
	if arguments != "" {
		words = append(words, arguments)
	}
	return strings.Join(words, " ")
}

// cutCommand takes the variables before "gorun" and the arguments after it out
// of a command line, each still quoted for a shell.
func cutCommand(line string) (variables []string, arguments string, ok bool) {
	for line != "" {
		word, rest := cutWord(line)
		switch {
		case word == "gorun":
			return variables, rest, true
		case !strings.Contains(word, "="):
			return nil, "", false
		}
		variables, line = append(variables, word), rest
	}
	return nil, "", false
}

// cutWord takes one word off a line, as buildflags.Quote writes it.
func cutWord(line string) (word, rest string) {
	quoted := false
	for i := 0; i < len(line); i++ {
		switch c := line[i]; {
		case c == '\'':
			quoted = !quoted
		case c == '\\' && !quoted:
			i++
		case c == ' ' && !quoted:
			return line[:i], line[i+1:]
		}
	}
	return line, ""
}
