package githubactions

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/google/renameio/v2"

	"github.com/org/gorun-action/internal/private"
)

// maxFile bounds what is read of a file that a program has left. The runner
// takes 1 MB of outputs for a whole job.
const maxFile = 64 << 20

// Files are what the runner reads when a step is over. A program gets files of
// its own in their place, and what it left there comes to the runner when it
// has ended: it cannot take the place of what gorun writes.
type Files struct {
	dir  string // of the program's files
	list []file
}

// file is one of them.
type file struct {
	variable  string
	path, own string
	before    []byte // what the runner's file had when the program began
	mode      fs.FileMode
}

// fileVariables name the files of the runner
// (docs.github.com/actions/reference/workflow-commands).
func fileVariables() []string {
	return []string{"GITHUB_OUTPUT", "GITHUB_ENV", "GITHUB_PATH", "GITHUB_STATE", "GITHUB_STEP_SUMMARY"}
}

// OpenFiles makes a program's own files for those that getenv names: some may
// not be named, there are runners that do not know all of them. An error says
// that the runner's file cannot be read, or that nothing can be made in the
// system's temporary directory.
func OpenFiles(getenv func(string) string) (*Files, error) {
	dir, err := os.MkdirTemp("", "gorun-files-")
	if err != nil {
		return nil, fmt.Errorf("making the program's files: %w", err)
	}
	f := &Files{dir: dir}
	for _, variable := range fileVariables() {
		if path := getenv(variable); path != "" {
			one, err := openFile(variable, path, dir)
			if err != nil {
				return nil, errors.Join(fmt.Errorf("%s: %w", variable, err), f.Remove())
			}
			f.list = append(f.list, one)
		}
	}
	return f, nil
}

func openFile(variable, path, dir string) (file, error) {
	before, mode, err := readRegular(path)
	f := file{variable: variable, path: path, own: filepath.Join(dir, variable), before: before, mode: mode | 0o400}
	if errors.Is(err, fs.ErrNotExist) {
		f.mode, err = 0o644, nil
	}
	if len(before) > maxFile { // the rest of it would be lost
		err = fmt.Errorf("it has more than %d bytes before the program begins", maxFile)
	}
	if err != nil {
		return f, err
	}
	return f, os.WriteFile(f.own, nil, 0o644)
}

// Environ are the variables that name the program's files.
func (f *Files) Environ() (environ [][2]string) {
	for _, one := range f.list {
		environ = append(environ, [2]string{one.variable, one.own})
	}
	return environ
}

// Remove removes the program's files. What still has them open writes to
// nobody.
func (f *Files) Remove() error { return os.RemoveAll(f.dir) }

// Close hands on what the program has left, with gorun's outputs behind its
// own and Markdown behind its summary, and removes the program's files. See
// [merge] for what becomes of outputs that the runner would stumble over; the
// program's variables, paths and state go to it as they are.
//
// summary makes Markdown of at most limit bytes; nil makes none. notes say in
// sentences what was left out. An error says that the runner will not read what
// it should: whatever is in the file then must not be believed.
func (f *Files) Close(outputs []Entry, summary func(limit int) string) (notes []string, err error) {
	for _, one := range f.list {
		text, note, oneErr := one.text(outputs, summary)
		if oneErr == nil {
			oneErr = put(one.path, text, one.mode)
		}
		if oneErr != nil {
			err = errors.Join(err, fmt.Errorf("writing to %s: %w", one.variable, oneErr))
		}
		if note != "" {
			notes = append(notes, one.variable+": "+note)
		}
	}
	f.Remove() //nolint:errcheck // what outlives the program may still put files there
	return notes, err
}

// text is all that the runner is to read.
func (f file) text(outputs []Entry, summary func(limit int) string) (text []byte, note string, err error) {
	left, note := f.left()
	switch {
	case f.variable == "GITHUB_OUTPUT":
		var mended string
		left, mended, err = merge(left, outputs)
		note = joined(note, mended)
	case f.variable == "GITHUB_STEP_SUMMARY":
		var cut string
		left, cut = summarize(left, MaxSummary-len(f.before)-1, summary)
		note = joined(note, cut)
	}
	if len(left) == 0 {
		return f.before, note, err
	}
	return append(ended(slices.Clone(f.before)), left...), note, err
}

// left is what the program left in its file, and says where that is nothing
// that can be read.
func (f file) left() (left []byte, note string) {
	left, _, err := readRegular(f.own)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, ""
	case err != nil:
		return nil, fmt.Sprintf("what the program left was dropped: %v", err)
	case len(left) > maxFile:
		return nil, fmt.Sprintf("the program left more than %d bytes; all were dropped", maxFile)
	}
	return left, ""
}

func joined(a, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a + "; " + b
}

// readRegular reads a regular file of at most maxFile bytes, and one byte more
// of a larger one.
func readRegular(path string) ([]byte, fs.FileMode, error) {
	file, st, err := private.Open(path, os.O_RDONLY)
	if err != nil {
		return nil, 0, err
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, maxFile+1))
	return data, fs.FileMode(st.Mode & 0o777), err
}

// put makes text the content of a file, and reads it back as the runner will.
// Where it has to be written anew, it becomes another file of that name, so
// that who has the old one open writes to nobody. In a directory that belongs to
// somebody else the old file has to do.
func put(path string, text []byte, mode fs.FileMode) error {
	if holds(path, text) == nil {
		return nil
	}
	if err := another(path, text, mode); err != nil {
		if err := overwrite(path, text); err != nil {
			return err
		}
	}
	return holds(path, text)
}

func another(path string, text []byte, mode fs.FileMode) error {
	file, err := renameio.NewPendingFile(path, renameio.WithTempDir(filepath.Dir(path)), renameio.WithStaticPermissions(mode))
	if err != nil {
		return err
	}
	defer file.Cleanup() //nolint:errcheck // what is left is empty
	if _, err := file.Write(text); err != nil {
		return err
	}
	return file.CloseAtomicallyReplace()
}

func overwrite(path string, text []byte) error {
	file, _, err := private.Open(path, os.O_WRONLY)
	if err != nil {
		return err
	}
	if err = file.Truncate(0); err == nil {
		_, err = file.Write(text)
	}
	return errors.Join(err, file.Close())
}

func holds(path string, text []byte) error {
	data, _, err := readRegular(path)
	if err == nil && !bytes.Equal(data, text) {
		err = errors.New("it has been changed by somebody else")
	}
	return err
}
