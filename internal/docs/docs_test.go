package docs

import (
	"bytes"
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/org/gorun-action/runner"
)

var root = filepath.Join("..", "..")

func read(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(root, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// documents returns the names of the documents.
func documents(t *testing.T) []string {
	t.Helper()
	var names []string
	for _, pattern := range []string{"*.md", "docs/*.md", "docs/examples/*.md"} {
		files, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			name, err := filepath.Rel(root, f)
			if err != nil {
				t.Fatal(err)
			}
			names = append(names, name)
		}
	}
	for _, needed := range []string{"README.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md"} {
		if !slices.Contains(names, needed) {
			t.Errorf("there is no %s", needed)
		}
	}
	return names
}

// section returns what stands below a heading, to the next one of its rank.
func section(t *testing.T, text, heading string) string {
	t.Helper()
	_, after, ok := strings.Cut(text, "\n"+heading+"\n")
	if !ok {
		t.Fatalf("there is no %q", heading)
	}
	rank, _, _ := strings.Cut(heading, " ")
	body, _, _ := strings.Cut(after, "\n"+rank+" ")
	return body
}

var (
	fence   = regexp.MustCompile("(?ms)^```.*?^```$")
	heading = regexp.MustCompile(`(?m)^#+ (.+)$`)
	link    = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	noSlug  = regexp.MustCompile(`[^a-z0-9 _-]`)
)

// anchors returns the names that the headings of a document can be linked by.
func anchors(text string) map[string]bool {
	names := map[string]bool{}
	for _, m := range heading.FindAllStringSubmatch(fence.ReplaceAllString(text, ""), -1) {
		slug := noSlug.ReplaceAllString(strings.ToLower(m[1]), "")
		names[strings.ReplaceAll(slug, " ", "-")] = true
	}
	return names
}

// TestLinks follows the links to files and headings. Others need the network.
func TestLinks(t *testing.T) {
	checked := 0
	for _, name := range documents(t) {
		text := fence.ReplaceAllString(read(t, name), "")
		for _, m := range link.FindAllStringSubmatch(text, -1) {
			if strings.Contains(m[1], "://") {
				continue
			}
			checked++
			path, anchor, hasAnchor := strings.Cut(m[1], "#")
			target := name
			if path != "" {
				target = filepath.Join(filepath.Dir(name), path)
			}
			if _, err := os.Stat(filepath.Join(root, target)); err != nil {
				t.Errorf("%s links to %s: %v", name, m[1], err)
			} else if hasAnchor && !anchors(read(t, target))[anchor] {
				t.Errorf("%s links to %s, a heading that %s does not have", name, m[1], target)
			}
		}
	}
	if checked < 20 {
		t.Errorf("only %d links were found", checked)
	}
}

// TestCommands looks for the two commands that the README has to name as they are.
func TestCommands(t *testing.T) {
	readme := read(t, "README.md")
	for _, command := range []string{"go run ./cmd/gorun ./examples/hello -- world", "go test ./..."} {
		if !strings.Contains(readme, "```sh\n"+command+"\n```") {
			t.Errorf("the README has no block with %q", command)
		}
	}
}

// constants returns the constants of a file that have a literal value, with
// the comment at the end of their line.
func constants(t *testing.T, name string, keep func(*ast.ValueSpec) bool) (values, comments map[string]string) {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), filepath.Join(root, name), nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	values, comments = map[string]string{}, map[string]string{}
	ast.Inspect(f, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok || len(spec.Values) != 1 || !keep(spec) {
			return true
		}
		if lit, ok := spec.Values[0].(*ast.BasicLit); ok {
			values[spec.Names[0].Name] = strings.Trim(lit.Value, `"`)
			comments[spec.Names[0].Name] = spec.Comment.Text()
		}
		return true
	})
	return values, comments
}

var (
	statusRow = regexp.MustCompile("(?m)^\\| [^|]+ \\| ([^|]+) \\| `([a-z_]+)` \\|$")
	integer   = regexp.MustCompile(`\d+`)
)

// TestExitStatuses compares the README's table with the outcomes of runner and
// the statuses that stand beside them, and with the statuses that are gorun's.
func TestExitStatuses(t *testing.T) {
	table := map[string][]string{} // outcome → the numbers in its rows
	for _, m := range statusRow.FindAllStringSubmatch(section(t, read(t, "README.md"), "## Exit status"), -1) {
		table[m[2]] = append(table[m[2]], integer.FindAllString(m[1], -1)...)
	}
	isOutcome := func(s *ast.ValueSpec) bool {
		id, ok := s.Type.(*ast.Ident)
		return ok && id.Name == "Outcome"
	}
	outcomes, comments := constants(t, "runner/result.go", isOutcome)
	if want := slices.Sorted(maps.Values(outcomes)); !slices.Equal(slices.Sorted(maps.Keys(table)), want) {
		t.Fatalf("the table has %v, runner has %v", slices.Sorted(maps.Keys(table)), want)
	}
	for name, outcome := range outcomes {
		if want := integer.FindAllString(comments[name], -1); !slices.Equal(table[outcome], want) {
			t.Errorf("%s: the table says %v, runner/result.go %v", outcome, table[outcome], want)
		}
	}
	statuses, _ := constants(t, "runner/outcome.go", func(s *ast.ValueSpec) bool { return strings.HasPrefix(s.Names[0].Name, "status") })
	for name, list := range map[string][]runner.Outcome{
		"statusTimeout":       {runner.Timeout},
		"statusGorun":         {runner.Usage, runner.BuildFailed, runner.Integrity, runner.Infrastructure},
		"statusNotExecutable": {runner.NotExecutable},
		"statusNotFound":      {runner.NotFound},
	} {
		for _, o := range list {
			if !slices.Equal(table[string(o)], []string{statuses[name]}) {
				t.Errorf("%s: the table says %v, %s is %q", o, table[string(o)], name, statuses[name])
			}
		}
	}
}

