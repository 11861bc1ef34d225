package arrows

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/org/gorun-action/"

// rooms lists what each package of ours may import of ours. A package that is
// not listed is a mistake here or there.
var rooms = map[string][]string{
	"cachekeys":                            {},
	"container":                            {},
	"container/docker":                     {"container"},
	"container/image":                      {"container"},
	"container/provision":                  {"container", "container/docker", "container/image", "internal/buildflags", "internal/goenv"},
	"internal/acttest":                     {"internal/testenv"},
	"internal/arrows":                      {},
	"internal/buildcache":                  {},
	"internal/buildflags":                  {},
	"internal/capture":                     {},
	"internal/completeness":                {"cachekeys"},
	"internal/conformance":                 {},
	"internal/docs":                        {},
	"internal/examples":                    {},
	"internal/faults":                      {},
	"internal/githubactions":               {"internal/buildflags", "internal/goenv", "internal/private", "runner"},
	"internal/githubactions/parser":        {},
	"internal/goenv":                       {"cachekeys"},
	"internal/private":                     {},
	"internal/report":                      {"cachekeys", "container", "runner"},
	"internal/runas":                       {},
	"internal/runnerimage":                 {},
	"internal/shared":                      {"cachekeys", "container", "internal/buildcache", "internal/goenv", "internal/store/blob", "internal/store/entry", "internal/store/githubcache", "internal/store/oci", "runner"},
	"internal/soundness":                   {"cachekeys"},
	"internal/store":                       {"internal/private"},
	"internal/store/blob":                  {"internal/private"},
	"internal/store/blobtest":              {"internal/store/blob"},
	"internal/store/entry":                 {"internal/store/blob"},
	"internal/store/githubcache":           {"internal/store/blob"},
	"internal/store/githubcache/cachetest": {},
	"internal/store/oci":                   {"internal/store/blob"},
	"internal/testenv":                     {},
	"internal/workflows":                   {},
	"runner":                               {"cachekeys", "container", "internal/buildflags", "internal/capture", "internal/goenv"},
}

// anything are the rooms on top, which may import everything.
var anything = []string{"cmd/", "bench/", "examples/"}

// homes lists the only rooms that may import a library themselves.
var homes = map[string][]string{
	"github.com/docker/docker":               {"container/docker"},
	"github.com/google/go-containerregistry": {"container/image", "internal/store/oci"},
	"github.com/rhysd/actionlint":            {"internal/workflows"},
	"github.com/rs/zerolog":                  {"internal/report"},
	"github.com/sethvargo/go-githubactions":  {"internal/githubactions"},
	"github.com/klauspost/compress":          {"container/image", "internal/buildcache", "internal/store/entry"},
	"golang.org/x/crypto/x509roots":          {"container/image"},
	"mvdan.cc/sh":                            {"internal/githubactions"},
	"github.com/yuin/goldmark":               {}, // tests only
}

// never lists what may not even be reached from a room, through anything.
var never = map[string][]string{
	"runner":    {"github.com/docker/", "github.com/google/go-containerregistry", "github.com/rs/zerolog", "github.com/sethvargo/", "net/http"},
	"cachekeys": {"github.com/docker/", "github.com/google/go-containerregistry", "github.com/rs/zerolog", "net", "net/http"},
}

type pkg struct {
	ImportPath    string
	Imports, Deps []string
}

func TestArrowsPointDown(t *testing.T) {
	packages := list(t)
	if len(packages) < len(rooms) {
		t.Fatalf("go list found %d packages, fewer than there are rooms", len(packages))
	}
	for _, p := range packages {
		room := strings.TrimPrefix(p.ImportPath, module)
		if slices.ContainsFunc(anything, func(prefix string) bool { return strings.HasPrefix(room+"/", prefix) }) {
			continue
		}
		allowed, known := rooms[room]
		if !known {
			t.Errorf("%s is in no room", room)
		}
		for _, path := range p.Imports {
			if ours, ok := strings.CutPrefix(path, module); ok && !slices.Contains(allowed, ours) {
				t.Errorf("%s imports %s: that arrow does not point down", room, ours)
			}
		}
	}
}

func TestLibrariesStayAtHome(t *testing.T) {
	for _, p := range list(t) {
		room := strings.TrimPrefix(p.ImportPath, module)
		for library, home := range homes {
			if imports(p.Imports, library) && !slices.Contains(home, room) {
				t.Errorf("%s imports %s, whose home is %v", room, library, home)
			}
		}
		for _, prefix := range never[room] {
			if imports(p.Deps, prefix) {
				t.Errorf("%s reaches %s", room, prefix)
			}
		}
	}
}

// imports reports whether a package of paths is prefix or lies below it.
func imports(paths []string, prefix string) bool {
	prefix = strings.TrimSuffix(prefix, "/")
	return slices.ContainsFunc(paths, func(path string) bool {
		return path == prefix || strings.HasPrefix(path, prefix+"/") && strings.Contains(prefix, ".")
	})
}

func list(t *testing.T) []pkg {
	t.Helper()
	cmd := exec.Command("go", "list", "-json=ImportPath,Imports,Deps", module+"...")
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var all []pkg
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p pkg
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
}
