package buildflags

import (
	"fmt"
	"io"
	"strings"
)

const usageLine = "gorun [gorun flags] [build flags] [-exec xprog] [package] [-- arguments]"

const description = `gorun is go run for pipelines: it builds one main package with a pinned Go
toolchain, runs it, and hands its own exit status on. The package is a
directory, an import path, path@version or a list of .go files; without one it
is the current directory. What follows -- goes to the program.
`

// Help writes the text of gorun -h.
func Help(w io.Writer, own []Own) error {
	var text strings.Builder
	fmt.Fprintf(&text, "usage: %s\n\n%s", usageLine, description)
	if len(own) > 0 {
		text.WriteString("\ngorun's own flags, anywhere before the package:\n")
		for _, o := range own {
			helpRow(&text, o.synopsis(), o.Usage)
		}
	}
	for _, group := range groups() {
		fmt.Fprintf(&text, "\n%s:\n", group)
		for _, f := range Table() {
			if f.Group == group {
				helpRow(&text, f.synopsis(), f.Usage)
			}
		}
	}
	text.WriteString("\nGOFLAGS counts as it does for go run. More about Go's flags: go help build\n")
	_, err := io.WriteString(w, text.String())
	return err
}

// The width of the left column and of the page: what an 80-column terminal
// shows without breaking lines itself.
const (
	helpColumn = 26
	helpWidth  = 79
)

func helpRow(text *strings.Builder, synopsis, usage string) {
	line := fmt.Sprintf("  %-*s", helpColumn-2, synopsis)
	if len(line) > helpColumn || strings.HasSuffix(line, synopsis) {
		text.WriteString("  " + synopsis + "\n")
		line = strings.Repeat(" ", helpColumn)
	}
	for word := range strings.FieldsSeq(usage) {
		if len(line)+len(word) > helpWidth {
			text.WriteString(strings.TrimRight(line, " ") + "\n")
			line = strings.Repeat(" ", helpColumn)
		}
		line += word + " "
	}
	text.WriteString(strings.TrimRight(line, " ") + "\n")
}

func (f Flag) synopsis() string { return strings.TrimSpace("-" + f.Name + " " + f.Arg) }

func (o Own) synopsis() string {
	dashes := "--"
	if len(o.Name) == 1 {
		dashes = "-"
	}
	return strings.TrimSpace(dashes + o.Name + " " + o.Arg)
}

// Markdown returns the README's tables of flags: gorun's own, when there are
// any, and Go's with the page's.
func Markdown(own []Own) string {
	var text strings.Builder
	if len(own) > 0 {
		text.WriteString("| gorun's flag | effect |\n|---|---|\n")
		for _, o := range own {
			fmt.Fprintf(&text, "| %s | %s |\n", code(o.synopsis()), cell(o.Usage))
		}
		text.WriteString("\n")
	}
	text.WriteString("| flag | in Go | on the page | gorun | effect |\n|---|---|---|---|---|\n")
	for _, group := range groups() {
		for _, f := range Table() {
			if f.Group == group {
				fmt.Fprintf(&text, "| %s | %s | %s | %s | %s |\n", code(f.synopsis()), yes(f.InGo), yes(f.OnPage), f.Class, cell(f.Usage))
			}
		}
	}
	return text.String()
}

func code(s string) string { return "`" + cell(s) + "`" }

func cell(s string) string { return strings.ReplaceAll(s, "|", `\|`) }

func yes(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}
