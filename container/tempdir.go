package container

import "os"

// TempDir makes a temporary directory in parent, or in the system's place for
// them when that is "". clean removes it; track, when not nil, is told of it, so
// that somebody can remove it should this process die (Guard.Dir).
func TempDir(parent string, track func(dir string) (release func())) (dir string, clean func(), err error) {
	dir, err = os.MkdirTemp(parent, "gorun-")
	if err != nil {
		return "", nil, WithHint(err, "make room in the temporary directory, or name another one with TMPDIR")
	}
	release := func() {}
	if track != nil {
		release = track(dir)
	}
	return dir, func() { os.RemoveAll(dir); release() }, nil
}
