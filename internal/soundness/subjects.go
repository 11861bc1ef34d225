package soundness

import (
	"context"
	"os"
	"strings"
)

// The subjects: small modules, so that one `go run` takes a tenth of a second.
// Each has the crafted probe beside its own packages, and so every kind of
// input. weight is how many of a hundred trials it gets.
func subjects() []*subject {
	return []*subject{
		assembly(), embeds(), vendored(), workspace(), replacement(), constraints(), cgo(), plain(), versioned(),
	}
}

const probeDir = "src/zz_probe"

// assembly has Go assembly, and files for tags and for machines.
func assembly() *subject {
	return &subject{
		name: "assembly", root: "src", module: "src", path: "github.com/cespare/xxhash/v2", probe: probeDir,
		modules: []source{{module: "github.com/cespare/xxhash/v2@v2.3.0", dir: "src"}},
		use:     "import \"github.com/cespare/xxhash/v2\"\n\nfunc use() any { return xxhash.Sum64String(\"10\") }\n",
		settings: append(common(),
			setting{name: "its own command", apply: func(s *state) bool { s.pkg = []string{"./xxhsum"}; return true }},
			setting{name: "-tags=purego", apply: func(s *state) bool { return s.flag("-tags=purego") }}),
	}
}

// embeds has a file that is embedded by a package that the program imports.
func embeds() *subject {
	return &subject{
		name: "embeds", root: "src", module: "src", path: "golang.org/x/crypto/x509roots/fallback", probe: probeDir,
		modules:  []source{{module: "golang.org/x/crypto/x509roots/fallback@v0.0.0-20261030153154-30a33513ff6d", dir: "src"}},
		use:      "import \"golang.org/x/crypto/x509roots/fallback/bundle\"\n\nfunc use() any {\n\tn := 10\n\tfor range bundle.Roots() {\n\t\tn++\n\t}\n\treturn n\n}\n",
		settings: common(),
	}
}

const textModule = "module golang.org/x/text\n\ngo 1.21\n"

// textDirs are what golang.org/x/text/language needs.
func textDirs() []string { return []string{"language", "internal/language", "internal/tag"} }

// vendored has its dependencies in vendor.
func vendored() *subject {
	return &subject{
		name: "vendored", root: "src", module: "src", path: "rsc.io/quote", probe: probeDir,
		modules: []source{{module: "rsc.io/quote@v1.5.2", dir: "src", goMod: "module rsc.io/quote\n\ngo 1.21\n\nrequire rsc.io/sampler v1.3.0\n\nrequire golang.org/x/text v0.14.0 // indirect\n"}},
		use:     "import \"rsc.io/quote\"\n\nfunc use() any { return []any{quote.Hello(), 10} }\n",
		shadow:  []string{"src/vendor/golang.org/x/text/collate", "src/vendor/fmt"},
		settings: append(common(),
			setting{name: "-mod=vendor", apply: func(s *state) bool { return s.flag("-mod=vendor") }},
			setting{name: "-mod=readonly", apply: func(s *state) bool { return s.flag("-mod=readonly") }}),
		prepare: func(ctx context.Context, t *tree, env []string) error {
			if err := goIn(ctx, t.abs("src"), env, "list", "-deps", "./..."); err != nil {
				return err
			}
			return goIn(ctx, t.abs("src"), append(env, "GOFLAGS="), "mod", "vendor")
		},
	}
}

// workspace has three modules. text is reached only through a module of the
// module cache, and the path of app begins the import paths of text.
func workspace() *subject {
	return &subject{
		name: "workspace", root: "src", module: "src/app", path: "golang.org/x", probe: "src/app/zz_probe",
		modules: []source{
			{module: "rsc.io/quote@v1.5.2", dir: "src/quote", goMod: "module rsc.io/quote\n\ngo 1.21\n\nrequire rsc.io/sampler v1.3.0\n"},
			{module: "golang.org/x/text@v0.14.0", dir: "src/text", only: textDirs(), goMod: textModule},
		},
		use:      "import \"rsc.io/quote\"\n\nfunc use() any { return []any{quote.Hello(), 10} }\n",
		shadow:   []string{"src/app/text/language", "src/app/text/internal/tag", "src/text/zz_probe/lib"},
		replaced: []string{"src/text", "src/quote"},
		settings: without(common(), "-modfile"),
		prepare: func(ctx context.Context, t *tree, env []string) error {
			err := os.WriteFile(t.abs("src/app/go.mod"), []byte("module golang.org/x\n\ngo 1.26\n\nrequire rsc.io/quote v1.5.2\n"), 0o644)
			if err == nil {
				err = os.WriteFile(t.abs("src/go.work"), []byte("go 1.26\n\nuse (\n\t./app\n\t./quote\n\t./text\n)\n"), 0o644)
			}
			if err == nil {
				err = goIn(ctx, t.abs("src/app"), append(env, "GOFLAGS="), "list", "-deps", "./...")
			}
			return err
		},
	}
}

