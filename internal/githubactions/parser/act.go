package parser

import (
	"bufio"
	"bytes"
	"fmt"
	"regexp"
	"strings"
)

// The patterns of act's command.go; "." is no newline in them.
var (
	actColons  = regexp.MustCompile("^::([^ ]+)( (.+))?::([^\r\n]*)[\r\n]+$")
	actHashes  = regexp.MustCompile("^##\\[([^ ]+)( (.+))?]([^\r\n]*)[\r\n]+$")
	actEscapes = []struct{ from, to string }{{"%0D", "\r"}, {"%0A", "\n"}, {"%3A", ":"}, {"%2C", ","}, {"%25", "%"}}
)

// Act is act during one step. The zero Act is at its beginning.
type Act struct {
	token string
}

// Output returns the commands that act obeys, without stop-commands and what
// resumes them. Lines end at "\n" only, and a last one without it is not read.
func (a *Act) Output(output []byte) []Command {
	var obeyed []Command
	for line := range bytes.Lines(output) {
		if !bytes.HasSuffix(line, []byte("\n")) {
			break
		}
		if c, ok := a.Line(string(line)); ok {
			obeyed = append(obeyed, c)
		}
	}
	return obeyed
}

// Parsing reports whether act would obey the next line.
func (a *Act) Parsing() bool { return a.token == "" }

// Line reports what act obeys in a line with its newline.
func (a *Act) Line(line string) (Command, bool) {
	m, separator := actColons.FindStringSubmatch(line), ","
	if m == nil {
		m, separator = actHashes.FindStringSubmatch(line), ";"
	}
	if m == nil {
		return Command{}, false
	}
	c := Command{Name: m[1], Properties: actProperties(m[3], separator), Data: actUnescape(m[4], 2)}
	switch {
	case a.token != "" && c.Name != a.token:
		return Command{}, false
	case c.Name == stopCommands:
		a.token = c.Data
		return Command{}, false
	case c.Name == a.token:
		a.token = ""
		return Command{}, false
	}
	return c, true
}

func actProperties(s, separator string) map[string]string {
	properties := map[string]string{}
	for _, piece := range strings.Split(s, separator) {
		if pair := strings.Split(piece, "="); len(pair) == 2 {
			properties[pair[0]] = actUnescape(pair[1], 4)
		}
	}
	return properties
}

// actUnescape undoes the first n escapes and that of the percent sign. act goes
// over them in the random order of a map; this is the order that is right.
func actUnescape(s string, n int) string {
	for i, e := range actEscapes {
		if i < n || e.to == "%" {
			s = strings.ReplaceAll(s, e.from, e.to)
		}
	}
	return s
}

// ActFile returns the pairs of a file as act reads them. With an error, it
// takes none of them and the step fails.
func ActFile(data []byte) (map[string]string, error) {
	pairs := map[string]string{}
	s := bufio.NewScanner(bytes.NewReader(bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))))
	s.Buffer(nil, 1<<30)
	for s.Scan() {
		line := s.Text()
		equals, heredoc := strings.Index(line, "="), strings.Index(line, "<<")
		switch {
		case equals >= 0 && (heredoc < 0 || equals < heredoc):
			pairs[line[:equals]] = line[equals+1:]
		case heredoc < 0:
			return nil, fmt.Errorf("invalid format %q", line)
		default:
			value, ok := actHeredoc(s, line[heredoc+2:])
			if !ok {
				return nil, fmt.Errorf("delimiter %q not found", line[heredoc+2:])
			}
			pairs[line[:heredoc]] = value
		}
	}
	return pairs, s.Err()
}

// actHeredoc loses newlines at the beginning of a value, as act does.
func actHeredoc(s *bufio.Scanner, delimiter string) (value string, found bool) {
	for s.Scan() {
		if s.Text() == delimiter {
			return value, true
		}
		if value != "" {
			value += "\n"
		}
		value += s.Text()
	}
	return "", false
}
