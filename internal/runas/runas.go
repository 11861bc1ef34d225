// Package runas makes a gorun that was started as root the user whom the
// workspace belongs to, so that the program does not run as root and its files
// belong to somebody who can remove them.
//
// Root meets directories that others may write, so nothing here follows a link
// that somebody else may have made.
package runas

import (
	"fmt"
	"os"
	"os/user"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/term"
)

// mark is a file that each image of gorun has and nothing else. What makes the
// images (container/image, Dockerfile) has its name, too.
const mark = "/etc/gorun-image"

// InImage reports whether this is one of gorun's images. An environment can be
// written by an earlier step of a job, and the images' root directory cannot.
func InImage() bool {
	_, err := os.Lstat(mark)
	return err == nil
}

// User is a user of the system, as a file has one.
type User struct{ UID, GID int }

// Owner is whom the workspace belongs to that a path lies in: the owner of the
// first thing on the way to it, from the root directory on, that is not root's.
// The first path that has one counts. With none it is root.
func Owner(paths ...string) User {
	for _, path := range paths {
		if u := firstNotRoot(path); u.UID != 0 {
			return u
		}
	}
	return User{}
}

func firstNotRoot(path string) User {
	for i := range path {
		if i == 0 || path[i] != '/' {
			continue
		}
		if u := ownerOf(path[:i]); u.UID != 0 {
			return u
		}
	}
	return ownerOf(path)
}

// ownerOf is root where there is nothing: for the plan to say.
func ownerOf(path string) User {
	var st syscall.Stat_t
	if syscall.Lstat(path, &st) != nil {
		return User{}
	}
	return User{int(st.Uid), int(st.Gid)}
}

// Become makes this process, all its threads, this user for good, without a
// capability and with these other groups only. Only root can.
func (u User) Become(groups ...int) error {
	if err := syscall.Setgroups(groups); err != nil {
		return err
	}
	if err := syscall.Setgid(u.GID); err != nil {
		return err
	}
	return syscall.Setuid(u.UID)
}

// EngineGroup is the group that may talk to the container engine, where its
// socket is here; who is in it is as good as root on the engine's machine. host
// is DOCKER_HOST.
func EngineGroup(host string) (gid int, ok bool) {
	path, local := strings.CutPrefix(host, "unix://")
	if host == "" {
		path, local = "/var/run/docker.sock", true
	}
	var st syscall.Stat_t
	if !local || syscall.Stat(path, &st) != nil || st.Mode&syscall.S_IFMT != syscall.S_IFSOCK {
		return 0, false
	}
	return int(st.Gid), true
}

// GiveStreams gives away the pipes and terminals that are root's, as runc does
// for a container's user: else the program could not open /dev/stdout. A
// regular file is left alone, since it is somebody's in a place that stays.
func (u User) GiveStreams(files ...*os.File) {
	for _, f := range files {
		var st syscall.Stat_t
		if syscall.Fstat(int(f.Fd()), &st) != nil || st.Uid != 0 {
			continue
		}
		if st.Mode&syscall.S_IFMT == syscall.S_IFIFO || term.IsTerminal(int(f.Fd())) {
			syscall.Fchown(int(f.Fd()), u.UID, u.GID) // without it most programs still work
		}
	}
}

// Enroll gives the user a name in the passwd file of an image, if there is
// none: ssh works for nobody without one, and os/user knows nobody else. Where
// it cannot be written, most programs do without.
func (u User) Enroll(home string) {
	if _, err := user.LookupId(strconv.Itoa(u.UID)); err == nil || !InImage() || strings.ContainsAny(home, ":\n") {
		return
	}
	f, err := os.OpenFile("/etc/passwd", os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return
	}
	defer f.Close()
	fmt.Fprintf(f, "gorun:x:%d:%d::%s:/sbin/nologin\n", u.UID, u.GID, home)
}
