package cachekeys

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/mod/modfile"
)

// About is what is kept with an executable, so that a later miss can be
// explained: the inputs of its key, and what is in go.mod and go.sum.
//
// Its encoding is gzipped JSON:
//
//	{"inputs":[{"kind":"file","name":"main.go","value":"9f86…"},…],
//	 "modules":{"go":"1.26","golang.org/x/sys":"v0.47.0",…}}
type About struct {
	Inputs []Input `json:"inputs"`
	// Modules are the lines of the local go.mod files, by module path, and the
	// versions of go.sum that no go.mod names.
	Modules map[string]string `json:"modules,omitempty"`
}

// maxAbout bounds what is unpacked: far more than a workspace of 100,000
// files takes, and less than would hurt.
const maxAbout = 64 << 20

// About returns what is to be kept with the executable.
func (c *Closure) About() About {
	return About{Inputs: c.Inputs, Modules: c.moduleVersions()}
}

// Encode returns the form that is kept.
func (a About) Encode() ([]byte, error) {
	var b bytes.Buffer
	z, err := gzip.NewWriterLevel(&b, gzip.BestSpeed)
	if err == nil {
		err = json.NewEncoder(z).Encode(a)
	}
	if err == nil {
		err = z.Close()
	}
	if err != nil {
		return nil, fmt.Errorf("encoding what is kept of the inputs: %w", err)
	}
	return b.Bytes(), nil
}

// ParseAbout reads what Encode wrote.
func ParseAbout(data []byte) (About, error) {
	var a About
	z, err := gzip.NewReader(bytes.NewReader(data))
	if err == nil {
		err = json.NewDecoder(io.LimitReader(z, maxAbout)).Decode(&a)
	}
	if err != nil {
		return About{}, fmt.Errorf("reading what was kept of the inputs: %w", err)
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
	data, _ := os.ReadFile(file)
	for line := range strings.Lines(string(data)) {
		fields := strings.Fields(line)
		if len(fields) == 3 && !strings.HasSuffix(fields[1], "/go.mod") {
			versions[fields[0]] = fields[1]
		}
	}
}
