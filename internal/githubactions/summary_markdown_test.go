package githubactions

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	extast "github.com/yuin/goldmark/extension/ast"
	"github.com/yuin/goldmark/text"

	"github.com/org/gorun-action/runner"
)

// sentinel stands behind a summary: if it is a paragraph of its own, nothing
// before it is left open.
const sentinel = "the end of it"

// parsed is what a reader of GitHub's Markdown makes of a text.
func parsed(markdown string) (ast.Node, []byte) {
	source := []byte(markdown)
	return goldmark.New(goldmark.WithExtensions(extension.GFM)).Parser().Parse(text.NewReader(source)), source
}

// ours are the kinds of nodes that a summary is made of. What is not here is a
// link, a picture, HTML, a quote, …
var ours = []ast.NodeKind{
	ast.KindDocument, ast.KindHeading, ast.KindParagraph, ast.KindText, ast.KindCodeSpan, ast.KindFencedCodeBlock,
	ast.KindList, ast.KindListItem, ast.KindTextBlock, ast.KindEmphasis,
	extast.KindTable, extast.KindTableHeader, extast.KindTableRow, extast.KindTableCell,
}

var strong = []string{"Hint:", "Cache:", "Shared cache:", "Toolchain:", "Executable:", "Command:", "Warnings", "Reproduce this", "total"}

// checkMarkdown fails unless markdown has only what is gorun's own as markup.
func checkMarkdown(t *testing.T, markdown string) {
	t.Helper()
	doc, source := parsed(markdown + "\n" + sentinel + "\n")
	headings := 0
	err := ast.Walk(doc, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			return ast.WalkContinue, nil
		}
		switch {
		case !slices.Contains(ours, n.Kind()):
			t.Errorf("a %s: %.300q", n.Kind(), content(n, source))
		case n.Kind() == ast.KindHeading:
			headings++
		case n.Kind() == ast.KindEmphasis && !slices.Contains(strong, content(n, source)):
			t.Errorf("emphasis that is not ours: %q", content(n, source))
		case n.Kind() == ast.KindCodeSpan, n.Kind() == ast.KindFencedCodeBlock:
			return ast.WalkSkipChildren, nil
		case n.Kind() == ast.KindText && strings.ContainsAny(content(n, source), "<>&"):
			t.Errorf("text with HTML: %q", content(n, source))
		}
		return ast.WalkContinue, nil
	})
	last := doc.LastChild()
	if err != nil || headings > 1 || last == nil || last.Kind() != ast.KindParagraph || content(last, source) != sentinel {
		t.Errorf("%d headings, %v, and something is left open at the end of\n%.3000s", headings, err, markdown)
	}
}

// content is the text of a node, without its markup.
func content(n ast.Node, source []byte) string {
	if t, ok := n.(*ast.Text); ok {
		return string(t.Segment.Value(source))
	}
	if n.Type() == ast.TypeBlock && n.FirstChild() == nil {
		return string(n.Lines().Value(source))
	}
	var b strings.Builder
	for c := n.FirstChild(); c != nil; c = c.NextSibling() {
		b.WriteString(content(c, source))
	}
	return b.String()
}

// hostile are texts that would be something in Markdown.
var hostile = []string{
	"<script>alert(1)</script>", "&lt;b&gt;", "![x](https://example.com/x.png)", "[x]: https://example.com", "https://example.com",
	"www.example.com", "a@example.com", "# heading", "- item", "1. item", "> quote", "    code", "\tcode", "---", "===", "a\n===",
	"```", "````\n```", "`", "``", "` `", "` a", "a `", " `a` ", "~~~", "~~gone~~", "**bold**", "__bold__", "*a*", "_a_", `\`, "\\`", "a\\",
	"| a | b |\n|---|---|", "<!--", "<details>", "]]>", "a\r\rb", "\x00", "\x1b[31m", "\xff\xfe", "\u202eabc", "a\u2028# b", "\n\n\n", "", " ",
	"@org/team", "#1", "$x$", "$$\nx\n$$", "[^1]", "[^1]: x", ":smile:", "- [ ] task", "<https://x>", "a  \nb", "```text\n<b>\n```\n<i>", "</td>", "&#60;",
}

func TestTextIsNoMarkdown(t *testing.T) {
	for _, s := range hostile {
		checkSpan(t, s)
		checkBlock(t, s)
	}
}