// block returns the fenced block of a language in a section of the log's page.
func block(t *testing.T, heading, language string) string {
	t.Helper()
	_, after, ok := strings.Cut(section(t, read(t, "docs/log.md"), heading), "```"+language+"\n")
	if !ok {
		t.Fatalf("%s has no block of %s", heading, language)
	}
	body, _, _ := strings.Cut(after, "```")
	return body
}

// TestVerdict makes sure that the page's verdict is one: with every field
// known, and none missing that this release always writes.
func TestVerdict(t *testing.T) {
	text := block(t, "## The verdict file", "json")
	dec := json.NewDecoder(strings.NewReader(text))
	dec.DisallowUnknownFields()
	var r runner.Result
	if err := dec.Decode(&r); err != nil {
		t.Fatal(err)
	}
	again, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	var written bytes.Buffer
	if err := json.Compact(&written, []byte(text)); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(written.Bytes(), again) {
		t.Errorf("gorun would write\n%s\nthe page has\n%s", again, written.Bytes())
	}
}

// records is what the package comment of internal/report documents: event →
// path of a field → whether it is always there. Under "" are the fields of all.
func records(t *testing.T) map[string]map[string]bool {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), filepath.Join(root, "internal/report/doc.go"), nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	event := regexp.MustCompile(`^\t([a-z]+)$`)
	field := regexp.MustCompile(`^\t(?:  )?([a-z0-9_.\[\]]+) {2,}(?:string|number|boolean|array|object)(?: +(\S+))?`)
	found, current := map[string]map[string]bool{"": {}}, ""
	for line := range strings.Lines(f.Doc.Text()) {
		line = strings.TrimSuffix(line, "\n")
		if m := event.FindStringSubmatch(line); m != nil {
			current = m[1]
			found[current] = map[string]bool{}
		} else if m := field.FindStringSubmatch(line); m != nil {
			found[current][m[1]] = m[2] == "always"
		}
	}
	return found
}

// TestRecords compares the page's records with the package comment of
// internal/report, which tests there hold to the code: one of each event, no
// field that is not documented, none missing that is always there.
func TestRecords(t *testing.T) {
	documented := records(t)
	all := documented[""]
	delete(documented, "")
	if len(documented) < 10 || len(all) != 3 {
		t.Fatalf("read %d events and %d common fields from the package comment", len(documented), len(all))
	}
	seen := map[string]bool{}
	for line := range strings.Lines(block(t, "## The log", "jsonl")) {
		var record map[string]any
		if err := json.Unmarshal([]byte(line), &record); err != nil {
			t.Fatalf("%v in %s", err, line)
		}
		event, _ := record["event"].(string)
		if documented[event] == nil || seen[event] {
			t.Errorf("the event %q is not documented, or there twice", event)
		}
		seen[event] = true
		fields := maps.Clone(documented[event])
		maps.Copy(fields, all)
		checkFields(t, event, fields, "", record)
	}
	for event := range documented {
		if !seen[event] {
			t.Errorf("the page has no %s record", event)
		}
	}
}

func checkFields(t *testing.T, event string, fields map[string]bool, prefix string, object map[string]any) {
	t.Helper()
	for name, value := range object {
		path := prefix + name
		if _, known := fields[path]; !known {
			t.Errorf("%s: the field %s is not documented", event, path)
		}
		if inner, ok := value.(map[string]any); ok {
			checkFields(t, event, fields, path+".", inner)
		}
	}
	for path, always := range fields {
		name, inside := strings.CutPrefix(path, prefix)
		if _, there := object[name]; inside && always && !there && !strings.ContainsAny(name, ".[") {
			t.Errorf("%s: the field %s is always there, but not on the page", event, path)
		}
	}
}

// TestPinnedReleases holds the digests that the documents show to the lock.
func TestPinnedReleases(t *testing.T) {
	lock := read(t, "container/toolchains.json")
	for _, name := range documents(t) {
		for _, m := range regexp.MustCompile(`"version": ?"([\d.]+)"[^}]*"digest": ?"(sha256:[0-9a-f]+)"`).FindAllStringSubmatch(read(t, name), -1) {
			if !strings.Contains(lock, `"version":`+strconv.Quote(m[1])) || !strings.Contains(lock, `"digest":`+strconv.Quote(m[2])) {
				t.Errorf("%s shows go%s with %s, which the lock does not have", name, m[1], m[2])
			}
		}
	}
}
