package cachekeys

import (
	"time"

	"golang.org/x/sys/unix"
)

// stamp is what the kernel says of a file without reading it. Where [Index.tells]
// says so, the content is the same as long as the stamp is: a write changes the
// ctime, which no program can set, a file that takes another's place has another
// inode, and a file system that is mounted in the place of another one, be it
// with the same inodes and times, has another Mount.
type stamp struct {
	Size, Mtime, Ctime int64 // bytes; nanoseconds since 1970
	Ino                uint64
	// Mount is the mount that the file was found on, another number for each that
	// was ever made; 0 where the kernel does not tell.
	Mount uint64
	Mode  uint32
}

// Kinds of a file, from its mode.
func (s stamp) isDir() bool     { return s.Mode&unix.S_IFMT == unix.S_IFDIR }
func (s stamp) isRegular() bool { return s.Mode&unix.S_IFMT == unix.S_IFREG }

// exists reports whether there was a file at all.
func (s stamp) exists() bool { return s.Mode != 0 }

// stampOf follows symbolic links. A file that is not there, or out of reach,
// has the zero stamp.
func stampOf(path string) stamp {
	for {
		s, err := stat(unix.AT_FDCWD, path, 0)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return stamp{}
		}
		return s
	}
}

// tells reports whether every later change of the file, or of what is there in
// its place, gives it another stamp. That is so on few file systems, while they
// are mounted: see [movesCtime]. Anywhere else the content has to be read.
func (ix *Index) tells(path string, s stamp) bool {
	if s.Mount == 0 || ix.ReadAll {
		return false
	}
	if known, ok := ix.mounts.Load(s.Mount); ok {
		return known.(bool)
	}
	moves := movesCtime(path)
	ix.mounts.Store(s.Mount, moves)
	return moves
}

// A file that changed this short a time before it was read may change again
// without another ctime: git's "racily clean" (Documentation/technical/racy-git).
// Linux stamps files with the time of the last timer tick, at most 10 ms old
// (CONFIG_HZ=100); file systems without fractions of a second with the second,
// FAT with two.
const (
	racyFine   = 100 * time.Millisecond
	racyCoarse = 2100 * time.Millisecond
)

// settles is when the stamp begins to tell every later change.
func (s stamp) settles() time.Time {
	slack := racyFine
	if s.Ctime%int64(time.Second) == 0 {
		slack = racyCoarse
	}
	return time.Unix(0, s.Ctime).Add(slack)
}

// racy reports whether what was read at that time may differ from what the
// same stamp stands for later.
func (s stamp) racy(read time.Time) bool { return !s.settles().Before(read) }
