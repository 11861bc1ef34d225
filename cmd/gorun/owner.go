package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/org/gorun-action/cachekeys"
	"github.com/org/gorun-action/internal/buildflags"
	"github.com/org/gorun-action/internal/runas"
	"github.com/org/gorun-action/runner"
)

// imageCaches is where the images keep caches. What is root's in it was left by
// a gorun that stayed root.
const imageCaches = "/cache/"

// settle comes between the inputs and everything else: it makes this process
// the user that --run-as says, and finds a place for caches and temporary files.
func (c *command) settle(o options, spec *runner.Spec) error {
	if os.Getuid() == 0 {
		if err := c.leaveRoot(o, *spec); err != nil {
			return err
		}
	}
	c.checkCache(spec)
	if err := c.chooseTemp(spec); err != nil || c.action == nil {
		return err
	}
	return c.action.openFiles(spec)
}

// leaveRoot makes this process what --run-as says. In an image nothing that it
// starts gets more than it has itself, also where it stays root.
func (c *command) leaveRoot(o options, spec runner.Spec) error {
	if o.runAs == runAsOwner {
		if err := c.becomeOwner(o, spec); err != nil {
			return err
		}
	}
	if !runas.InImage() {
		return nil // programs use sudo on a machine
	}
	if err := runas.NoNewPrivileges(); err != nil {
		return fmt.Errorf("giving up new privileges: %w", err)
	}
	return nil
}

// becomeOwner makes this process, all its threads, the user and the group that
// the workspace belongs to, for good: the go command, the program and every
// file they make are theirs. As root it first gives away the caches that are
// root's. A workspace that is root's, or is not there, changes nothing.
//
// It keeps no group but that of the container engine's socket, and that only
// where the user asked for the engine: it is as good as root on the engine's
// machine.
func (c *command) becomeOwner(o options, spec runner.Spec) error {
	who := runas.Owner(workspaces(spec.Build.Dir, spec.Dir)...)
	if who.UID == 0 {
		return nil
	}
	groups := engineGroups(o, spec, &who)
	for _, dir := range cacheDirs(spec) {
		if err := give(who, dir); err != nil {
			return err
		}
	}
	who.Enroll(spec.Env.Get("HOME"))
	who.GiveStreams(c.stdin, c.stdout, c.stderr)
	if err := who.Become(groups...); err != nil {
		return &buildflags.UsageError{
			Message: fmt.Sprintf("becoming uid %d, the owner of the workspace: %v", who.UID, err),
			Hint:    "give the container the capabilities SETUID and SETGID, start it with --user, or stay root with --run-as=self",
		}
	}
	return nil
}

// engineGroups are the groups that who gets for the engine. Without one it is
// not in the group of its socket either where the workspace has that, whatever
// DOCKER_HOST says.
func engineGroups(o options, spec runner.Spec, who *runas.User) []int {
	host := spec.Env.Get("DOCKER_HOST")
	if gid, ok := runas.EngineGroup(host); ok && o.engine {
		return []int{gid}
	}
	for _, socket := range []string{host, ""} {
		if gid, ok := runas.EngineGroup(socket); ok && gid == who.GID && !o.engine {
			who.GID = who.UID
		}
	}
	return nil
}

// workspaces are the places that say whose the workspace is: where this process
// was started, and only where that is all root's the directory of -C, as it is
// written and as it is. Who can make links in a workspace must not choose.
func workspaces(chdir, dir string) []string {
	wd, err := os.Getwd()
	if err != nil {
		return nil // for the plan to say
	}
	real, _ := filepath.EvalSymlinks(wd)
	return []string{real, cachekeys.Resolve(wd, chdir), dir}
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

// give gives a cache directory away. One that cannot be changed is left for the
// run to find, which may not need to write to it.
func give(who runas.User, dir string) error {
	err := who.Give(dir, runas.InImage() && strings.HasPrefix(filepath.Clean(dir), imageCaches))
	if err == nil || errors.Is(err, syscall.EROFS) {
		return nil
	}
	return &buildflags.UsageError{
		Message: fmt.Sprintf("preparing the cache directory %s for uid %d, the owner of the workspace: %v", dir, who.UID, err),
		Hint:    "mount a volume of this owner's there, or name another directory with --cache-dir, GOCACHE, GOMODCACHE or GOPATH",
	}
}
