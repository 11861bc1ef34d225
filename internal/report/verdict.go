package report

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/google/renameio/v2"

	"github.com/org/gorun-action/runner"
)

// WriteVerdict writes the Result to a file as indented JSON, with the fields of
// the result record (see the package comment) and a newline at the end.
//
// The file is there with its whole content or as it was before, also when the
// machine loses power: the content is written beside it under a temporary name
// ".<name>.<number>.tmp", synced and renamed. A symbolic link stays one. A pipe,
// a device, and an open file such as /dev/stdout are appended to.
func WriteVerdict(path string, r runner.Result) error {
	if err := writeVerdict(path, r); err != nil {
		return fmt.Errorf("writing the verdict to %q: %w", path, err)
	}
	return nil
}

func writeVerdict(path string, r runner.Result) error {
	var data bytes.Buffer
	enc := json.NewEncoder(&data)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(r); err != nil {
		return err
	}
	switch info, err := os.Stat(path); {
	case err == nil && info.IsDir():
		return errors.New("it is a directory")
	case err == nil && (!info.Mode().IsRegular() || isOpenFile(path)):
		return appendTo(path, data.Bytes())
	case err == nil:
		if path, err = filepath.EvalSymlinks(path); err != nil {
			return err
		}
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	return renameio.WriteFile(path, data.Bytes(), 0o666, renameio.WithTempDir(filepath.Dir(path)))
}

// isOpenFile reports whether path is a name for a file descriptor. Replacing the
// file would take it away from everybody else who has it open.
func isOpenFile(path string) bool {
	path = filepath.Clean(path)
	return path == "/dev/stdout" || path == "/dev/stderr" ||
		strings.HasPrefix(path, "/dev/fd/") || strings.HasPrefix(path, "/proc/self/fd/")
}

func appendTo(path string, data []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	return errors.Join(err, f.Close())
}
