package soundness

import (
	"os"
	"path/filepath"
	"strconv"
	"time"
)

// tree is a directory whose changes can be undone. Paths are relative to its
// root, with slashes. An operation that fails changes nothing: the edit is
// then not applicable.
type tree struct {
	root  string
	trash string // outside the root, on the same file system
	undos []func() error
	count int
}

func (t *tree) abs(rel string) string { return filepath.Join(t.root, filepath.FromSlash(rel)) }

func (t *tree) read(rel string) (string, bool) {
	data, err := os.ReadFile(t.abs(rel))
	return string(data), err == nil
}

func (t *tree) exists(rel string) bool {
	_, err := os.Lstat(t.abs(rel))
	return err == nil
}

// write replaces the content of a file in place, or makes one.
func (t *tree) write(rel, content string) bool {
	path := t.abs(rel)
	info, err := os.Lstat(path)
	if err != nil {
		return t.parents(rel) && os.WriteFile(path, []byte(content), 0o644) == nil && t.later(func() error { return os.Remove(path) })
	}
	old, err := os.ReadFile(path)
	if err != nil || !info.Mode().IsRegular() {
		return false
	}
	t.later(func() error { return os.WriteFile(path, old, info.Mode()) })
	return os.WriteFile(path, []byte(content), info.Mode()) == nil
}

// replace puts another file of that name in the place of the old one.
func (t *tree) replace(rel, content string) bool {
	return t.remove(rel) && t.write(rel, content)
}

// frozen writes without a new modification time.
func (t *tree) frozen(rel, content string) bool {
	info, err := os.Lstat(t.abs(rel))
	if err != nil || !t.write(rel, content) {
		return false
	}
	return os.Chtimes(t.abs(rel), info.ModTime(), info.ModTime()) == nil
}

func (t *tree) touch(rel string, at time.Time) bool {
	return os.Chtimes(t.abs(rel), at, at) == nil
}

// chmod sets the permissions of a file.
func (t *tree) chmod(rel string, mode os.FileMode) bool {
	info, err := os.Stat(t.abs(rel))
	if err != nil {
		return false
	}
	t.later(func() error { return os.Chmod(t.abs(rel), info.Mode()) })
	return os.Chmod(t.abs(rel), mode) == nil
}

func (t *tree) remove(rel string) bool {
	t.count++
	path, away := t.abs(rel), filepath.Join(t.trash, strconv.Itoa(t.count))
	return os.Rename(path, away) == nil && t.later(func() error { return os.Rename(away, path) })
}

func (t *tree) rename(from, to string) bool {
	a, b := t.abs(from), t.abs(to)
	return !t.exists(to) && t.parents(to) && os.Rename(a, b) == nil && t.later(func() error { return os.Rename(b, a) })
}

func (t *tree) symlink(target, rel string) bool {
	path := t.abs(rel)
	return t.parents(rel) && os.Symlink(target, path) == nil && t.later(func() error { return os.Remove(path) })
}

// mkdir makes a directory. What others put there goes with it: the go command
// keeps its telemetry below HOME.
func (t *tree) mkdir(rel string) bool {
	path := t.abs(rel)
	return t.parents(rel) && os.Mkdir(path, 0o755) == nil && t.later(func() error { return os.RemoveAll(path) })
}

// parents makes the directories above rel that are missing.
func (t *tree) parents(rel string) bool {
	up := filepath.ToSlash(filepath.Dir(rel))
	return t.exists(up) || t.mkdir(up)
}

func (t *tree) later(undo func() error) bool {
	t.undos = append(t.undos, undo)
	return true
}

// undo takes everything back, the last change first.
func (t *tree) undo() error {
	for len(t.undos) > 0 {
		last := t.undos[len(t.undos)-1]
		t.undos = t.undos[:len(t.undos)-1]
		if err := last(); err != nil {
			return err
		}
	}
	return nil
}
