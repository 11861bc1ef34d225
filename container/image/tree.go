package image

import (
	"archive/zip"
	"bufio"
	"context"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"

	"golang.org/x/mod/module"
	modzip "golang.org/x/mod/zip"
)

// maxFiles bounds the entries of a zip. A toolchain has 12,000; the bound keeps
// a forged directory from filling the memory.
const maxFiles = 100_000

// tree is the content of a toolchain module's zip as it lies in the image.
type tree struct {
	zip   *zip.ReadCloser
	files []treeFile // in the order of their names
	size  int64      // of all files
}

type treeFile struct {
	name string // below usr/local/go/
	mode int64
	src  *zip.File
}

// openTree opens a module's zip and refuses it unless each of its entries is
// what the go command would take from a module.
func openTree(file, prefix string) (*tree, error) {
	z, err := zip.OpenReader(file)
	if err != nil {
		return nil, fmt.Errorf("opening %s: %w", file, err)
	}
	t := &tree{zip: z}
	if err := t.read(z.File, prefix); err != nil {
		z.Close()
		return nil, fmt.Errorf("reading %s: %w", file, err)
	}
	return t, nil
}

func (t *tree) Close() error { return t.zip.Close() }

// read takes over the entries. Names are checked by the rules for module zips
// (module.CheckFilePath), so none is absolute, has a "..", or a control
// character.
func (t *tree) read(entries []*zip.File, prefix string) error {
	if err := checkSize(entries); err != nil {
		return err
	}
	for _, e := range entries {
		name, ok := strings.CutPrefix(e.Name, prefix)
		if !ok {
			return fmt.Errorf("entry %q is not below %s", e.Name, prefix)
		}
		if err := module.CheckFilePath(name); err != nil {
			return fmt.Errorf("entry %q: %w", e.Name, err)
		}
		if !e.Mode().IsRegular() {
			return fmt.Errorf("entry %q is not a regular file: %s", e.Name, e.Mode())
		}
		name = inImage(name)
		t.files = append(t.files, treeFile{name: name, mode: modeOf(name), src: e})
		t.size += int64(e.UncompressedSize64)
	}
	slices.SortFunc(t.files, func(a, b treeFile) int { return strings.Compare(a.name, b.name) })
	return t.checkNames()
}

// checkSize bounds what the entries say they hold; archive/zip sees to it that
// none holds more. The limit is the go command's own for a module.
func checkSize(entries []*zip.File) error {
	if len(entries) > maxFiles {
		return fmt.Errorf("%d entries are more than %d", len(entries), maxFiles)
	}
	left := uint64(modzip.MaxZipFile)
	for _, e := range entries {
		if e.UncompressedSize64 > left {
			return fmt.Errorf("the files hold more than %d bytes", modzip.MaxZipFile)
		}
		left -= e.UncompressedSize64
	}
	return nil
}

// checkNames refuses two files of one name, and a file where another has a
// directory.
func (t *tree) checkNames() error {
	files := make(map[string]bool, len(t.files))
	for _, f := range t.files {
		if files[f.name] {
			return fmt.Errorf("entry %q is there twice", f.name)
		}
		files[f.name] = true
	}
	for _, f := range t.files {
		for dir := path.Dir(f.name); dir != "."; dir = path.Dir(dir) {
			if files[dir] {
				return fmt.Errorf("entry %q is both a file and a directory", dir)
			}
		}
	}
	return nil
}

// inImage returns the name that a module's file has in the distribution. A
// module zip cannot hold another module, so cmd/distpack writes its go.mod as
// _go.mod and cmd/go copies it back (toolchain/select.go).
func inImage(name string) string {
	if path.Base(name) == "_go.mod" {
		return path.Join(path.Dir(name), "go.mod")
	}
	return name
}

// modeOf returns the mode of a file: executable are those that cmd/go makes so
// after it has unpacked a toolchain (toolchain/select.go, allowExec).
func modeOf(name string) int64 {
	script, _ := path.Match("go_?*_?*_exec", path.Base(name))
	switch {
	case strings.HasPrefix(name, "bin/"), strings.HasPrefix(name, "pkg/tool/"), strings.HasPrefix(name, "lib/") && script:
		return 0o755
	}
	return 0o644
}

// holds refuses a tree that is not the distribution of a release, "go1.26.11".
func (t *tree) holds(release string) error {
	if _, err := t.find("bin/go"); err != nil {
		return err
	}
	f, err := t.find("VERSION")
	if err != nil {
		return err
	}
	r, err := f.src.Open()
	if err != nil {
		return fmt.Errorf("reading VERSION: %w", err)
	}
	defer r.Close()
	line, err := bufio.NewReader(io.LimitReader(r, 1<<10)).ReadString('\n')
	if err != nil && err != io.EOF {
		return fmt.Errorf("reading VERSION: %w", err)
	}
	if got := strings.TrimSpace(line); got != release {
		return fmt.Errorf("the zip holds %q, not %s", got, release)
	}
	return nil
}

func (t *tree) find(name string) (treeFile, error) {
	i, ok := slices.BinarySearchFunc(t.files, name, func(f treeFile, name string) int { return strings.Compare(f.name, name) })
	if !ok {
		return treeFile{}, fmt.Errorf("the zip holds no Go distribution: there is no %s", name)
	}
	return t.files[i], nil
}

// write puts the files below usr/local/go/ and reports the bytes written.
func (t *tree) write(ctx context.Context, w *tarball, progress func(done int64)) error {
	var done int64
	for _, f := range t.files {
		if err := context.Cause(ctx); err != nil {
			return err
		}
		if err := f.write(w); err != nil {
			return fmt.Errorf("%s: %w", f.src.Name, err)
		}
		done += int64(f.src.UncompressedSize64)
		progress(done)
	}
	return nil
}

func (f treeFile) write(w *tarball) error {
	r, err := f.src.Open()
	if err != nil {
		return err
	}
	defer r.Close()
	return w.file("usr/local/go/"+f.name, f.mode, int64(f.src.UncompressedSize64), r)
}
