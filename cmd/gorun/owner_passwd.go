package main

import (
	"fmt"
	"os"
	"os/user"
	"strconv"
	"strings"
)

// enroll gives the user a name in this container's passwd file, if there is
// none: ssh works for nobody without one, and os/user knows nobody else. What
// is no container has its users. Where the file cannot be written, most
// programs do without.
func (w owner) enroll(home string) {
	if _, err := user.LookupId(strconv.Itoa(w.uid)); err == nil || !contained() || strings.ContainsAny(home, ":\n") {
		return
	}
	f, err := os.OpenFile("/etc/passwd", os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return
	}
	defer f.Close()
	fmt.Fprintf(f, "gorun:x:%d:%d::%s:/sbin/nologin\n", w.uid, w.gid, home)
}

// contained reports whether this is a container: its first process, or one
// with the file that Docker or Podman leaves in each.
func contained() bool {
	if os.Getpid() == 1 {
		return true
	}
	for _, sign := range []string{"/.dockerenv", "/run/.containerenv"} {
		if _, err := os.Stat(sign); err == nil {
			return true
		}
	}
	return false
}
