package buildflags

import (
	"errors"
	"strings"
	"testing"
	"unicode/utf8"
)

var someOwn = []Own{
	{Name: "timeout", Arg: "duration", Usage: "end the program after this time"},
	{Name: "compat", Arg: "go|none", Usage: "report as go run does; " + strings.Repeat("long ", 30)},
}

func TestHelp(t *testing.T) {
	var text strings.Builder
	if err := Help(&text, someOwn); err != nil {
		t.Fatal(err)
	}
	help := text.String()
	if !strings.HasPrefix(help, "usage: gorun [gorun flags] [build flags] [-exec xprog] [package] [-- arguments]\n") {
		t.Errorf("starts with %.100q", help)
	}
	for line := range strings.Lines(help) {
		if utf8.RuneCountInString(line) > 80 || strings.HasSuffix(line, " \n") {
			t.Errorf("too long, or ends in a blank: %q", line)
		}
	}
	at := strings.Index(help, "  --timeout duration  ")
	if at < 0 {
		t.Error("gorun's own flag is missing")
	}
	for _, f := range Table() {
		if i := strings.Index(help, "\n  "+f.synopsis()); i < at {
			t.Errorf("-%s is missing, or stands before gorun's own flags", f.Name)
		}
	}
	if strings.Index(help, "\n  -linkmode") < strings.Index(help, "\n  -x") {
		t.Error("the page's flags stand before Go's")
	}
}

func TestHelpReportsWriteErrors(t *testing.T) {
	if err := Help(broken{}, nil); !errors.Is(err, errBroken) {
		t.Errorf("err = %v", err)
	}
}

type broken struct{}

var errBroken = errors.New("broken")

func (broken) Write([]byte) (int, error) { return 0, errBroken }

func TestMarkdown(t *testing.T) {
	text := Markdown(someOwn)
	for _, want := range []string{
		"| `--timeout duration` | end the program after this time |\n",
		"| `--compat go\\|none` |",
		"| `-race` | yes | yes | passed on |",
		"| `-C dir` | yes | no | gorun's |",
		"| `-gcstackiter` | no | yes | no effect |",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	columns := 0
	for line := range strings.Lines(text) {
		n := strings.Count(strings.ReplaceAll(line, `\|`, ""), "|")
		if strings.TrimSpace(line) == "" {
			columns = 0
			continue
		}
		if columns == 0 {
			columns = n
		}
		if n != columns {
			t.Errorf("%d bars, want %d: %s", n, columns, line)
		}
	}
	if strings.Contains(Markdown(nil), "gorun's flag") {
		t.Error("a table of own flags without any")
	}
}
