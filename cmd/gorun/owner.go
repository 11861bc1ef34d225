package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"golang.org/x/term"

	"github.com/org/gorun-action/internal/buildflags"
	"github.com/org/gorun-action/runner"
)

// owner is a user of the system, as a file has one.
type owner struct{ uid, gid int }

// settle comes between the inputs and everything else: it makes this process
// the user that --run-as says, and finds a place for temporary files.
func (c *command) settle(o options, spec *runner.Spec) error {
	if o.runAs == "owner" && os.Getuid() == 0 {
		if err := c.becomeOwner(*spec); err != nil {
			return err
		}
	}
	c.checkCache(spec)
	if err := c.chooseTemp(spec); err != nil || c.action == nil {
		return err
	}
	return c.action.openFiles(spec)
}

// becomeOwner makes this process, all its threads, the user and the group that
// the working directory belongs to, for good: the go command, the program and
// every file they make are theirs. As root it first gives away the caches that
// are root's. A directory that is root's, or is not there, changes nothing.
//
// It leaves no capability and no group of root's. The group of the container
// engine's socket is kept where one is mounted, because whoever mounted it
// meant it to be used; that is as good as root on the machine of the engine.
func (c *command) becomeOwner(spec runner.Spec) error {
	who, err := ownerOf(spec.Dir)
	if err != nil || who.uid == 0 {
		return nil // what is wrong with the directory is for the plan to say
	}
	for _, dir := range cacheDirs(spec) {
		if err := who.take(dir); err != nil {
			return err
		}
	}
	who.enroll(spec.Env.Get("HOME"))
	who.takeStreams(c.stdin, c.stdout, c.stderr)
	if err := who.become(engineGroups(spec.Env.Get("DOCKER_HOST"))); err != nil {
		return &buildflags.UsageError{
			Message: fmt.Sprintf("becoming uid %d, the owner of %s: %v", who.uid, spec.Dir, err),
			Hint:    "give the container the capabilities SETUID and SETGID, start it with --user, or stay root with --run-as=self",
		}
	}
	return nil
}

func ownerOf(path string) (owner, error) {
	var st syscall.Stat_t
	err := syscall.Stat(path, &st)
	return owner{int(st.Uid), int(st.Gid)}, err
}

// cacheDirs are the directories that gorun and the go command keep things in,
// where they are known.
func cacheDirs(spec runner.Spec) []string {
	env := spec.Env
	gocache := env.Get("GOCACHE")
	if gocache == "" && env.CacheDir() != "" {
		gocache = filepath.Join(env.CacheDir(), "go-build")
	}
	gopath, _, _ := strings.Cut(env.GOPATH(), string(filepath.ListSeparator))
	dirs := []string{spec.CacheDir, gocache, env.GOMODCACHE(), gopath}
	return slices.DeleteFunc(dirs, func(dir string) bool { return !filepath.IsAbs(dir) })
}

// take gives a cache directory away, making it when it is missing. One that is
// not root's has been given away before; one that cannot be changed is left for
// the run to find, which may not need to write to it.
func (w owner) take(dir string) error {
	err := errors.New("it lies where only others may go")
	if w.reaches(dir) {
		if err = os.MkdirAll(dir, 0o777); err == nil {
			err = w.takeTree(dir)
		}
	}
	if err == nil || errors.Is(err, syscall.EROFS) {
		return nil
	}
	return &buildflags.UsageError{
		Message: fmt.Sprintf("preparing the cache directory %s for uid %d, the owner of the workspace: %v", dir, w.uid, err),
		Hint:    "mount a volume of this owner's there, or name another directory with --cache-dir, GOCACHE, GOMODCACHE or GOPATH",
	}
}

// takeTree gives away what is root's below a directory that is. The directory
// itself comes last, so that what was interrupted begins again.
func (w owner) takeTree(dir string) error {
	has, err := ownerOf(dir)
	switch {
	case err != nil:
		return err
	case has.uid == w.uid:
		return nil
	case has.uid != 0:
		return fmt.Errorf("it belongs to uid %d", has.uid)
	}
	err = filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		if err != nil || path == dir {
			return err
		}
		var st syscall.Stat_t
		if err := syscall.Lstat(path, &st); err != nil || st.Uid != 0 {
			return err
		}
		return os.Lchown(path, w.uid, w.gid)
	})
	if err != nil {
		return err
	}
	return os.Chown(dir, w.uid, w.gid)
}

// takeStreams gives away the pipes and terminals that are root's, as runc does
// for a container's user: else the program could not open /dev/stdout. A
// regular file is left alone, since it is somebody's in a place that stays.
func (w owner) takeStreams(files ...*os.File) {
	for _, f := range files {
		var st syscall.Stat_t
		if syscall.Fstat(int(f.Fd()), &st) != nil || st.Uid != 0 {
			continue
		}
		if st.Mode&syscall.S_IFMT == syscall.S_IFIFO || term.IsTerminal(int(f.Fd())) {
			syscall.Fchown(int(f.Fd()), w.uid, w.gid) // without it most programs still work
		}
	}
}

// become changes this process. The order matters: only root may do the first
// two.
func (w owner) become(groups []int) error {
	if err := syscall.Setgroups(groups); err != nil {
		return err
	}
	if err := syscall.Setgid(w.gid); err != nil {
		return err
	}
	return syscall.Setuid(w.uid)
}

// engineGroups is the group that may talk to the container engine, where its
// socket is here.
func engineGroups(host string) []int {
	path, ok := strings.CutPrefix(host, "unix://")
	if host == "" {
		path, ok = "/var/run/docker.sock", true
	}
	var st syscall.Stat_t
	if !ok || syscall.Stat(path, &st) != nil || st.Mode&syscall.S_IFMT != syscall.S_IFSOCK {
		return nil
	}
	return []int{int(st.Gid)}
}

// reaches reports whether this user may go through all the directories above
// dir: what lies in root's home directory may not be given away.
func (w owner) reaches(dir string) bool {
	for above := filepath.Dir(dir); ; above = filepath.Dir(above) {
		var st syscall.Stat_t
		bit := uint32(0o001)
		if err := syscall.Stat(above, &st); err != nil {
			bit = 0 // it is not there, and will be made
		} else if int(st.Uid) == w.uid {
			bit = 0o100
		} else if int(st.Gid) == w.gid {
			bit = 0o010
		}
		if uint32(st.Mode)&bit != bit {
			return false
		}
		if above == filepath.Dir(above) {
			return true
		}
	}
}
