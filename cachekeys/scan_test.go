package cachekeys

import (
	"bytes"
	"errors"
	"fmt"
	"go/ast"
	"go/build"
	"go/parser"
	"go/scanner"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/org/gorun-action/internal/testenv"
)

func TestScanGo(t *testing.T) {
	tests := map[string]struct {
		src  string
		want goHeader // end is that of want.src's marker
	}{
		"nothing":                   {"", goHeader{}},
		"no imports":                {"package p\n@var x int\n", goHeader{ok: true}},
		"package clause alone":      {"package p@", goHeader{ok: true}},
		"no package clause":         {"import \"fmt\"\n", goHeader{}},
		"no name":                   {"package \"fmt\"\n", goHeader{}},
		"shebang":                   {"#!/usr/bin/env gorun\npackage main\n", goHeader{}},
		"one":                       {"package p\nimport \"fmt\"\n@func f() {}\n", goHeader{imports: []string{"fmt"}, ok: true}},
		"no final newline":          {"package p;import\"fmt\"@", goHeader{imports: []string{"fmt"}, ok: true}},
		"byte order mark":           {"\ufeffpackage p\nimport \"a\"\n@", goHeader{imports: []string{"a"}, ok: true}},
		"CRLF":                      {"package p\r\n\r\nimport (\r\n\t\"a\"\r\n\t\"b\"\r\n)\r\n@", goHeader{imports: []string{"a", "b"}, ok: true}},
		"names":                     {"package p\nimport (\n. \"a\"; _ \"b\"; c \"c\"; ü \"d\"\n)\n@", goHeader{imports: []string{"a", "b", "c", "d"}, ok: true}},
		"several declarations":      {"package p\nimport \"a\"; import ()\nimport (\"b\")\n@type t int", goHeader{imports: []string{"a", "b"}, ok: true}},
		"raw string":                {"package p\nimport `a/\rb`\n@", goHeader{imports: []string{"a/b"}, ok: true}},
		"escapes":                   {"package p\nimport \"\\x66mt\"\n@", goHeader{imports: []string{"fmt"}, ok: true}},
		"escaped quotation mark":    {"package p\nimport \"a\\\"b\"\n@", goHeader{imports: []string{`a"b`}, ok: true}},
		"unknown escape":            {"package p\nimport \"a\\q\"\n@", goHeader{imports: []string{`a\q`}, ok: true}},
		"comments":                  {"// c\n/* package q */ package /* \n */ p // x\nimport /* y */ ( // z\n/**/ \"a\" /*/ */ // \"no\"\n)\n// more\n@var", goHeader{imports: []string{"a"}, ok: true}},
		"line directives":           {"//line x.go:1\npackage p\n//line y.go:7\nimport \"a\"\n/*line z:1:1*/@var x", goHeader{imports: []string{"a"}, ok: true}},
		"unicode package":           {"package naïve\nimport \"a\"\n@", goHeader{imports: []string{"a"}, ok: true}},
		"import after a function":   {"package p\n@func f() {}\nimport \"a\"\n", goHeader{ok: true}},
		"import twice":              {"package p\nimport \"a\"\nimport \"a\"\n@", goHeader{imports: []string{"a", "a"}, ok: true}},
		"keyword that begins alike": {"package p\nimport \"a\"\nimports \"b\"\n", goHeader{imports: []string{"a"}}},
		"another word with i":       {"package p\nimport \"a\"\nint x\n", goHeader{imports: []string{"a"}}},
		"not closed":                {"package p\nimport (\n\"a\"\n", goHeader{imports: []string{"a"}}},
		"comma":                     {"package p\nimport (\"a\", \"b\")\n", goHeader{imports: []string{"a"}}},
		"string over two lines":     {"package p\nimport \"a\nb\"\n", goHeader{}},
		"string not closed":         {"package p\nimport \"a", goHeader{}},
		"raw string not closed":     {"package p\nimport `a", goHeader{}},
		"backslash at the end":      {"package p\nimport \"a\\", goHeader{}},
		"comment not closed":        {"package p\nimport \"a\"\n/* x", goHeader{imports: []string{"a"}}},
		"a slash":                   {"package p\nimport \"a\"\n/ x", goHeader{imports: []string{"a"}}},
		"NUL in a comment":          {"package p\n// \x00\nimport \"a\"\n", goHeader{imports: []string{"a"}}},
		"NUL instead of a token":    {"package p\nimport \"a\"\n\x00", goHeader{imports: []string{"a"}}},
		"NUL behind the header":     {"package p\nimport \"a\"\n@var x = \"\x00\"", goHeader{imports: []string{"a"}, ok: true}},
		"cgo": {"package p\n\n// #cgo LDFLAGS: -lz\n// #cgo linux CFLAGS: -I${SRCDIR}/inc\n//#cgonot\n// #include \"z.h\"\n// #include <stdio.h>\nimport \"C\"\n@", goHeader{
			imports: []string{"C"}, cgo: true, ok: true,
			cgoFlags: []string{"#cgo LDFLAGS: -lz", "#cgo linux CFLAGS: -I${SRCDIR}/inc"}, includes: []string{"z.h", "stdio.h"},
		}},
		"cgo in a block comment": {"package p\n\n/*\n#cgo\tpkg-config: x\r\n#include \"z.h\"\nvoid f() {}\n#cgo LDFLAGS: -ly*/\nimport (\n\"C\"\n)\n@", goHeader{
			imports: []string{"C"}, cgo: true, ok: true,
			cgoFlags: []string{"#cgo pkg-config: x", "#cgo LDFLAGS: -ly"}, includes: []string{"z.h"},
		}},
		"cgo directives without cgo": {"package p\n\n// #cgo LDFLAGS: -lz\n// #include \"z.h\"\n@var x int\n", goHeader{ok: true}},
		"embed":                      {"package p\nimport _ \"embed\"\n\n@//go:embed a.txt\n", goHeader{imports: []string{"embed"}, ok: true}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			tt.want.end = strings.Index(tt.src, "@")
			src := strings.Replace(tt.src, "@", "", 1)
			if tt.want.end < 0 {
				tt.want.end = len(src)
			}
			got := scanGo([]byte(src))
			if slices.Contains(got.imports, "embed") { // its end is behind the comment
				tt.want.end, tt.want.embeds = len(src), []string{"a.txt"}
			}
			if diff := cmp.Diff(tt.want, got, cmp.AllowUnexported(goHeader{}), cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("scanGo(%q) (-want +got):\n%s", src, diff)
			}
		})
	}
}

