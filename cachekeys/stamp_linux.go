package cachekeys

import (
	"hash/fnv"
	"os"
	"slices"
	"sync"

	"golang.org/x/sys/unix"
)

const atEmptyPath = unix.AT_EMPTY_PATH

// stat is statx(2).
func stat(dir int, path string, flags int) (stamp, error) {
	var st unix.Statx_t
	if err := unix.Statx(dir, path, flags, unix.STATX_BASIC_STATS|unix.STATX_MNT_ID_UNIQUE, &st); err != nil {
		return stamp{}, err
	}
	s := stamp{Size: int64(st.Size), Mtime: nano(st.Mtime), Ctime: nano(st.Ctime), Ino: st.Ino, Mode: uint32(st.Mode)}
	if st.Mask&unix.STATX_MNT_ID_UNIQUE != 0 { // Linux 6.8; the older STATX_MNT_ID is used again after an unmount
		s.Mount = mount(st.Mnt_id)
	}
	return s, nil
}

func nano(t unix.StatxTimestamp) int64 { return t.Sec*1e9 + int64(t.Nsec) }

// mount tells a mount from those of other machines and of other boots, whose
// numbers begin anew. It is 0 when the boot is not known.
func mount(id uint64) uint64 {
	if boot := thisBoot(); boot != 0 {
		return boot ^ id
	}
	return 0
}

var thisBoot = sync.OnceValue(func() uint64 {
	id, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return 0
	}
	h := fnv.New64a()
	h.Write(id)
	return h.Sum64()
})

// movesCtime reports whether path is on a file system that moves the ctime of a
// file with each change. Of these it is known, from their sources: their files
// change through this kernel alone, and a shared mapping moves the times with
// its first write after each write-back (file_update_time in page_mkwrite). On
// tmpfs a mapping moves none; network file systems, FUSE and those of virtual
// machines have files that others change; images that cannot be written have
// whatever times their maker gave them, and are quickly read.
func movesCtime(path string) bool {
	var fs unix.Statfs_t
	return unix.Statfs(path, &fs) == nil && slices.Contains([]int64{
		unix.EXT4_SUPER_MAGIC, unix.XFS_SUPER_MAGIC, unix.BTRFS_SUPER_MAGIC, unix.F2FS_SUPER_MAGIC, unix.BCACHEFS_SUPER_MAGIC,
		unix.OVERLAYFS_SUPER_MAGIC,
	}, int64(fs.Type))
}
