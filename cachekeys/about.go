package cachekeys

import (
	"bytes"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/mod/modfile"
)

// About is what is kept with an executable, so that a later miss can be
// explained: the inputs of its key, and what is in go.mod and go.sum.
//
// Its encoding is text, a line for each input: kind, name and value, separated
// by tabs. A module is an input of the kind "version". Tab, newline and
// backslash are written \t, \n and \\:
//
//	gorun about 1
//	file	main.go	9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
//	version	golang.org/x/sys	v0.47.0
type About struct {
	Inputs []Input
	// Modules are the lines of the local go.mod files, by module path, and the
	// versions of go.sum that no go.mod names.
	Modules map[string]string
}

const (
	aboutMagic  = "gorun about 1\n"
	kindVersion = "version"
)

// About returns what is to be kept with the executable.
func (c *Closure) About() About {
	return About{Inputs: c.Inputs, Modules: c.moduleVersions()}
}

// Encode returns the form that is kept.
func (a About) Encode() []byte {
	var b bytes.Buffer
	b.WriteString(aboutMagic)
	escape := strings.NewReplacer("\\", `\\`, "\t", `\t`, "\n", `\n`)
	line := func(kind, name, value string) {
		for i, part := range []string{kind, name, value} {
			escape.WriteString(&b, part)
			b.WriteByte("\t\t\n"[i])
		}
	}
	for _, in := range a.Inputs {
		line(in.Kind, in.Name, in.Value)
	}
	for _, path := range slices.Sorted(maps.Keys(a.Modules)) {
		line(kindVersion, path, a.Modules[path])
	}
	return b.Bytes()
}

// ParseAbout reads what Encode wrote. It takes memory in proportion to data.
func ParseAbout(data []byte) (About, error) {
	text, ok := strings.CutPrefix(string(data), aboutMagic)
	if !ok {
		return About{}, fmt.Errorf("reading what was kept of the inputs: another format")
	}
	a := About{Modules: map[string]string{}}
	unescape := strings.NewReplacer(`\\`, "\\", `\t`, "\t", `\n`, "\n")
	for n := 2; text != ""; n++ {
		var line string
		line, text, ok = strings.Cut(text, "\n")
		kind, rest, tab := strings.Cut(line, "\t")
		name, value, another := strings.Cut(rest, "\t")
		switch {
		case !ok || !tab || !another:
			return About{}, fmt.Errorf("reading what was kept of the inputs: line %d is not an input", n)
		case kind == kindVersion:
			a.Modules[unescape.Replace(name)] = unescape.Replace(value)
		default:
			a.Inputs = append(a.Inputs, Input{kind, unescape.Replace(name), unescape.Replace(value)})
		}
	}
	return a, nil
}

// moduleVersions reads the versions of the modules that the build may use.
func (c *Closure) moduleVersions() map[string]string {
	versions := map[string]string{}
	for _, m := range c.request.Workspace.Modules {
		if !m.Replacement {
			sumVersions(filepath.Join(m.Dir, "go.sum"), versions)
		}
	}
	for _, m := range c.request.Workspace.Modules {
		if !m.Replacement {
			modVersions(parseMod(filepath.Join(m.Dir, "go.mod")), versions)
		}
	}
	return versions
}

func modVersions(f *modfile.File, versions map[string]string) {
	if f.Go != nil {
		versions["go"] = f.Go.Version
	}
	if f.Toolchain != nil {
		versions["toolchain"] = f.Toolchain.Name
	}
	for _, r := range f.Require {
		versions[r.Mod.Path] = r.Mod.Version
	}
	for _, r := range f.Replace {
		versions[r.Old.Path] = "=> " + strings.TrimSpace(r.New.Path+" "+r.New.Version)
	}
}

// sumVersions reads the lines of go.sum that are about modules, not about
// their go.mod files alone. The last version of a module is the highest in a
// file that the go command wrote.
func sumVersions(file string, versions map[string]string) {
	data, _ := ReadFile(file)
	for line := range strings.Lines(string(data)) {
		fields := strings.Fields(line)
		if len(fields) == 3 && !strings.HasSuffix(fields[1], "/go.mod") {
			versions[fields[0]] = fields[1]
		}
	}
}