func TestScanEmbeds(t *testing.T) {
	tests := map[string][]string{
		"//go:embed a.txt b/*.html\n":                          {"a.txt", "b/*.html"},
		"//go:embed a\n//go:embed b":                           {"a", "b"},
		"//go:embed\ta\r\n":                                    {"a"},
		"//go:embed \"a b\" `c d` all:e\n":                     {"a b", "c d", "all:e"},
		"//go:embed \"\\x61\"":                                 {"a"},
		"//go:embed a\u00a0b\u2003c":                           {"a", "b", "c"},
		"//go:embed \"a\"b\n":                                  nil,
		"//go:embed \"a\n":                                     nil,
		"//go:embed":                                           nil,
		"//go:embedded a\n":                                    nil,
		"// go:embed a\n":                                      nil,
		"var x = 1 //go:embed a\n":                             {"a"},
		"// //go:embed commented-out\n":                        {"commented-out"},
		"`\n//go:embed in-a-string\n`":                         {"in-a-string"},
		"//go:em\rbed a\rb\n":                                  {"ab"},
		"//go:embed a //go:embed b\n":                          {"a", "//go:embed", "b", "b"},
		"/* text\n//go:embed in-a-comment\n*/\nvar f embed.FS": {"in-a-comment"},
	}
	for src, want := range tests {
		if diff := cmp.Diff(want, scanEmbeds([]byte(src)), cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("scanEmbeds(%q) (-want +got):\n%s", src, diff)
		}
		file := "package p\nimport _ \"embed\"\n" + src
		if !scanIsSubset(scanBuildEmbeds(t, file), scanGo([]byte(file)).embeds) {
			t.Errorf("go/build has %q of %q", scanBuildEmbeds(t, file), src)
		}
	}
}

