package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"go/parser"
	"go/token"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/org/gorun-action/runner"
)

// field is one line of a table in the package comment.
type field struct {
	kind   string
	always bool
}

// schema is the tables of the package comment: event → path → field. The
// fields of every record are under "".
type schema map[string]map[string]field

var (
	tableEvent = regexp.MustCompile(`^\t([a-z]+)$`)
	tableField = regexp.MustCompile(`^\t(?:  )?([a-z0-9_.\[\]]+) {2,}(string|number|boolean|array|object)(?: +(\S+))?`)
)

func documentedSchema(t *testing.T) schema {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "doc.go", nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	s := schema{"": {}}
	event := ""
	for _, line := range strings.Split(file.Doc.Text(), "\n") {
		if m := tableEvent.FindStringSubmatch(line); m != nil {
			event = m[1]
			s[event] = map[string]field{}
		} else if m := tableField.FindStringSubmatch(line); m != nil {
			s[event][m[1]] = field{m[2], m[3] == "always"}
		}
	}
	return s
}

// check reports what a record has and should not have, or the reverse, and
// counts the fields it sees.
func (s schema) check(t *testing.T, line []byte, seen map[string]int) {
	t.Helper()
	var record map[string]any
	unmarshal(t, line, &record)
	event, _ := record["event"].(string)
	if s[event] == nil || event == "" {
		t.Fatalf("event %q is not documented: %s", event, line)
	}
	fields := maps.Clone(s[event])
	maps.Copy(fields, s[""])
	for _, problem := range checkObject(fields, "", record, func(path string) { seen[event+" "+path]++ }) {
		t.Errorf("%s in %s", problem, line)
	}
}

func checkObject(fields map[string]field, prefix string, object map[string]any, see func(string)) (problems []string) {
	for name, value := range object {
		problems = append(problems, checkValue(fields, prefix+name, value, see)...)
	}
	for path, f := range fields {
		name, inside := strings.CutPrefix(path, prefix)
		if _, there := object[name]; inside && f.always && !strings.ContainsAny(name, ".[") && !there {
			problems = append(problems, path+" is missing")
		}
	}
	return problems
}

func checkValue(fields map[string]field, path string, value any, see func(string)) (problems []string) {
	f, known := fields[path]
	kind := map[reflect.Kind]string{reflect.String: "string", reflect.Float64: "number", reflect.Bool: "boolean", reflect.Slice: "array", reflect.Map: "object"}[reflect.ValueOf(value).Kind()]
	if !known || f.kind != kind {
		return []string{fmt.Sprintf("%s is %q, documented as %q", path, kind, f.kind)}
	}
	see(path)
	switch v := value.(type) {
	case []any:
		for _, e := range v {
			problems = append(problems, checkValue(fields, path+"[]", e, see)...)
		}
	case map[string]any:
		if path != "json" { // the program's
			problems = checkObject(fields, path+".", v, see)
		}
	}
	return problems
}

// TestSchema holds the records and the tables of the package comment together:
// no record has a field or a type that is not documented, none lacks one that
// is always there, and no table has a field that no record has.
func TestSchema(t *testing.T) {
	s := documentedSchema(t)
	if len(s) != 15 || len(s[""]) != 3 {
		t.Fatalf("read %d tables, the first of %d fields, from the package comment", len(s), len(s[""]))
	}
	seen := map[string]int{}
	minimal := runner.Result{}
	tolerated := runner.Result{Outcome: runner.Failure, Tolerated: true}
	for _, result := range []runner.Result{failedResult(), successResult(), minimal, tolerated} {
		for line := range bytes.Lines(writeEveryRecord(t, result)) {
			s.check(t, line, seen)
		}
	}
	for event, fields := range s {
		for path := range fields {
			if event != "" && seen[event+" "+path] == 0 {
				t.Errorf("no record has the documented field %s of %s", path, event)
			}
		}
	}
}

// TestSchemaOfResult fails when runner.Result gets a field that the package
// comment does not have, also one that no test sets.
func TestSchemaOfResult(t *testing.T) {
	s := documentedSchema(t)
	for _, table := range []struct {
		event string
		value any
	}{{"result", runner.Result{}}, {"diagnostic", runner.Diagnostic{}}} {
		want := slices.Sorted(maps.Keys(s[table.event]))
		got := slices.Sorted(slices.Values(jsonPaths(reflect.TypeOf(table.value), "")))
		if !slices.Equal(got, want) {
			t.Errorf("fields of %s:\n%v\ndocumented:\n%v", table.event, got, want)
		}
	}
}

func jsonPaths(typ reflect.Type, prefix string) (paths []string) {
	switch typ.Kind() {
	case reflect.Pointer:
		return jsonPaths(typ.Elem(), prefix)
	case reflect.Slice:
		return append(jsonPaths(typ.Elem(), prefix+"[]"), prefix+"[]")
	case reflect.Struct:
		for i := range typ.NumField() {
			name, _, _ := strings.Cut(typ.Field(i).Tag.Get("json"), ",")
			if name == "-" {
				continue
			}
			path := strings.TrimPrefix(prefix+"."+name, ".")
			paths = append(append(paths, path), jsonPaths(typ.Field(i).Type, path)...)
		}
	}
	return paths
}

// TestResultRecordIsTheVerdict: the record's own fields are the JSON form of
// the Result, byte for byte.
func TestResultRecordIsTheVerdict(t *testing.T) {
	lines := bytes.Split(bytes.TrimSpace(writeEveryRecord(t, failedResult())), []byte("\n"))
	last := string(lines[len(lines)-1])
	var want bytes.Buffer
	enc := json.NewEncoder(&want)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(failedResult()); err != nil {
		t.Fatal(err)
	}
	_, got, _ := strings.Cut(last, `"event":"result",`)
	if got = "{" + got + "\n"; got != want.String() {
		t.Errorf("got\n%swant\n%s", got, want.String())
	}
	if !strings.Contains(last, `"level":"error"`) {
		t.Errorf("a failed result has another level: %s", last)
	}
}

// TestEnvelope: the first fields of every record, in the same order, and times
// that do not run backwards.
func TestEnvelope(t *testing.T) {
	form := regexp.MustCompile(`^\{"time":"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z)","level":"(info|warn|error)","event":"([a-z]+)"[,}]`)
	last := ""
	for line := range bytes.Lines(writeEveryRecord(t, successResult())) {
		m := form.FindSubmatch(line)
		if m == nil {
			t.Fatalf("unexpected beginning: %s", line)
		}
		if _, err := time.Parse(time.RFC3339Nano, string(m[1])); err != nil || string(m[1]) < last {
			t.Errorf("time %s after %s: %v", m[1], last, err)
		}
		last = string(m[1])
		want := map[string]string{"diagnostic": "error", "warning": "warn"}[string(m[3])]
		if want == "" {
			want = "info"
		}
		if string(m[2]) != want {
			t.Errorf("level %s, want %s: %s", m[2], want, line)
		}
	}
}