// checkSpan: what stands on one line is shown as it is.
func checkSpan(t *testing.T, s string) {
	t.Helper()
	for name, markdown := range map[string]string{"code": code(s), "prose": prose(s)} {
		checkMarkdown(t, "text "+markdown+" text\n")
		checkMarkdown(t, markdown+"\n")
		doc, source := parsed("- x: " + markdown + " y\n")
		want := strings.TrimRight("x: "+oneLine(s), " ") + " y"
		if got := content(doc, source); got != want && oneLine(s) != "" {
			t.Errorf("%s of %q reads as %q, want %q, from %q", name, s, got, want, markdown)
		}
	}
}

func checkBlock(t *testing.T, s string) {
	t.Helper()
	markdown := block("text", s)
	checkMarkdown(t, "before\n\n"+markdown)
	doc, source := parsed(markdown)
	want := strings.TrimRight(printable(s), "\n ")
	if got := strings.TrimSuffix(content(doc, source), "\n"); got != want {
		t.Errorf("block of %q reads as %q, want %q", s, got, want)
	}
}

func TestProse(t *testing.T) {
	for text, want := range map[string]string{
		"the program exited with status 3": "the program exited with status 3",
		"see gorun -h":                     "see gorun -h",
		"it is so: a, b (c); d's. e":       "it is so: a, b (c); d's. e",
		"reading go.mod: no such file":     "`reading go.mod: no such file`",
		"a\nb\tc":                          "a b c",
		"1. a":                             "`1. a`",
		"a ``b`":                           "``` a ``b` ```",
		"":                                 "",
	} {
		if got := prose(text); got != want {
			t.Errorf("prose(%q) = %q, want %q", text, got, want)
		}
	}
}

func TestPrintable(t *testing.T) {
	for text, want := range map[string]string{
		"a\rb\r\nc\n":       "a\nb\nc\n",
		"a\u2028b\vc\u0085": "a\nb\nc\n",
		"\x1b[31m\x00\t":    "\uFFFD[31m\uFFFD\t",
		"\u202ea\u2066":     "\uFFFDa\uFFFD",
		"\xff\xfea\xff":     "\uFFFDa\uFFFD",
		"äß 😀":              "äß 😀",
	} {
		if got := printable(text); got != want {
			t.Errorf("printable(%q) = %q, want %q", text, got, want)
		}
	}
}

// TestSummaryIsOnlyOurs puts each hostile text everywhere.
func TestSummaryIsOnlyOurs(t *testing.T) {
	for o, s := range outcomes() {
		checkMarkdown(t, s.Markdown())
		for _, text := range hostile {
			checkMarkdown(t, everywhere(text, o, 0).Markdown())
		}
	}
}

// everywhere is a Summary in which everything that can be another's is text.
func everywhere(text string, o runner.Outcome, limit int) Summary {
	list := []string{text, text}
	return Summary{
		Result: runner.Result{
			Outcome: o, Phase: runner.Phase(text), Error: text, Hint: text, Reproduce: text + " gorun " + text, Signal: text,
			Package: text, Dir: text, Builder: text, Cache: text, Key: text, Command: list,
			Toolchain:   &runner.Toolchain{Version: text, Image: text, Digest: text, Path: text},
			Executable:  &runner.Executable{SHA256: text, Size: int64(len(text))},
			Timings:     runner.Timings{Plan: 1, Build: int64(len(text)), Total: 10},
			Diagnostics: []runner.Diagnostic{{Kind: text, File: text, Message: text, Package: text, Function: text}, {Kind: "error", Message: text}},
		},
		Restored:  &runner.Restored{Reasons: list, Differences: list},
		Saved:     &runner.Saved{Reasons: list},
		Transfers: []runner.Transferred{{Store: text, Op: text, What: text, Outcome: runner.TransferKept}},
		Warned:    []runner.Warned{{Message: text, Hint: text}}, Warnings: 1,
		Image: text, Directory: text, Limit: limit,
	}
}

func FuzzSummary(f *testing.F) {
	for i, s := range hostile {
		f.Add(s, byte(i), uint16(i*100))
	}
	f.Fuzz(func(t *testing.T, text string, outcome byte, limit uint16) {
		checkSpan(t, text)
		checkBlock(t, text)
		s := everywhere(text, runner.Outcomes()[int(outcome)%len(runner.Outcomes())], int(limit))
		got := s.Markdown()
		if limit > 0 && len(got) > int(limit) || !utf8.ValidString(got) {
			t.Errorf("%d bytes, limit %d, valid %v", len(got), limit, utf8.ValidString(got))
		}
		if got != "" {
			checkMarkdown(t, got)
		}
	})
}
