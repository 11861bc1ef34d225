package cachekeys

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// vcsIndex reads the index: gitformat-index(5).
type vcsIndex struct {
	data []byte
	at   int
	hash int // bytes of an object name
}

// vcsEntry is a file in the index. The sizes and times are truncated.
type vcsEntry struct {
	ctime, ctimeNano, mtime, mtimeNano, dev, ino, mode, uid, gid, size uint32

	oid   string
	flags uint32 // assume-valid, stage, skip-worktree, intent-to-add
	path  string
}

var errVCSIndex = errors.New("an index of another format")

func (r *vcsIndex) read(entry func(vcsEntry)) error {
	if len(r.data) < 12+r.hash || string(r.data[:4]) != "DIRC" {
		return errVCSIndex
	}
	version, count := binary.BigEndian.Uint32(r.data[4:]), binary.BigEndian.Uint32(r.data[8:])
	if version < 2 || version > 4 {
		return errVCSIndex
	}
	r.at, r.data = 12, r.data[:len(r.data)-r.hash]
	previous := ""
	for range count {
		e, ok := r.entry(version, previous)
		if !ok {
			return errVCSIndex
		}
		entry(e)
		previous = e.path
	}
	return r.extensions()
}

func (r *vcsIndex) entry(version uint32, previous string) (e vcsEntry, ok bool) {
	start := r.at
	if len(r.data)-start < 40+r.hash+2+2 {
		return e, false
	}
	for i, field := range []*uint32{&e.ctime, &e.ctimeNano, &e.mtime, &e.mtimeNano, &e.dev, &e.ino, &e.mode, &e.uid, &e.gid, &e.size} {
		*field = binary.BigEndian.Uint32(r.data[start+4*i:])
	}
	r.at += 40 + r.hash
	e.oid = hex.EncodeToString(r.data[start+40 : r.at])
	flags := binary.BigEndian.Uint16(r.data[r.at:])
	r.at += 2
	e.flags = uint32(flags &^ 0xfff) // without the length of the path
	if flags&0x4000 != 0 {
		e.flags |= uint32(binary.BigEndian.Uint16(r.data[r.at:])) << 16
		r.at += 2
	}
	if e.path, ok = r.path(version, previous); version < 4 {
		r.at = start + (r.at-start+7)/8*8
	}
	return e, ok
}

// path reads a path. Version 4 leaves out what it has in common with the one
// before.
func (r *vcsIndex) path(version uint32, previous string) (path string, ok bool) {
	keep := 0
	if version == 4 {
		strip, n := vcsVarint(r.data[r.at:])
		if keep = len(previous) - strip; n == 0 || keep < 0 {
			return "", false
		}
		r.at += n
	}
	n := bytes.IndexByte(r.data[r.at:], 0)
	if n < 0 {
		return "", false
	}
	path = previous[:keep] + string(r.data[r.at:r.at+n])
	r.at += n + 1
	return path, true
}

// vcsVarint reads git's "offset encoding" (gitformat-pack(5)).
func vcsVarint(b []byte) (value, n int) {
	for n < len(b) && n < 5 {
		c := b[n]
		n++
		value = value<<7 | int(c&0x7f)
		if c&0x80 == 0 {
			return value, n
		}
		value++
	}
	return 0, 0
}

// extensions accepts those that hold nothing of their own: the cached tree,
// what conflicts were resolved, and offsets.
func (r *vcsIndex) extensions() error {
	for rest := r.data[min(r.at, len(r.data)):]; len(rest) > 0; {
		if len(rest) < 8 {
			return errVCSIndex
		}
		name, size := string(rest[:4]), int64(binary.BigEndian.Uint32(rest[4:]))
		if !slices.Contains([]string{"TREE", "REUC", "EOIE", "IEOT"}, name) {
			return fmt.Errorf("an index with the extension %s", name)
		}
		if size > int64(len(rest)-8) {
			return errVCSIndex
		}
		rest = rest[8+size:]
	}
	return nil
}

// differs returns a letter for each thing that may make git look at the
// content of a file: "" means that git takes it as unchanged, whatever its
// configuration (read-cache.c ce_match_stat_basic, match_stat_data,
// is_racy_stat).
func (e vcsEntry) differs(st *unix.Stat_t, indexTime int64) string {
	var b strings.Builder
	for _, f := range []struct {
		letter byte
		unlike bool
	}{
		{'C', e.ctime != uint32(st.Ctim.Sec)}, {'c', e.ctimeNano != uint32(st.Ctim.Nsec)},
		{'M', e.mtime != uint32(st.Mtim.Sec)}, {'m', e.mtimeNano != uint32(st.Mtim.Nsec)},
		{'d', e.dev != uint32(st.Dev)}, {'i', e.ino != uint32(st.Ino)}, {'u', e.uid != st.Uid}, {'g', e.gid != st.Gid},
		{'s', e.size != uint32(st.Size)}, {'0', e.size == 0 && st.Size != 0},
		{'R', uint64(e.mtime) >= uint64(indexTime/1e9)}, {'r', int64(e.mtime)*1e9+int64(e.mtimeNano) >= indexTime},
	} {
		if f.unlike {
			b.WriteByte(f.letter)
		}
	}
	return b.String()
}
