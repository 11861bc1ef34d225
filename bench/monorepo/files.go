package monorepo

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// The sizes of files: most are small, the largest have 10 KB.
const (
	smallest = 1500
	largest  = 9500
)

const roles = "types store codec handler options errors client metrics cache events rules convert report helpers routes state schedule"

// files returns what the package's directory holds.
func (u *unit) files(o Options) []file {
	// Another stream than graph's, so that the graph can change alone.
	random := rand.New(rand.NewPCG(o.Seed+1, uint64(u.index)))
	a := &author{random: random, blocks: readBlocks(), taken: map[string]bool{}}
	main := &source{pkg: u.name, doc: "// Package " + u.name + " is the " + u.name + " of the " + strings.Split(u.dir, "/")[1] + " domain.\n" + a.comment()}
	list := u.extras(a, main)
	var parts []string
	for i := range o.FilesPerPackage {
		s, role := main, "main"
		if i > 0 {
			role = roleOf(i)
			s = &source{pkg: u.name}
		}
		parts = append(parts, u.part(a, s, role, i, o.FilesPerPackage))
		if i > 0 {
			list = append(list, u.file(role+".go", s.String()))
		}
	}
	main.imports = append(main.imports, "sync")
	fmt.Fprintf(&main.body, weightText, strings.Join(parts, "() + "), modulus)
	return append(list, u.file(u.name+".go", main.String()))
}

const weightText = `
// weight is found once: there are many more paths through the imports than
// there are packages.
var weight = sync.OnceValue(func() int { return (%s()) %% %s })

// Weight counts the functions of the package and of all that it imports, once
// for each path to them.
func Weight() int { return weight() }
`

func (u *unit) file(name, text string) file { return file{u.dir + "/" + name, text} }

func roleOf(i int) string {
	list := strings.Fields(roles)
	if i <= len(list) {
		return list[i-1]
	}
	return fmt.Sprintf("%s%d", list[i%len(list)], i)
}

// part fills the file number i of n, and gives it its share of the imports. It
// returns the name of the function that knows the file's part of the weight.
func (u *unit) part(a *author, s *source, role string, i, n int) string {
	f := a.random.Float64()
	a.fill(s, smallest+int(f*f*(largest-smallest)))
	sum := "len([]any{" + strings.Join(s.surface, ", ") + "})"
	for j, d := range u.deps {
		if j%n == i {
			sum += " + " + d.name + ".Weight()"
			s.imports = append(s.imports, d.path())
		}
	}
	part := "part" + strings.ToUpper(role[:1]) + role[1:]
	fmt.Fprintf(&s.body, "\n// %s is what this file adds to the weight.\nfunc %s() int {\n\treturn %s\n}\n", part, part, sum)
	return part
}

// extras are the files that only some packages have. main is told what of them
// to use.
func (u *unit) extras(a *author, main *source) []file {
	list := append(u.tests(a), u.systems(a, main)...)
	if a.often(15) {
		s := &source{pkg: u.name, doc: main.doc}
		main.doc = ""
		list = append(list, u.file("doc.go", s.String()))
	}
	if a.often(3) {
		main.imports = append(main.imports, "embed")
		main.body.WriteString(embedText)
		main.surface = append(main.surface, "Schema")
		list = append(list, u.file("schema.sql", fmt.Sprintf("create table %s (id text primary key, revision int);\n", u.name)))
	}
	if a.often(2) {
		s := &source{constraint: "ignore", pkg: "main", doc: "// This program writes nothing yet.\n"}
		s.body.WriteString("\nfunc main() {}\n")
		list = append(list, u.file("gen.go", s.String()))
	}
	if a.often(5) {
		list = append(list, u.file("README.md", "# "+u.name+"\n\nSee the package comment.\n"))
	}
	return list
}

const embedText = `
//go:embed schema.sql
var schema string

// Schema returns the statement that makes the table.
func Schema() string { return schema }
`

// tests returns the test files: more than half of the packages have some.
func (u *unit) tests(a *author) []file {
	var list []file
	if a.often(60) {
		s := &source{pkg: u.name, imports: []string{"testing"}}
		s.body.WriteString(testText)
		list = append(list, u.file(u.name+"_test.go", s.String()))
	}
	if a.often(15) {
		s := &source{pkg: u.name + "_test", imports: []string{"fmt", u.path()}}
		fmt.Fprintf(&s.body, exampleText, u.name)
		list = append(list, u.file("example_test.go", s.String()))
	}
	if a.often(4) {
		s := &source{constraint: "integration", pkg: u.name, imports: []string{"os", "testing"}}
		s.body.WriteString(integrationText)
		list = append(list, u.file("integration_test.go", s.String()), u.file("testdata/input.txt", strings.ReplaceAll(a.comment(), "//", "-")))
	}
	return list
}

const testText = `
func TestWeight(t *testing.T) {
	first := Weight()
	if again := Weight(); first <= 0 || again != first {
		t.Errorf("the weight is %d, then %d", first, again)
	}
}
`

const exampleText = `
func Example() {
	fmt.Println(%s.Weight() > 0)
	// Output: true
}
`

const integrationText = `
func TestInput(t *testing.T) {
	if _, err := os.Stat("testdata/input.txt"); err != nil {
		t.Fatal(err)
	}
}
`

// systems returns files for some systems or processors only, in one package of
// twenty each.
func (u *unit) systems(a *author, main *source) []file {
	var list []file
	if a.often(5) {
		main.surface = append(main.surface, "lineBreak")
		list = append(list,
			u.system("system_linux.go", "", "lineBreak", "the end of a line on Linux"),
			u.system("system_windows.go", "", "lineBreak", "the end of a line on Windows"),
			u.system("system_other.go", "!linux && !windows", "lineBreak", "the end of a line elsewhere"))
	}
	if a.often(5) {
		main.surface = append(main.surface, "wordSize")
		list = append(list,
			u.system("word_amd64.go", "", "wordSize", "how wide a register is"),
			u.system("word_generic.go", "!amd64", "wordSize", "how wide a register is at least"))
	}
	return list
}

func (u *unit) system(name, constraint, function, comment string) file {
	s := &source{constraint: constraint, pkg: u.name}
	fmt.Fprintf(&s.body, "\n// %s returns %s.\nfunc %s() string { return %q }\n", function, comment, function, name)
	return u.file(name, s.String())
}
