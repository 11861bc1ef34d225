package container

import (
	"errors"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
)

// TempDir makes a temporary directory in parent, or in the system's place for
// them when that is "". clean removes it; track, when not nil, is told of it
// before it is there, so that somebody can remove it should this process die at
// any moment (Guard.Dir).
func TempDir(parent string, track func(dir string) (release func())) (dir string, clean func(), err error) {
	if parent == "" {
		parent = os.TempDir()
	}
	for {
		dir = filepath.Join(parent, "gorun-"+strconv.FormatUint(uint64(rand.Uint32()), 10))
		release := func() {}
		if track != nil {
			release = track(dir)
		}
		err = os.Mkdir(dir, 0o700)
		if err == nil {
			return dir, func() { os.RemoveAll(dir); release() }, nil
		}
		release()
		if !errors.Is(err, fs.ErrExist) {
			return "", nil, WithHint(err, "make room in the temporary directory, or name another one with TMPDIR")
		}
	}
}
