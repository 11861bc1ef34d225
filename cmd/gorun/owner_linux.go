package main

import "golang.org/x/sys/unix"

// noexec reports that no program may be executed from a directory's file
// system.
func noexec(dir string) bool {
	var fs unix.Statfs_t
	return unix.Statfs(dir, &fs) == nil && fs.Flags&unix.ST_NOEXEC != 0
}
