package image

import (
	"archive/tar"
	"archive/zip"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/org/gorun-action/container"
)

func TestAssembleRefuses(t *testing.T) {
	with := func(name, content string) map[string]string {
		files := fakeFiles()
		files[name] = content
		return files
	}
	without := func(name string) map[string]string {
		files := fakeFiles()
		delete(files, name)
		return files
	}
	tests := []struct {
		name, prefix string
		files        map[string]string
		err          string
	}{
		{"parent", fakePrefix, with("../../etc/passwd", ""), "invalid path element"},
		{"inner parent", fakePrefix, with("src/../../x", ""), "invalid path element"},
		{"dot", fakePrefix, with("src/./x", ""), "invalid path element"},
		{"absolute", fakePrefix, with("/etc/passwd", ""), "malformed file path"},
		{"backslash", fakePrefix, with(`src\..\x`, ""), "invalid char"},
		{"newline", fakePrefix, with("src/a\nb", ""), "invalid char"},
		{"directory", fakePrefix, with("src/x/", ""), "trailing slash"},
		{"empty", fakePrefix, with("", ""), "empty string"},
		{"file and directory", fakePrefix, with("bin/go/x", ""), "both a file and a directory"},
		{"go.mod and _go.mod", fakePrefix, with("src/go.mod", ""), "there twice"},
		{"other release", fakePrefix, with("VERSION", "go1.26.98\n"), `holds "go1.26.98", not go1.26.99`},
		{"no release", fakePrefix, with("VERSION", ""), `holds "", not go1.26.99`},
		{"no VERSION", fakePrefix, without("VERSION"), "no VERSION"},
		{"no go", fakePrefix, without("bin/go"), "no bin/go"},
		{"other module", "golang.org/x/mod@v0.1.0/", fakeFiles(), "not below golang.org/toolchain@"},
		{"no prefix", "", fakeFiles(), "not below golang.org/toolchain@"},
	}
	for _, tt := range tests {
		dir := t.TempDir()
		_, err := Assemble(t.Context(), writeZip(t, tt.prefix, tt.files, zip.Store), dir,
			container.Toolchain{Version: fakeRelease, Platform: "linux/amd64"}, nil)
		if err == nil || !strings.Contains(err.Error(), tt.err) {
			t.Errorf("%s: error %v, want %q", tt.name, err, tt.err)
		}
		nothingIn(t, dir)
	}
}

// entry makes the directory entry of a zip, to say what its content does not.
func entry(name string, mode os.FileMode, size uint64) *zip.File {
	f := &zip.File{FileHeader: zip.FileHeader{Name: fakePrefix + name, UncompressedSize64: size}}
	f.SetMode(mode)
	return f
}

func TestReadRefuses(t *testing.T) {
	many := make([]*zip.File, maxFiles+1)
	for i := range many {
		many[i] = entry(fmt.Sprintf("f%d", i), 0o644, 0)
	}
	tests := []struct {
		name    string
		entries []*zip.File
		err     string
	}{
		{"symlink", []*zip.File{entry("x", os.ModeSymlink|0o777, 1)}, "not a regular file"},
		{"device", []*zip.File{entry("x", os.ModeDevice|0o666, 1)}, "not a regular file"},
		{"setuid", []*zip.File{entry("x", os.ModeSetuid|0o755, 1)}, ""}, // modes are ours
		{"twice", []*zip.File{entry("x", 0o644, 1), entry("x", 0o644, 1)}, "there twice"},
		{"large", []*zip.File{entry("x", 0o644, 500<<20+1)}, "more than 524288000 bytes"},
		{"large together", []*zip.File{entry("x", 0o644, 300<<20), entry("y", 0o644, 300<<20)}, "more than 524288000 bytes"},
		{"wraps around", []*zip.File{entry("x", 0o644, 1<<63), entry("y", 0o644, 1<<63)}, "more than 524288000 bytes"},
		{"many", many, "100001 entries"},
	}
	for _, tt := range tests {
		err := new(tree).read(tt.entries, fakePrefix)
		if (err == nil) != (tt.err == "") || err != nil && !strings.Contains(err.Error(), tt.err) {
			t.Errorf("%s: error %v, want %q", tt.name, err, tt.err)
		}
	}
}

// FuzzOpenTree gives arbitrary files to the reader. Whatever it accepts must
// stay below the image's usr/local/go and have one entry for each name.
func FuzzOpenTree(f *testing.F) {
	for _, files := range []map[string]string{fakeFiles(), {"../x": ""}, {"bin/go/x": "", "bin/go": ""}, {"a/_go.mod": "", "a/go.mod": ""}} {
		data, err := os.ReadFile(writeZip(f, fakePrefix, files, zip.Deflate))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		file := filepath.Join(t.TempDir(), "x.zip")
		if err := os.WriteFile(file, data, 0o666); err != nil {
			t.Fatal(err)
		}
		tree, err := openTree(file, fakePrefix)
		if err != nil {
			return
		}
		defer tree.Close()
		checkTree(t, tree)
		tree.write(context.Background(), &tarball{w: tar.NewWriter(io.Discard), dirs: map[string]bool{}}, func(int64) {})
	})
}

// FuzzEntryNames gives arbitrary names and modes to the reader.
func FuzzEntryNames(f *testing.F) {
	f.Add("bin/go", "bin/gofmt", uint32(0))
	f.Add("../x", "/x", uint32(os.ModeSymlink))
	f.Add("a", "a/b", uint32(0o755))
	f.Fuzz(func(t *testing.T, a, b string, mode uint32) {
		tree := new(tree)
		if err := tree.read([]*zip.File{entry(a, os.FileMode(mode), 1), entry(b, 0, 1)}, fakePrefix); err == nil {
			checkTree(t, tree)
		}
	})
}

func checkTree(t *testing.T, tree *tree) {
	seen := map[string]bool{}
	for _, f := range tree.files {
		if !filepath.IsLocal(f.name) || filepath.Clean(f.name) != f.name || strings.ContainsAny(f.name, "\x00\n\\") || seen[f.name] {
			t.Errorf("accepted %q", f.name)
		}
		if f.mode != 0o644 && f.mode != 0o755 || !f.src.Mode().IsRegular() {
			t.Errorf("accepted %q with mode %o as %o", f.name, f.src.Mode(), f.mode)
		}
		seen[f.name] = true
	}
}