// replacement has a local module in the place of one that only a module of the
// module cache imports.
func replacement() *subject {
	return &subject{
		name: "replacement", root: "src", module: "src", path: "rsc.io/quote", probe: probeDir,
		modules: []source{
			{module: "rsc.io/quote@v1.5.2", dir: "src", goMod: "module rsc.io/quote\n\ngo 1.21\n\nrequire rsc.io/sampler v1.3.0\n\nreplace golang.org/x/text => ./text\n"},
			{module: "golang.org/x/text@v0.14.0", dir: "src/text", only: textDirs(), goMod: textModule},
		},
		use:      "import \"rsc.io/quote\"\n\nfunc use() any { return []any{quote.Hello(), 10} }\n",
		replaced: []string{"src/text"},
		settings: common(),
		prepare:  tidied,
	}
}

// tidied completes go.mod and go.sum.
func tidied(ctx context.Context, t *tree, env []string) error {
	return goIn(ctx, t.abs("src"), env, "list", "-deps", "./...")
}

// constraints has files for every system, in the module and in a replacement
// outside of it.
func constraints() *subject {
	return &subject{
		name: "constraints", root: "src/term", module: "src/term", path: "golang.org/x/term", probe: "src/term/zz_probe",
		modules: []source{
			{module: "golang.org/x/term@v0.47.0", dir: "src/term", goMod: "module golang.org/x/term\n\ngo 1.26.0\n\nrequire golang.org/x/sys v0.49.0\n\nreplace golang.org/x/sys => ../sys\n"},
			{module: "golang.org/x/sys@v0.49.0", dir: "src/sys", only: []string{"unix", "plan9", "windows"}, goMod: "module golang.org/x/sys\n\ngo 1.26.0\n"},
		},
		use:      "import \"golang.org/x/term\"\n\nfunc use() any { return term.IsTerminal(10) }\n",
		shadow:   []string{"src/term/zz_probe/lib/deep/deeper"},
		replaced: []string{"src/sys"},
		settings: common(),
	}
}

// cgo has packages in C, with includes of its own.
func cgo() *subject {
	return &subject{
		name: "cgo", root: "src", module: "src", path: "github.com/mattn/go-pointer", probe: probeDir, pinned: true, cgo: true,
		modules: []source{{module: "github.com/mattn/go-pointer@v0.0.1", dir: "src", goMod: "module github.com/mattn/go-pointer\n\ngo 1.21\n"}},
		use: "import (\n\tpointer \"github.com/mattn/go-pointer\"\n\t\"github.com/mattn/go-pointer/zz_probe/clib\"\n)\n\n" +
			"func use() any { return []any{pointer.Restore(pointer.Save(10)), clib.Number()} }\n",
		settings: append(common(),
			setting{name: "CGO_CFLAGS", apply: func(s *state) bool { return s.set("CGO_CFLAGS=-O1") }},
			setting{name: "a file with C", kind: "include", apply: func(s *state) bool { s.dir, s.pkg = s.abs(s.sub.probe+"/cmain"), []string{"main.go"}; return true }}),
	}
}

// plain has no dependencies. It is under version control.
func plain() *subject {
	return &subject{
		name: "plain", root: "src", module: "src", path: "rsc.io/qr", probe: probeDir, git: true,
		modules: []source{{module: "rsc.io/qr@v0.2.0", dir: "src", only: []string{"coding", "gf256"}, goMod: "module rsc.io/qr\n\ngo 1.21\n"}},
		use:     "import \"rsc.io/qr/coding\"\n\nfunc use() any { return coding.Version(10) }\n",
		settings: append(common(),
			setting{name: "a linker script", kind: "flag file", apply: func(s *state) bool { return s.flag(scriptFlag + s.out("script.map")) }}),
	}
}

// versioned runs a program of the module cache from within another module.
func versioned() *subject {
	s := assembly()
	s.name = "versioned"
	s.settings = []setting{{name: "a version", apply: func(s *state) bool { s.pkg = []string{s.sub.path + "/xxhsum@v2.3.0"}; return true }}}
	return s
}

// common are the settings for all.
func common() []setting {
	probe := func(s *state) string { return s.abs(s.sub.probe) }
	return []setting{
		{apply: func(*state) bool { return true }},
		{name: "-trimpath", apply: func(s *state) bool { return s.flag("-trimpath") }},
		{name: "-tags", kind: "flag", apply: func(s *state) bool { return s.flag("-tags=probe,zz") }},
		{name: "import path", apply: func(s *state) bool { s.pkg = []string{s.sub.importPath(s.sub.probe)}; return true }},
		{name: "package directory", apply: func(s *state) bool { s.dir, s.pkg = probe(s), []string{"."}; return true }},
		{name: "files", apply: func(s *state) bool { s.dir, s.pkg = probe(s), []string{"main.go", "use.go"}; return true }},
		{name: "-modfile", kind: "go.mod", apply: func(s *state) bool { return s.flag("-modfile=" + s.out("alt.mod")) }},
		{name: "linked directory", kind: "symlink", apply: func(s *state) bool { s.dir = s.out("link"); return true }},
		{name: "CGO_ENABLED=0", apply: func(s *state) bool { return s.set("CGO_ENABLED=0") }},
	}
}

func without(list []setting, name string) []setting {
	var out []setting
	for _, s := range list {
		if !strings.HasPrefix(s.name, name) {
			out = append(out, s)
		}
	}
	return out
}
