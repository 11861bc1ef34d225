package cachekeys

import (
	"time"

	"golang.org/x/sys/unix"
)

// stamp is what stat says of a file. As long as it is the same, so is the
// content: a write changes the ctime, which no program can set, and a file
// that takes another's place has another inode. The device says nothing: each
// container sees the files of its image on one of its own (overlayfs), and what
// is mounted in a file's place brings another inode and ctime.
type stamp struct {
	Size, Mtime, Ctime int64 // bytes; nanoseconds since 1970
	Ino                uint64
	Mode               uint32
}

// Kinds of a file, from its mode.
func (s stamp) isDir() bool     { return s.Mode&unix.S_IFMT == unix.S_IFDIR }
func (s stamp) isRegular() bool { return s.Mode&unix.S_IFMT == unix.S_IFREG }

// exists reports whether there was a file at all.
func (s stamp) exists() bool { return s.Mode != 0 }

// stampOf follows symbolic links. A file that is not there, or out of reach,
// has the zero stamp.
func stampOf(path string) stamp {
	var st unix.Stat_t
	for {
		err := unix.Stat(path, &st)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return stamp{}
		}
		return stampFrom(&st)
	}
}

func stampFrom(st *unix.Stat_t) stamp {
	return stamp{
		Size: st.Size, Mtime: st.Mtim.Nano(), Ctime: st.Ctim.Nano(),
		Ino: st.Ino, Mode: uint32(st.Mode),
	}
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
