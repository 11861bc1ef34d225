package soundness

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// FileSystems are kinds of file systems that a subject can lie on; "" is that of
// Config.Dir. It takes root to mount the others, and the programs that make
// them: mke2fs, fuse-overlayfs.
func FileSystems() []string { return []string{"", "tmpfs", "overlay", "bind", "ext4", "fuse"} }

// mountAt mounts a file system of a kind at a directory, with room beside it in
// scratch.
func mountAt(kind, dir, scratch string) (unmount func() error, err error) {
	in := func(name string) string { return filepath.Join(scratch, name) }
	layers := "lowerdir=" + in("lower") + ",upperdir=" + in("upper") + ",workdir=" + in("work")
	steps := map[string][][]string{
		"":        {},
		"tmpfs":   {{"mount", "-t", "tmpfs", "tmpfs", dir}},
		"overlay": {{"mount", "-t", "overlay", "-o", layers, "overlay", dir}},
		"bind":    {{"mount", "--bind", in("upper"), dir}},
		// Inodes of 128 bytes count time in seconds.
		"ext4": {{"mke2fs", "-q", "-t", "ext4", "-I", "128", in("image"), "512M"}, {"mount", "-o", "loop", in("image"), dir}},
		"fuse": {{"fuse-overlayfs", "-o", layers, dir}},
	}
	list, known := steps[kind]
	if !known {
		return nil, fmt.Errorf("no file system is called %q", kind)
	}
	for _, name := range []string{"lower", "upper", "work"} {
		err = errors.Join(err, os.MkdirAll(in(name), 0o755))
	}
	for _, step := range list {
		if out, runErr := exec.Command(step[0], step[1:]...).CombinedOutput(); err == nil && runErr != nil {
			err = fmt.Errorf("%q: %w: %s", step, runErr, out)
		}
	}
	return func() error {
		if kind == "" {
			return nil
		}
		return exec.Command("umount", "-l", dir).Run()
	}, err
}