func TestScanIncludes(t *testing.T) {
	tests := map[string][]string{
		"#include \"textflag.h\"\n":                      {"textflag.h"},
		"  #  include <a/b.h> // c\n":                    {"a/b.h"},
		"\t#\tinclude\"x.h\"\r\n":                        {"x.h"},
		"#include \"x.h\"":                               {"x.h"},
		"# /* c */ include /* d */ \"x.h\"\n":            {"x.h"},
		"#include \\\n\"x.h\"\n":                         {"x.h"},
		"#inc\\\r\nlude \"x.h\"\n":                       {"x.h"},
		"%:include \"x.h\"\n??=include \"y.h\"\n":        {"x.h", "y.h"},
		"#include_next <x.h>\n#import \"y.h\"\n":         {"x.h", "y.h"},
		"#embed \"data.bin\" limit(3)\n":                 {"data.bin"},
		"#include HEADER\n":                              {"?HEADER"},
		"/* c */ #include HEADER(x)\n":                   {"?HEADER(x)"},
		"#include /* a\nb */ \"x.h\"\n":                  {"?/* a"},
		"# /* a\nb */ include \"x.h\"\n":                 {"?/* a"},
		"#include \"x.h\n":                               {`?"x.h`},
		"// #include \"x.h\"\n/* #include <y.h> */\n":    {"x.h", "y.h"},
		"#if 0\n#include \"x.h\"\n#endif\n":              {"x.h"},
		"#include \"x.h\"\n#include \"x.h\"\n":           {"x.h"},
		"// use #include like this\nx = \"# include\"\n": nil,
		"#included \"x.h\"\n#define include \"y.h\"\n":   nil,
		"#if __has_include(<x.h>) || __has_include_next(\"y.h\") || __has_embed( Z )\n": {"x.h", "y.h", "?Z )"},
		"#ifdef __has_include\n":                            nil,
		"\t.incbin \"a.bin\"\n\t.include \"b.s\"\n":         {"a.bin", "b.s"},
		"asm(\".incbin \\\"a.bin\\\"\\n\");\n":              {"a.bin"},
		"asm(\".incbin \\\"\" FILE \"\\\"\\n\");\n":         {"?\\\"\" FILE \"\\\"\\n\");"},
		"struct s x = {.include = 1, .incbins = 2};\n":      {},
		"%include \"typemaps.i\"\n%import <std.i>\n":        {"typemaps.i", "std.i"},
		"%include std_string.i\nprintf(\"%include\")\n":     {"?std_string.i"},
		"      INCLUDE 'common.f'\n      include \"x.f\"\n": {"x.f", "common.f"},
		"": nil,
	}
	for src, want := range tests {
		if diff := cmp.Diff(want, scanIncludes([]byte(src)), cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("scanIncludes(%q) (-want +got):\n%s", src, diff)
		}
	}
}

// scanCompare checks scanGo against go/parser, up to its first error. same is
// false where go/parser has no error, and scanGo has one or more imports.
func scanCompare(src []byte) (same bool, err error) {
	got := scanGo(src)
	fset := token.NewFileSet()
	f, parseErr := parser.ParseFile(fset, "x.go", src, parser.ImportsOnly|parser.ParseComments)
	var list scanner.ErrorList
	limit := len(src)
	if errors.As(parseErr, &list) {
		limit = list[0].Pos.Offset
	}
	var want []string
	last := 0
	for _, spec := range scanSpecs(f) {
		if path, err := strconv.Unquote(spec.Path.Value); err == nil && fset.PositionFor(spec.End(), false).Offset <= limit {
			want, last = append(want, path), fset.PositionFor(spec.End(), false).Offset
		}
	}
	switch {
	case !scanIsSubset(want, got.imports):
		return false, fmt.Errorf("imports %q, go/parser has %q (%v)", got.imports, want, parseErr)
	case parseErr == nil && got.end < last, got.end > len(src):
		return false, fmt.Errorf("end is %d; the last import ends at %d of %d", got.end, last, len(src))
	case got.cgo != slices.Contains(got.imports, "C"):
		return false, fmt.Errorf("cgo is %v", got.cgo)
	}
	return parseErr != nil || got.ok && slices.Equal(got.imports, want), nil
}

func scanSpecs(f *ast.File) []*ast.ImportSpec {
	if f == nil {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(f.Imports), func(s *ast.ImportSpec) bool { return s.Path == nil })
}

// scanIsSubset reports whether all of sub is in list.
func scanIsSubset(sub, list []string) bool {
	return !slices.ContainsFunc(sub, func(s string) bool { return !slices.Contains(list, s) })
}

