package conformance

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

//go:embed testdata/hook_test.go
var hook string

// scriptImport is what the hook imports; before Go 1.23 it was
// cmd/go/internal/script.
const scriptImport = `"cmd/internal/script"`

// compileScripts compiles the tests of cmd/go with the hook in them, and
// returns the binary.
func compileScripts(t *testing.T, cmdGo string) string {
	t.Helper()
	dir := t.TempDir()
	original := filepath.Join(cmdGo, "scriptcmds_test.go")
	src, err := os.ReadFile(original)
	if err != nil {
		t.Fatalf("this Go comes without the tests of its go command: %v\nhint: use a whole Go installation; a toolchain that the go command downloaded has no tests", err)
	}
	hooked, path, err := insertHook(src)
	if err != nil {
		t.Fatalf("%s: %v", original, err)
	}
	overlay := overlayFile(t, dir, map[string]string{
		original: write(t, dir, "scriptcmds_test.go", hooked),
		filepath.Join(cmdGo, "gorun_hook_test.go"): write(t, dir, "hook_test.go", []byte(strings.Replace(hook, scriptImport, path, 1))),
	})
	return compile(t, dir, overlay)
}

// overlayFile writes the file for -overlay.
func overlayFile(t *testing.T, dir string, replace map[string]string) string {
	t.Helper()
	data, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		t.Fatal(err)
	}
	return write(t, dir, "overlay.json", data)
}

// compile compiles the tests of cmd/go. dir lies outside of every module, so
// that cmd/go is the installation's.
func compile(t *testing.T, dir, overlay string) string {
	t.Helper()
	binary := filepath.Join(dir, "cmdgo.test")
	cmd := exec.CommandContext(t.Context(), "go", "test", "-c", "-overlay="+overlay, "-o="+binary, "cmd/go")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOFLAGS=", "GOWORK=off", "PWD="+dir)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("compiling the tests of cmd/go: %v\n%s", err, out)
	}
	return binary
}

// insertHook makes scriptGo call gorunProgram where it calls script.Program.
// It also returns the import path of script, quoted.
func insertHook(src []byte) (hooked []byte, path string, err error) {
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, "scriptcmds_test.go", src, parser.SkipObjectResolution)
	if err != nil {
		return nil, "", err
	}
	found := programCalls(file)
	if len(found) != 1 {
		return nil, "", fmt.Errorf("scriptGo has %d calls of script.Program, want 1", len(found))
	}
	for _, spec := range file.Imports {
		if p, _ := strconv.Unquote(spec.Path.Value); filepath.Base(p) == "script" {
			path = spec.Path.Value
		}
	}
	from, to := set.Position(found[0].Pos()).Offset, set.Position(found[0].End()).Offset
	return bytes.Join([][]byte{src[:from], src[to:]}, []byte("gorunProgram")), path, nil
}

// programCalls lists what scriptGo calls where it calls script.Program.
func programCalls(file *ast.File) (found []ast.Expr) {
	for _, d := range file.Decls {
		if f, ok := d.(*ast.FuncDecl); ok && f.Name.Name == "scriptGo" {
			ast.Inspect(f, func(n ast.Node) bool {
				if call, ok := n.(*ast.CallExpr); ok && isScriptProgram(call.Fun) {
					found = append(found, call.Fun)
				}
				return true
			})
		}
	}
	return found
}

func isScriptProgram(e ast.Expr) bool {
	s, ok := e.(*ast.SelectorExpr)
	if !ok || s.Sel.Name != "Program" {
		return false
	}
	x, ok := s.X.(*ast.Ident)
	return ok && x.Name == "script"
}

func write(t *testing.T, dir, name string, data []byte) string {
	t.Helper()
	file := filepath.Join(dir, name)
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// TestInsertHook has the shapes of scriptGo in Go 1.21 and 1.26, and those in
// which nobody can say where the hook belongs.
func TestInsertHook(t *testing.T) {
	const head = "package main_test\n\nimport %q\n\nfunc scriptGo(cancel func(), d int) script.Cmd {\n\t%s\n}\n\nfunc other() { script.Program(testGo, nil, 0) }\n"
	for _, tt := range []struct{ name, path, body, want string }{
		{"1.21", "cmd/go/internal/script", "return script.Program(testGo, cancel, d)", "return gorunProgram(testGo, cancel, d)"},
		{"1.26", "cmd/internal/script", "cmd := script.Program(testGo, cancel, d); return cmd", "cmd := gorunProgram(testGo, cancel, d); return cmd"},
		{"none", "cmd/internal/script", "return cmdExec", ""},
		{"two", "cmd/internal/script", "script.Program(a, cancel, d); return script.Program(b, cancel, d)", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, path, err := insertHook(fmt.Appendf(nil, head, tt.path, tt.body))
			if tt.want == "" {
				if err == nil {
					t.Errorf("no error, but\n%s", got)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if want := fmt.Sprintf(head, tt.path, tt.want); string(got) != want {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
			if path != strconv.Quote(tt.path) {
				t.Errorf("import path %s, want %q", path, tt.path)
			}
		})
	}
}
