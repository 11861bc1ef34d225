// Package monorepo generates a large Go module for measurements: thousands of
// small packages in layers, the way a company's one repository has them. The
// same [Options] give the same bytes, everywhere and always.
//
//	go.mod, README.md, .gitignore
//	cmd/server/main.go                     imports the top layer
//	AREA/DOMAIN/DOMAINKIND/DOMAINKIND.go   the package's Weight, and declarations
//	AREA/DOMAIN/DOMAINKIND/types.go, …     more declarations, 2 to 10 KB in each file
//	AREA/DOMAIN/DOMAINKIND/…               in some of them, see below
//
// For example:
//
//	services/billing/billingledger/billingledger.go
//	services/billing/billingledger/billingledger_test.go
//	services/billing/billingledger/codec.go
//	services/billing/billingledger/types.go
//
// Each package imports three to eight others of lower layers (the lowest layer
// none), spread over its files, and what it needs of the standard library. The
// main package reaches all packages. It prints one line:
//
//	40 packages, weight 481516
//
// in which each package has counted its own functions and the weights of what
// it imports, so a package that is missing or another one shows. Beside the
// ordinary files, some packages have a doc.go, tests (also external ones and
// ones behind a tag), files for one GOOS or GOARCH with their counterparts, an
// embedded file, a generator that is ignored, a testdata directory, a README.
//
// All of it compiles, vets, is formatted, and needs the standard library of
// Go 1.26 alone.
package monorepo

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

const (
	// Module is the path of the generated module.
	Module = "example.com/monorepo"
	// Main is its main package, as an argument of the go command in the root.
	Main = "./cmd/server"
)

// Options describe a repository.
type Options struct {
	Packages        int    // all of them, with the main package; at least 2
	FilesPerPackage int    // ordinary Go files of a package, without tests; 0 is 5
	Seed            uint64 // another seed gives another repository
}

func (o Options) check() (Options, error) {
	if o.FilesPerPackage == 0 {
		o.FilesPerPackage = 5
	}
	if o.Packages < 2 || o.FilesPerPackage < 1 {
		return o, fmt.Errorf("a repository of %d packages with %d files each cannot be made", o.Packages, o.FilesPerPackage)
	}
	return o, nil
}

// Write makes the repository in dir, whose parent must exist. dir appears when
// it is complete. If it is there already, the error is an fs.ErrExist and
// nothing is changed.
func Write(dir string, o Options) error {
	o, err := o.check()
	if err != nil {
		return err
	}
	if _, err := os.Lstat(dir); err == nil {
		return fmt.Errorf("generating a repository: %s: %w", dir, fs.ErrExist)
	}
	tmp, err := os.MkdirTemp(filepath.Dir(dir), ".monorepo-")
	if err != nil {
		return fmt.Errorf("generating a repository: %w", err)
	}
	defer os.RemoveAll(tmp)
	if err := write(tmp, generate(o)); err != nil {
		return fmt.Errorf("generating a repository: %w", err)
	}
	return os.Rename(tmp, dir)
}

// file is one file of the repository. Its name has slashes and counts from the
// root.
type file struct {
	name, text string
}

func write(root string, files []file) error {
	if err := os.Chmod(root, 0o755); err != nil { // MkdirTemp's are for the owner alone
		return err
	}
	for _, f := range files {
		name := filepath.Join(root, filepath.FromSlash(f.name))
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(name, []byte(f.text), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// generate returns all files. o has been checked.
func generate(o Options) []file {
	units := graph(o)
	files := []file{
		{"go.mod", "module " + Module + "\n\ngo 1.26\n"},
		{"README.md", "# monorepo\n\nGenerated, for measurements.\n"},
		{".gitignore", "/bin/\n*.out\n"},
	}
	for _, u := range units[:len(units)-1] {
		files = append(files, u.files(o)...)
	}
	return append(files, server(units[len(units)-1], len(units)))
}

const serverText = `// Command server is the program that everything is for.
package main

import (
	"fmt"

IMPORTS)

func main() {
	weight := 0
	for _, f := range []func() int{
CALLS	} {
		weight = (weight + f()) % WEIGHT
	}
	fmt.Printf("PACKAGES packages, weight %d\n", weight)
}
`

func server(u *unit, packages int) file {
	var imports, calls strings.Builder
	for _, d := range u.deps {
		fmt.Fprintf(&imports, "\t%q\n", d.path())
		fmt.Fprintf(&calls, "\t\t%s.Weight,\n", d.name)
	}
	text := strings.NewReplacer("IMPORTS", imports.String(), "CALLS", calls.String(),
		"WEIGHT", modulus, "PACKAGES", fmt.Sprint(packages)).Replace(serverText)
	return file{"cmd/server/main.go", text}
}