// scanPart is a part of GOROOT, and all of it at the full level.
func scanPart(t testing.TB, part string, all ...string) (dirs []string) {
	t.Helper()
	if !testenv.Full() {
		all = []string{part}
	}
	for _, dir := range all {
		dirs = append(dirs, filepath.Join(testenv.GoEnv(t, "GOROOT"), dir))
	}
	return dirs
}

// scanEachGoFile calls f for the Go files below the directories.
func scanEachGoFile(t testing.TB, f func(path string, src []byte), dirs ...string) {
	t.Helper()
	for _, dir := range dirs {
		err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err != nil || !d.Type().IsRegular() || filepath.Ext(path) != ".go" {
				return err
			}
			src, err := os.ReadFile(path)
			if err == nil {
				f(path, src)
			}
			return err
		})
		if err != nil && !errors.Is(err, fs.ErrNotExist) { // a toolchain from the module proxy has no test directory
			t.Fatal(err)
		}
	}
}

func TestScanGoAgainstParser(t *testing.T) {
	files, differ := 0, 0
	scanEachGoFile(t, func(path string, src []byte) {
		files++
		same, err := scanCompare(src)
		if err != nil {
			t.Errorf("%s: %v", path, err)
		}
		if !same {
			differ++
			t.Errorf("%s: not what go/parser finds: %+v", path, scanGo(src))
		}
	}, scanPart(t, "src/cmd/go", "src", "test")...)
	if files < testenv.Times(200, 5000) {
		t.Errorf("%d Go files in GOROOT", files)
	}
	t.Logf("%d files, %d with more than go/parser finds", files, differ)
}

// The end is where the loader's reading ends: what follows does not change
// what it finds, and what precedes is all that counts.
func TestScanGoEndIsEnough(t *testing.T) {
	n := 0
	scanEachGoFile(t, func(path string, src []byte) {
		h := scanGo(src)
		if !h.ok || n > 2000 {
			return
		}
		n++
		for _, rest := range []string{"", "var x = 1\n", "func f() {\x00", ")", "\"import\"", "é"} {
			again := scanGo(append(slices.Clip(src[:h.end]), rest...))
			if !again.ok || again.end != h.end || !slices.Equal(again.imports, h.imports) {
				t.Errorf("%s: with %q behind its header, it has %q up to %d of %d, ok is %v", path, rest, again.imports, again.end, h.end, again.ok)
			}
		}
	}, scanPart(t, "src/cmd/go", "src/cmd")...)
}

// scanBuildEmbeds returns the patterns that go/build finds in a file.
func scanBuildEmbeds(t testing.TB, src string) []string {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "x.go"), []byte(src), 0o644); err != nil {
		t.Fatal(err)
	}
	p, _ := build.ImportDir(dir, 0)
	return p.EmbedPatterns
}

func TestScanEmbedsAgainstBuild(t *testing.T) {
	where := scanPart(t, "src/cmd/vendor/golang.org/x/tools/go", "src")
	if testenv.Full() {
		where = append(where, testenv.GoEnv(t, "GOMODCACHE"))
	}
	dirs := map[string]bool{}
	more, files := 0, 0
	scanEachGoFile(t, func(path string, src []byte) {
		if h := scanGo(src); slices.Contains(h.imports, "embed") {
			dirs[filepath.Dir(path)] = true
		}
	}, where...)
	context := build.Default
	context.UseAllFiles = true
	for dir := range dirs {
		p, _ := context.ImportDir(dir, 0) // its faults do not matter here
		want := slices.Concat(p.EmbedPatterns, p.TestEmbedPatterns, p.XTestEmbedPatterns)
		var got []string
		for _, name := range slices.Concat(p.GoFiles, p.CgoFiles, p.InvalidGoFiles, p.IgnoredGoFiles, p.TestGoFiles, p.XTestGoFiles) {
			src, err := os.ReadFile(filepath.Join(dir, name))
			if err != nil {
				t.Fatal(err)
			}
			got, files = append(got, scanGo(src).embeds...), files+1
		}
		if !scanIsSubset(want, got) {
			t.Errorf("%s: patterns %q, go/build has %q", dir, got, want)
		}
		if !scanIsSubset(got, want) {
			more++
		}
	}
	if len(dirs) < testenv.Times(3, 10) {
		t.Errorf("%d packages import embed", len(dirs))
	}
	t.Logf("%d packages with %d files import embed; %d have more patterns than go/build finds", len(dirs), files, more)
}

