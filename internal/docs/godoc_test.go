package docs

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// maxLines is the longest that a file outside the tests may be.
const maxLines = 400

// sources calls each with every Go file that is built into the module.
func sources(t *testing.T, each func(path string)) {
	t.Helper()
	files := 0
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		name := d.Name()
		switch {
		case err != nil:
			return err
		case d.IsDir() && path != root && (name == "testdata" || strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_")):
			return filepath.SkipDir
		case strings.HasSuffix(name, ".go") && !strings.HasSuffix(name, "_test.go"):
			files++
			each(path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if files < 50 {
		t.Fatalf("found %d Go files only", files)
	}
}

func TestFilesAreShort(t *testing.T) {
	sources(t, func(path string) {
		name, _ := filepath.Rel(root, path)
		if n := strings.Count(read(t, name), "\n"); n > maxLines {
			t.Errorf("%s has %d lines, more than %d", name, n, maxLines)
		}
	})
}

// TestEveryExportedNameIsDocumented looks at every package: its own comment,
// and those of its exported constants, variables, functions, types and methods.
func TestEveryExportedNameIsDocumented(t *testing.T) {
	documented := map[string]bool{} // package directory → has a package comment
	var missing []string
	sources(t, func(path string) {
		fset := token.NewFileSet()
		f, err := parser.ParseFile(fset, path, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		dir := filepath.Dir(path)
		documented[dir] = documented[dir] || f.Doc.Text() != ""
		for _, name := range undocumented(f) {
			missing = append(missing, fmt.Sprintf("%s: %s", path, name))
		}
	})
	for dir, ok := range documented {
		if !ok {
			missing = append(missing, dir+": the package")
		}
	}
	slices.Sort(missing)
	if len(missing) > 0 {
		t.Errorf("no doc comment have\n%s", strings.Join(missing, "\n"))
	}
}

// undocumented returns the exported names of a file without a doc comment, or
// with one that does not begin with the name.
func undocumented(f *ast.File) (names []string) {
	for _, decl := range f.Decls {
		switch d := decl.(type) {
		case *ast.FuncDecl:
			if name := d.Name.Name; d.Name.IsExported() && exportedReceiver(d) && !speaks(d.Doc, name) && !(d.Recv != nil && wellKnown(name)) {
				names = append(names, name)
			}
		case *ast.GenDecl:
			names = append(names, undocumentedSpecs(d)...)
		}
	}
	return names
}

func undocumentedSpecs(d *ast.GenDecl) (names []string) {
	for _, spec := range d.Specs {
		switch s := spec.(type) {
		case *ast.TypeSpec:
			if s.Name.IsExported() && !speaks(d.Doc, s.Name.Name) && !speaks(s.Doc, s.Name.Name) {
				names = append(names, s.Name.Name)
			}
		case *ast.ValueSpec:
			for _, n := range s.Names {
				// A comment above a group speaks for all of it.
				if n.IsExported() && d.Doc == nil && s.Doc == nil && s.Comment == nil {
					names = append(names, n.Name)
				}
			}
		}
	}
	return names
}

// speaks reports whether a doc comment is one of that name, as go doc wants it.
func speaks(doc *ast.CommentGroup, name string) bool {
	words := strings.Fields(doc.Text())
	for _, article := range []string{"A", "An", "The"} {
		if len(words) > 0 && words[0] == article {
			words = words[1:]
		}
	}
	return len(words) > 0 && strings.TrimRight(words[0], ",.:") == name
}

// exportedReceiver reports whether a function is a method that can be seen, or
// no method.
func exportedReceiver(d *ast.FuncDecl) bool {
	if d.Recv == nil {
		return true
	}
	receiver := d.Recv.List[0].Type
	if star, ok := receiver.(*ast.StarExpr); ok {
		receiver = star.X
	}
	if generic, ok := receiver.(*ast.IndexExpr); ok {
		receiver = generic.X
	}
	id, ok := receiver.(*ast.Ident)
	return ok && id.IsExported()
}

// wellKnown reports whether the standard library says what a method does.
func wellKnown(method string) bool {
	return slices.Contains([]string{"Error", "String", "Unwrap", "Read", "Write"}, method)
}

// The checks above find what they look for.
func TestUndocumented(t *testing.T) {
	const source = `package p

func Bare() {}

// Wrong begins with another name.
func Other() {}

// Good is good.
func Good() {}

type Type struct{}

// A Kind is one.
type Kind int

func (*Type) Method() {}
func (Type) Error() string { return "" }
func (t hidden) Visible() {}

const Loose = 1

// These are grouped.
const (
	One = 1
	Two = 2
)

var (
	Said int // at the end of the line
	Unsaid int
)
`
	f, err := parser.ParseFile(token.NewFileSet(), "p.go", bytes.NewReader([]byte(source)), parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"Bare", "Other", "Type", "Method", "Loose", "Unsaid"}
	if got := undocumented(f); !slices.Equal(got, want) {
		t.Errorf("found %v, want %v", got, want)
	}
}