func FuzzScanGo(f *testing.F) {
	for _, src := range []string{
		"package p\nimport (\n. \"a\"; _ `b`\n)\nimport \"C\"\n", "\ufeffpackage ü\n/* */ import x \"\\x66\" // c\r\nint",
		"package p;import\"a\";import(\"b\"\n\"c\");func f(){}", "//line x:1\npackage p\nimport \"a\"\n/", "package p\x00", "package p\nimport \"embed\"\n//go:embed \"a\" `b` c\n",
	} {
		f.Add([]byte(src))
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		if _, err := scanCompare(src); err != nil {
			t.Errorf("%q: %v", src, err)
		}
		if h := scanGo(src); h.ok {
			if again := scanGo(src[:h.end]); !again.ok || again.end != h.end || !slices.Equal(again.imports, h.imports) {
				t.Errorf("%q: its first %d bytes have %q up to %d", src, h.end, again.imports, again.end)
			}
		}
	})
}

func FuzzScanEmbeds(f *testing.F) {
	f.Add("//go:embed a \"b\" `c`\n//go:embedded x\nvar y = `//go:embed z`")
	f.Add("/*\n//go:embed a\r\n*/ //go:em\rbed b\u00a0c\n")
	f.Fuzz(func(t *testing.T, rest string) {
		src := "package p\n\nimport _ \"embed\"\n\n" + rest
		if got, want := scanGo([]byte(src)).embeds, scanBuildEmbeds(t, src); !scanIsSubset(want, got) {
			t.Errorf("%q: patterns %q, go/build has %q", src, got, want)
		}
	})
}

func FuzzScanIncludes(f *testing.F) {
	f.Add([]byte("#include \"a.h\"\n%:include <b.h>\n# /* */ include X\n.incbin \\\"c\\\"\n"))
	f.Add([]byte("__has_include_next(<a>)\n      INCLUDE 'b'\n#in\\\nclude \"c\"\n"))
	f.Fuzz(func(t *testing.T, src []byte) {
		got := scanIncludes(src)
		with := scanIncludes(append(slices.Clip(src), "\n#include \"scan-fuzz.h\"\n"...))
		if !scanIsSubset(got, append(with, "")) && !bytes.HasSuffix(bytes.TrimRight(src, "\r\n"), []byte(`\`)) {
			t.Errorf("%q: %q, with one more line %q", src, got, with)
		}
		if slices.Contains(got, "") {
			t.Errorf("%q: an empty name", src)
		}
	})
}

// scanTypical is a file of 200 lines with ten imports.
func scanTypical() []byte {
	var b strings.Builder
	b.WriteString("// Copyright 2026 Somebody. All rights reserved.\n// Use of this source code is governed by a license.\n\n// Package p does this\n// and that.\npackage p\n\nimport (\n")
	for _, path := range []string{"bytes", "context", "errors", "fmt", "os", "path/filepath", "strings", "github.com/somebody/something", "golang.org/x/mod/modfile", "example.com/m/internal/part"} {
		fmt.Fprintf(&b, "\t%q\n", path)
	}
	b.WriteString(")\n\n")
	for strings.Count(b.String(), "\n") < 200 {
		b.WriteString("func f(ctx context.Context, name string) error { return fmt.Errorf(\"reading %s: %w\", name, errors.ErrUnsupported) }\n")
	}
	return []byte(b.String())
}

func BenchmarkScanGo(b *testing.B) {
	src := scanTypical()
	b.ReportAllocs()
	for b.Loop() {
		scanGo(src)
	}
}

func BenchmarkScanGoWithParser(b *testing.B) {
	src := scanTypical()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := parser.ParseFile(token.NewFileSet(), "x.go", src, parser.ImportsOnly); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkScanIncludes reads the C and assembly sources of the runtime.
func BenchmarkScanIncludes(b *testing.B) {
	files, err := filepath.Glob(filepath.Join(testenv.GoEnv(b, "GOROOT"), "src", "runtime", "*.s"))
	if err != nil || len(files) == 0 {
		b.Fatal(files, err)
	}
	var src []byte
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			b.Fatal(err)
		}
		src = append(src, data...)
	}
	b.SetBytes(int64(len(src)))
	for b.Loop() {
		scanIncludes(src)
	}
}
